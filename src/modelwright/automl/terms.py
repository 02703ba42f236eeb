"""What an interpretable model consists of, in the words of the table it was trained on."""

from __future__ import annotations

from itertools import product

from modelwright.automl.linear_terms import linear_terms
from modelwright.automl.model_terms import ModelTerm, OutputTerms, TermCell, TermReader, Where
from modelwright.automl.tree_rules import tree_rules
from modelwright.core import OptionError, Problem, Schema, Task
from modelwright.ensemble import Ensemble, FittedOutputs
from modelwright.features import Featurizer, SourceValues
from modelwright.learners import FittedLearner
from modelwright.learners.additive_model import FittedAdditive
from modelwright.learners.additive_tables import Term
from modelwright.learners.decision_tree import FittedDecisionTree
from modelwright.learners.linear_model import FittedLinearModel

__all__ = ["ModelTerm", "OutputTerms", "TermCell", "Where", "read_terms"]


def read_terms(
    ensemble: Ensemble, featurizer: Featurizer, problem: Problem, schema: Schema
) -> tuple[OutputTerms, ...]:
    """The terms of a model that is one interpretable model.

    Parameters
    ----------
    ensemble : Ensemble
    featurizer : Featurizer
    problem : Problem
    schema : Schema
        Of the training table.

    Raises
    ------
    OptionError
        If it is not.
    """
    models = [model for member in ensemble.members for model in member.models]
    if len(models) > 1:
        raise OptionError(
            f"This model is an ensemble of {len(models)} models, which have no terms that can be read. Train "
            "with quality='interpretable' (--quality interpretable)."
        )
    whole = models[0]
    several = isinstance(whole, FittedOutputs)
    parts = whole.models if isinstance(whole, FittedOutputs) else (whole,)
    values = SourceValues.of(featurizer)
    found = []
    for position, part in enumerate(parts):
        name = _output_name(problem, position) if several else problem.target
        reader = TermReader(featurizer.info, values, problem.output(position), name, schema)
        found.append(_read(part, reader))
    return tuple(found)


def _output_name(problem: Problem, position: int) -> str:
    if problem.task is Task.MULTILABEL:
        return problem.labels[position]
    return f"{problem.target} (quantile {problem.quantiles[position]:g})"


def _read(model: FittedLearner, reader: TermReader) -> OutputTerms:
    if isinstance(model, FittedAdditive):
        return _of_tables(model, reader)
    if isinstance(model, FittedLinearModel):
        return linear_terms(model, reader)
    if isinstance(model, FittedDecisionTree):
        scale = "share of each class" if model.coder.is_classification else reader.name
        return OutputTerms(reader.name, scale, (reader.name,), (), (), tree_rules(model, reader))
    raise OptionError(
        f"A {type(model).__name__} has no terms that can be read. Train with quality='interpretable' "
        "(--quality interpretable)."
    )


def _of_tables(model: FittedAdditive, reader: TermReader) -> OutputTerms:
    codes, tables = model.coder.present, model.tables
    terms = sorted((_of_term(term, reader) for term in tables.terms), key=lambda term: -term.importance)
    return OutputTerms(
        reader.name,
        reader.scale(codes, model.logarithmic),
        reader.scores(codes, tables.outputs),
        tuple(tables.intercept.tolist()),
        tuple(terms),
    )


def _of_term(term: Term, reader: TermReader) -> ModelTerm:
    features = [reader.features[column] for column in term.columns]
    where = [reader.where(axis) for axis in term.axes]
    cells = [
        TermCell(
            tuple(places[cell] for places, cell in zip(where, at, strict=True)),
            tuple(term.values[at].tolist()),
            float(term.weights[at]),
        )
        for at in product(*(range(len(places)) for places in where))
    ]
    return ModelTerm(
        tuple(feature.name for feature in features),
        tuple(feature.source for feature in features),
        float(term.importance.mean()),
        tuple(cells),
    )

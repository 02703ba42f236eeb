"""Rows that teach a student: the training rows with the truth, and made-up rows with what an ensemble says.

What fold models say of the rows of other folds is no honest lesson: they have seen the labels that the
student is then judged by (on 1,000 rows a student of two linear models so scored 0.82 ROC AUC, the models
0.79). What they say of their own training rows is little more than the labels. So they are asked about rows
that do not exist: training rows with some columns from another row, after Bucila, Caruana and
Niculescu-Mizil, "Model compression" (2006). A student of a fold then learns from that fold's models and
training rows alone.

A row with probabilities for its classes (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural
network", 2015) becomes one row for each likely class, weighted by its probability: the cross-entropy of these
rows is that of the soft label, so that any learner with row weights can be taught.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import IntArray, View, generator
from modelwright.ensemble.bag import Ensemble
from modelwright.ensemble.crossfit import ALL_ROWS
from modelwright.ensemble.fold_data import FoldData, open_fold_data, write_fold_data
from modelwright.validation import Folds

if TYPE_CHECKING:
    from modelwright.execution import WorkerContext

__all__ = ["TEACH_ENTRY", "swapped", "taught", "teach_in_worker"]

TEACH_ENTRY = "modelwright.ensemble.soft_targets:teach_in_worker"

_SWAPPED = 0.3
"""Share of its columns that a made-up row has from another row."""

_TRUTH = 1.0
"""Weight of a training row; a made-up one weighs 1."""

_MADE_UP = 60_000
"""Made-up rows at most."""

_LEAST = 0.02
"""Classes of a lower probability are left out: each is another row."""


def teach_in_worker(parameters: Mapping[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Write the data that a student of one fold is fitted on (an entry point of workers).

    Parameters
    ----------
    parameters : mapping
        ``data`` (a directory of fold data), ``fold`` (or `ALL_ROWS`), ``root`` and ``record`` of the ensemble
        of that fold's models, ``seed``, ``identity`` of what is written, ``output`` (a directory).
    """
    data, fold = open_fold_data(Path(parameters["data"])), int(parameters["fold"])
    ensemble = Ensemble.from_dict(Path(parameters["root"]), parameters["record"])
    if fold == ALL_ROWS:
        train, valid = np.arange(data.view.rows), np.zeros(0, np.int64)
    else:
        train, valid = np.asarray(data.folds.train[fold]), np.asarray(data.folds.valid[fold])
    made = taught(data, train, valid, ensemble, str(parameters["identity"]), int(parameters["seed"]))
    write_fold_data(made, Path(parameters["output"]))
    return {"rows": made.view.rows}


def taught(
    data: FoldData, train: IntArray, valid: IntArray, teacher: Ensemble, identity: str, seed: int
) -> FoldData:
    """Training rows and made-up rows as the only fold of a student.

    Parameters
    ----------
    data : FoldData
        Of a task with classes, or with values.
    train, valid : int64 arrays
        Rows to learn from, and to judge by; the teacher has learned from none of the latter.
    teacher : Ensemble
    identity : str
        Of the result.
    seed : int
    """
    rng = generator(seed)
    base = train if len(train) <= _MADE_UP else np.sort(rng.choice(train, _MADE_UP, replace=False))
    made_up = swapped(data.view.take(base), rng)
    said = teacher.predict(made_up).array
    rows = np.concatenate([train, base, valid])
    view = data.view.take(rows)
    middle = slice(len(train), len(train) + len(base))
    numeric, categorical = np.array(view.numeric), np.array(view.categorical)
    numeric[middle], categorical[middle] = made_up.numeric, made_up.categorical
    view = View(numeric, categorical, view.info, view.sparse)
    target = np.asarray(data.target)[rows]
    mass = data.fit_weights(train)
    given = np.ones(len(rows)) if mass is None else np.asarray(mass, np.float64)[rows]
    weights = given * np.where(np.arange(len(rows)) < len(train), _TRUTH, 1.0)
    last = len(train) + len(base)
    if not data.problem.task.is_classification:
        target = np.asarray(target, np.float64).copy()
        target[middle] = said
        source = np.arange(len(rows))
    else:
        soft = np.zeros((len(rows), data.problem.outputs))
        soft[np.arange(len(rows)), target.astype(np.int64)] = 1.0
        soft[middle] = np.where(said >= _LEAST, said, 0.0)
        soft /= soft.sum(axis=1, keepdims=True)
        source, target = np.nonzero(soft)
        weights = weights[source] * soft[source, target]
    places = np.arange(len(source))
    folds = Folds((places[source < last],), (places[source >= last],), data.folds.scheme, data.folds.reason)
    groups = None if data.groups is None else np.asarray(data.groups)[rows][source]
    return FoldData(data.problem, view.take(source), target, weights, folds, identity, groups)


def swapped(view: View, rng: np.random.Generator) -> View:
    """The rows with some of their columns from other rows; columns of one source stay together.

    Texts (the sparse block) stay as they are.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo(tuple(FeatureInfo(name, name, "value") for name in "ab"), ())
    >>> numbers = np.column_stack([np.arange(50), 100 + np.arange(50)]).astype(np.float32)
    >>> made = swapped(View(numbers, np.zeros((50, 0), np.int32), info), np.random.default_rng(0))
    >>> bool(set(made.numeric[:, 1].tolist()) <= set(numbers[:, 1].tolist()))
    True
    >>> 5 < int((np.diff(made.numeric, axis=1) != 100).sum()) < 40
    True
    """
    rows = view.rows
    partner = rng.permutation(rows)
    numeric, categorical = np.array(view.numeric), np.array(view.categorical)
    blocks = ((numeric, view.info.numeric), (categorical, view.info.categorical))
    sources = dict.fromkeys(column.source for _, columns in blocks for column in columns)
    chosen = {source: np.flatnonzero(rng.random(rows) < _SWAPPED) for source in sources}
    for block, columns in blocks:
        for position, column in enumerate(columns):
            mine: NDArray[np.int64] = chosen[column.source]
            block[mine, position] = block[:, position].copy()[partner[mine]]
    return View(numeric, categorical, view.info, view.sparse)

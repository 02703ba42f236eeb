"""What `train.py` of a project works by: configurations, seed and folds of the training."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from modelwright.core import Task, to_jsonable
from modelwright.ensemble.fit_options import split_config
from modelwright.export.project.contract_file import column_entry
from modelwright.export.project.facts import ModelFacts
from modelwright.learners import LEARNERS

__all__ = ["training_record"]


def training_record(facts: ModelFacts) -> dict[str, Any]:
    """What `training.json` holds: every setting that the members' learners were given, defaults filled in.

    ``around`` names what stood around the learner, which `train.py` leaves out.
    """
    manifest, problem = facts.model.manifest, facts.model.problem
    validation = manifest["validation"]
    members = []
    for member in facts.members:
        own, options = split_config(member["config"])
        members.append(
            {
                "label": member["label"],
                "learner": member["learner"],
                "weight": member["weight"],
                "settings": to_jsonable(LEARNERS.load(member["learner"])().settings(own)),
                "around": asdict(options),
            }
        )
    return {
        "seed": manifest["seed"],
        "scheme": validation["scheme"],
        "folds": max(2, int(validation["folds"])),
        "metric": problem.metric,
        "group": _named(facts, problem.group),
        "time": _named(facts, problem.time_column),
        "numbers": len(facts.featurizer.info.numeric),
        "outputs": _outputs(facts),
        "members": members,
    }


def _named(facts: ModelFacts, name: str | None) -> dict[str, Any] | None:
    """The column by which folds are made, if there is one."""
    return None if name is None else column_entry(facts.model.schema[name])


def _outputs(facts: ModelFacts) -> list[dict[str, Any]]:
    """What is learned, one entry for each model that a member has."""
    problem, schema = facts.model.problem, facts.model.schema
    entries = {name: column_entry(schema[name]) for name in problem.targets}
    if problem.task is Task.MULTILABEL:
        pairs = zip(problem.labels, problem.label_classes, strict=True)
        return [_output(name, entries[name], to_jsonable(list(pair))) for name, pair in pairs]
    if problem.task is Task.QUANTILE:
        entry = entries[problem.target]
        return [_output(f"quantile {level}", entry, [], level) for level in problem.quantiles]
    return [_output(problem.target, entries[problem.target], to_jsonable(list(problem.classes)))]


def _output(name: str, column: dict[str, Any], classes: Any, level: float | None = None) -> dict[str, Any]:
    return {"name": name, "column": column, "classes": classes, "level": level}

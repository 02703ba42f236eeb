"""The part of the decision ledger that is about the target, the metric and how models are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelwright.automl.ledger_entry import LedgerEntry
from modelwright.core import Task
from modelwright.metrics import default_metric

__all__ = ["problem_entries"]

_OTHER_METRIC: Mapping[str, str] = {
    "binary": "log_loss",
    "multiclass": "accuracy",
    "regression": "mae",
    "multilabel": "roc_auc",
    "quantile": "",
}
"""The next usual metric of a task, for whoever does not want the default; none where it has one alone."""

_ASKED = "as asked"

_MOST_CLASSES = 100
"""Different values of a target up to which its numbers can well be taken for classes."""

_FEWER_FOLDS, _MORE_FOLDS = 3, 5

_USUAL_HOLDOUT = 0.2


def problem_entries(manifest: Mapping[str, Any]) -> Iterator[LedgerEntry]:
    """What is predicted, what is optimised, and on which rows models are judged.

    Parameters
    ----------
    manifest : mapping
        Of a bundle.
    """
    request = manifest.get("request") or {}
    problem = manifest["problem"]
    reasons = {each["what"]: each["why"] for each in manifest["plan"].get("decisions", ())}
    yield _task(manifest, request, reasons)
    if manifest["task"] == "binary":
        yield _positive(problem)
    if problem.get("ordered"):
        yield LedgerEntry(
            "order_of_classes",
            "target",
            problem["target"],
            "the classes have an order",
            "their names are steps of one scale, or numbers",
            fixed="learners that use the order compete with those that do not: name some with --learner",
        )
    yield _metric(manifest, request, reasons)
    yield from _split(manifest, request, reasons)
    yield from _holdout(manifest, request, reasons)


def _task(manifest: Mapping[str, Any], request: Mapping[str, Any], reasons: Mapping[str, str]) -> LedgerEntry:
    task, target = manifest["task"], manifest["problem"]["target"]
    columns: Iterator[Mapping[str, Any]] = iter(manifest["schema"]["columns"])
    column = next((each for each in columns if each["name"] == target), {})
    statistics = column.get("statistics") or {}
    distinct, reason = statistics.get("distinct"), reasons.get(f"task {task}", "")
    other = None
    numeric = column.get("kind") == "numeric"
    if numeric and task in ("binary", "multiclass"):
        other = "regression"
    elif numeric and task == "regression" and distinct is not None and distinct <= _MOST_CLASSES:
        other = "multiclass"
    told = ("rows", "distinct", "minimum", "maximum")
    known = {name: statistics[name] for name in told if name in statistics}
    asked = request.get("task", "auto") != "auto"
    undo: dict[str, Any] | None = {"task": "auto"} if asked else {"task": other} if other else None
    fixed = "" if undo else "the values of the target leave no other task"
    if request.get("quantiles"):
        asked, undo, fixed = True, None, "you asked for quantiles: leave out --quantiles"
    return LedgerEntry(
        "task",
        "target",
        target,
        str(task),
        _ASKED if asked else reason or "seen from the target's values",
        {**known, "classes": list(manifest["problem"].get("classes") or ())[:20]},
        undo=undo,
        fixed=fixed,
    )


def _positive(problem: Mapping[str, Any]) -> LedgerEntry:
    classes, asked = list(problem["classes"]), problem.get("positive") is not None
    return LedgerEntry(
        "positive",
        "target",
        problem["target"],
        f"the positive class is {classes[-1]!r}",
        _ASKED if asked else "the last of two labels in sorted order",
        {"classes": classes},
        undo={"positive": classes[0]},
    )


def _metric(
    manifest: Mapping[str, Any], request: Mapping[str, Any], reasons: Mapping[str, str]
) -> LedgerEntry:
    name, task = manifest["score"]["metric"], Task(manifest["task"])
    asked, reason = request.get("metric", "auto") != "auto", reasons.get(f"metric {name}", "")
    if name == "cost" and not asked:
        reason = "you said what errors cost"
    other = "auto" if asked and name != default_metric(task) else _OTHER_METRIC[task]
    return LedgerEntry(
        "metric",
        "metric",
        "",
        name,
        _ASKED if asked else reason or "the task's default",
        {"greater_is_better": manifest["score"].get("greater_is_better")},
        undo={"metric": other} if other else None,
        fixed="" if other else "there is one metric for this task",
    )


def _split(
    manifest: Mapping[str, Any], request: Mapping[str, Any], reasons: Mapping[str, str]
) -> Iterator[LedgerEntry]:
    facts, rows = manifest["validation"], manifest["data"].get("training_rows")
    scheme, count = facts["scheme"], int(facts["folds"])
    copies = [each for each in manifest.get("findings", ()) if each["check"] == "copies"]
    named = [name for name in ("group", "time_column") if request.get(name)]
    undo: dict[str, Any] | None = None
    if copies:
        undo = {"without": ["copies"]}
    elif named and not request.get("group_features"):
        undo = dict.fromkeys(named)
    yield LedgerEntry(
        "split",
        "split",
        "",
        "grouped by copies of rows" if copies else str(scheme),
        copies[0]["message"] if copies else reasons.get(f"{count} folds, {scheme}") or "it suits the target",
        {"rows": rows, "folds": count, **(copies[0].get("evidence") or {} if copies else {})},
        undo=undo,
        fixed=""
        if undo
        else "it follows from the target, and from columns named with --group or --time-column",
    )
    asked = request.get("folds") is not None
    yield LedgerEntry(
        "folds",
        "split",
        "",
        f"{count} folds",
        _ASKED if asked else f"{rows} training rows: more folds where rows count, fewer where fits cost",
        {"training_rows": rows, "folds": count, "judged_on": facts.get("used", count)},
        undo={"folds": None if asked else _FEWER_FOLDS if count > _FEWER_FOLDS else _MORE_FOLDS},
    )


def _holdout(
    manifest: Mapping[str, Any], request: Mapping[str, Any], reasons: Mapping[str, str]
) -> Iterator[LedgerEntry]:
    sealed = [(what, why) for what, why in reasons.items() if what.startswith("a sealed holdout")]
    score = manifest["score"]
    asked = request.get("holdout") is not None
    if sealed:
        what, why = sealed[0]
        rows = score["rows"] if score["source"] == "holdout" else None
        yield LedgerEntry(
            "holdout",
            "split",
            "",
            what,
            f"{_ASKED}; {why}" if asked else why,
            {} if rows is None else {"rows": rows},
            undo={"holdout": 0},
        )
        return
    yield LedgerEntry(
        "holdout",
        "split",
        "",
        "no rows are sealed away",
        _ASKED if asked else "rows are few: as training rows they are worth more",
        {"training_rows": manifest["data"].get("training_rows")},
        undo={"holdout": _USUAL_HOLDOUT},
    )

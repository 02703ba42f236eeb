"""The sections of a report that a model's own record tells: task, data, findings, reproduction."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from modelwright.automl.report_words import metric_words
from modelwright.automl.reported import Reported
from modelwright.core import Column, Kind, Role, Task, format_bytes
from modelwright.data.statistics import QUANTILES
from modelwright.evaluation.report import (
    Bars,
    Block,
    Cell,
    Code,
    Histogram,
    Item,
    Items,
    Paragraph,
    Section,
    Spark,
    Table,
    joined,
    plural,
    share,
    shortened,
    significant,
)

__all__ = [
    "as_command",
    "data_section",
    "findings_section",
    "limits_blocks",
    "reproduction_section",
    "rows_of_classes",
    "task_section",
]

TASKS: Mapping[Task, str] = {
    Task.BINARY: "one of two classes",
    Task.MULTICLASS: "one of several classes",
    Task.REGRESSION: "a number",
    Task.MULTILABEL: "several yes-or-no answers at once",
    Task.QUANTILE: "quantiles of a number",
}

MOST_COLUMNS = 1_000
"""Columns that the report lists."""

_MOST_LEVELS, _BINS, _LONGEST_REASON, _LONGEST_MESSAGE = 12, 12, 160, 900
_TOLD = (Role.FEATURE, Role.TARGET, Role.TIME, Role.SENSITIVE, Role.WEIGHT)
"""Roles of columns whose values are told: ids name people."""

_SEVERITIES = {"excluded": "done already", "warning": "look at it", "info": "nothing"}


_SCHEMES: Mapping[str, str] = {
    "stratified": "rows drawn at random, each fold with its share of every class",
    "kfold": "rows drawn at random, each fold with its share of small and large values",
}
"""How rows are divided into folds, where the name does not say it."""

_COUNTED = {"excluded": "acted upon already", "warning": "to look at", "info": "for information"}


def task_section(model: Reported, classes: Sequence[tuple[str, int]]) -> Section:
    """What is predicted, and from what.

    Parameters
    ----------
    model : Reported
    classes : sequence of (label, rows)
        The most frequent first; empty where they are not known.
    """
    problem, features = model.problem, model.schema.features
    names = joined(problem.targets)
    blocks: list[Block] = [
        Paragraph(
            f"The model predicts {names}: {TASKS.get(problem.task, str(problem.task))}. It looks at "
            f"{plural(len(features), 'column')}: {joined([column.name for column in features], 12)}."
        )
    ]
    if problem.task is Task.BINARY and len(problem.classes) == 2:
        asked = "as asked" if problem.positive is not None else "the second in sorted order"
        blocks.append(Paragraph(f"The positive class is {shortened(problem.classes[1])} ({asked})."))
    if problem.costs:
        blocks.append(_costs(problem.costs))
    blocks.append(Paragraph(_judged(model)))
    blocks += _targets(model, classes)
    return Section("task", "What is predicted, and from what", tuple(blocks))


def _costs(costs: Sequence[Sequence[Any]]) -> Table:
    rows: list[list[Cell]] = [
        [shortened(actual), shortened(said), float(cost)] for actual, said, cost in costs
    ]
    return Table.bounded("What errors cost, as you said", ["actual", "predicted", "cost"], rows, most=40)


def _judged(model: Reported) -> str:
    validation = model.manifest.get("validation") or {}
    folds, scheme = plural(int(validation.get("folds", 0)), "fold"), str(validation.get("scheme", "unknown"))
    extra = []
    if model.problem.time_column is not None:
        extra.append(f"rows are ordered by {shortened(model.problem.time_column)}")
    if model.problem.group is not None:
        extra.append(f"rows with equal {shortened(model.problem.group)} stay together")
    if model.problem.weights is not None:
        extra.append(f"rows count by {shortened(model.problem.weights)}")
    more = f"; {', '.join(extra)}" if extra else ""
    return (
        f"Models were compared by {metric_words(model.problem.metric)} on {folds} "
        f"({_SCHEMES.get(scheme, shortened(scheme))}){more}."
    )


def rows_of_classes(model: Reported) -> list[tuple[str, int]]:
    """Rows of each class in the whole table, the most frequent first; nothing where it is not recorded."""
    if not model.problem.task.is_classification or model.problem.target not in model.schema:
        return []
    top = _levels(model.schema[model.problem.target])
    if {level for level, _ in top} != {str(label) for label in model.problem.classes}:
        return []  # more than are recorded, or spelled otherwise
    return top


def _levels(column: Column) -> list[tuple[str, int]]:
    """The most frequent levels of a column and their rows; flags as the table spells them."""
    top = [(str(level), int(rows)) for level, rows in (column.statistics.get("top") or [])]
    if column.kind is not Kind.BOOLEAN:
        return top
    words = {flag: column.parsing.get(flag.lower()) or [flag] for flag in ("False", "True")}
    return [(str(words[level][0]) if level in words else level, rows) for level, rows in top]


def _targets(model: Reported, classes: Sequence[tuple[str, int]]) -> Iterator[Block]:
    """How the targets are distributed."""
    if classes:
        total, about = sum(rows for _, rows in classes) or 1, "" if rows_of_classes(model) else "about "
        yield Bars(
            "Rows of each class",
            f"The rarest class has {about}{plural(classes[-1][1], 'row')} of {total:,}.",
            "class",
            "rows",
            tuple(name for name, _ in classes),
            tuple(float(rows) for _, rows in classes),
        )
        return
    if model.problem.task.is_classification or model.problem.target not in model.schema:
        return
    column = model.schema[model.problem.target]
    known = _quantiles(column)
    edges, masses = _density(known) if len(known) == len(QUANTILES) else ([], [])
    if len(masses) > 1:
        rows = float(column.statistics.get("rows", 1))
        cut = edges[0] > known[0] or edges[-1] < known[-1]
        tails = ", the outermost bars with all that lies beyond" if cut else ""
        yield Histogram(
            f"Distribution of {shortened(column.name)}",
            f"From {significant(known[0])} to {significant(known[-1])}, half of the values below "
            f"{significant(known[3])}; drawn from quantiles of the training table{tails}.",
            shortened(column.name),
            "rows, roughly",
            tuple(edges),
            tuple(round(mass * rows, 1) for mass in masses),
        )


def data_section(model: Reported) -> Section:
    """Where the data came from, and its columns."""
    data = model.manifest.get("data") or {}
    used = sum(column.is_feature for column in model.schema)
    blocks: list[Block] = [
        Paragraph(
            f"{plural(int(data.get('rows', 0)), 'row')} and {plural(len(model.schema), 'column')} were read "
            f"({data.get('kind', 'unknown kind')}); {plural(int(data.get('training_rows', 0)), 'row')} were "
            f"learned from, and {used:,} columns are used."
        )
    ]
    columns = sorted(model.schema, key=lambda column: _ORDER.get(column.role, 9))
    headings = ["column", "kind", "role", "missing", "distinct", "distribution", "values", "why"]
    rows = [_column(column) for column in columns[:MOST_COLUMNS]]
    left = len(columns) - len(rows)
    note = f"And {plural(left, 'more column')}. " if left else ""
    note += "Distributions and values are those of the training table; columns that identify rows show none."
    blocks.append(Table.bounded("Columns", headings, rows, note=note, most=MOST_COLUMNS))
    return Section("data", "Data", tuple(blocks))


_ORDER = {Role.TARGET: 0, Role.FEATURE: 1, Role.TIME: 1, Role.SENSITIVE: 1}


def _column(column: Column) -> list[Cell]:
    statistics = column.statistics
    rows = int(statistics.get("rows", 0))
    missing = share(int(statistics.get("missing", 0)) / rows) if rows else None
    distinct = statistics.get("distinct")
    spark, words = _distribution(column) if column.role in _TOLD else (None, "")
    return [
        column.name,
        str(column.kind),
        str(column.role),
        missing,
        int(distinct) if isinstance(distinct, (int, float)) else None,
        spark,
        words,
        shortened(column.reason, _LONGEST_REASON),
    ]


def _distribution(column: Column) -> tuple[Spark | None, str]:
    """A tiny drawing of a column's values, and the same in words."""
    statistics = column.statistics
    if column.kind is Kind.NUMERIC:
        known = _quantiles(column)
        if len(known) != len(QUANTILES):
            return None, ""
        words = f"{significant(known[0])} to {significant(known[-1])}, median {significant(known[3])}"
        return Spark(tuple(_density(known)[1]), words), words
    top = _levels(column)
    if top:
        filled = max(1, int(statistics.get("rows", 0)) - int(statistics.get("missing", 0)))
        words = ", ".join(f"{shortened(level, 24)} {share(rows / filled)}" for level, rows in top[:3])
        words += " ..." if len(top) > 3 else ""
        return Spark(tuple(float(rows) for _, rows in top[:_MOST_LEVELS]), words), words
    if column.kind is Kind.TEXT and "mean_words" in statistics:
        return None, f"{significant(float(statistics['mean_words']), 2)} words on average"
    if "minimum" in statistics and "maximum" in statistics:
        ends = [str(statistics[name]).removesuffix(" 00:00:00") for name in ("minimum", "maximum")]
        return None, f"{shortened(ends[0], 40)} to {shortened(ends[1], 40)}"
    return None, ""


def _quantiles(column: Column) -> list[float]:
    """The recorded quantiles of a column, if they are numbers in order."""
    found = column.statistics.get("quantiles") or []
    known = [float(value) for value in found if isinstance(value, (int, float)) and np.isfinite(value)]
    return known if len(known) == len(found) and all(a <= b for a, b in pairwise(known)) else []


def _density(quantiles: Sequence[float]) -> tuple[list[float], list[float]]:
    """Edges and masses of bins from quantiles; far tails are cut so that the middle can be seen."""
    low, high = quantiles[1], quantiles[-2]
    reach = 0.5 * (high - low)
    start, end = max(quantiles[0], low - reach), min(quantiles[-1], high + reach)
    if not end > start:  # nearly all values are one and the same: the few others are seen as well
        start, end = quantiles[0], quantiles[-1]
    if not end > start:
        return [start, end], [1.0]
    edges = np.linspace(start, end, _BINS + 1)
    below = np.interp(edges, quantiles, QUANTILES)
    below[0], below[-1] = 0.0, 1.0
    return edges.tolist(), np.maximum(np.diff(below), 0.0).tolist()


def findings_section(model: Reported) -> Section:
    """What the checks of the data found, and what was done."""
    findings = model.manifest.get("findings") or []
    if not findings:
        text = "The checks of the data found nothing to tell."
        return Section("findings", "Findings and actions", (Paragraph(text, "good"),))
    order = {"excluded": 0, "warning": 1}
    ordered = sorted(findings, key=lambda found: order.get(str(found.get("severity")), 2))
    rows: list[list[Cell]] = [
        [
            str(found.get("check", "")).replace("_", " "),
            _SEVERITIES.get(str(found.get("severity")), str(found.get("severity"))),
            shortened(found.get("column") or "", 80),
            shortened(found.get("message", ""), _LONGEST_MESSAGE),
            shortened(found.get("action") or "", _LONGEST_MESSAGE),
        ]
        for found in ordered
    ]
    headings = ["check", "what to do", "column", "finding", "what was done, and how to undo it"]
    counts = [
        f"{sum(found.get('severity') == severity for found in findings)} {words}"
        for severity, words in _COUNTED.items()
        if any(found.get("severity") == severity for found in findings)
    ]
    head = Paragraph(f"{plural(len(findings), 'finding')}: {', '.join(counts)}.")
    told = Table.bounded("Findings", headings, rows, most=100, spare=True)
    return Section("findings", "Findings and actions", (head, told))


_ARGUMENTS: Mapping[str, str] = {
    "task": "--task", "metric": "--metric", "time_limit": "--time", "memory_limit": "--memory",
    "threads": "--threads", "seed": "--seed", "max_trials": "--max-trials", "search": "--search",
    "group": "--group", "time_column": "--time-column", "weights": "--weights", "holdout": "--holdout",
    "name": "--name", "query": "--query", "positive": "--positive", "country": "--country",
    "quality": "--quality", "max_latency_ms": "--max-latency-ms", "max_model_mb": "--max-model-mb",
    "folds": "--folds", "mitigate": "--mitigate",
}  # fmt: skip
_REPEATED: Mapping[str, str] = {"keep": "--keep", "learners": "--learner", "without": "--without"}
_PAIRS: Mapping[str, str] = {"overrides": "--set", "monotonic": "--monotonic"}
_FLAGS: Mapping[str, str] = {"stop_when_flat": "--stop-when-flat", "group_features": "--group-features"}
_DEFAULTS: Mapping[str, Any] = {"task": "auto", "metric": "auto", "search": "bayesian", "quality": "best"}
_DIRECTIONS = {1: "increasing", -1: "decreasing"}


def as_command(request: Mapping[str, Any]) -> str:
    """The command that asks for a training again, from the record of its request.

    Examples
    --------
    >>> as_command({"data": "my data.csv", "target": "y", "seed": 3, "overrides": {"zip": "text"}})
    "modelwright train 'my data.csv' --target y --seed 3 --set zip=text"
    """
    data, target = request.get("data"), request.get("target")
    sources = data if isinstance(data, list) else [data if data is not None else "DATA"]
    words = ["modelwright", "train", *map(str, sources)]
    for name in target if isinstance(target, list) else [target]:
        words += ["--target", str(name)]
    for key, flag in _ARGUMENTS.items():
        value = request.get(key)
        if value is not None and value != _DEFAULTS.get(key):
            words += [flag, str(value)]
    for key, flag in _REPEATED.items():
        words += [word for value in request.get(key) or [] for word in (flag, str(value))]
    for key, flag in _PAIRS.items():
        found = dict(request.get(key) or {})
        words += [
            word
            for name, value in found.items()
            for word in (flag, f"{name}={_DIRECTIONS.get(value, value)}")
        ]
    for actual, predicted, cost in request.get("costs") or []:
        words += ["--cost", f"{actual}:{predicted}={cost:g}"]
    levels = request.get("quantiles") or []
    words += ["--quantiles", _listed(levels)] if levels else []
    for name, cuts in dict(request.get("sensitive") or {}).items():
        words += ["--sensitive", f"{name}={_listed(cuts)}" if cuts else str(name)]
    words += [flag for key, flag in _FLAGS.items() if request.get(key)]
    words += _delivery(request)
    return shlex.join(words)


def _listed(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _delivery(request: Mapping[str, Any]) -> list[str]:
    refit, student = request.get("refit"), request.get("distill")
    words = ["--refit" if refit else "--no-refit"] if isinstance(refit, bool) else []
    if isinstance(student, str):
        return [*words, "--student", student]
    return [*words, "--distill"] if student else words


def reproduction_section(model: Reported) -> Section:
    """What it takes to get the same model again."""
    manifest = model.manifest
    data, request = manifest.get("data") or {}, manifest.get("request")
    blocks: list[Block] = []
    if isinstance(request, Mapping):
        blocks.append(Code(as_command(request)))
        if request.get("data") is None:
            text = "It was trained on a table in memory: write it to a file first, in the place of DATA."
            blocks.append(Paragraph(text, "note"))
        if request.get("metric") is None:
            text = "It was trained for a metric of your own, a function: give it again, in Python."
            blocks.append(Paragraph(text, "note"))
    else:
        blocks.append(Paragraph("This bundle does not hold the request that it was trained by.", "missing"))
    exact = bool((manifest.get("plan") or {}).get("reproducible")) and not manifest.get("deadline_hit")
    blocks.append(Paragraph(_repeatable(exact)))
    facts: list[list[Cell]] = [
        ["seed", str(manifest.get("seed", "unknown"))],
        ["run", str(manifest.get("run", "unknown"))],
        ["created", str(manifest.get("created", "unknown"))],
        ["data", str(data.get("location") or data.get("kind") or "unknown")],
        ["SHA-256 of the data", str(data.get("sha256") or "unknown")],
        ["digest of the bundle", str(manifest.get("digest", "unknown"))],
        ["format of the bundle", str(manifest.get("format_version", "unknown"))],
    ]
    blocks.append(Table.bounded("Origin", ["fact", "value"], facts))
    environment = manifest.get("environment") or {}
    versions: list[list[Cell]] = [[str(name), str(value)] for name, value in environment.items()]
    versions += [_fact(str(name), value) for name, value in (manifest.get("machine") or {}).items()]
    blocks.append(Table.bounded("Made with", ["part", "version"], versions))
    for plugin in manifest.get("plugins") or []:
        part = f"{plugin.get('kind')} {plugin.get('name')}"
        text = f"It needs the {part} of the package {plugin.get('package')}."
        blocks.append(Paragraph(text, "note"))
    return Section("reproduction", "Reproduction", tuple(blocks))


def _fact(name: str, value: Any) -> list[Cell]:
    """A fact of the machine for people."""
    if name.endswith("_bytes") and isinstance(value, (int, float)):
        return [name.removesuffix("_bytes"), format_bytes(value)]
    told = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return [name.replace("_", " "), told]


def _repeatable(exact: bool) -> str:
    if exact:
        return "It was trained with a number of trials: the same command on the same data gives the same one."
    return (
        "The clock took part in its training: the same command gives a similar model, not the same one. With "
        "--max-trials it would be the same."
    )


def limits_blocks(model: Reported) -> tuple[Block, ...]:
    """What the model is for, and where it should not be believed."""
    problem, data = model.problem, model.manifest.get("data") or {}
    items = [
        Item(
            f"Meant for rows like the {int(data.get('training_rows', 0)):,} that it learned from, with "
            "columns of the same meaning, collected in the same way."
        ),
        Item("Its score says nothing of other places or later times, unless it was validated on such rows."),
        Item("It tells what goes together in the data, not what would happen if a value were changed."),
        Item("It was not checked for any law or duty. Decisions about people need a person in charge."),
    ]
    if problem.task is Task.BINARY or problem.task is Task.MULTICLASS:
        items.append(Item(f"Labels other than {joined(problem.classes, 8)} do not exist for it."))
    if problem.task is Task.REGRESSION:
        items.append(Item("Values far outside the range that it learned from are guesses."))
    return (Items(tuple(items), "What it is for, and what it is not", "note"),)

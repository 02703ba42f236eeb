"""``modelwright fairness``: how a saved model treats groups of people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import (
    JsonOption,
    ModelArgument,
    QueryOption,
    SensitiveOption,
    WorkspaceOption,
)
from modelwright.cli.warned import collected_warnings

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.evaluation import Criterion, FairnessReport, FairnessView, Figure, Mitigation

__all__ = ["fairness"]

_OF_CLASSES = {
    "base_rate": "base rate",
    "selection_rate": "selected",
    "true_positive_rate": "TPR",
    "false_positive_rate": "FPR",
    "precision": "precision",
    "calibration": "predicted - true",
}
_OF_VALUES = {
    "mean_truth": "mean truth",
    "mean_prediction": "mean prediction",
    "mean_error": "mean error",
    "mean_absolute_error": "mean absolute error",
}
_CRITERIA = {
    "demographic_parity": "equal selection rates (demographic parity)",
    "equal_opportunity": "equal true positive rates (equal opportunity)",
    "equalized_odds": "equal TPR and FPR (equalised odds)",
    "calibration": "equal calibration",
    "mean_prediction": "equal mean predictions",
    "mean_error": "equal mean errors",
    "mean_absolute_error": "equal mean absolute errors",
}
_MOST_FLAGS = 12
_STYLES = {"gap": "yellow", "insufficient evidence": "", "no gap found": "green"}


def fairness(
    model: ModelArgument,
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="Rows with the target, as for evaluate.", show_default=False),
    ] = None,
    sensitive: SensitiveOption = None,
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Show how a saved model treats the groups of sensitive columns.

    Without DATA: what out-of-fold rows said, where the model was trained with --sensitive. With DATA, which
    has the target and the columns: what these rows say; of the table that the model was trained on its
    out-of-fold predictions are judged.
    """
    from modelwright.automl import load_model
    from modelwright.cli.settings import parse_sensitive
    from modelwright.cli.tables import table_of
    from modelwright.core import OptionError
    from modelwright.data import shown_source

    if data is None and query is not None:
        raise OptionError("A query needs the address of its database as DATA.")
    table_given = None if data is None else table_of(data, query)
    loaded = load_model(model, workspace)
    with collected_warnings() as warnings:
        report = loaded.fairness(table_given, parse_sensitive(sensitive or ()))
    payload = {
        "model": str(loaded.path),
        "data": None if data is None else shown_source(data),
        **report.to_dict(),
        "warnings": warnings,
    }
    return Answer(payload, lambda console: _print(console, report), as_json)


def _print(console: Console, report: FairnessReport) -> None:
    from modelwright.cli.text import clean

    for view in report.views:
        _print_view(console, view)
    if report.mitigation is not None:
        _print_mitigation(console, report.mitigation)
    for note in report.notes:
        console.print(f"- {clean(note)}", soft_wrap=True)
    console.print(
        f"{report.rows} rows ({report.source}), {report.comparisons} comparisons; intervals are of 95%. Gaps "
        "are told where chance explains them in less than 5%, adjusted for all comparisons.",
        soft_wrap=True,
    )
    console.print(f"verdict: {report.verdict}", style=f"bold {_STYLES[report.verdict]}".strip())


def _print_view(console: Console, view: FairnessView) -> None:
    """One output by one division: a table of groups, the criteria, and what stands out."""
    from modelwright.cli.text import clean, table

    names = _OF_CLASSES if view.four_fifths or "selection_rate" in view.groups[0].figures else _OF_VALUES
    rows = [
        [group.group, group.rows, *(_shown(group.figures[name]) for name in names)] for group in view.groups
    ]
    console.print(f"\n{clean(view.output)} by {clean(' and '.join(view.by))}", style="bold")
    console.print(table(["group", "rows", *names.values()], rows, numeric=["rows"]))
    for criterion in view.criteria:
        console.print(f"  {_sentence(criterion)}", style=_STYLES[criterion.verdict] or None, soft_wrap=True)
    for number, line in enumerate(_flags(view)):
        if number == _MOST_FLAGS:
            console.print("  ... more with --json")
            break
        console.print(f"  ! {clean(line)}", style="yellow", soft_wrap=True)


def _sentence(criterion: Criterion) -> str:
    from modelwright.cli.text import clean

    text = f"{_CRITERIA.get(criterion.name, criterion.name)}: {criterion.verdict}"
    if not criterion.difference.is_known:
        return text
    ends = f"{clean(criterion.highest)} above {clean(criterion.lowest)} by {_shown(criterion.difference)}"
    return f"{text}; largest difference: {ends}"


def _flags(view: FairnessView) -> Iterator[str]:
    """What stands out: the four-fifths rule first, then gaps."""
    for rule in view.four_fifths:
        if rule.verdict in ("below four fifths", "unclear"):
            yield (
                f"four-fifths rule, {rule.verdict}: {rule.group} is selected {_shown(rule.ratio)} times as "
                f"often as {rule.reference}"
            )
    for each in view.comparisons:
        if each.verdict == "gap":
            yield (
                f"{each.figure.replace('_', ' ')} of {each.group} differs by {_shown(each.difference)} "
                f"from {each.reference} (chance {each.chance:.2g})"
            )
    short = sorted({rule.group for rule in view.four_fifths if rule.verdict == "insufficient evidence"})
    if short:
        needed = view.four_fifths[0].rows_needed
        yield (
            f"insufficient evidence for {', '.join(short)}: {needed:,} rows of each group would tell a "
            "selection rate four fifths as high"
        )


def _print_mitigation(console: Console, done: Mitigation) -> None:
    """The trade-off: the score and every criterion before and after."""
    from modelwright.cli.text import number, table

    console.print(f"\nmitigation: {done.method}", style="bold")
    if done.note:
        console.print(f"  {done.note}", soft_wrap=True)
        return
    rows: list[list[Any]] = [[done.metric, "", number(done.before), number(done.after)]]
    for (by, first), (_, second) in zip(done.criteria_before, done.criteria_after, strict=True):
        rows.append([f"gap: {first.name}", by, _shown(first.difference), _shown(second.difference)])
    console.print(f"out-of-fold rows, {done.subject}")
    console.print(table(["", "by", "without", "with"], rows))


def _shown(estimate: Figure) -> str:
    """A figure with its interval."""
    from modelwright.cli.text import number

    if not estimate.is_known:
        return "-"
    low, high = (number(_end(end), 3) for end in (estimate.low, estimate.high))
    return f"{number(estimate.value, 3)} ({low} to {high})"


def _end(value: float) -> float | None:
    return value if abs(value) < float("inf") else None

"""``modelwright evaluate``: a saved model judged on rows whose target is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import DataArgument, JsonOption, ModelArgument, QueryOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings, warn

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import Model
    from modelwright.evaluation import CoverageRow

__all__ = ["evaluate"]

_COVERAGE = 0.9
"""What is asked for where only parts are named."""

CoverageOption = Annotated[
    float | None,
    typer.Option(
        help="Also tell how often intervals, or sets of labels, for this share of rows hold the truth: 0.9."
    ),
]

ByOption = Annotated[
    str | None,
    typer.Option(metavar="COL", help="Tell coverage for each part of this column, too."),
]


def _warn_of_known_rows(model: Model, data: Any) -> None:
    """A score on the very file that was learned from says nothing of new rows."""
    from modelwright.data import read_raw

    if read_raw(data, []).info.sha256 == model.manifest["data"]["sha256"]:
        warn("These are the rows the model was trained on; the score flatters. Give rows that it never saw.")


def evaluate(
    model: ModelArgument,
    data: DataArgument,
    coverage: CoverageOption = None,
    by: ByOption = None,
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Judge a saved model on a table that has the target.

    Each metric comes with its 95% interval. Rows that the model was trained on flatter it: give others.
    """
    from modelwright.automl import load_model
    from modelwright.cli.tables import table_of
    from modelwright.data import shown_source

    table_given = table_of(data, query)
    loaded = load_model(model, workspace)
    asked = _COVERAGE if coverage is None and by is not None else coverage
    with collected_warnings() as warnings:
        covered = () if asked is None else loaded.coverage(table_given, asked, by)
        metrics = loaded.evaluate(table_given)
        _warn_of_known_rows(loaded, table_given)
    payload = {
        "model": str(loaded.path),
        "data": shown_source(data),
        "metric": loaded.problem.metric,
        "metrics": metrics,
        "warnings": warnings,
    }
    if asked is not None:
        payload["coverage"] = {"asked": asked, "by": by, "rows": [row.to_dict() for row in covered]}

    def render(console: Console) -> None:
        _print_metrics(console, loaded, metrics)
        if asked is not None:
            _print_coverage(console, covered, asked, by)

    return Answer(payload, render, as_json)


def _print_metrics(console: Console, model: Model, metrics: dict[str, dict[str, float | None]]) -> None:
    """Each metric with its interval, and what to know of them."""
    from modelwright.cli.text import clean, number, table

    rows = [
        [
            f"{name} *" if name == model.problem.metric else name,
            number(found["score"]),
            number(found.get("low")),
            number(found.get("high")),
        ]
        for name, found in metrics.items()
    ]
    numeric = ["score", "from", "to (95%)"]
    console.print(table(["metric", *numeric], rows, numeric=numeric))
    if model.problem.metric in metrics:
        console.print("* what the model was trained for")
    else:
        console.print(
            f"The model was trained for {clean(model.problem.metric)!r}, a function of yours that it "
            "does not carry: score it in Python.",
            soft_wrap=True,
        )
    if len(model.problem.classes) == 2:
        # Precision and recall of the wrong class are easily taken for those of the right one.
        asked = model.problem.positive is not None
        why = "chosen by --positive" if asked else "the second in sorted order"
        console.print(f"The positive class is {model.problem.classes[1]!r}: {why}.", soft_wrap=True)


def _print_coverage(console: Console, covered: Sequence[CoverageRow], asked: float, by: str | None) -> None:
    """How often the truth was inside, overall and in each part."""
    from modelwright.cli.text import clean, number, table

    console.print(f"\nCoverage, where {asked:g} was asked for", style="bold")
    rows = [
        [
            clean(row.part) if row.part else "all rows",
            f"{row.rows:,}",
            *(number(each) for each in (row.covered, row.low, row.high, row.size)),
        ]
        for row in covered
    ]
    numeric = ["rows", "covered", "from", "to (95%)", "mean size"]
    console.print(table([clean(by) if by else "part", *numeric], rows, numeric=numeric))

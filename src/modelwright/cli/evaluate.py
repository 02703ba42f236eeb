"""``modelwright evaluate``: a saved model judged on rows whose target is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.cli.answers import Answer
from modelwright.cli.options import DataArgument, JsonOption, ModelArgument, QueryOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings, warn

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import Model

__all__ = ["evaluate"]


def _warn_of_known_rows(model: Model, data: Any) -> None:
    """A score on the very file that was learned from says nothing of new rows."""
    from modelwright.data import read_raw

    if read_raw(data, []).info.sha256 == model.manifest["data"]["sha256"]:
        warn("These are the rows the model was trained on; the score flatters. Give rows that it never saw.")


def evaluate(
    model: ModelArgument,
    data: DataArgument,
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
    with collected_warnings() as warnings:
        metrics = loaded.evaluate(table_given)
        _warn_of_known_rows(loaded, table_given)
    payload = {
        "model": str(loaded.path),
        "data": shown_source(data),
        "metric": loaded.problem.metric,
        "metrics": metrics,
        "warnings": warnings,
    }

    def render(console: Console) -> None:
        from modelwright.cli.text import clean, number, table

        rows = [
            [
                f"{name} *" if name == loaded.problem.metric else name,
                number(found["score"]),
                number(found.get("low")),
                number(found.get("high")),
            ]
            for name, found in metrics.items()
        ]
        numeric = ["score", "from", "to (95%)"]
        console.print(table(["metric", *numeric], rows, numeric=numeric))
        if loaded.problem.metric in metrics:
            console.print("* what the model was trained for")
        else:
            console.print(
                f"The model was trained for {clean(loaded.problem.metric)!r}, a function of yours that it "
                "does not carry: score it in Python.",
                soft_wrap=True,
            )
        if len(loaded.problem.classes) == 2:
            # Precision and recall of the wrong class are easily taken for those of the right one.
            asked = loaded.problem.positive is not None
            why = "chosen by --positive" if asked else "the second in sorted order"
            console.print(f"The positive class is {loaded.problem.classes[1]!r}: {why}.", soft_wrap=True)

    return Answer(payload, render, as_json)

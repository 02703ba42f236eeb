"""``modelwright learning-curve``: would more rows help a saved model?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, ModelArgument, QueryOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.evaluation import LearningCurve

__all__ = ["learning_curve"]


def learning_curve(
    model: ModelArgument,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Rows with the target to learn from. [default: the table that the model was trained on]",
            show_default=False,
        ),
    ] = None,
    time: Annotated[str, typer.Option(metavar="DURATION", help="Time that the fits may take.")] = "60s",
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Tell whether more rows would help a saved model.

    One of its members is fitted again on growing parts of the rows, always scored on the same other rows.
    The answer is yes, a little, no or unclear, for twice the rows.
    """
    from modelwright.automl import load_model
    from modelwright.cli.tables import table_of
    from modelwright.core import OptionError, parse_duration

    if data is None and query is not None:
        raise OptionError("--query says what to select from DATA: give the address of a database.")
    seconds = parse_duration(time)
    given = None if data is None else table_of(data, query)
    loaded = load_model(model, workspace)
    with collected_warnings() as warnings:
        found = loaded.learning_curve(given, time_limit=seconds)
    payload = {"model": str(loaded.path), **found.to_dict(), "warnings": warnings}
    return Answer(payload, lambda console: _render(console, found), as_json)


def _render(console: Console, found: LearningCurve) -> None:
    """The measured errors, the expected ones, and the answer."""
    from modelwright.cli.text import clean, number, table

    headings = ["rows", f"error ({found.metric})", "from", "to (95%)"]
    points = [("measured", each) for each in found.measured] + [("expected", each) for each in found.expected]
    rows = [[f"{at.rows:,}", number(at.error), number(at.low), number(at.high), kind] for kind, at in points]
    if found.learner:
        console.print(f"Fitted again: {clean(found.learner)}", soft_wrap=True)
    console.print(table([*headings, ""], rows, numeric=headings))
    console.print(clean(found.sentence), soft_wrap=True)

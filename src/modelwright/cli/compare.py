"""``modelwright compare``: two saved models on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, QueryOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import ModelComparison

__all__ = ["compare"]


def compare(
    first: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A model bundle's path, or the name of a model.", show_default=False
        ),
    ],
    second: Annotated[
        str, typer.Argument(metavar="B", help="Another model of the same target.", show_default=False)
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Rows with the target that neither was trained on. [default: the out-of-fold rows that both "
            "have]",
            show_default=False,
        ),
    ] = None,
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Compare two saved models on the same rows.

    Both see the same rows in every resample, so that even small differences show. Without DATA both must
    have been trained on the same table.
    """
    from modelwright.automl import compare as compare_models
    from modelwright.automl import load_model
    from modelwright.cli.tables import table_of
    from modelwright.core import OptionError
    from modelwright.data import shown_source

    if data is None and query is not None:
        raise OptionError("--query says what to select from DATA: give the address of a database.")
    given = None if data is None else table_of(data, query)
    models = [load_model(reference, workspace) for reference in (first, second)]
    with collected_warnings() as warnings:
        found = compare_models(models[0], models[1], given, names=(first, second))
    payload = {
        "models": [str(model.path) for model in models],
        "data": None if data is None else shown_source(data),
        **found.to_dict(),
        "warnings": warnings,
    }
    return Answer(payload, lambda console: _render(console, found), as_json)


def _render(console: Console, found: ModelComparison) -> None:
    """The table, and what it says."""
    from modelwright.cli.text import clean, number, table

    for letter, name in zip("AB", found.names, strict=True):
        console.print(f"{letter}: {clean(name)}", soft_wrap=True)
    numeric = ["A", "B", "B - A", "from", "to (95%)"]
    rows = [
        [
            each.metric,
            number(_known(each.first[0])),
            number(_known(each.second[0])),
            number(_known(each.difference)),
            number(_known(each.low)),
            number(_known(each.high)),
            each.verdict,
        ]
        for each in found.comparisons
    ]
    console.print(table(["metric", *numeric, "B is"], rows, numeric=numeric))
    console.print(clean(found.sentence), soft_wrap=True)
    for each in found.comparisons:
        for test in each.tests:
            console.print(f"{test.name} ({each.metric}): p = {test.p:.3g}; {test.detail}.", soft_wrap=True)
    for note in found.notes:
        console.print(clean(note), soft_wrap=True)


def _known(value: float) -> float | None:
    return value if value == value else None

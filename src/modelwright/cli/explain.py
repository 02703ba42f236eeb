"""``modelwright explain``: why a saved model says what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.answers import Answer, json_line
from modelwright.cli.options import JsonOption, ModelArgument, QueryOption, SeedOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings, warn

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from modelwright.automl import Model

__all__ = ["explain"]

_Explained = tuple[dict[str, Any], "Callable[[Console], None]"]
"""What ``--json`` prints, and what prints the same for people."""


_DataArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="Table to explain the model by; with the target for importance. [default: the file it was "
        "trained on, if it is still there]",
        show_default=False,
    ),
]
_RowOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="Explain the prediction of this row, from 0.", show_default=False),
]
_ColumnOption = Annotated[
    str | None,
    typer.Option(metavar="COL", help="How predictions change with this column.", show_default=False),
]
_PairsOption = Annotated[bool, typer.Option("--pairs", help="Which pairs of columns work together.")]
_CounterfactualOption = Annotated[
    str | None,
    typer.Option(
        metavar="WISH",
        help="With --row: the smallest changes after which the model says this: a class, or LOW..HIGH.",
        show_default=False,
    ),
]
_KeptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep", metavar="COL", help="A column that stays as it is. Repeatable.", show_default=False
    ),
]
_RisingOption = Annotated[
    list[str] | None,
    typer.Option(metavar="COL", help="A column that may only rise. Repeatable.", show_default=False),
]
_FallingOption = Annotated[
    list[str] | None,
    typer.Option(metavar="COL", help="A column that may only fall. Repeatable.", show_default=False),
]
_SecondsOption = Annotated[str, typer.Option(metavar="DURATION", help="Time that it may take.")]
_FileOption = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the answer there as JSON, too.", show_default=False
    ),
]


def explain(
    model: ModelArgument,
    data: _DataArgument = None,
    row: _RowOption = None,
    column: _ColumnOption = None,
    pairs: _PairsOption = False,
    counterfactual: _CounterfactualOption = None,
    keep: _KeptOption = None,
    rising: _RisingOption = None,
    falling: _FallingOption = None,
    time: _SecondsOption = "60s",
    output: _FileOption = None,
    seed: SeedOption = 0,
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Explain a saved model, or one of its predictions.

    Without an option: how important each column is. With --row, --column, --pairs or --counterfactual
    that instead.
    """
    from modelwright.automl import load_model
    from modelwright.core import parse_duration
    from modelwright.data import shown_source

    place = _output(output)
    wanted = _wanted(row, column, pairs, counterfactual)
    rules = {"--keep": keep or [], "--rising": rising or [], "--falling": falling or []}
    if counterfactual is None:
        _refuse_rules(rules)
    seconds = parse_duration(time)
    loaded = load_model(model, workspace)
    with collected_warnings() as warnings:
        table = _table(loaded, data, query, wanted)
        if wanted == "counterfactual":
            found = _counterfactual(loaded, table, row or 0, counterfactual or "", rules, seconds, seed)
        elif wanted == "row":
            found = _row(loaded, table, row or 0)
        elif wanted == "column":
            found = _column(loaded, table, column or "", seconds, seed)
        elif wanted == "pairs":
            found = _pairs(loaded, table, seconds, seed)
        else:
            found = _importance(loaded, table, seconds, seed)
    facts, render = found
    payload = {
        "model": str(loaded.path),
        "data": None if data is None else shown_source(data),
        "explained": wanted,
        **facts,
        "warnings": warnings,
    }
    if place is not None:
        from modelwright.storage import write_atomic

        write_atomic(place, json_line(payload))
    return Answer(payload, render, as_json)


def _output(given: str | None) -> Path | None:
    """The file to write, checked before any work is done."""
    if given is None:
        return None
    from pathlib import Path

    from modelwright.core import OptionError

    path = Path(given).expanduser()
    if path.suffix.lower() != ".json":
        raise OptionError(f"The output file must end in .json, but came as {given!r}.")
    if path.is_dir() or not path.parent.is_dir():
        raise OptionError(f"No file can be written at {given!r}: it is a folder, or its folder is missing.")
    return path


def _wanted(row: int | None, column: str | None, pairs: bool, counterfactual: str | None) -> str:
    """Which of the explanations is asked for.

    Raises
    ------
    OptionError
        If it is more than one, or a counterfactual of no row.
    """
    from modelwright.core import OptionError

    if counterfactual is not None and row is None:
        raise OptionError("A counterfactual is for one row: name it with --row N.")
    asked = [
        name
        for name, given in (
            ("counterfactual", counterfactual is not None),
            ("row", row is not None and counterfactual is None),
            ("column", column is not None),
            ("pairs", pairs),
        )
        if given
    ]
    if len(asked) > 1:
        names = " and ".join(f"--{name}" for name in asked)
        raise OptionError(f"One thing is explained at a time, but {names} came.")
    return asked[0] if asked else "importance"


def _refuse_rules(rules: Mapping[str, Sequence[str]]) -> None:
    from modelwright.core import OptionError

    given = [name for name, columns in rules.items() if columns]
    if given:
        raise OptionError(f"{given[0]} is a rule for changes: it goes with --row N --counterfactual LABEL.")


def _table(model: Model, data: str | None, query: str | None, wanted: str) -> Any:
    """The rows to explain by: those given, else those of the training."""
    from modelwright.automl.explaining import training_source
    from modelwright.cli.tables import table_of
    from modelwright.data import read_raw

    if data is None:
        source = training_source(model.manifest)
        known = True
        table: Any = source
    else:
        table = table_of(data, query)
        known = wanted == "importance" and read_raw(table, []).info.sha256 == model.manifest["data"]["sha256"]
    if known and wanted == "importance":
        warn(
            "These are the rows the model was trained on: columns that it learned by heart look more "
            "important than they are. Give rows that it never saw."
        )
    return table


def _importance(model: Model, table: Any, seconds: float, seed: int) -> _Explained:
    from modelwright.cli.explained_text import show_importance
    from modelwright.explanation import ImportanceOptions

    found = model.importance(table, ImportanceOptions(seconds=seconds, seed=seed))
    return found.to_dict(), lambda console: show_importance(console, found)


def _column(model: Model, table: Any, column: str, seconds: float, seed: int) -> _Explained:
    from modelwright.cli.explained_text import show_dependence
    from modelwright.explanation import DependenceOptions

    found = model.dependence(table, column, DependenceOptions(seconds=seconds, seed=seed))
    return found.to_dict(), lambda console: show_dependence(console, found)


def _pairs(model: Model, table: Any, seconds: float, seed: int) -> _Explained:
    from modelwright.cli.explained_text import show_pairs
    from modelwright.explanation import InteractionOptions

    found = model.interactions(table, (), InteractionOptions(seconds=seconds, seed=seed))
    return found.to_dict(), lambda console: show_pairs(console, found)


def _counterfactual(
    model: Model,
    table: Any,
    row: int,
    wish: str,
    rules: Mapping[str, Sequence[str]],
    seconds: float,
    seed: int,
) -> _Explained:
    from modelwright.automl.explaining import read_wish, table_row
    from modelwright.cli.explained_text import show_counterfactuals
    from modelwright.explanation import CounterfactualOptions

    options = CounterfactualOptions(
        keep=tuple(rules["--keep"]),
        rising=tuple(rules["--rising"]),
        falling=tuple(rules["--falling"]),
        seconds=seconds,
        seed=seed,
    )
    found = model.counterfactuals(table_row(table, row), read_wish(model.problem, wish), options)
    return {"row": row, **found.to_dict()}, lambda console: show_counterfactuals(console, row, found)


def _row(model: Model, table: Any, row: int) -> _Explained:
    from modelwright.automl.explaining import table_row
    from modelwright.cli.explained_text import show_row

    found = model.explain(table_row(table, row))
    return {"row": row, **found.to_dict()}, lambda console: show_row(console, row, found)

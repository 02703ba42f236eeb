"""``modelwright profile``: how a table would be understood, before anything is trained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import DataArgument, JsonOption, QueryOption, SetOption

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.data import Profile

__all__ = ["profile"]

NAME_WIDTH = 20
EXAMPLES_WIDTH = 20
"""Characters of a column's name, and of its examples, in a narrow window; twice as many in others."""


def profile(
    data: DataArgument,
    target: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Also say what predicting it would mean.", show_default=False),
    ] = None,
    settings: SetOption = None,
    query: QueryOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Show what each column of a table is taken for, and why.

    Nothing is trained and nothing is written. What is taken for something else than it is can be put
    right with --set, here and in training.
    """
    from modelwright.cli.settings import parse_overrides
    from modelwright.cli.tables import table_of
    from modelwright.core import Problem
    from modelwright.data import profile_table, read_table

    problem = None if target is None else Problem.of(target)
    table = read_table(table_of(data, query), overrides=parse_overrides(settings or ()), problem=problem)
    found = profile_table(table, target)
    return Answer(found.to_dict(), lambda console: _print(console, found), as_json)


def _print(console: Console, found: Profile) -> None:
    from modelwright.cli.text import clean

    console.print(f"{found.rows:,} rows, {found.columns:,} columns", style="bold")
    console.print()
    _print_columns(console, found)
    _print_target(console, found)
    if found.findings:
        console.print()
    for finding in found.findings:
        mark, style = ("-", "") if finding.severity == "info" else ("!", "yellow")
        sentence = f"{finding.message} {finding.action}".strip()
        console.print(f"{mark} {clean(sentence)}", style=style, soft_wrap=True)


def _print_columns(console: Console, found: Profile) -> None:
    from modelwright.cli.text import clean, is_narrow, shortened, table

    narrow = is_narrow(console)
    rows = []
    for detail in found.details:
        kind, role = str(detail["kind"]), str(detail["role"])
        if narrow:
            # Nearly all are features: only what is none needs saying.
            kinds = [kind if role == "feature" else f"{kind}, {role}"]
        else:
            kinds = [kind, role]
        examples = ", ".join(_example(value) for value in detail["examples"][:3])
        rows.append(
            [
                shortened(clean(detail["name"]), NAME_WIDTH if narrow else 2 * NAME_WIDTH),
                *kinds,
                _share(detail["missing"], detail["rows"]),
                f"{detail['distinct']:,}",
                shortened(clean(examples), EXAMPLES_WIDTH if narrow else 2 * EXAMPLES_WIDTH),
                detail["reason"],
            ]
        )
    kind_headings = ["kind"] if narrow else ["kind", "role"]
    headings = ["column", *kind_headings, "missing", "distinct", "examples", "why"]
    whole = ["column"] if narrow else ["column", "kind", "role"]
    console.print(table(headings, rows, numeric=["missing", "distinct"], whole=whole, cut=["examples"]))


def _share(part: int, whole: int) -> str:
    if not part:
        return ""
    return f"{part / whole:.0%}" if part >= 0.005 * whole else "<1%"


def _example(value: object) -> str:
    """A value as the user wrote it: whole numbers are kept as floats, and days have an hour, unseen."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return re.sub(r"(?<=^\d{4}-\d\d-\d\d)[T ]00:00:00(\.0+)?$", "", str(value))


def _print_target(console: Console, found: Profile) -> None:
    from modelwright.cli.text import clean, number

    target = found.target
    if target is None:
        return
    console.print()
    line = f"Target {clean(target['name'])}: {target['task']}, {target['rows']:,} rows"
    if target.get("classes"):
        shares = [f"{clean(label)} {count / target['rows']:.1%}" for label, count in target["classes"][:10]]
        line += f" ({', '.join(shares)}{', ...' if len(target['classes']) > 10 else ''})"
    elif target.get("quantiles"):
        low, high = target["quantiles"][0], target["quantiles"][-1]
        line += f" ({number(low)} to {number(high)}, median {number(target['quantiles'][3])})"
    console.print(line, style="bold", soft_wrap=True)

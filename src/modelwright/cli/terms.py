"""The terms of an interpretable model as small tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.cli.answers import Answer

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import ModelTerm, OutputTerms

__all__ = ["show_terms"]

_MOST_TERMS = 12
"""Terms that are printed; all are in the JSON."""

_MOST_LINES = 8
"""Lines of a term's table."""


def show_terms(facts: Mapping[str, Any], outputs: Sequence[OutputTerms], as_json: bool) -> Answer:
    """The answer of ``modelwright show --terms``.

    Parameters
    ----------
    facts : mapping
        Of the model.
    outputs : sequence of OutputTerms
    as_json : bool
    """
    payload = {
        "model": facts["model"],
        "name": facts["name"],
        "terms": [output.to_dict() for output in outputs],
    }

    def render(console: Console) -> None:
        for output in outputs:
            _print_output(console, output)

    return Answer(payload, render, as_json)


def _print_output(console: Console, output: OutputTerms) -> None:
    from modelwright.cli.text import clean, number

    if output.rules:
        console.print(f"Rules for {clean(output.name)} ({clean(output.scale)})", style="bold")
        console.print(_clean_lines(output.rules), soft_wrap=True, markup=False)
        return
    console.print(f"{clean(output.scale)} = {_numbers(output.intercept)} + the terms below", style="bold")
    if len(output.scores) > 1:
        console.print(f"scores: {', '.join(clean(score) for score in output.scores)}", soft_wrap=True)
    for place, term in enumerate(output.terms[:_MOST_TERMS], start=1):
        name = " x ".join(clean(column) for column in term.columns)
        console.print(f"\n{place}. {name}   (importance {number(term.importance)})", style="bold")
        _print_term(console, term, output.scores)
    rest = len(output.terms) - _MOST_TERMS
    if rest > 0:
        console.print(f"\nand {rest} terms that matter less: see --json")


def _print_term(console: Console, term: ModelTerm, scores: Sequence[str]) -> None:
    from modelwright.cli.text import clean, table

    lines = term.summary(_MOST_LINES)
    names = ["adds"] if len(scores) == 1 else [clean(score) for score in scores]
    known = any(share is not None for _, _, share in lines)
    columns = [*(clean(column) for column in term.columns), *(["rows"] if known else []), *names]
    rows = [
        [*where, *([_percent(share)] if known else []), *(f"{each:+.4g}" for each in adds)]
        for where, adds, share in lines
    ]
    console.print(table(columns, rows, numeric=["rows", *names]))
    if term.per_unit is not None and any(cell.where[0].at is not None for cell in term.cells):
        slopes = ", ".join(f"{each:+.4g}" for each in term.per_unit)
        console.print(f"  on average {slopes} for each 1 more", style="dim", soft_wrap=True)
    hidden = len(term.cells) - len(lines)
    if hidden > 0 and len(term.columns) == 2:
        console.print(f"  the {len(lines)} parts that matter most, of {len(term.cells)} cells", style="dim")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}%"


def _numbers(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.5g}" for value in values)
    return shown if len(values) == 1 else f"({shown})"


def _clean_lines(text: str) -> str:
    """Text of several lines without control characters."""
    from modelwright.cli.text import clean

    return "\n".join(clean(line) for line in text.split("\n"))

"""Explanations as tables with small bars, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl.attributing import Explanation
    from modelwright.explanation import Counterfactuals, Dependence, Importance, Interactions

__all__ = ["bar", "show_counterfactuals", "show_dependence", "show_importance", "show_pairs", "show_row"]

_MOST_COLUMNS = 25
"""Columns that are printed; all are in the JSON."""

_MOST_GROUPS = 10
_MOST_REASONS = 10
_LONGEST = 40
_MOST_OUTPUTS = 6
_WIDTH = 20
"""Characters of a whole bar."""


def bar(value: float, low: float, high: float, width: int = _WIDTH) -> str:
    """A bar whose length says where a value lies between two others.

    Examples
    --------
    >>> bar(5.0, 0.0, 10.0, width=4), bar(0.0, 0.0, 10.0), bar(99.0, 0.0, 10.0, width=2)
    ('██', '', '██')
    """
    if not high > low or value != value:
        return ""
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return "█" * round(share * width)


def show_importance(console: Console, found: Importance) -> None:
    """Print how important columns and groups are."""
    from modelwright.cli.text import clean, number, table

    console.print(
        f"Growth of the error ({clean(found.metric)}, now {number(found.error)}) when a column is shuffled, "
        f"over {found.rows:,} rows",
        style="bold",
        soft_wrap=True,
    )
    most = max((entry.increase for entry in found.columns), default=0.0)
    headings, numeric = ["column", "growth", "from", "to (95%)", ""], ["growth", "from", "to (95%)"]
    rows = [
        [
            f"{entry.columns[0]} *" if entry.twins else entry.columns[0],
            number(entry.increase),
            number(entry.low),
            number(entry.high),
            bar(entry.increase, 0.0, most),
        ]
        for entry in found.columns[:_MOST_COLUMNS]
    ]
    console.print(table(headings, rows, numeric=numeric))
    hidden = len(found.columns) - _MOST_COLUMNS
    if hidden > 0:
        console.print(f"and {hidden} columns that matter less: see --json")
    if found.groups:
        console.print("\n* says much the same as others; together they matter so much:", style="bold")
        groups = [
            [" + ".join(entry.columns), number(entry.increase), number(entry.low), number(entry.high)]
            for entry in found.groups[:_MOST_GROUPS]
        ]
        console.print(table(["columns", *numeric], groups, numeric=numeric))
    _print_notes(console, found.left_out)


def show_dependence(console: Console, found: Dependence) -> None:
    """Print predictions along one column."""
    from modelwright.cli.text import clean, number, table

    several = len(found.outputs) > 1
    is_value = found.outputs == ("prediction",)
    of_what = "" if several or is_value else f" ({clean(found.outputs[0])})"
    console.print(
        f"Mean prediction{of_what} if every row had this value of {clean(found.column)}, over "
        f"{found.rows:,} rows",
        style="bold",
        soft_wrap=True,
    )
    if several:
        shown = [clean(name) for name in found.outputs[:_MOST_OUTPUTS]]
        rows = [
            [point.label, f"{point.rows:,}", *(number(mean) for mean in point.mean[:_MOST_OUTPUTS])]
            for point in found.points
        ]
        console.print(table(["value", "rows", *shown], rows, numeric=["rows", *shown]))
    else:
        means = [point.mean[0] for point in found.points]
        numeric = ["rows", "prediction", "10%", "90%", "effect"]
        rows = [
            [
                f"{point.label} (!)" if point.outside else point.label,
                f"{point.rows:,}",
                number(point.mean[0]),
                number(point.low[0]),
                number(point.high[0]),
                "-" if point.effect is None else _signed(point.effect[0]),
                bar(point.mean[0], min(0.0, min(means)), max(means)),
            ]
            for point in found.points
        ]
        console.print(table(["value", *numeric, ""], rows, numeric=numeric))
        console.print("effect: what this value adds where rows are (accumulated local effect)", style="dim")
    hidden = len(found.outputs) - _MOST_OUTPUTS
    notes = [] if hidden <= 0 else [f"{hidden} more outputs: see --json."]
    if any(point.outside for point in found.points):
        notes.append("(!) training saw no such value: the prediction there is an extrapolation.")
    if found.related:
        names = ", ".join(f"{clean(name)} ({strength:.2f})" for name, strength in found.related)
        notes.append(
            f"Moves together with {names}: rows with every value of {clean(found.column)} do not exist; "
            "trust the effect more than the mean."
        )
    _print_notes(console, [*notes, *found.left_out])


def show_pairs(console: Console, found: Interactions) -> None:
    """Print which columns work together."""
    from modelwright.cli.text import number, table

    console.print(
        f"What pairs of columns do together beyond their sum, over {found.rows:,} rows",
        style="bold",
        soft_wrap=True,
    )
    most = max((pair.size for pair in found.pairs), default=0.0)
    rows = [
        [f"{pair.first} x {pair.second}", number(pair.strength), number(pair.size), bar(pair.size, 0.0, most)]
        for pair in found.pairs
    ]
    console.print(table(["columns", "H", "size", ""], rows, numeric=["H", "size"]))
    console.print(
        "H: 0 they add up, 1 nothing but together. size: in predictions, whose spread is "
        f"{number(found.spread)}.",
        style="dim",
        soft_wrap=True,
    )
    _print_notes(console, found.left_out)


def show_counterfactuals(console: Console, row: int, found: Counterfactuals) -> None:
    """Print the changes of a row."""
    from modelwright.cli.text import clean
    from modelwright.explanation import shown_value

    console.print(
        f"Row {row}: the model says {clean(shown_value(found.before))}. For {clean(found.wish)}:",
        style="bold",
        soft_wrap=True,
    )
    for place, answer in enumerate(found.answers, start=1):
        console.print(f"{place}. {clean(answer)}", soft_wrap=True)
    _print_notes(console, found.told)


def show_row(console: Console, row: int, found: Explanation) -> None:
    """Print what each column added to the prediction of one row."""
    from modelwright.cli.text import clean, number, shortened, table
    from modelwright.explanation import shown_value

    (reasons,) = found.reasons(k=_MOST_REASONS)
    console.print(
        f"Row {row}: {clean(reasons.output)} {number(reasons.prediction)}, "
        f"from a base of {number(reasons.base)}",
        style="bold",
        soft_wrap=True,
    )
    told = sorted((*reasons.supports, *reasons.against), key=lambda reason: -abs(reason.effect))
    most = max((abs(reason.effect) for reason in told), default=0.0)
    rows = [
        [
            reason.column,
            shortened(shown_value(reason.value), _LONGEST),
            _signed(reason.effect),
            bar(abs(reason.effect), 0.0, most),
        ]
        for reason in told
    ]
    console.print(table(["column", "value", "adds", ""], rows, numeric=["adds"]))
    if abs(reasons.others) > 0.01 * most:
        console.print(f"all other columns together: {_signed(reasons.others)}", style="dim")
    notes = [*found.told, *(f"Outside of training: {value.reason}." for value in found.outside)]
    if len(found.outputs) > 1:
        notes.append(f"Of {len(found.outputs)} outputs, this is {clean(reasons.output)}: see --json for all.")
    if found.sampled:
        names = ", ".join(clean(name) for name in found.sampled)
        notes.append(f"Estimated by trying values out, for members without exact additions: {names}.")
    _print_notes(console, notes)


def _signed(value: float) -> str:
    """A number with its sign."""
    from modelwright.cli.text import number

    return f"{'-' if value < 0 else '+'}{number(abs(value))}"


def _print_notes(console: Console, notes: Sequence[str]) -> None:
    from modelwright.cli.text import clean

    for note in notes:
        console.print(clean(note), soft_wrap=True)

"""What a run was expected to take, in one or two lines before it, and beside what it took afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["forecast_lines", "print_forecast"]

_FIGURES = {
    "seconds": "time",
    "memory_bytes": "peak memory",
    "model_bytes": "size of the model",
    "row_seconds": "one row",
    "rows_per_second": "rows a second, in a batch",
    "trials": "trials",
    "fits": "fits",
}


def forecast_lines(forecast: Mapping[str, Any]) -> list[str]:
    """A forecast in two lines.

    Examples
    --------
    >>> known = {"low": 1.0, "expected": 2.0, "high": 4.0}
    >>> size = {name: 1e6 * value for name, value in known.items()}
    >>> forecast = dict.fromkeys(_FIGURES, known) | {"model_bytes": size, "memory_bytes": size}
    >>> for line in forecast_lines(forecast):
    ...     print(line)
    expected: 2.0 s (1.0 s to 4.0 s), 2 MB of memory (1 to 4), very roughly 2 fits of 1 to 4 configurations
    expected of the model: 2.0 MB (1.0 to 4.0), 2000 ms a row (1000 to 4000), 2 rows/s in a batch
    """
    trials, rows = forecast["trials"], forecast["rows_per_second"]["expected"]
    run = [
        _with_range("seconds", forecast["seconds"], unit=True),
        _with_range("memory_bytes", forecast["memory_bytes"], " of memory"),
        f"very roughly {forecast['fits']['expected']:,.0f} fits of {trials['low']:,.0f} to "
        f"{trials['high']:,.0f} configurations",
    ]
    model = [
        _with_range("model_bytes", forecast["model_bytes"]),
        _with_range("row_seconds", forecast["row_seconds"], " a row"),
        f"{_amount('rows_per_second', rows)} rows/s in a batch",
    ]
    return [f"expected: {', '.join(run)}", f"expected of the model: {', '.join(model)}"]


def print_forecast(
    console: Console, forecast: Mapping[str, Any] | None, actual: Mapping[str, Any] | None
) -> None:
    """A table of what was foreseen and what it was, as far as there is something to show."""
    from modelwright.cli.text import table

    if not forecast:
        return
    rows = []
    for name, heading in _FIGURES.items():
        found = forecast[name]
        between = f"{_amount(name, found['low'])} to {_amount(name, found['high'])}"
        row = [heading, _amount(name, found["expected"]), between]
        rows.append([*row, *_judged(name, found, (actual or {}).get(name))] if actual else row)
    headings = ["forecast", "expected", "range", *(["actual", ""] if actual else [])]
    console.print()
    console.print(table(headings, rows, numeric=["expected", "actual"], whole=["forecast", "range"]))
    if actual and actual.get("is_sum_of_parts"):
        console.print("- There was no time to measure the whole model: one row is the sum of its parts.")
    for note in forecast.get("notes", ()):
        console.print(f"- {note}")


def _judged(name: str, found: Mapping[str, float], actual: float | None) -> list[str]:
    if actual is None:
        return ["not measured", ""]
    if found["low"] <= actual <= found["high"]:
        return [_amount(name, actual), "within"]
    return [_amount(name, actual), "less" if actual < found["low"] else "more"]


def _with_range(name: str, found: Mapping[str, float], what: str = "", *, unit: bool = False) -> str:
    low, high = (_amount(name, found[each]) for each in ("low", "high"))
    if not unit and low.split()[-1] == high.split()[-1]:
        low, high = low.partition(" ")[0], high.partition(" ")[0]
    return f"{_amount(name, found['expected'])}{what} ({low} to {high})"


def _amount(name: str, value: float) -> str:
    from modelwright.core import format_bytes, format_seconds

    if name == "seconds":
        return format_seconds(value)
    if name == "memory_bytes":
        return format_bytes(value)
    if name == "model_bytes":
        return f"{value / 1e6:.2f} MB" if value < 1e6 else f"{value / 1e6:,.1f} MB"
    if name == "row_seconds":
        return f"{1e3 * value:.1f} ms" if value < 0.1 else f"{1e3 * value:.0f} ms"
    if name == "rows_per_second":  # nobody knows more than two digits of it
        return f"{float(f'{value:.1e}'):,.0f}"
    return f"{value:,.0f}"

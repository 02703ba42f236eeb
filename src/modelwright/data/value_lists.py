"""Several values in one cell: ``a;b;c``, ``a, b``, ``['a', 'b']``, JSON arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from modelwright.core import Kind
from modelwright.data.text_column import TextColumn, looks_like
from modelwright.data.typed_column import TypedColumn, without_tokens

__all__ = ["parse_lists", "type_list"]

_ITEM = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\s'"][^,]*"""
_LONGEST = 40
"""Characters of an item; longer pieces are prose."""

_SEVERAL = 0.1
"""Share of rows that hold more than one item."""

_SHARED = 0.9
"""Share of cells of several items all of which stand in another cell too."""

_CELLS = 5
"""Different cells of several items that are needed."""


def parse_lists(text: pl.Series, parsing: Mapping[str, Any]) -> pl.Series:
    r"""``List(String)`` of the items of each cell; an empty list if a bracketed cell has none.

    Parameters
    ----------
    text : polars.Series of String
        Cells without surrounding space.
    parsing : mapping
        ``delimiter`` between items, or ``"[]"`` for brackets; ``missing`` tokens.

    Examples
    --------
    >>> parse_lists(pl.Series(["a; b", "c", None]), {"delimiter": ";"}).to_list()
    [['a', 'b'], ['c'], None]
    >>> parse_lists(pl.Series(["['a, b', \"c\"]", "[]"]), {"delimiter": "[]"}).to_list()
    [['a, b', 'c'], []]
    """
    missing = set(parsing.get("missing", ()))
    text = without_tokens(text.alias("values"), missing) if missing else text.alias("values")
    delimiter = parsing.get("delimiter", ",")
    if delimiter == "[]":
        inner = text.str.strip_chars().str.replace(r"^[\[({]", "").str.replace(r"[\])}]$", "")
        items = inner.str.extract_all(_ITEM)
        quoted = r"""^(?:'(?P<a>.*)'|"(?P<b>.*)")$"""
        clean = pl.element().str.strip_chars().str.replace(quoted, "${a}${b}")
        clean = clean.str.replace_all(r"\\(['\"\\])", "${1}")
    else:
        items = text.str.split(delimiter)
        clean = pl.element().str.strip_chars()
    clean = clean.filter(clean != "")
    return items.to_frame().select(pl.col("values").list.eval(clean)).to_series()


def type_list(column: TextColumn) -> TypedColumn | None:
    """The column as lists, if its cells are in brackets or share their pieces."""
    if looks_like(column, _is_bracketed, 1.0) and all(map(_is_bracketed, column.real)):
        parsing: dict[str, Any] = {"delimiter": "[]", "missing": sorted(column.missing)}
        values = parse_lists(column.text, parsing)
        return TypedColumn(Kind.LIST, values, "lists in brackets", parsing)
    for delimiter in (";", "|", ","):
        if not looks_like(column, lambda value, mark=delimiter: mark in value, 0.1):  # type: ignore[misc]
            continue
        items = _shared_items(column, delimiter)
        if items:
            parsing = {"delimiter": delimiter, "missing": sorted(column.missing)}
            values = parse_lists(column.text, parsing)
            reason = (
                f"lists separated by {delimiter!r}: {len(items)} items that stand in several cells "
                f"({', '.join(map(repr, list(items)[:3]))})"
            )
            return TypedColumn(Kind.LIST, values, reason, parsing)
    return None


def _is_bracketed(value: str) -> bool:
    return len(value) >= 2 and value[0] + value[-1] in ("[]", "{}") and ":" not in value


def _shared_items(column: TextColumn, delimiter: str) -> list[str]:
    """The items, most frequent first, if the cells are lists; else none.

    Prose and names hold commas too. In lists the same items come back in other cells, cells differ in
    length, and items are short.
    """
    cells = {
        value: [piece.strip() for piece in value.split(delimiter) if piece.strip()]
        for value in column.sample(5000)
    }
    several = {value: items for value, items in cells.items() if len(items) > 1}
    rows = sum(column.real[value] for value in cells)
    if len(several) < _CELLS or sum(column.real[value] for value in several) < _SEVERAL * rows:
        return []
    lengths = Counter(len(items) for items in cells.values())
    if len(lengths) < 2 or max(lengths.values()) > 0.95 * len(cells):
        return []
    counts: Counter[str] = Counter()
    for items in cells.values():
        counts.update(set(items))
    if any(len(item) > _LONGEST for item in counts) or len(counts) > 0.5 * sum(counts.values()):
        return []
    shared = sum(all(counts[item] > 1 for item in items) for items in several.values())
    strange = sum(any(mark in item for mark in "+/|;&:") for item in counts)
    if shared < _SHARED * len(several) or strange > 0.2 * len(counts):
        return []
    # Pieces that are always in the same place are parts of one name, not items of a list.
    places: dict[str, set[int]] = {}
    for items in cells.values():
        for place, item in enumerate(items):
            places.setdefault(item, set()).add(place)
    moving = sum(len(where) > 1 for where in places.values())
    return [item for item, _ in counts.most_common()] if 2 * moving >= len(places) else []

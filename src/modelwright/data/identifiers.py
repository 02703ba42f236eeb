"""Text that names things: e-mail addresses, URLs, UUIDs, hashes, phone numbers, ids with a telling prefix."""

from __future__ import annotations

import re
from collections import Counter

from modelwright.core import Finding
from modelwright.data.text_column import TextColumn, looks_like
from modelwright.data.typed_column import PREFIX

__all__ = ["group_in_id", "informative_prefix", "recognise"]

_SHAPES = (
    ("e-mail addresses", re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")),
    ("URLs", re.compile(r"(?:https?|ftp)://\S+|www\.\S+\.\S+", re.IGNORECASE)),
    ("UUIDs", re.compile(r"\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?", re.IGNORECASE)),
    ("hashes", re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})", re.IGNORECASE)),
    ("IP addresses", re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")),
)
_PHONE = re.compile(r"(?:\+\d|\(\d|\d+[-. ]\d+[-. ])[\d ()./-]+")


def recognise(column: TextColumn) -> str:
    """What most values are, in words, or an empty string.

    Examples
    --------
    >>> import polars as pl
    >>> recognise(TextColumn("x", pl.Series(["a@b.de"]), set(), {"a@b.de": 1}))
    'e-mail addresses'
    """
    for name, shape in _SHAPES:
        if looks_like(column, shape.fullmatch, 0.98):
            return name
    return "phone numbers" if looks_like(column, _is_phone, 0.98) else ""


def _is_phone(value: str) -> bool:
    return _PHONE.fullmatch(value) is not None and 7 <= sum(map(str.isdigit, value)) <= 15


def informative_prefix(column: TextColumn) -> tuple[str, ...]:
    """The prefixes of ids that never repeat, most frequent first, if they are few; else none.

    Each must stand in ten ids on average, so that it says something about more than one row.

    Examples
    --------
    >>> import polars as pl
    >>> ids = {f"{'DE' if n % 2 else 'FR'}-{n:04d}": 1 for n in range(40)}
    >>> informative_prefix(TextColumn("x", pl.Series(list(ids)), set(), ids))
    ('DE', 'FR')
    """
    if len(column.real) < 40 or len(column.real) != column.rows:
        return ()
    shape = re.compile(PREFIX)
    if not looks_like(column, shape.match, 1.0):
        return ()
    found = column.uniques().str.extract(PREFIX, 1)
    counts = Counter(value for value in found.to_list() if value is not None)
    if found.null_count() or not 2 <= len(counts) <= 100 or 10 * len(counts) > len(found):
        return ()
    return tuple(name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def group_in_id(column: TextColumn) -> tuple[Finding, ...]:
    """A finding about ids whose first part repeats, as in ``309_1, 309_2``: rows that belong together."""
    shape = r"^(.+)[-_.:](\d{1,4})$"
    if len(column.real) < 40 or not looks_like(column, re.compile(shape).match, 1.0):
        return ()
    parts = column.uniques().str.extract_groups(shape).struct
    group = parts.field("1").alias("values")
    groups, numbers = group.n_unique(), parts.field("2").alias("values").n_unique()
    each = len(group) / groups
    if group.null_count() or groups < 10 or each < 2 or numbers > 4 * each:
        return ()
    message = (
        f"The first part of {column.name!r} repeats ({groups} different ones, {each:.1f} rows each). "
        "If these rows belong together, an honest score needs them on the same side of each split."
    )
    action = "Make that part a column of its own and pass it as the group column."
    return (Finding("group", "warning", message, column.name, action, {"groups": groups}),)

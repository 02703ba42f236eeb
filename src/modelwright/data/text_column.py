"""A text column while it is being typed, and when a rule may claim it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl

from modelwright.core import Finding
from modelwright.data.number_format import NumberFormat, guess_number_format
from modelwright.data.tokens import NUMERIC_MISSING
from modelwright.data.typed_column import TypedColumn, numeric_column, without_tokens

__all__ = ["MOST_TOKENS", "TextColumn", "looks_like", "numbers_of", "unread", "with_typos"]

MOST_TOKENS = 100
"""The most frequent unreadable values that are recorded as missing; others are told at prediction time."""

MOST_UNREAD = 0.02
"""A rule for numbers in disguise, coordinates or lists may fail on so large a share of the rows."""

MANY_READ = 20
"""... and only if it reads at least so many different values."""

_SAMPLE = 40


@dataclass(frozen=True)
class TextColumn:
    """A text column while it is being typed: distinct values with their rows, most frequent first.

    Attributes
    ----------
    name : str
        Of the column. Series bear a harmless name instead: polars takes one like ``^a.*$`` for a pattern.
    text : polars.Series
        The values without surrounding space.
    missing : set of str
        Values that stand for "missing".
    real : dict of str to int
        All other values and their rows.
    decimal_comma : bool
        Whether ``1,234`` is 1.234 where the values leave it open.
    point_groups : bool
        Whether ``1.234`` is 1234 where the values leave it open.
    """

    name: str
    text: pl.Series
    missing: set[str]
    real: dict[str, int]
    decimal_comma: bool = False
    point_groups: bool = False

    @cached_property
    def rows(self) -> int:
        """Rows that are not missing."""
        return sum(self.real.values())

    def only(self, levels: Iterable[str]) -> TextColumn:
        """The column as if only some of its values were not missing."""
        return replace(self, real={level: self.real[level] for level in levels})

    def number_format(self, values: Sequence[str]) -> NumberFormat | None:
        """How some of its values, or the numbers in them, are written; None if they are no numbers."""
        return guess_number_format(values, self.decimal_comma, self.point_groups) if values else None

    def uniques(self) -> pl.Series:
        """The distinct values that are not missing."""
        return self._uniques

    @cached_property
    def _uniques(self) -> pl.Series:
        return pl.Series("values", list(self.real), pl.String)

    def words(self) -> pl.Series:
        """The text with missing tokens as nulls."""
        return without_tokens(self.text, self.missing) if self.missing else self.text

    def sample(self, size: int = _SAMPLE) -> list[str]:
        """Some distinct values, evenly spread over the frequent and the rare."""
        levels = list(self.real)
        return levels[:: max(1, len(levels) // size)]


def looks_like(column: TextColumn, test: Callable[[str], object], share: float = 0.9) -> bool:
    """Whether a cheap test holds for most of a few distinct values: worth looking at all of them."""
    sample = [value for value in column.sample() if value.lower() not in NUMERIC_MISSING]
    return bool(sample) and sum(bool(test(value)) for value in sample) >= share * len(sample)


def unread(column: TextColumn, read: pl.Series, least: int = 2) -> list[str] | None:
    """The values that a rule could not read, or None if they are too many for it to claim the column.

    Words for "missing" do not count. All others must be at most 2% of the rows, beside at least 20 different
    values that were read.

    Parameters
    ----------
    column : TextColumn
        The column.
    read : polars.Series
        What the rule made of `TextColumn.uniques`; null where it could not.
    least : int
        Different values that must be read.
    """
    good = len(read) - read.null_count()
    if good < least:
        return None
    failing = column.uniques().filter(read.is_null()).to_list()
    strange = [value for value in failing if value.lower() not in NUMERIC_MISSING]
    rows = sum(column.real[value] for value in strange)
    if strange and (rows > MOST_UNREAD * column.rows or good < MANY_READ):
        return None
    return strange


def numbers_of(
    column: TextColumn,
    parse: Callable[[pl.Series], pl.Series],
    reason: str,
    parsing: dict[str, Any],
    least: int,
) -> TypedColumn | None:
    """The column as numbers by a rule, or None if the rule reads too few of its values."""
    read = parse(column.uniques())
    strange = unread(column, read, least)
    if strange is None:
        return None
    failing = column.uniques().filter(read.is_null()).to_list()
    parsing = {**parsing, "missing": sorted(column.missing | set(failing[:MOST_TOKENS]))}
    typed = numeric_column(column.name, parse(column.text), reason, parsing)
    return with_typos(typed, column, strange)


def with_typos(typed: TypedColumn, column: TextColumn, strange: list[str]) -> TypedColumn:
    """The column with a finding about the few values that could not be read."""
    if not strange:
        return typed
    rows = sum(column.real[value] for value in strange)
    shown = ", ".join(map(repr, strange[:3]))
    count = "1 value of" if rows == 1 else f"{rows} values of"
    message = (
        f"{count} {column.name!r} {'is' if rows == 1 else 'are'} not {typed.kind} ({shown}) and "
        f"{'is' if rows == 1 else 'are'} treated as missing, because all others are."
    )
    action = f"To keep them: --set {shlex.quote(column.name)}=categorical."
    evidence = {"rows": rows, "examples": strange[:5]}
    finding = Finding("not_numeric", "warning", message, column.name, action, evidence)
    return replace(typed, findings=(*typed.findings, finding))

"""Numbers, shares and names as a reader wants them in a table or a sentence."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

__all__ = [
    "NOTHING",
    "clean",
    "dated",
    "joined",
    "plural",
    "share",
    "shortened",
    "shown",
    "significant",
    "tick_labels",
]

_UNSEEN = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Characters that turn the direction of what stands after them, or say nothing."""

_HIDDEN = ("Cc", "Cs", "Zl", "Zp", "Cn")
"""Categories of Unicode that are no text: control characters, halves of pairs, separators of lines."""

_LARGE = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"))
NOTHING = "–"
"""What stands where there is no value."""


def clean(value: object) -> str:
    r"""Text that shows every character: controls and changes of direction are written out, not obeyed.

    Examples
    --------
    >>> clean("naïve\x1b[31m"), clean("a\u202eb")
    ('naïve\\x1b[31m', 'a\\u202eb')
    """
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(each) if _is_hidden(each) else each for each in text)


def _is_hidden(character: str) -> bool:
    return character in _UNSEEN or unicodedata.category(character) in _HIDDEN


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shortened(value: object, most: int = 60) -> str:
    """A name of at most so many characters: its middle is left out, so that its end still tells it apart.

    Examples
    --------
    >>> shortened("a_very_long_name_of_a_column_1", 15), shortened("short")
    ('a_very_lo…umn_1', 'short')
    """
    text = clean(value)
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}…{text[-tail:]}"


def significant(value: float | None, digits: int = 4, *, whole: bool = True) -> str:
    """A number with so many significant digits; a dash where there is none.

    Without ``whole`` a round number has decimals, too, as the others of its column.

    Examples
    --------
    >>> significant(0.912345), significant(12345.678), significant(3.0), significant(None)
    ('0.9123', '12,346', '3', '–')
    >>> significant(1.5e-7), significant(float("inf")), significant(2.5e20), significant(1.0, whole=False)
    ('1.5e-07', '–', '2.5e+20', '1.000')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size and not 1e-4 <= size < 1e15:
        return f"{value:.{digits - 1}g}"
    if size >= 10**digits or (whole and value == int(value)):
        return f"{value:,.0f}"
    decimals = digits if size < 1 else digits - len(str(int(size)))
    return f"{value:,.{decimals}f}"


def shown(value: object) -> str:
    """The text of a cell.

    Examples
    --------
    >>> shown(12000), shown(0.25), shown("age"), shown(None), shown(True)
    ('12,000', '0.2500', 'age', '–', 'yes')
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{value:.3g}" if abs(value) < 10**300 else NOTHING
    if isinstance(value, float):
        return significant(value)
    return clean(value)


def share(part: float | None) -> str:
    """A part of one, in percent.

    Examples
    --------
    >>> share(0.1234), share(0.0), share(0.0002), share(0.9999), share(1), share(None)
    ('12.3%', '0%', '<0.1%', '>99.9%', '100%', '–')
    """
    if part is None or not math.isfinite(part):
        return NOTHING
    if part in (0, 1):
        return f"{100 * part:.0f}%"
    if 0 < part < 0.001:
        return "<0.1%"
    if 0.999 < part < 1:
        return ">99.9%"
    return f"{100 * part:.1f}%"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(1200, "row"), plural(2, "class", "classes")
    ('1 row', '1,200 rows', '2 classes')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def joined(names: Sequence[object], most: int = 5) -> str:
    """Names in a sentence, the first few of many.

    Examples
    --------
    >>> joined(["age"]), joined(["age", "plan"]), joined("abcdefg", 3)
    ('age', 'age and plan', 'a, b, c and 4 more')
    """
    known = [shortened(name) for name in names]
    if len(known) > most:
        return f"{', '.join(known[:most])} and {len(known) - most:,} more"
    return " and ".join([", ".join(known[:-1]), known[-1]]) if len(known) > 1 else "".join(known)


def dated(moment: str | None) -> str:
    """A moment in ISO form, to the minute.

    Examples
    --------
    >>> dated("2026-03-01T10:20:30+00:00"), dated("2026-03-01"), dated(None)
    ('2026-03-01 10:20 UTC', '2026-03-01', '–')
    """
    if not moment:
        return NOTHING
    text = clean(moment)
    if "T" not in text:
        return text
    return f"{text[:16].replace('T', ' ')}{' UTC' if text.endswith(('+00:00', 'Z')) else ''}"


def tick_labels(ticks: Sequence[float]) -> tuple[str, ...]:
    """Labels of an axis: as many decimals as tell its ticks apart, and no more.

    Examples
    --------
    >>> tick_labels([0.0, 0.5, 1.0]), tick_labels([0.0, 2e6, 4e6]), tick_labels([1e-6, 1e-4])
    (('0.0', '0.5', '1.0'), ('0', '2M', '4M'), ('1e-06', '0.0001'))
    """
    largest = max((abs(tick) for tick in ticks), default=0.0)
    for size, suffix in _LARGE:
        if size <= largest < 1e15:
            parts = tick_labels([tick / size for tick in ticks])
            return tuple(f"{part}{suffix}" if tick else "0" for tick, part in zip(ticks, parts))
    if 1e-3 <= largest < 1e6 or not largest:
        for decimals in range(6):
            texts = tuple(f"{tick:,.{decimals}f}" for tick in ticks)
            if all(abs(round(tick, decimals) - tick) <= 1e-9 * largest for tick in ticks):
                return texts
    return tuple(f"{tick:.3g}" for tick in ticks)

"""Public holidays of a country: whether a day is one, and how far the next and the last are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, OptionError
from modelwright.features.datetimes import DATE_TYPES, as_microseconds
from modelwright.features.options import FeatureOptions
from modelwright.features.state import damaged, read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["Holidays", "public_holidays"]

PARTS = ("holiday", "to_holiday", "since_holiday")

AHEAD = 10
"""Years after the last training date whose holidays are kept: models live on."""

MAX_YEARS = 120
"""Years that are looked up at most, the latest ones."""

MAX_DAYS = 20_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Holidays(Transformer):
    """Whether the day is a public holiday, days to the next one and days since the last one.

    The days are looked up once, in training, and are part of the state: predictions need neither the
    package nor its version. From a year before the earliest training date to ten years after the latest;
    beyond that the distances are missing, and no day is a holiday. Without a country there is nothing.

    Examples
    --------
    >>> from datetime import datetime
    >>> frame = pl.DataFrame({"at": [datetime(2024, 12, 24, 18), datetime(2024, 12, 25)]})
    >>> holidays = Holidays(("at",), (date(2024, 12, 25), date(2024, 12, 26)))
    >>> out = np.empty((2, 3), np.float32)
    >>> holidays.transform(frame, out)
    >>> out.tolist()
    [[0.0, 1.0, nan], [1.0, 0.0, 0.0]]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    kind: ClassVar[str] = "datetime"
    columns: tuple[str, ...]
    days: tuple[date, ...]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Without a country: no holidays, no features."""
        pick(frame, columns, DATE_TYPES, "datetime")
        return cls(tuple(columns), ())

    @classmethod
    def fit_with(cls, frame: pl.DataFrame, columns: Sequence[str], options: FeatureOptions) -> Self:
        """The holidays of the country of the options, of the years that the columns are about.

        Raises
        ------
        OptionError
            If the country is not known, or the package `holidays` is not installed.
        """
        if options.country is None:
            return cls.fit(frame, columns)
        years: set[int] = set()
        for series in pick(frame, columns, DATE_TYPES, "datetime"):
            found = as_microseconds(series).dt.year().drop_nulls()
            years.update(found.unique().to_list())
        last = max(years, default=_EPOCH.year) + AHEAD
        first = max(min(years, default=_EPOCH.year) - 1, last - MAX_YEARS + 1)
        return cls(tuple(columns), public_holidays(options.country, range(first, last + 1))[-MAX_DAYS:])

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """Three for each column; none without holidays."""
        if not self.days:
            return ()
        return tuple(FeatureInfo(f"{name}.{part}", name, part) for name in self.columns for part in PARTS)

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        return np.array([(day - _EPOCH).days for day in self.days], np.int64)

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        columns = pick(frame, self.columns, DATE_TYPES, "datetime")
        if not self.days:
            return
        known = self._numbers
        for position, series in enumerate(columns):
            days = as_microseconds(series).cast(pl.Date).to_physical().cast(pl.Int64)
            numbers = days.fill_null(0).to_numpy()
            following = np.searchsorted(known, numbers)
            passed = np.searchsorted(known, numbers, side="right") - 1
            parts = np.full((len(numbers), len(PARTS)), np.nan)
            ahead, behind = following < len(known), passed >= 0
            parts[:, 0] = following <= passed
            parts[ahead, 1] = known[following[ahead]] - numbers[ahead]
            parts[behind, 2] = numbers[behind] - known[passed[behind]]
            parts[series.is_null().to_numpy()] = np.nan
            out[:, position * len(PARTS) : (position + 1) * len(PARTS)] = parts

    def to_dict(self) -> dict[str, Any]:
        """The columns and the days."""
        return {"columns": list(self.columns), "days": [day.isoformat() for day in self.days]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        texts = read_texts(record, "days", longest=MAX_DAYS)
        try:
            days = tuple(date.fromisoformat(text) for text in texts)
        except ValueError as error:
            raise damaged("'days'", "dates like 2024-12-25", texts[:3]) from error
        if list(days) != sorted(set(days)):
            raise damaged("'days'", "in order", texts[:3])
        return cls(columns, days)


def public_holidays(country: str, years: Iterable[int]) -> tuple[date, ...]:
    """The public holidays of a country (``"DE"``) or a part of it (``"DE-BY"``), in order.

    Raises
    ------
    OptionError
        If the country is not known, or the package `holidays` is not installed.
    """
    if not isinstance(country, str):
        raise OptionError(f"A country is a two-letter code such as 'DE', but came as {country!r}.")
    try:
        from holidays import country_holidays
    except ImportError as error:
        raise OptionError(
            f"Holidays of {country!r} need the package 'holidays', which is not installed. "
            f"Install it with: pip install 'modelwright[holidays]', or give no country."
        ) from error
    code, _, subdivision = country.upper().partition("-")
    try:
        found = country_holidays(code, subdiv=subdivision or None, years=list(years))
    except NotImplementedError as error:
        raise OptionError(
            f"The country {country!r} is not known. Give a two-letter code as in 'DE', "
            f"or with a subdivision as in 'DE-BY'."
        ) from error
    return tuple(sorted(found))

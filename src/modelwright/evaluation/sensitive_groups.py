"""The groups that fairness is judged by: levels of a column, ranges of a number, missing values, and more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import DataError, IntArray, OptionError

__all__ = [
    "Division",
    "SensitiveColumn",
    "SensitiveRows",
    "require_few",
    "require_groups",
    "sensitive_column",
    "sensitive_rows",
]

MISSING, UNSEEN = "(missing)", "(not seen in training)"

_FEW_VALUES = 10
"""Numbers with so many different values are taken as levels, with more they are divided into ranges."""

_RANGES = 4
_MOST_GROUPS = 50
_MOST_COLUMNS = 4
_MOST_LABEL = 200


@dataclass(frozen=True)
class SensitiveColumn:
    """How the values of one column become groups; the same for training rows and for new ones.

    Attributes
    ----------
    name : str
    levels : tuple of str
        The groups, in order: levels as text, or ranges in words.
    cuts : tuple of float
        Where ranges of a number begin, ascending; empty for levels.

    Examples
    --------
    >>> age = SensitiveColumn("age", ("below 40", "40 or more"), (40.0,))
    >>> [age.labels[code] for code in age.codes(pl.Series([39.0, 40.0, None])).tolist()]
    ['below 40', '40 or more', '(missing)']
    """

    name: str
    levels: tuple[str, ...]
    cuts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        texts = (self.name, *self.levels)
        if not all(isinstance(text, str) and len(text) <= _MOST_LABEL for text in texts):
            raise ValueError("the name and the levels of a sensitive column must be short texts")
        if len(set(self.levels)) < len(self.levels) or len(self.levels) > _MOST_GROUPS:
            raise ValueError(f"a sensitive column has at most {_MOST_GROUPS} levels, each of them once")
        ascending = all(low < high for low, high in pairwise(self.cuts))
        if not (ascending and np.isfinite(self.cuts).all()) or (
            self.cuts and len(self.levels) != len(self.cuts) + 1
        ):
            raise ValueError("cuts must ascend, with a range before and after each")

    @property
    def labels(self) -> tuple[str, ...]:
        """Every group, also that of missing values and that of levels nobody saw in training."""
        return (*self.levels, MISSING, UNSEEN)

    def codes(self, values: pl.Series) -> IntArray:
        """The position of each row's group among the labels.

        Raises
        ------
        DataError
            If the column is divided into ranges, and the values are no numbers.
        """
        given = _plain(values)
        missing = given.is_null().to_numpy()
        if self.cuts:
            if not given.dtype.is_numeric() and given.dtype != pl.Null:
                raise DataError(
                    f"The column {self.name!r} is divided into ranges of numbers, but its values are "
                    f"{given.dtype}. Give numbers."
                )
            numbers = given.cast(pl.Float64).fill_null(0.0).to_numpy()
            found: NDArray[Any] = np.searchsorted(np.asarray(self.cuts), numbers, side="right")
        else:
            places = {level: place for place, level in enumerate(self.levels)}
            unseen = len(self.levels) + 1
            found = np.array([places.get(text, unseen) for text in _texts(given)], np.int64)
        return np.where(missing, len(self.levels), found).astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {"name": self.name, "levels": list(self.levels), "cuts": list(self.cuts)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> SensitiveColumn:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        return cls(str(record["name"]), tuple(record["levels"]), tuple(float(cut) for cut in record["cuts"]))


@dataclass(frozen=True)
class Division:
    """Rows divided by one column, or by several at once.

    Attributes
    ----------
    by : tuple of str
        The columns.
    labels : tuple of str
        Of the groups that have rows.
    codes : int64 array, shape (rows,)
        The group of each row.
    """

    by: tuple[str, ...]
    labels: tuple[str, ...]
    codes: IntArray


@dataclass(frozen=True)
class SensitiveRows:
    """The groups of rows by each sensitive column.

    Attributes
    ----------
    columns : tuple of SensitiveColumn
    codes : int64 array, shape (rows, columns)
    """

    columns: tuple[SensitiveColumn, ...]
    codes: IntArray

    def take(self, rows: NDArray[Any]) -> SensitiveRows:
        """Those of some rows."""
        return SensitiveRows(self.columns, self.codes[rows])

    def divisions(self) -> Iterator[Division]:
        """By each column, by each pair of columns, and by all of them.

        Examples
        --------
        >>> columns = SensitiveColumn("sex", ("f", "m")), SensitiveColumn("old", ("no", "yes"))
        >>> rows = SensitiveRows(columns, np.array([[0, 0], [1, 0], [1, 1]]))
        >>> [division.labels for division in rows.divisions()]
        [('f', 'm'), ('no', 'yes'), ('f & no', 'm & no', 'm & yes')]
        """
        count = len(self.columns)
        for size in sorted({1, min(2, count), count}):
            for chosen in combinations(range(count), size):
                yield self._divided(chosen)

    @property
    def whole(self) -> Division:
        """By all columns at once."""
        return self._divided(tuple(range(len(self.columns))))

    def _divided(self, chosen: Sequence[int]) -> Division:
        keys, codes = np.unique(self.codes[:, list(chosen)], axis=0, return_inverse=True)
        names = [
            [self.columns[place].labels[code] for place, code in zip(chosen, key)] for key in keys.tolist()
        ]
        by = tuple(self.columns[place].name for place in chosen)
        return Division(by, tuple(" & ".join(each) for each in names), codes.reshape(-1).astype(np.int64))


def sensitive_rows(
    columns: Sequence[SensitiveColumn], frame: Mapping[str, pl.Series] | pl.DataFrame
) -> SensitiveRows:
    """The groups of the rows of a frame.

    Parameters
    ----------
    columns : sequence of SensitiveColumn
    frame : polars.DataFrame or mapping of str to polars.Series
        Holds these columns, typed as in training.
    """
    codes = [column.codes(frame[column.name]) for column in columns]
    return SensitiveRows(tuple(columns), np.column_stack(codes).astype(np.int64))


def sensitive_column(values: pl.Series, name: str, cuts: Sequence[float] = ()) -> SensitiveColumn:
    """How a column is divided into groups.

    Texts and flags are taken by their levels; numbers by theirs where there are at most 10, else in four
    ranges of about as many rows each. Missing values are a group of their own.

    Parameters
    ----------
    values : polars.Series
        Of the training rows.
    name : str
    cuts : sequence of float, optional
        Where ranges of a number begin, in place of quartiles.

    Raises
    ------
    DataError
        If all rows are in one group, there are more than 50 groups, or the values cannot be grouped.
    OptionError
        If cuts are given for what is no number.

    Examples
    --------
    >>> sensitive_column(pl.Series([float(age) for age in range(20, 60)]), "age").levels
    ('below 29.8', '29.8 to below 39.5', '39.5 to below 49.2', '49.2 or more')
    >>> sensitive_column(pl.Series(["f", "m", None]), "sex").levels
    ('f', 'm')
    """
    given = _plain(values)
    known = given.drop_nulls()
    number = given.dtype.is_numeric()
    if cuts and not number:
        raise OptionError(
            f"Cuts divide numbers, but the sensitive column {name!r} holds {given.dtype}. Leave them out."
        )
    if not (number or given.dtype in (pl.String, pl.Boolean, pl.Null)):
        raise DataError(
            f"The sensitive column {name!r} holds {given.dtype}, which cannot be taken as groups. Give "
            "categories or numbers, such as the age instead of the date of birth."
        )
    if number and (cuts or known.n_unique() > _FEW_VALUES):
        found = _ranges(name, known.cast(pl.Float64).to_numpy(), cuts)
    else:
        levels = sorted(set(_texts(known)), key=lambda text: (_number(text), text))
        if len(levels) > _MOST_GROUPS:
            raise DataError(
                f"The sensitive column {name!r} has {len(levels)} different values "
                f"({', '.join(levels[:5])} ...), but at most {_MOST_GROUPS} groups can be compared. Give a "
                "coarser column, such as regions in place of towns."
            )
        found = SensitiveColumn(name, tuple(levels))
    require_groups(found.codes(given), name)
    return found


def require_groups(codes: IntArray, name: str) -> None:
    """Refuse rows that are all in one group.

    Raises
    ------
    DataError
        If there is nothing to compare.
    """
    if len(np.unique(codes)) < 2:
        raise DataError(
            f"All rows are in one group of the sensitive column {name!r}, so there is nothing to compare. "
            "Give rows of several groups, or another column."
        )


def require_few(names: Sequence[str]) -> None:
    """Refuse more sensitive columns than whose intersections can be told.

    Raises
    ------
    OptionError
        If there are more than four.
    """
    if len(names) > _MOST_COLUMNS:
        raise OptionError(
            f"At most {_MOST_COLUMNS} sensitive columns can be compared with their intersections, but "
            f"{len(names)} came. Judge the others on their own: 'modelwright fairness MODEL DATA "
            "--sensitive COL'."
        )


def _ranges(name: str, numbers: NDArray[np.float64], cuts: Sequence[float]) -> SensitiveColumn:
    """Ranges between given cuts, or quartiles with three digits: they are to tell no row's own value."""
    if cuts:
        edges = np.unique(np.asarray(cuts, np.float64))
    else:
        quartiles = np.quantile(numbers, np.linspace(0, 1, _RANGES + 1)[1:-1])
        edges = np.unique([float(f"{edge:.3g}") for edge in quartiles])
        edges = edges[(edges > numbers.min()) & (edges <= numbers.max())]
    words = [f"{edge:g}" for edge in edges.tolist()]
    if not words:
        raise DataError(
            f"Nearly all values of the sensitive column {name!r} are equal. Give cuts, or another column."
        )
    middle = [f"{low} to below {high}" for low, high in pairwise(words)]
    levels = (f"below {words[0]}", *middle, f"{words[-1]} or more")
    return SensitiveColumn(name, levels, tuple(edges.tolist()))


def _plain(values: pl.Series) -> pl.Series:
    """Values without NaN, and without their name."""
    given = values.alias("values")  # a name like ^a.*$ is a pattern to polars
    return given.fill_nan(None) if given.dtype.is_float() else given


def _texts(values: pl.Series) -> list[str]:
    """Values as the names of levels; any text for what is missing."""
    if values.dtype.is_numeric():
        return [f"{value:.12g}" if value is not None else "" for value in values.to_list()]
    if values.dtype == pl.Boolean:
        return ["true" if value else "false" for value in values.to_list()]
    return [str(value)[:_MOST_LABEL] if value is not None else "" for value in values.to_list()]


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return float("inf")
    return number if number == number else float("inf")

"""What the rows of one group have in common: aggregates of the numeric columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, OptionError, SchemaMismatch, nearest
from modelwright.features.numeric import NumericTransformer
from modelwright.features.state import damaged, read_mapping, read_texts

__all__ = ["GroupAggregates"]

MAX_COLUMNS = 50
"""Numeric columns that get aggregates, the first of the schema; five features each."""

STATISTICS = ("mean", "std", "min", "max", "difference")


@dataclass(frozen=True)
class GroupAggregates:
    """Mean, deviation, minimum and maximum of each number over its group, and the distance to the mean.

    Not a `Transformer`: the values of a row come from the rows of its group *in the frame that is
    given*, and nothing is remembered of other frames. That is honest where a group is always as a whole in
    one fold, and as a whole in the table that is predicted: training and prediction then see the same.
    It follows that a prediction depends on the other rows of the group in the same call. A row whose
    group is missing is a group of its own. Whether a value is missing does not matter to the others.

    Attributes
    ----------
    group : str
        The column whose equal values make a group.
    numbers : NumericTransformer
        The numeric columns, moved into the range of float32 as in the rest of the view.

    Examples
    --------
    >>> frame = pl.DataFrame({"customer": ["a", "a", None], "spend": [1.0, 3.0, 7.0]})
    >>> groups = GroupAggregates.fit(frame, ["spend"], "customer")
    >>> out = np.empty((3, len(groups.features)), np.float32)
    >>> groups.transform(frame, out)
    >>> [feature.transform for feature in groups.features]
    ['group_rows', 'group_mean', 'group_std', 'group_min', 'group_max', 'group_difference']
    >>> out.tolist()
    [[2.0, 2.0, 1.0, 1.0, 3.0, -1.0], [2.0, 2.0, 1.0, 1.0, 3.0, 1.0], [1.0, 7.0, 0.0, 7.0, 7.0, 0.0]]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    group: str
    numbers: NumericTransformer

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str], group: str) -> Self:
        """Learn how the numbers are scaled; nothing is kept of any group.

        Raises
        ------
        OptionError
            If there is no such group column.
        """
        if group not in frame.columns:
            raise OptionError(
                f"There is no column {group!r} to make group features of.{nearest(group, frame.columns)}"
            )
        used = [name for name in columns if name != group][:MAX_COLUMNS]
        return cls(group, NumericTransformer.fit(frame, used))

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """Rows of the group, then the statistics of each number."""
        return (
            FeatureInfo(f"{self.group}.rows", self.group, "group_rows"),
            *(
                FeatureInfo(f"{number.name}.group_{statistic}", number.source, f"group_{statistic}")
                for number in self.numbers.features
                for statistic in STATISTICS
            ),
        )

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32.

        Raises
        ------
        SchemaMismatch
            If the group column or a numeric column is absent.
        """
        if self.group not in frame.columns:
            raise SchemaMismatch(
                f"The group column {self.group!r} is missing.{nearest(self.group, frame.columns)} The model "
                f"uses features of whole groups: give all rows of a group at once, with that column."
            )
        codes, count = _group_codes(frame.to_series(frame.columns.index(self.group)))
        out[:, 0] = np.bincount(codes, minlength=count)[codes]
        width = len(self.numbers.features)
        values = np.empty((frame.height, width), np.float32)
        self.numbers.transform(frame, values)
        # Rows of a group side by side, so that each statistic is one pass over neighbours.
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(count))
        for position in range(width):
            column = values[:, position].astype(np.float64)
            found = _statistics(column[order], starts)[:, codes]
            first = 1 + position * len(STATISTICS)
            out[:, first : first + 4] = found.T
            out[:, first + 4] = column - found[0]

    def to_dict(self) -> dict[str, Any]:
        """The group column and the scaling of the numbers."""
        return {"group": self.group, "numbers": self.numbers.to_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        group = record.get("group")
        if not isinstance(group, str):
            raise damaged("'group'", "a text", group)
        numbers = read_mapping(record, "numbers")
        read_texts(numbers, "columns", longest=MAX_COLUMNS)
        return cls(group, NumericTransformer.from_dict(numbers))


def _group_codes(column: pl.Series) -> tuple[NDArray[np.int64], int]:
    """A number for each group, and how many there are; rows without a group get one each."""
    ranks = column.alias("group").rank("dense")
    codes: NDArray[np.int64] = ranks.cast(pl.Int64).fill_null(0).to_numpy() - 1
    alone = codes < 0
    known = int(codes.max()) + 1 if len(codes) else 0
    codes[alone] = known + np.arange(int(alone.sum()))
    return codes, known + int(alone.sum())


def _statistics(ordered: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean, deviation, minimum and maximum of each run, shape (4, runs); NaN where all is missing."""
    if not len(starts):
        return np.empty((4, 0))
    present = ~np.isnan(ordered)
    counts = np.add.reduceat(present.astype(np.float64), starts)
    filled = np.where(present, ordered, 0.0)
    safe = np.where(counts > 0, counts, np.nan)
    mean = np.add.reduceat(filled, starts) / safe
    runs = np.diff(np.append(starts, len(ordered)))
    distance = np.where(present, ordered - np.repeat(mean, runs), 0.0)
    deviation = np.sqrt(np.add.reduceat(distance**2, starts) / safe)
    return np.stack([mean, deviation, np.fmin.reduceat(ordered, starts), np.fmax.reduceat(ordered, starts)])

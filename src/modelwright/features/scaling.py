"""Numbers for models that add them up: imputed, standardised, with normal scores and missing indicators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, FloatArray, IntArray, SchemaMismatch
from modelwright.features.levels import select_rows
from modelwright.features.state import damaged, read_array

__all__ = ["NumericScaler"]

CLIP = 10.0
"""Standardised values are clipped to this: an outlier at predict time moves a linear model only so far."""

SKEWED = 1.0
"""Columns with a skewness beyond this also get a normal score by their quantiles."""

KNOTS = 129
"""Quantiles kept of a skewed column; values between two of them are interpolated."""

SAMPLE = 200_000
"""Medians and quantiles are taken from at most so many evenly spaced training rows."""

CELLS = 4_000_000
MAX_COLUMNS = 2**31 - 1

_PROBABILITIES = (np.arange(KNOTS) + 0.5) / KNOTS
_SCORES = np.array([NormalDist().inv_cdf(float(probability)) for probability in _PROBABILITIES])


@dataclass(frozen=True, eq=False)
class NumericScaler:
    """Median imputation, standardisation, normal scores of skewed columns, missing indicators.

    Columns that are constant (or all missing) in the training rows are dropped. Skewed columns
    (skewness beyond ±1) are given out twice: standardised, and as normal scores by linear interpolation
    between at most 129 training quantiles (beyond the outermost ones the score stays). On 14 tables a
    linear model with both had the lowest error on 11; either one alone was much worse on some.

    Attributes
    ----------
    width : int
        Columns of the numeric block that it was fitted on.
    standardise : bool
        Whether values are standardised and clipped to ±10.
    instead : bool
        Whether a skewed column is given out as its score only, not beside its standardised value.
    kept : int64 array, shape (k,)
        Which of them it gives out.
    median, mean, deviation : float64 arrays, shape (k,)
        What replaces a missing value; then ``(value - mean) / deviation``.
    skewed : int64 array, shape (s,)
        Positions in `kept` of the columns that get a score.
    knot_counts : int64 array, shape (s,)
        Number of knots of each.
    knots, scores : float64 arrays
        Knots of all skewed columns end to end, increasing in each, and the standardised score at each.
    indicated : int64 array, shape (m,)
        Columns whose missing values get an indicator.
    """

    width: int
    standardise: bool
    instead: bool
    kept: NDArray[np.int64]
    median: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    skewed: NDArray[np.int64]
    knot_counts: NDArray[np.int64]
    knots: NDArray[np.float64]
    scores: NDArray[np.float64]
    indicated: NDArray[np.int64]

    @classmethod
    def fit(
        cls,
        block: NDArray[np.float32],
        rows: NDArray[np.integer] | slice | None,
        *,
        scale: bool | Literal["normal"],
        max_columns: int,
    ) -> NumericScaler:
        """Learn from the training rows of a numeric block.

        Parameters
        ----------
        block : float32 array, shape (all rows, columns)
            NaN where missing.
        rows : int array, slice or None
            The training rows.
        scale : bool or "normal"
            Without it columns are only imputed; with "normal" skewed ones are given out as scores only.
        max_columns : int
            The most columns given out: first values (those with the fewest missing), then indicators
            (those with the most missing), then scores.
        """
        parts = [
            _describe(select_rows(block[:, start:stop], rows).astype(np.float64), start, bool(scale))
            for start, stop in _spans(block.shape[1], block.shape[0])
        ]
        columns = [column for part in parts for column in part]
        usable = [column for column in columns if column.varies]
        usable = sorted(usable, key=lambda column: column.missing)[:max_columns]
        usable.sort(key=lambda column: column.position)
        partly = [column for column in columns if column.missing and column.has_values]
        partly = sorted(partly, key=lambda column: -column.missing)[: max_columns - len(usable)]
        instead = scale == "normal"
        room = max_columns if instead else max_columns - len(usable) - len(partly)
        skewed = [position for position, column in enumerate(usable) if len(column.knots)][:room]
        empty = np.empty(0)
        return cls(
            width=int(block.shape[1]),
            standardise=bool(scale),
            instead=instead,
            kept=np.array([column.position for column in usable], np.int64),
            median=np.array([column.median for column in usable], np.float64),
            mean=np.array([column.mean if scale else 0.0 for column in usable], np.float64),
            deviation=np.array([column.deviation if scale else 1.0 for column in usable], np.float64),
            skewed=np.array(skewed, np.int64),
            knot_counts=np.array([len(usable[position].knots) for position in skewed], np.int64),
            knots=np.concatenate([empty, *(usable[position].knots for position in skewed)]),
            scores=np.concatenate([empty, *(usable[position].scores for position in skewed)]),
            indicated=np.array(sorted(column.position for column in partly), np.int64),
        )

    @property
    def outputs(self) -> int:
        """Columns that `write` fills: values, then scores, then indicators."""
        return len(self.kept) + self._beside + len(self.indicated)

    @property
    def _beside(self) -> int:
        return 0 if self.instead else len(self.skewed)

    def write(self, block: NDArray[np.float32], out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, outputs), from a numeric block of the same columns.

        Raises
        ------
        SchemaMismatch
            If the block has another number of columns.
        """
        if block.shape[1] != self.width:
            raise SchemaMismatch(
                f"Expected {self.width} numeric columns, but got {block.shape[1]}. "
                f"Make the view with the featurizer of the same model."
            )
        if len(block) == 1:
            self._write_row(block[0], out[0])
            return
        first = len(self.kept)
        ends = np.cumsum(self.knot_counts)
        for start, stop in _spans(first, block.shape[0]):
            values = block[:, self.kept[start:stop]].astype(np.float64)
            np.copyto(values, self.median[start:stop], where=np.isnan(values))
            shaped: dict[int, NDArray[np.float64]] = {}
            for place in range(*np.searchsorted(self.skewed, [start, stop]).tolist()):
                span = slice(ends[place] - self.knot_counts[place], ends[place])
                column = values[:, self.skewed[place] - start]
                shaped[place] = np.interp(column, self.knots[span], self.scores[span])
            if self.standardise:
                values -= self.mean[start:stop]
                values /= self.deviation[start:stop]
                np.clip(values, -CLIP, CLIP, out=values)
            out[:, start:stop] = values
            for place, score in shaped.items():
                out[:, self.skewed[place] if self.instead else first + place] = score
        if len(self.indicated):
            out[:, first + self._beside : self.outputs] = np.isnan(block[:, self.indicated])

    def _write_row(self, row: NDArray[np.float32], out: NDArray[Any]) -> None:
        """As `write`, of one row: all columns at once, not one after the other."""
        first = len(self.kept)
        values = row.take(self.kept).astype(np.float64)
        np.copyto(values, self.median, where=np.isnan(values))
        scores = self._scores(values.take(self.skewed)) if len(self.skewed) else values[:0]
        if self.standardise:
            values -= self.mean
            values /= self.deviation
            np.minimum(np.maximum(values, -CLIP, out=values), CLIP, out=values)
        out[:first] = values
        if self.instead:
            out[self.skewed] = scores
        else:
            out[first : first + len(scores)] = scores
        if len(self.indicated):
            out[first + self._beside : self.outputs] = np.isnan(row.take(self.indicated))

    @cached_property
    def _curves(self) -> tuple[FloatArray, IntArray, IntArray]:
        """Knots of each skewed column in a row of their own, padded; its first and last place in `knots`."""
        ends = np.cumsum(self.knot_counts)
        padded = np.full((len(ends), int(self.knot_counts.max())), np.inf)
        padded[np.arange(padded.shape[1]) < self.knot_counts[:, None]] = self.knots
        return padded, ends - self.knot_counts, ends - 1

    def _scores(self, values: FloatArray) -> FloatArray:
        """What `numpy.interp` says of one value of each skewed column, to the last bit."""
        padded, first, last = self._curves
        places = first + np.count_nonzero(padded <= values[:, None], axis=1) - 1
        outside = (places < first) | (places >= last)
        places = np.minimum(np.maximum(places, first), last)
        low, score = self.knots.take(places), self.scores.take(places)
        following = np.minimum(places + 1, last)
        with np.errstate(divide="ignore", invalid="ignore"):  # the last knot has none that follows it
            slope = (self.scores.take(following) - score) / (self.knots.take(following) - low)
            between = slope * (values - low) + score
        return np.asarray(np.where(outside, score, between))

    def columns(self, features: Sequence[FeatureInfo]) -> tuple[FeatureInfo, ...]:
        """Name and source of each column given out."""
        values = [features[position] for position in self.kept]
        skewed = [values[position] for position in self.skewed]
        if self.instead:
            for position, each in zip(self.skewed.tolist(), skewed, strict=True):
                values[position] = FeatureInfo(f"{each.name}~", each.source, "normal_score")
            skewed = []
        missing = [features[position] for position in self.indicated]
        return (
            *values,
            *(FeatureInfo(f"{each.name}~", each.source, "normal_score") for each in skewed),
            *(FeatureInfo(f"{each.name}?", each.source, "missing") for each in missing),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        return {
            "numeric_settings": np.array([self.width, int(self.standardise), int(self.instead)], np.int64),
            "kept": self.kept,
            "median": self.median,
            "mean": self.mean,
            "deviation": self.deviation,
            "skewed": self.skewed,
            "knot_counts": self.knot_counts,
            "knots": self.knots,
            "scores": self.scores,
            "indicated": self.indicated,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NumericScaler:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        settings = read_array(arrays, "numeric_settings", np.int64, 3, 0, MAX_COLUMNS)
        width, standardise, instead = settings.tolist()
        kept = read_array(arrays, "kept", np.int64, None, 0, width - 1)
        skewed = read_array(arrays, "skewed", np.int64, None, 0, len(kept) - 1)
        if np.any(np.diff(skewed) <= 0):
            raise damaged("'skewed'", "increasing", skewed)
        counts = read_array(arrays, "knot_counts", np.int64, len(skewed), 1, KNOTS)
        deviation = read_array(arrays, "deviation", np.float64, len(kept))
        if len(deviation) and deviation.min() <= 0:
            raise damaged("'deviation'", "more than zero", deviation.min())
        return cls(
            width=width,
            standardise=bool(standardise),
            instead=bool(instead),
            kept=kept,
            median=read_array(arrays, "median", np.float64, len(kept)),
            mean=read_array(arrays, "mean", np.float64, len(kept)),
            deviation=deviation,
            skewed=skewed,
            knot_counts=counts,
            knots=read_array(arrays, "knots", np.float64, int(counts.sum())),
            scores=read_array(arrays, "scores", np.float64, int(counts.sum()), -CLIP, CLIP),
            indicated=read_array(arrays, "indicated", np.int64, None, 0, width - 1),
        )


@dataclass(frozen=True, eq=False)
class _Column:
    """What the training rows say about one numeric column."""

    position: int
    missing: int
    has_values: bool
    varies: bool
    median: float
    mean: float
    deviation: float
    knots: NDArray[np.float64]
    scores: NDArray[np.float64]


def _spans(columns: int, rows: int) -> Iterator[tuple[int, int]]:
    width = max(1, CELLS // max(1, rows))
    for start in range(0, columns, width):
        yield start, min(columns, start + width)


def _describe(block: NDArray[np.float64], start: int, scale: bool) -> list[_Column]:
    """Medians, moments and knots of some columns of the training rows (changes the block)."""
    rows, width = block.shape
    empty = np.empty(0)
    if rows == 0:
        return [_Column(start + each, 0, False, False, 0.0, 0.0, 1.0, empty, empty) for each in range(width)]
    holes = np.isnan(block)
    missing = holes.sum(axis=0)
    ordered = np.sort(block[:: max(1, rows // SAMPLE)], axis=0)  # NaN goes to the end
    present = (~np.isnan(ordered)).sum(axis=0)
    median = ordered[np.maximum(present - 1, 0) // 2, np.arange(width)]
    median = np.where(np.isnan(median), 0.0, median)
    np.copyto(block, median, where=holes)
    mean, deviation = block.mean(axis=0), block.std(axis=0)
    # Relative, because the mean of a large constant is not exact; absolute, because a deviation must divide.
    varies = (deviation > 1e-6 * np.abs(mean)) & (deviation > 1e-30)
    safe = np.where(varies, deviation, 1.0)
    skewness = (((block - mean) / safe) ** 3).mean(axis=0)
    skewed = varies & (np.abs(skewness) > SKEWED) & (present > 0) & scale
    columns: list[_Column] = []
    for position in range(width):
        knots = scores = empty
        if skewed[position]:
            knots, scores = _normal_scores(ordered[: present[position], position], block[:, position])
        column = _Column(
            position=start + position,
            missing=int(missing[position]),
            has_values=bool(missing[position] < rows),
            varies=bool(varies[position]),
            median=float(median[position]),
            mean=float(mean[position]),
            deviation=float(safe[position]),
            knots=knots,
            scores=scores,
        )
        columns.append(column)
    return columns


def _normal_scores(
    ordered: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distinct quantiles of sorted values and the standardised normal score of each.

    Ties share the mean of their scores. A column of two values gets none: its score would say the same.
    """
    quantiles = np.interp(_PROBABILITIES, np.linspace(0, 1, len(ordered)), ordered)
    # The extremes are knots too, or the whole of a rare tail would share the score of the last quantile.
    quantiles[0], quantiles[-1] = ordered[0], ordered[-1]
    knots, group = np.unique(quantiles, return_inverse=True)
    scores = np.bincount(group, weights=_SCORES) / np.bincount(group)
    shaped = np.interp(values, knots, scores)
    deviation = shaped.std()
    two = not np.any((ordered > ordered[0]) & (ordered < ordered[-1]))
    if two or deviation < 1e-3:
        return np.empty(0), np.empty(0)
    return knots, np.clip((scores - shaped.mean()) / deviation, -CLIP, CLIP)

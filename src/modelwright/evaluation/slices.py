"""Where a model is worst: slices of the rows, told by one or two columns, on which it loses more.

After Chung, Kraska, Polyzotis, Tae and Whang, "Slice Finder: automated data slicing for model validation"
(2019): a slice has to be large enough to matter, its losses have to differ by a sizeable effect, and by more
than luck explains, although very many slices are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, generator, to_jsonable
from modelwright.evaluation.slice_columns import SliceColumn, divided
from modelwright.evaluation.slice_tests import Compared, adjusted, compare_sums, mean_interval, sums_of

__all__ = ["SliceReport", "WeakSlice", "find_slices"]

_MOST_ROWS = 50_000
_MOST_COLUMNS = 12
"""Columns that pairs are made of: those with the most significant slices of their own."""

_PAIR_RANGES = 4
_LARGEST_SHARE = 0.5
_FEWEST, _FEWEST_SHARE = 30, 0.01
_NEW_SHARE = 0.5
"""Of the rows of a slice, those that must not be in a worse one that is told already."""


@dataclass(frozen=True)
class WeakSlice:
    """Rows on which the model loses more than elsewhere.

    Attributes
    ----------
    words : str
        ``"plan is 'basic' and age from 60 on"``.
    columns : tuple of str
        One or two.
    rows : int
    share : float
        Of all rows, by weight.
    loss, low, high : float
        Mean loss, and an interval that is right for 95% of all slices told, although they were picked because
        they looked bad (false coverage rate: Benjamini and Yekutieli, 2005).
    elsewhere : float
        Mean loss of all other rows.
    effect : float
        Difference of the means in units of their common standard deviation.
    excess : float
        Share of the whole loss that would be gone if the slice were like the rest.
    p : float
        Adjusted for all slices that were looked at (Benjamini and Hochberg, "Controlling the false discovery
        rate", 1995).
    """

    words: str
    columns: tuple[str, ...]
    rows: int
    share: float
    loss: float
    low: float
    high: float
    elsewhere: float
    effect: float
    excess: float
    p: float


@dataclass(frozen=True)
class SliceReport:
    """What a search for weak slices found.

    Attributes
    ----------
    loss_name : str
        What was lost.
    rows : int
        Rows that were looked at.
    loss : float
        Mean loss of all of them.
    slices : tuple of WeakSlice
        The most significant first; none is told twice in other words.
    tested : int
        Slices that were looked at.
    level : float
        Share of the slices told that are expected to be mere luck, at most.
    """

    loss_name: str
    rows: int
    loss: float
    slices: tuple[WeakSlice, ...]
    tested: int
    level: float

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if not self.slices:
            return (
                f"No slice of the rows is clearly worse than the others: {self.tested:,} of one or two "
                "columns were looked at."
            )
        worst = self.slices[0]
        return (
            f"The model is weakest where {worst.words}: {self.loss_name} {worst.loss:.3g} ({worst.low:.3g} "
            f"to {worst.high:.3g}) against {worst.elsewhere:.3g} elsewhere, on {worst.rows:,} rows "
            f"({worst.share:.1%})."
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the sentence."""
        record: dict[str, Any] = to_jsonable({**asdict(self), "sentence": self.sentence})
        return record


def find_slices(
    losses: NDArray[Any],
    frame: pl.DataFrame,
    *,
    loss_name: str = "loss",
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> SliceReport:
    """Find the slices of the rows on which a model is worst.

    Numbers and dates are cut at their quantiles, and every run of neighbouring parts is a slice; so is each
    level of the other columns, and what is missing; so are pairs of these from two columns. A slice has at
    least 30 rows and 1% of them, and at most half. It is told if its mean loss is higher than elsewhere by
    0.2 standard deviations or more, and by more than luck explains: one-sided tests (Welch, 1947), corrected
    for all slices that could have been told. A pair must also be worse than the rest of both slices that it
    lies in. With groups the groups are what varies. Above 50,000 rows a random part of them is looked at.

    Parameters
    ----------
    losses : array, shape (rows,)
        Finite; more is worse.
    frame : polars.DataFrame
        Source columns of the same rows.
    loss_name : str
        What is lost, for sentences.
    weights, groups : array, shape (rows,), optional
        Row weights; groups whose rows depend on each other.
    level : float, default 0.05
        False discovery rate.
    seed : int
        Of the part that is looked at where rows are very many.

    Raises
    ------
    BadInput
        If there is not one finite loss for each row of the frame.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> plans = ["basic", "pro", "plus", "free"] * 100
    >>> frame = pl.DataFrame({"plan": plans, "age": random.uniform(20, 60, 400)})
    >>> losses = random.exponential(size=400) * np.where(frame["plan"] == "basic", 4.0, 1.0)
    >>> [found.words for found in find_slices(losses, frame).slices]
    ["plan is 'basic'"]
    """
    known = np.asarray(losses, dtype=np.float64)
    if known.shape != (frame.height,) or not np.isfinite(known).all():
        raise BadInput(
            f"Slices need one finite loss for each of {frame.height} rows, but came with the shape "
            f"{known.shape}"
            f"{'' if known.shape != (frame.height,) else ' and some that are not finite'}."
        )
    picked = np.arange(len(known))
    if len(known) > _MOST_ROWS:
        picked = np.sort(generator(seed, "slices").permutation(len(known))[:_MOST_ROWS])
        frame = frame[picked]
    base = np.ones(len(picked)) if weights is None else np.asarray(weights, dtype=np.float64)[picked]
    fewest = max(_FEWEST, int(_FEWEST_SHARE * len(picked)))
    if len(picked) < 2 * fewest or base.sum() <= 0:
        return SliceReport(loss_name, len(picked), float(known.mean()) if len(known) else 0.0, (), 0, level)
    codes = None if groups is None else np.unique(np.asarray(groups)[picked], return_inverse=True)[1]
    search = _Search(known[picked], base, codes, level, fewest)
    columns = [divided(frame[name], name, fewest) for name in frame.columns]
    usable = [column for column in columns if column is not None]
    singles = search.singles(usable)
    # Pairs of columns that are bad by themselves come first; those that are not looked at count as tested.
    suspects = [found.columns[0].name for found in sorted(singles.found, key=lambda found: found.p)]
    names = list(dict.fromkeys([*suspects, *(column.name for column in usable)]))[:_MOST_COLUMNS]
    coarse = [divided(frame[name], name, fewest, _PAIR_RANGES) for name in names]
    pairs = search.pairs([column for column in coarse if column is not None], len(usable))
    mean = float(np.average(known[picked], weights=base))
    told = search.told(singles, pairs, mean)
    return SliceReport(loss_name, len(picked), mean, told, singles.tested + pairs.tested, level)


@dataclass(frozen=True)
class _Candidate:
    """A slice that looks bad."""

    columns: tuple[SliceColumn, ...]
    numbers: tuple[int, ...]
    p: float
    t: float

    @property
    def words(self) -> str:
        return " and ".join(
            column.words[number] for column, number in zip(self.columns, self.numbers, strict=True)
        )

    def inside(self) -> NDArray[np.bool_]:
        """Its rows."""
        found = self.columns[0].rows_of(self.numbers[0])
        for column, number in zip(self.columns[1:], self.numbers[1:], strict=True):
            found = found & column.rows_of(number)
        return found


@dataclass(frozen=True)
class _Family:
    """Candidates, and how many slices they were picked from."""

    found: tuple[_Candidate, ...]
    tested: int


class _Search:
    """Looks at slices of the same rows."""

    def __init__(
        self, losses: FloatArray, weights: FloatArray, groups: NDArray[Any] | None, level: float, fewest: int
    ) -> None:
        self.losses = losses - np.average(losses, weights=weights)
        self.weights, self.groups, self.level, self.fewest = weights, groups, level, fewest
        self.sums = sums_of(self.losses, weights)
        self.total = self.sums.sum(axis=1)

    def singles(self, columns: Sequence[SliceColumn]) -> _Family:
        """Slices of one column."""
        found: list[_Candidate] = []
        tested = 0
        for column in columns:
            slices = self._cells(column) @ column.members.T
            compared = compare_sums(slices, self.total[:, None] - slices)
            usable = self._usable(slices)
            tested += int(usable.sum())
            found += [
                self._candidate((column,), (int(at),), compared)
                for at in np.flatnonzero(usable & compared.is_worse(self.level))
            ]
        return self._passed(found, tested)

    def pairs(self, columns: Sequence[SliceColumn], of: int) -> _Family:
        """Slices of two of the columns, which stand for so many that others could have been."""
        found: list[_Candidate] = []
        tested = 0
        for one, other in combinations(columns, 2):
            width = other.members.shape[1]
            both = one.cells * width + other.cells
            cells = self._binned(both, one.members.shape[1] * width).reshape(5, -1, width)
            chosen = one.members.astype(np.float64), other.members.astype(np.float64)
            slices = np.einsum("sa,kab,tb->kst", chosen[0], cells, chosen[1])
            parents = [
                (self._cells(one) @ one.members.T)[:, :, None],
                (self._cells(other) @ other.members.T)[:, None, :],
            ]
            usable = self._usable(slices)
            compared = compare_sums(slices, self.total[:, None, None] - slices)
            for parent in parents:
                compared = compared.at_least(compare_sums(slices, parent - slices))
            tested += int(usable.sum())
            found += [
                self._candidate((one, other), (int(a), int(b)), compared)
                for a, b in np.argwhere(usable & compared.is_worse(self.level))
            ]
        made = max(len(columns) * (len(columns) - 1) // 2, 1)
        return self._passed(found, tested * max(of * (of - 1) // 2, 1) // made)

    def told(self, singles: _Family, pairs: _Family, mean: float) -> tuple[WeakSlice, ...]:
        """The slices to tell: none that is mostly made of one that is told already."""
        passed = [(candidate, p) for family in (singles, pairs) for candidate, p in self._significant(family)]
        passed.sort(key=lambda pair: -pair[0].t)
        # Each family may spend half of the level; intervals are as wide as the picking asks for.
        share = min(1.0, len(passed) / max(singles.tested + pairs.tested, 1)) * self.level
        told: list[WeakSlice] = []
        covered = np.zeros(len(self.losses), dtype=np.bool_)
        for candidate, p in passed:
            inside = candidate.inside()
            fresh = inside & ~covered
            if told and not self._is_new(inside, fresh, covered):
                continue
            told.append(self._described(candidate, inside, p, share, mean))
            covered |= inside
        return tuple(told[:20])

    def _cells(self, column: SliceColumn) -> FloatArray:
        return self._binned(column.cells, column.members.shape[1])

    def _binned(self, cells: NDArray[Any], count: int) -> FloatArray:
        return np.stack([np.bincount(cells, part, minlength=count) for part in self.sums])

    def _usable(self, slices: FloatArray) -> NDArray[np.bool_]:
        """Slices that are large enough to matter, and not too large to be called one."""
        rows, weight, squares = slices[0], slices[1], slices[2]
        independent = np.divide(np.square(weight), squares, out=np.zeros_like(weight), where=squares > 0)
        return np.asarray(
            (rows >= self.fewest)
            & (independent >= self.fewest / 2)
            & (weight <= _LARGEST_SHARE * self.total[1])
        )

    def _candidate(
        self, columns: tuple[SliceColumn, ...], numbers: tuple[int, ...], compared: Compared
    ) -> _Candidate:
        return _Candidate(columns, numbers, float(compared.p[numbers]), float(compared.t[numbers]))

    def _passed(self, found: list[_Candidate], tested: int) -> _Family:
        """With groups: judged again by how much the groups vary."""
        if self.groups is None:
            return _Family(tuple(found), tested)
        judged = [self._grouped(candidate) for candidate in found]
        return _Family(tuple(each for each in judged if each.p <= self.level), tested)

    def _grouped(self, candidate: _Candidate) -> _Candidate:
        inside = candidate.inside()
        compared = [self._compared(inside, ~inside)]
        if len(candidate.columns) == 2:
            for column, number in zip(candidate.columns, candidate.numbers, strict=True):
                compared.append(self._compared(inside, column.rows_of(number) & ~inside))
        worst = max(compared, key=lambda each: float(each.p))
        return _Candidate(candidate.columns, candidate.numbers, float(worst.p), float(compared[0].t))

    def _significant(self, family: _Family) -> list[tuple[_Candidate, float]]:
        """Candidates that luck does not explain, with adjusted p-values."""
        p = adjusted([candidate.p for candidate in family.found], family.tested)
        # Each family of slices may use half of the level.
        return [
            (candidate, min(1.0, 2 * float(value)))
            for candidate, value in zip(family.found, p, strict=True)
            if 2 * value <= self.level
        ]

    def _is_new(
        self, inside: NDArray[np.bool_], fresh: NDArray[np.bool_], covered: NDArray[np.bool_]
    ) -> bool:
        """Whether the rows that no told slice has are many, and worse than the rest by themselves."""
        if fresh.sum() < max(self.fewest, _NEW_SHARE * inside.sum()):
            return False
        return bool(self._compared(fresh, ~(inside | covered)).is_worse(self.level))

    def _compared(self, inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> Compared:
        return compare_sums(self._of_rows(inside), self._of_rows(outside))

    def _of_rows(self, rows: NDArray[np.bool_]) -> FloatArray:
        """Sums over some rows; with groups each is one observation."""
        sums: FloatArray = self.sums[:, rows].sum(axis=1)
        if self.groups is None or not rows.any():
            return sums
        weight = np.bincount(self.groups[rows], self.weights[rows]).astype(np.float64)
        lost = np.bincount(self.groups[rows], self.sums[3, rows])
        used = weight > 0
        each = np.divide(lost[used], weight[used])
        grouped: FloatArray = sums_of(each, weight[used]).sum(axis=1)
        return grouped

    def _described(
        self, candidate: _Candidate, inside: NDArray[np.bool_], p: float, share: float, mean: float
    ) -> WeakSlice:
        own, rest = self._of_rows(inside), self._of_rows(~inside)
        low, high = mean_interval(own, share)
        compared = compare_sums(own, rest)
        shift = mean - float(self.total[3] / self.total[1])
        part = float(self.weights[inside].sum() / self.weights.sum())
        loss, elsewhere = (float(sums[3] / sums[1]) + shift for sums in (own, rest))
        return WeakSlice(
            words=candidate.words,
            columns=tuple(column.name for column in candidate.columns),
            rows=int(inside.sum()),
            share=part,
            loss=loss,
            low=low + shift,
            high=high + shift,
            elsewhere=elsewhere,
            effect=float(compared.effect),
            excess=part * (loss - elsewhere) / mean if mean > 0 else 0.0,
            p=p,
        )

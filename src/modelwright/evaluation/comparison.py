"""Two models on the same rows: which is better, by how much, and whether that could be luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, Predictions, to_jsonable
from modelwright.evaluation.bootstrap import bootstrap_scores, score_interval
from modelwright.metrics import Metric

__all__ = [
    "PairedComparison",
    "PairedTest",
    "compare_predictions",
    "delong_test",
    "mcnemar_test",
]

_RESAMPLES = 400
_DETECTED = 2.801585218
"""Standard errors of a difference that is found in 80% of all cases at the 5% level: 1.96 + 0.84."""

_FEWEST_OF_KIND = 5
"""Rows of each of two classes, below which DeLong's test says nothing that could be relied on."""

_EXACT = 1_000
"""Rows on which one model alone is right, up to which McNemar's test is exact."""


@dataclass(frozen=True)
class PairedTest:
    """A test of two models on the same rows.

    Attributes
    ----------
    name : str
    difference, low, high : float or None
        What the test estimates, second minus first, and the 95% interval, if it does.
    p : float
        Two-sided: how often chance alone would make a difference as large.
    detail : str
        What it rests on, in words.
    """

    name: str
    difference: float | None
    low: float | None
    high: float | None
    p: float
    detail: str


@dataclass(frozen=True)
class PairedComparison:
    """Two models by one metric on the same rows.

    Attributes
    ----------
    metric : str
    greater_is_better : bool
    names : tuple of str
        Of the two models.
    rows : int
    first, second : tuple of float
        Score and 95% interval of each: ``(score, low, high)``.
    difference, low, high : float
        Second minus first, and the 95% interval of a paired bootstrap: both models see the same resamples.
    verdict : str
        ``"better"``, ``"worse"`` (the second, than the first) or ``"cannot be told apart"``.
    detectable : float
        How large a difference would have to be to be found on so many rows in four of five cases.
    tests : tuple of PairedTest
        DeLong's for ROC AUC, McNemar's for accuracy.
    """

    metric: str
    greater_is_better: bool
    names: tuple[str, str]
    rows: int
    first: tuple[float, float, float]
    second: tuple[float, float, float]
    difference: float
    low: float
    high: float
    verdict: str
    detectable: float
    tests: tuple[PairedTest, ...]

    @property
    def sentence(self) -> str:
        """What is known, in words."""
        one, other = self.names
        scores = f"{self.metric} {self.second[0]:.4g} against {self.first[0]:.4g}"
        scores = f"{scores} on the same {self.rows:,} rows"
        if not math.isfinite(self.difference):
            return f"{other} and {one} cannot be compared by {self.metric}: it is undefined on these rows."
        if not math.isfinite(self.low):
            return f"{other} and {one} cannot be told apart: {scores}, which are too few to say more."
        ends = f"a difference of {self.difference:.3g} (95% interval {self.low:.3g} to {self.high:.3g})"
        if self.verdict == "cannot be told apart":
            return (
                f"{other} and {one} cannot be told apart: {scores}, {ends}. With so many rows a difference "
                f"of {self.detectable:.2g} would have been found in four of five cases."
            )
        return f"{other} is {self.verdict} than {one}: {scores}, {ends}."

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the sentence."""
        record: dict[str, Any] = to_jsonable({**asdict(self), "sentence": self.sentence})
        return record


def compare_predictions(
    metric: Metric,
    target: NDArray[Any],
    models: Mapping[str, Predictions],
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    spread: float = 1.0,
    seed: int = 0,
) -> PairedComparison:
    """Compare two models on the same rows.

    Parameters
    ----------
    metric : Metric
    target : array, shape (rows,) or (rows, labels)
        Class codes, values, or 0 and 1.
    models : mapping of str to Predictions
        Two models, by what they are called in sentences: what they predict for these rows.
    weights, groups : array, shape (rows,), optional
        Row weights; groups whose rows depend on each other. Tests that know neither are left out.
    spread : float, default 1.0
        Widens intervals: `bootstrap.OUT_OF_FOLD_SPREAD` where the rows were not kept aside.
    seed : int
        Of the bootstrap.

    Raises
    ------
    BadInput
        If they are not two, there are no rows, or not as many predictions as targets.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> from modelwright.metrics import get_metric
    >>> random = np.random.default_rng(0)
    >>> target = random.normal(size=300)
    >>> close, far = Predictions(target + 0.1 * random.normal(size=300)), Predictions(np.zeros(300))
    >>> found = compare_predictions(get_metric("rmse", Task.REGRESSION), target, {"A": far, "B": close})
    >>> found.verdict, found.difference < 0
    ('better', True)
    """
    target, pair = np.asarray(target), tuple(models.values())
    if len(pair) != 2 or not len(target) or any(each.rows != len(target) for each in pair):
        raise BadInput(
            f"Two models are compared on the same rows, but predictions of {[each.rows for each in pair]} "
            f"rows came for {len(target)} targets. Give those of two models, of the same rows."
        )
    first, second = pair
    scores = [metric.score(target, each, weights) for each in pair]
    drawn = bootstrap_scores(
        metric, target, pair, weights=weights, groups=groups, seed=seed, resamples=_RESAMPLES
    )
    ends = [
        score_interval(drawn[:, at], score, metric=metric, rows=len(target), spread=spread)
        for at, score in enumerate(scores)
    ]
    difference = scores[1] - scores[0]
    low, high = score_interval(drawn[:, 1] - drawn[:, 0], difference, spread=spread)
    verdict = "cannot be told apart"
    if low > 0 or high < 0:
        verdict = "better" if (difference > 0) == metric.greater_is_better else "worse"
    replicates = drawn[np.isfinite(drawn).all(axis=1)]
    several = len(replicates) > 1
    deviation = float(np.diff(replicates, axis=1).std(ddof=1)) if several else float("nan")
    plain = weights is None and groups is None
    return PairedComparison(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        names=(next(iter(models)), list(models)[1]),
        rows=len(target),
        first=(scores[0], *ends[0]),
        second=(scores[1], *ends[1]),
        difference=difference,
        low=low,
        high=high,
        verdict=verdict,
        detectable=_DETECTED * spread * deviation,
        tests=_tests(metric, target, first, second) if plain else (),
    )


def _tests(
    metric: Metric, target: NDArray[Any], first: Predictions, second: Predictions
) -> tuple[PairedTest, ...]:
    """Tests that were made for a metric."""
    if target.ndim > 1 or not first.is_probabilities:
        return ()
    if metric.name == "roc_auc" and _FEWEST_OF_KIND <= (target == 1).sum() <= len(target) - _FEWEST_OF_KIND:
        return (delong_test(target == 1, first.array[:, 1], second.array[:, 1]),)
    if metric.name == "accuracy":
        return (mcnemar_test(first.codes == target, second.codes == target),)
    return ()


def delong_test(positive: NDArray[Any], first: FloatArray, second: FloatArray) -> PairedTest:
    """Test whether two ROC AUC on the same rows differ.

    DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves: a nonparametric approach" (1988), by midranks (Sun and Xu, 2014). With Student's t
    in place of the normal distribution, degrees of freedom after Satterthwaite (1946): with 10 rows of one
    kind the normal one finds differences that are not there twice as often as it says.

    Parameters
    ----------
    positive : bool array, shape (rows,)
        At least two rows of each kind.
    first, second : float64 array, shape (rows,)
        Scores by the two models; higher means more likely positive.

    Examples
    --------
    >>> positive = np.array([True, True, True, False, False, False])
    >>> one, other = np.array([0.9, 0.8, 0.3, 0.5, 0.2, 0.1]), np.array([0.9, 0.4, 0.3, 0.8, 0.5, 0.1])
    >>> found = delong_test(positive, one, other)
    >>> round(found.difference, 4), round(found.p, 2)
    (-0.3333, 0.29)
    """
    from scipy.special import stdtr, stdtrit

    hits = np.asarray(positive, dtype=np.bool_)
    placed = [_placements(hits, np.asarray(each)) for each in (first, second)]
    areas, of_hits, of_misses = zip(*placed, strict=True)
    difference = areas[1] - areas[0]
    parts = []
    for places in (of_hits, of_misses):
        each = places[1] - places[0]
        parts.append((float(each.var(ddof=1)) / len(each), len(each) - 1))
    variance = sum(part for part, _ in parts)
    error, p, half = math.sqrt(variance), float(difference == 0), 0.0
    if error > 0:
        freedom = variance**2 / sum(part**2 / count for part, count in parts)
        p = 2 * float(stdtr(freedom, -abs(difference) / error))
        half = float(stdtrit(freedom, 0.975)) * error
    return PairedTest(
        "DeLong",
        difference,
        difference - half,
        difference + half,
        p,
        f"ROC AUC {areas[1]:.4f} against {areas[0]:.4f}, standard error of the difference {error:.4f}",
    )


def _placements(hits: NDArray[np.bool_], scores: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """The area, and for each row of either kind the share of the other kind that it outranks."""
    everything = _midranks(scores)
    own, other = _midranks(scores[hits]), _midranks(scores[~hits])
    of_hits = (everything[hits] - own) / len(other)
    of_misses = 1.0 - (everything[~hits] - other) / len(own)
    return float(of_hits.mean()), of_hits, of_misses


def _midranks(scores: FloatArray) -> FloatArray:
    """Ranks from 1; equal scores share the mean of theirs."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def mcnemar_test(first: NDArray[Any], second: NDArray[Any]) -> PairedTest:
    """Test whether two models are right equally often.

    McNemar, "Note on the sampling error of the difference between correlated proportions" (1947):
    only rows on which one of them alone is right say anything. Exact up to 1,000 of these, then by the
    normal distribution.

    Parameters
    ----------
    first, second : bool array, shape (rows,)
        Where each model is right.

    Examples
    --------
    >>> found = mcnemar_test(np.array([True] * 8 + [False] * 2), np.array([False] * 8 + [True] * 2))
    >>> round(found.p, 4), found.detail
    (0.1094, 'of 10 rows on which one model alone is right, the second is right on 2')
    """
    one, other = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    losses, wins = int((one & ~other).sum()), int((other & ~one).sum())
    discordant, rows = losses + wins, max(len(one), 1)
    difference = (wins - losses) / rows
    error = math.sqrt(max(discordant / rows - difference**2, 0.0) / rows)
    if discordant == 0:
        p = 1.0
    elif discordant <= _EXACT:
        tail = sum(math.comb(discordant, wrong) for wrong in range(min(losses, wins) + 1))
        p = min(1.0, 2 * tail / 2**discordant)
    else:
        p = math.erfc(max(abs(wins - losses) - 1, 0) / math.sqrt(discordant) / math.sqrt(2))
    return PairedTest(
        "McNemar",
        difference,
        difference - 1.959963984540054 * error,
        difference + 1.959963984540054 * error,
        p,
        f"of {discordant} rows on which one model alone is right, the second is right on {wins}",
    )

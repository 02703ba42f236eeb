"""The leaderboard: models compared on the same rows, with intervals, and ties shown as ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    FloatArray,
    OptionError,
    Predictions,
    UnknownName,
    format_bytes,
    format_seconds,
    nearest,
)
from modelwright.evaluation.bootstrap import OUT_OF_FOLD_SPREAD, bootstrap_scores, score_interval
from modelwright.metrics import Metric

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Entrant", "HoldoutResult", "Leaderboard", "LeaderboardEntry", "build_leaderboard"]


@dataclass(frozen=True)
class Entrant:
    """A model that wants to be on the leaderboard.

    Attributes
    ----------
    label, learner : str
        Name on the leaderboard, name in the catalog of learners.
    predictions : Predictions or None
        Of the leaderboard's rows; None (or of other rows) means that it is listed but not ranked.
    trial : int or None
        Number of the trial; None for an ensemble.
    folds : int
        Folds that were fitted.
    fit_seconds, predict_seconds : float
        Wall time of all fits together; of predicting the rows.
    size_bytes : int
        Size on disk.
    weight : float
        Weight in the final ensemble.
    is_baseline : bool
        Whether it is there to be compared with.
    status : str
        ``"finished"``, ``"pruned"`` (it lost the race against better trials), ``"out of time"``,
        ``"failed"`` ...
    note : str
        Why, in words.
    """

    label: str
    learner: str
    predictions: Predictions | None = None
    trial: int | None = None
    folds: int = 0
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    size_bytes: int = 0
    weight: float = 0.0
    is_baseline: bool = False
    status: str = "finished"
    note: str = ""


@dataclass(frozen=True)
class LeaderboardEntry:
    """One line of the leaderboard.

    Attributes
    ----------
    rank : int or None
        From 1; None for a model that was not scored on the same rows as the others.
    score, low, high : float or None
        The metric in its natural direction and its 95% interval; None where undefined.
    tied : bool
        Whether it cannot be told from the best: the 95% interval of the paired difference holds 0.
    tie_group : int or None
        Models that follow each other and cannot be told from the first of them have one number, from 1.
    label, learner, trial, folds, fit_seconds, predict_seconds, size_bytes, weight, is_baseline, status, note
        As in `Entrant`.
    """

    rank: int | None
    label: str
    learner: str
    trial: int | None
    score: float | None
    low: float | None
    high: float | None
    tied: bool
    tie_group: int | None
    folds: int
    fit_seconds: float
    predict_seconds: float
    size_bytes: int
    weight: float
    is_baseline: bool
    status: str
    note: str


@dataclass(frozen=True)
class HoldoutResult:
    """The final model's score on rows that nothing else has seen.

    Attributes
    ----------
    score, low, high : float or None
        The metric and its 95% interval.
    rows : int
        Rows that were scored.
    origin : str
        Where they come from, in words.
    """

    score: float | None
    low: float | None
    high: float | None
    rows: int
    origin: str = ""


@dataclass(frozen=True)
class Leaderboard:
    """Models from the best to the worst, then those that could not be ranked.

    Attributes
    ----------
    entries : tuple of LeaderboardEntry
    metric : str
        Name of the metric.
    greater_is_better : bool
        Its direction.
    rows : int
        Rows that every ranked model was scored on.
    source : str
        ``"out-of-fold"`` or ``"holdout"``: what those rows are.
    holdout : HoldoutResult or None
        The final model's score on a sealed holdout.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> from modelwright.metrics import get_metric
    >>> target = np.arange(60.0)
    >>> entrants = [Entrant("wide", "linear", Predictions(target * 1.5)),
    ...             Entrant("close", "lightgbm", Predictions(target + np.tile([0.5, -0.4, 0.7], 20)))]
    >>> board = build_leaderboard(get_metric("rmse", Task.REGRESSION), target, entrants)
    >>> [(entry.rank, entry.label, entry.tied) for entry in board.entries]
    [(1, 'close', True), (2, 'wide', False)]
    >>> Leaderboard.from_dict(board.to_dict()) == board
    True
    """

    entries: tuple[LeaderboardEntry, ...]
    metric: str
    greater_is_better: bool
    rows: int
    source: str = "out-of-fold"
    holdout: HoldoutResult | None = None

    def winner(self, label: str | None = None) -> LeaderboardEntry:
        """The best ranked entry, or the one with a label.

        Raises
        ------
        UnknownName
            If no entry has the label, or none was ranked.
        """
        if label is None:
            for entry in self.entries:
                if entry.rank == 1:
                    return entry
            raise UnknownName("No model on the leaderboard was scored, so that none is the best.")
        for entry in self.entries:
            if entry.label == label:
                return entry
        raise UnknownName(
            f"There is no model {label!r} on the leaderboard."
            f"{nearest(label, [entry.label for entry in self.entries])}"
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "rows": self.rows,
            "source": self.source,
            "holdout": None if self.holdout is None else asdict(self.holdout),
            "entries": [asdict(entry) for entry in self.entries],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Leaderboard:
        """Inverse of `to_dict`."""
        holdout = record["holdout"]
        return cls(
            entries=tuple(LeaderboardEntry(**entry) for entry in record["entries"]),
            metric=record["metric"],
            greater_is_better=record["greater_is_better"],
            rows=record["rows"],
            source=record["source"],
            holdout=None if holdout is None else HoldoutResult(**holdout),
        )

    def frame(self) -> pl.DataFrame:
        """The entries as a polars data frame, one row each, columns named as in `LeaderboardEntry`."""
        import polars as pl

        types = {
            "rank": pl.Int64, "label": pl.String, "learner": pl.String, "trial": pl.Int64,
            "score": pl.Float64, "low": pl.Float64, "high": pl.Float64, "tied": pl.Boolean,
            "tie_group": pl.Int64, "folds": pl.Int64, "fit_seconds": pl.Float64,
            "predict_seconds": pl.Float64, "size_bytes": pl.Int64, "weight": pl.Float64,
            "is_baseline": pl.Boolean, "status": pl.String, "note": pl.String,
        }  # fmt: skip
        return pl.DataFrame([asdict(entry) for entry in self.entries], schema=types)

    def __str__(self) -> str:
        header, rows = _cells(self)
        table = [header, *rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(header))]
        left = {1, 2, len(header) - 1}  # words are aligned to the left, numbers to the right
        lines = [
            "  ".join(
                cell.ljust(width) if i in left else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths))
            ).rstrip()
            for row in table
        ]
        return "\n".join([*lines, *_remarks(self)])

    def _repr_html_(self) -> str:
        header, rows = _cells(self)
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        remarks = "".join(f"<p>{escape(line)}</p>" for line in _remarks(self))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{remarks}"


def build_leaderboard(
    metric: Metric,
    target: NDArray[Any],
    entrants: Sequence[Entrant],
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
    holdout: HoldoutResult | None = None,
) -> Leaderboard:
    """Score models on the same rows, rank them, and find out which cannot be told apart.

    Parameters
    ----------
    metric : Metric
        What they are ranked by.
    target : array, shape (rows,)
        Class codes or values of the rows that all ranked models predicted.
    entrants : sequence of Entrant
        Those without predictions of exactly these rows go below, without rank: scores on different
        rows are never compared.
    weights, groups : array, shape (rows,), optional
        Row weights; groups whose rows depend on each other.
    seed : int
        Of the bootstrap.
    holdout : HoldoutResult, optional
        Shown below the table.

    Returns
    -------
    Leaderboard

    Raises
    ------
    OptionError
        If the metric, which may be the caller's, fails over every model.
    """
    target = np.asarray(target)
    scored = [e for e in entrants if e.predictions is not None and e.predictions.rows == len(target)]
    predictions = [e.predictions for e in scored if e.predictions is not None]
    tries = [metric.try_score(target, each, weights) for each in predictions]
    if tries and all(reason for _, reason in tries):
        raise OptionError(tries[0][1])  # the metric fails whatever it is given
    estimates = np.array([score for score, _ in tries])
    scores = bootstrap_scores(metric, target, predictions, weights=weights, groups=groups, seed=seed)
    usable = [i for i in range(len(scored)) if np.isfinite(estimates[i])]
    sign = -1.0 if metric.greater_is_better else 1.0
    usable.sort(key=lambda i: sign * estimates[i])
    tie_groups = _tie_groups(usable, estimates, scores)
    ranked = []
    for rank, i in enumerate(usable, start=1):
        low, high = score_interval(
            scores[:, i],
            float(estimates[i]),
            metric=metric,
            rows=len(target),
            spread=OUT_OF_FOLD_SPREAD,
        )
        entry = replace(
            _listed(scored[i], ""),
            rank=rank,
            score=float(estimates[i]),
            low=low if np.isfinite(low) else None,
            high=high if np.isfinite(high) else None,
            tied=i == usable[0] or _equal(i, usable[0], estimates, scores),
            tie_group=tie_groups[i],
        )
        ranked.append(entry)
    good = {id(scored[i]) for i in usable}
    rest = [_listed(e, _why_unranked(e, len(target))) for e in entrants if id(e) not in good]
    return Leaderboard(
        (*ranked, *rest), metric.name, metric.greater_is_better, len(target), "out-of-fold", holdout
    )


def _tie_groups(order: list[int], estimates: FloatArray, scores: FloatArray) -> dict[int, int]:
    """Number of the tie group of each model: a new one begins where a model is told from its leader."""
    groups: dict[int, int] = {}
    leader, number = -1, 0
    for i in order:
        if not number or not _equal(i, leader, estimates, scores):
            leader, number = i, number + 1
        groups[i] = number
    return groups


def _equal(first: int, second: int, estimates: FloatArray, scores: FloatArray) -> bool:
    low, high = score_interval(
        scores[:, first] - scores[:, second], float(estimates[first] - estimates[second])
    )
    return not (low > 0 or high < 0)  # an interval that is not known tells nothing apart


def _listed(entrant: Entrant, reason: str) -> LeaderboardEntry:
    return LeaderboardEntry(
        rank=None,
        label=entrant.label,
        learner=entrant.learner,
        trial=entrant.trial,
        score=None,
        low=None,
        high=None,
        tied=False,
        tie_group=None,
        folds=entrant.folds,
        fit_seconds=float(entrant.fit_seconds),
        predict_seconds=float(entrant.predict_seconds),
        size_bytes=int(entrant.size_bytes),
        weight=float(entrant.weight),
        is_baseline=entrant.is_baseline,
        status=entrant.status,
        note=entrant.note or reason,
    )


def _why_unranked(entrant: Entrant, rows: int) -> str:
    if entrant.predictions is None:
        return "It has no predictions of the rows that the others are compared on."
    if entrant.predictions.rows != rows:
        return f"It was scored on {entrant.predictions.rows} rows, the others on {rows}."
    return "Its score is undefined on these rows."


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}"


def _cells(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    header = [
        "rank",
        "model",
        "learner",
        board.metric,
        "95% interval",
        "folds",
        "fit",
        "size",
        "weight",
        "note",
    ]
    rows = []
    for entry in board.entries:
        known = entry.low is not None and entry.high is not None
        words = [
            "ties with the best" if entry.tied and entry.rank != 1 else "",
            "baseline" if entry.is_baseline else "",
            entry.status if entry.status != "finished" else "",
            entry.note,
        ]
        rows.append(
            [
                "-" if entry.rank is None else str(entry.rank),
                entry.label,
                entry.learner,
                _number(entry.score),
                f"{_number(entry.low)} .. {_number(entry.high)}" if known else "",
                str(entry.folds),
                format_seconds(entry.fit_seconds) if entry.fit_seconds else "",
                format_bytes(entry.size_bytes) if entry.size_bytes else "",
                f"{entry.weight:.2f}" if entry.weight else "",
                ", ".join(" ".join(word.split()) for word in words if word),
            ]
        )
    return header, [[" ".join(cell.split()) for cell in row] for row in rows]


def _remarks(board: Leaderboard) -> list[str]:
    better = "higher" if board.greater_is_better else "lower"
    remarks = [f"{board.metric}: {better} is better; {board.rows:,} {board.source} rows."]
    held = board.holdout
    if held is not None and held.score is not None:
        interval = f" ({_number(held.low)} .. {_number(held.high)})" if held.low is not None else ""
        origin = f", {held.origin}" if held.origin else ""
        remarks.append(
            f"Final model on the holdout: {_number(held.score)}{interval}, {held.rows:,} rows{origin}."
        )
    return remarks

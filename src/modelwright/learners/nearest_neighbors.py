"""k nearest neighbours: what the most similar training rows say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Estimate,
    FitTask,
    FloatArray,
    IntArray,
    OutOfTime,
    Predictions,
    Problem,
    Shape,
    TrialError,
    View,
    generator,
)
from modelwright.features import DenseEncoder
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.penalized import single_thread
from modelwright.learners.quantiles import group_quantiles
from modelwright.learners.spaces import Choice, Float, Int, Parameter
from modelwright.learners.state import (
    check_state,
    read_arrays,
    read_json,
    read_state,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder, loss_of

__all__ = ["FittedNeighbors", "NearestNeighbors", "Neighborhood"]

_MOST_KEPT = 20_000
"""Training rows kept at most: every prediction looks at all of them."""

_MOST_PAIRS = 1e9
"""Rows times kept rows at most: on large tables, fewer are kept."""

_MOST_ROWS = 200_000
"""Larger tables are left to other learners: with a tenth of the rows, neighbours are far away."""

_MOST_COLUMNS = 64
"""Columns that distances are taken over at most: those that tell most about the target."""

_ENCODED = 2_000
"""Columns looked at for that."""

_SHARE_COLUMNS = 500
"""Tables of more columns than this are wide: distances are then taken over noise."""

_CELLS = 1_000_000
"""Distances in memory at once."""

_SAME = 1e-10
"""Differences of squared distances below this share of squared lengths are rounding errors."""

_NEAR = 0.05
"""Distance, as a share of the farthest neighbour's, below which nearer neighbours count no more."""


@dataclass(frozen=True)
class Neighborhood:
    """The rows that are kept, and how they are asked.

    Attributes
    ----------
    columns : int64 array, shape (columns,)
        Columns of the encoded matrix that distances are taken over.
    scales : float64 array, shape (columns,)
        What each is multiplied with.
    points : float64 array, shape (kept rows, columns)
        Multiplied already.
    target : float64 array, shape (kept rows,)
        As the coder encoded it.
    weights : float64 array, shape (kept rows,)
    prior : float64 array
        Shares of the classes, which count as much as one average neighbour; empty for values.
    neighbors : int
        How many are asked; more where several are equally far.
    by_distance : bool
        Whether near ones count more.
    level : float or None
        The quantile of the neighbours to predict, instead of their mean.
    """

    columns: IntArray
    scales: FloatArray
    points: FloatArray
    target: FloatArray
    weights: FloatArray
    prior: FloatArray
    neighbors: int
    by_distance: bool
    level: float | None

    def predict(self, matrix: NDArray[Any]) -> FloatArray:
        """Shares of classes, shape (rows, classes), or values, shape (rows,).

        Parameters
        ----------
        matrix : array, shape (rows, encoded columns)
        """
        outputs = len(self.prior)
        parts = [np.zeros((0, outputs)) if outputs else np.zeros(0)]
        asked = matrix[:, self.columns].astype(np.float64) * self.scales
        lengths = (self.points**2).sum(axis=1)
        step = max(1, _CELLS // max(1, len(self.points)))
        with single_thread():
            for start in range(0, len(asked), step):
                part = asked[start : start + step]
                own = (part**2).sum(axis=1)
                squares = part @ self.points.T
                squares *= -2.0
                squares += lengths
                squares += own[:, None]
                parts.append(self._ask(squares, _SAME * (own + lengths.max())))
        return np.concatenate(parts)

    def _ask(self, squares: FloatArray, rounding: FloatArray) -> FloatArray:
        """What the neighbours say, from squared distances, shape (rows, kept rows), and their errors."""
        rows, kept = squares.shape
        last = min(self.neighbors, kept) - 1
        farthest = np.partition(squares, last, axis=1)[:, last] + rounding
        # all that are as far as the last one count: which of them stands first must not matter
        row, point = np.nonzero(squares <= farthest[:, None])
        weight = self.weights[point].copy()
        if self.by_distance:
            near = squares[row, point]
            # rows that are equal but for rounding errors are equal
            near[near <= rounding[row]] = 0.0
            weight /= np.sqrt(near / np.maximum(farthest, 1e-300)[row]) + _NEAR
        total = np.bincount(row, weight, minlength=rows)
        if self.level is not None:
            return group_quantiles(self.target[point], weight, row, self.level)
        if not len(self.prior):
            values: FloatArray = np.bincount(row, weight * self.target[point], minlength=rows) / total
            return values
        classes = len(self.prior)
        flat = np.bincount(
            row * classes + self.target[point].astype(np.int64), weight, minlength=rows * classes
        )
        average = (total / np.bincount(row, minlength=rows))[:, None]
        shares: FloatArray = (flat.reshape(rows, classes) + average * self.prior) / (total[:, None] + average)
        return shares

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays, for an npz file."""
        names = ("columns", "scales", "points", "target", "weights", "prior")
        return {name: getattr(self, name) for name in names}

    def complaint(self, coder: TargetCoder, width: int) -> str:
        """What is wrong with a neighbourhood that was read, or nothing."""
        if self.columns.ndim != 1 or self.target.ndim != 1:
            return "holds rows that cannot be"
        count, kept = len(self.columns), len(self.target)
        shapes = {
            "columns": (count,),
            "scales": (count,),
            "points": (kept, count),
            "target": (kept,),
            "weights": (kept,),
            "prior": (len(coder.present),),
        }
        for name, array in self.arrays().items():
            dtype = np.int64 if name == "columns" else np.float64
            if array.dtype != dtype or array.shape != shapes[name] or not np.isfinite(array).all():
                return f"holds {name} that cannot be"
        if not kept or (self.weights <= 0).any():
            return "keeps no rows, or rows without weight"
        if count and (self.columns.min() < 0 or self.columns.max() >= width):
            return "names columns that do not exist"
        if coder.is_classification and not np.isin(self.target, np.arange(len(coder.present))).all():
            return "names classes that do not exist"
        if self.neighbors < 1 or (self.level is not None and not 0 < self.level < 1):
            return "asks for neighbours or a quantile that cannot be"
        return ""


class FittedNeighbors(FittedLearner):
    """Training rows (or some of them) and what turns a view into points.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    encoder : DenseEncoder
        From view to matrix.
    rows : Neighborhood or None
        None where there was one class or value to learn.
    """

    def __init__(self, coder: TargetCoder, encoder: DenseEncoder, rows: Neighborhood | None) -> None:
        self.coder = coder
        self.encoder = encoder
        self.rows = rows

    def predict(self, view: View) -> Predictions:
        """What the neighbours of each row say, a few rows at once."""
        if self.rows is None:
            return self.coder.predict_constant(view.rows)
        outputs = len(self.rows.prior)
        parts = [np.zeros((0, outputs)) if outputs else np.zeros(0)]
        for start in range(0, view.rows, 8_192):
            matrix = _encode(self.encoder, view.take(slice(start, start + 8_192)))
            parts.append(self.rows.predict(matrix))
        return self.coder.decode(np.concatenate(parts))

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``rows.npz``."""
        record: dict[str, Any] = {"target": self.coder.to_dict()}
        if self.rows is not None:
            record["neighbors"] = self.rows.neighbors
            record["by_distance"] = self.rows.by_distance
            record["level"] = self.rows.level
            write_arrays(directory / "rows.npz", self.rows.arrays())
        write_json(directory / "model.json", record)
        write_arrays(directory / "encoder.npz", self.encoder.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "rows.npz"
        record = read_json(directory / "model.json")
        coder = TargetCoder.from_dict(record.get("target", {}))
        encoder = read_state(directory / "encoder.npz", DenseEncoder.from_arrays)
        if coder.is_constant:
            return cls(coder, encoder, None)
        names = ("columns", "scales", "points", "target", "weights", "prior")
        arrays = read_arrays(path, names)
        neighbors, level = record.get("neighbors"), record.get("level")
        check_state(
            isinstance(neighbors, int) and (level is None or isinstance(level, float)),
            directory / "model.json",
            "does not say how many neighbours are asked",
        )
        rows = Neighborhood(
            **{name: arrays[name] for name in names},
            neighbors=int(neighbors or 0),
            by_distance=bool(record.get("by_distance")),
            level=level,
        )
        complaint = rows.complaint(coder, encoder.width)
        check_state(not complaint, path, complaint)
        return cls(coder, encoder, rows)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = sum(array.nbytes for array in self.encoder.arrays().values())
        rows = 0 if self.rows is None else sum(array.nbytes for array in self.rows.arrays().values())
        return arrays + rows + 4_000


class NearestNeighbors(Learner):
    """Votes of the most similar training rows over scaled columns, each weighted by what it tells.

    Distances are Euclidean, over the (at most 64) encoded columns that are most correlated with the
    target; a column is multiplied with a power of that correlation. At most 20,000 training rows are kept.

    Source: Cover & Hart, "Nearest neighbor pattern classification", 1967; weights by distance: Dudani, 1976.
    """

    name = "nearest_neighbors"
    fitted = FittedNeighbors
    defaults: ClassVar[Mapping[str, Any]] = {"neighbors": 20, "weights": "distance", "relevance": 0.5}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Tables on which similar rows can be found."""
        if problem.monotonic:
            return "neighbours cannot promise to rise or fall with a column"
        if not shape.columns:
            return "there is no usable column to compare rows by"
        if shape.rows > _MOST_ROWS:
            return f"it compares each row with all others, which takes too long beyond {_MOST_ROWS:,} rows"
        if shape.columns > _SHARE_COLUMNS:
            return f"rows are hardly alike in more than {_SHARE_COLUMNS} columns"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """More neighbours where rows are many."""
        return (Candidate("default", {"neighbors": int(np.clip(2 * shape.rows**0.25, 5, 40))}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """How many neighbours, how they and the columns are weighted."""
        return {
            "neighbors": Int(1, max(5, min(200, shape.rows // 4)), log=True),
            "weights": Choice(("distance", "uniform")),
            "relevance": Float(0.0, 2.0),
        }

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """The fit is quick; the predictions of a quarter as many validation rows count here, too."""
        kept = _kept(shape.rows)
        width = min(_ENCODED, shape.numeric * 2 + min(shape.levels, 20 * shape.categorical))
        seconds = 0.01 + 4e-8 * shape.rows * width + 1.6e-8 * (shape.rows / 4 + 1) * kept
        memory = 16 * min(shape.rows, 3 * _MOST_KEPT) * width + 16 * kept * min(width, _MOST_COLUMNS)
        asked = min(_CELLS, max(1, kept) * (shape.rows / 4 + 1))
        size = 4_000 + kept * (8 * min(width, _MOST_COLUMNS) + 16)
        memory += int(24 * asked + 24 * shape.rows + 2e6)
        return Estimate(float(seconds), int(memory), int(size), 1e-4 + 1.5e-8 * kept)

    def fit(self, task: FitTask) -> FitResult:
        """Draw the rows to keep, find the columns that matter, and store both."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        # numbers first, then indicators and frequent levels: what is dropped is rare
        encoder = DenseEncoder.fit(
            task.view, fold.train_rows, scale="normal", max_levels=20, max_width=_ENCODED
        )
        if fold.coder.is_constant:
            return FitResult(FittedNeighbors(fold.coder, encoder, None), None, {"stop": "nothing to learn"})
        if not encoder.width:
            raise TrialError("Neighbours need at least one column that varies, but the table has none.")
        count = len(fold.train_rows)
        weights = np.ones(count) if fold.train_weights is None else fold.train_weights
        kept = np.arange(count)
        if count > _kept(count):
            kept = np.sort(generator(task.seed, "kept rows").choice(count, _kept(count), replace=False))
        matrix = _encode(encoder, task.view.take(fold.train_rows[kept]))
        target, weights = fold.train_target[kept], weights[kept] / weights[kept].mean()
        if task.deadline.passed:
            raise OutOfTime("The deadline passed while the columns were being encoded.")
        relevance = _relevance(matrix, target, weights, len(fold.coder.present))
        best = np.sort(np.argsort(-relevance, kind="stable")[:_MOST_COLUMNS])
        scales = (
            np.maximum(relevance[best] / max(float(relevance.max()), 1e-12), 1e-3) ** settings["relevance"]
        )
        classes = fold.coder.is_classification
        prior = np.zeros(0)
        if classes:
            prior = np.bincount(target, weights, minlength=len(fold.coder.present)) / weights.sum()
        rows = Neighborhood(
            columns=best.astype(np.int64),
            scales=scales,
            points=matrix[:, best].astype(np.float64) * scales,
            target=target.astype(np.float64),
            weights=np.maximum(weights, 1e-12),
            prior=np.asarray(prior, np.float64),
            neighbors=int(settings["neighbors"]),
            by_distance=settings["weights"] == "distance",
            level=_level(task.problem),
        )
        info = {"rows_kept": len(kept), "columns": len(best)}
        return FitResult(FittedNeighbors(fold.coder, encoder, rows), None, info)


def _kept(rows: int) -> int:
    """How many of so many training rows are kept."""
    return int(min(rows, max(5_000, min(_MOST_KEPT, _MOST_PAIRS / max(1, rows)))))


def _level(problem: Problem) -> float | None:
    """The quantile of the neighbours that the loss asks for: a median for absolute errors."""
    if problem.task.is_classification:
        return None
    loss = loss_of(problem)
    return None if loss.name == "squared" else loss.level


def _encode(encoder: DenseEncoder, view: View) -> NDArray[Any]:
    """The dense matrix of a view, whatever the encoder prefers."""
    matrix = encoder.transform(view)
    return matrix if isinstance(matrix, np.ndarray) else np.asarray(matrix.toarray())


def _relevance(matrix: NDArray[Any], target: NDArray[Any], weights: FloatArray, classes: int) -> FloatArray:
    """How far each column is correlated with the target (with some class): 0 to 1, shape (columns,)."""
    shares = weights / weights.sum()
    indicators = (target[:, None] == np.arange(classes)).astype(np.float64) if classes else target[:, None]
    centred = indicators - shares @ indicators
    found = np.zeros(matrix.shape[1])
    spread = np.sqrt(np.maximum(shares @ centred**2, 1e-30))
    for part in _column_spans(matrix):
        block = matrix[:, part].astype(np.float64)
        block -= shares @ block
        deviation = np.sqrt(np.maximum(shares @ block**2, 1e-30))
        # one thread: the sums must not depend on how many there are
        with single_thread():
            covariance = block.T @ (centred * shares[:, None])
        found[part] = np.abs(covariance / deviation[:, None] / spread).max(axis=1)
    return found


def _column_spans(matrix: NDArray[Any]) -> Iterator[slice]:
    step = max(1, _CELLS // max(1, len(matrix)))
    for start in range(0, matrix.shape[1], step):
        yield slice(start, start + step)

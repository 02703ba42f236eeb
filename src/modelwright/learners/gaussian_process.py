"""Gaussian process regression for small tables: exact, with its length scales learned."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Deadline,
    Estimate,
    FitTask,
    FloatArray,
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
from modelwright.learners.spaces import Choice, Parameter
from modelwright.learners.state import (
    check_state,
    read_arrays,
    read_json,
    read_state,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder, loss_of

__all__ = ["FittedProcess", "GaussianProcess", "Process"]

_MOST_ROWS = 1_000
"""Training rows of a fold at most: the cost grows with their third power."""

_MOST_KEPT = 1_300
"""Rows at most where all folds' rows are fitted at once; more are drawn from."""

_TUNED_ROWS = 400
"""Rows that the hyperparameters are learned on."""

_MOST_WIDTH = 200
"""Encoded columns at most."""

_CHUNK = 2_048
"""Rows predicted at once."""

_JITTER = 1e-8
"""What is added to the diagonal, as a share of the variance, so that equal rows leave it invertible."""

_MARGIN = 0.05
"""Seconds kept to write the model down."""

_KERNELS = ("rbf", "matern")


@dataclass(frozen=True)
class Process:
    """A fitted process.

    Attributes
    ----------
    kernel : str
        ``"rbf"``, or ``"matern"`` (of smoothness 5/2) for targets that are less smooth.
    lengths : float64 array, shape (columns,)
        Over which distance values change.
    scales : float64 array, shape (2,)
        Variance of the process, and of the noise.
    points : float64 array, shape (rows, columns)
        Divided by the lengths.
    duals : float64 array, shape (rows,)
        What each point adds.
    factor : float64 array, shape (rows, rows) or (0, 0)
        Cholesky factor of the covariance of the training rows (lower), where quantiles are predicted.
    """

    kernel: str
    lengths: FloatArray
    scales: FloatArray
    points: FloatArray
    duals: FloatArray
    factor: FloatArray

    def predict(self, matrix: NDArray[Any], score: float) -> FloatArray:
        """The mean, moved by so many standard deviations of a new value (0 for none).

        Parameters
        ----------
        matrix : array, shape (rows, columns)
        score : float
            A standard normal quantile.
        """
        from scipy.linalg import solve_triangular

        amplitude, noise = self.scales
        near = amplitude * _kernel(_squares(matrix / self.lengths, self.points), self.kernel)[0]
        mean: FloatArray = near @ self.duals
        if not score:
            return mean
        told = solve_triangular(self.factor, near.T, lower=True, check_finite=False)
        variance = np.maximum(amplitude - (told**2).sum(axis=0), 0.0) + noise
        moved: FloatArray = mean + score * np.sqrt(variance)
        return moved

    def complaint(self, width: int, score: float) -> str:
        """What is wrong with a process that was read, or nothing."""
        rows = len(self.duals) if self.duals.ndim == 1 else 0
        shapes = {
            "lengths": (width,),
            "scales": (2,),
            "points": (rows, width),
            "duals": (rows,),
            "factor": (rows, rows) if score else (0, 0),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
                return f"holds {name} that cannot be"
        if self.kernel not in _KERNELS or (self.lengths <= 0).any() or (self.scales <= 0).any() or not rows:
            return "holds a kernel that cannot be"
        if (np.diagonal(self.factor) <= 0).any():
            return "holds a factor that cannot be"
        return ""


class FittedProcess(FittedLearner):
    """A process and what turns a view into its points.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    encoder : DenseEncoder
        From view to matrix.
    process : Process or None
        None where there was one value to learn.
    score : float
        Standard deviations above the mean: 0, or that of the quantile to predict.
    """

    def __init__(
        self, coder: TargetCoder, encoder: DenseEncoder, process: Process | None, score: float
    ) -> None:
        self.coder = coder
        self.encoder = encoder
        self.process = process
        self.score = score

    def predict(self, view: View) -> Predictions:
        """The mean of the process, or a quantile of a new value."""
        if self.process is None:
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros(0)]
        with single_thread():
            for start in range(0, view.rows, _CHUNK):
                matrix = _encode(self.encoder, view.take(slice(start, start + _CHUNK)))
                parts.append(self.process.predict(matrix, self.score))
        return self.coder.decode(np.concatenate(parts))

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``process.npz``."""
        record: dict[str, Any] = {"target": self.coder.to_dict(), "score": self.score}
        if self.process is not None:
            record["kernel"] = self.process.kernel
            write_arrays(directory / "process.npz", _arrays(self.process))
        write_json(directory / "model.json", record)
        write_arrays(directory / "encoder.npz", self.encoder.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "process.npz"
        record = read_json(directory / "model.json")
        coder = TargetCoder.from_dict(record.get("target", {}))
        encoder = read_state(directory / "encoder.npz", DenseEncoder.from_arrays)
        score = record.get("score")
        check_state(
            isinstance(score, (int, float)) and bool(np.isfinite(score)),
            directory / "model.json",
            "does not say which quantile it predicts",
        )
        moved = float(score or 0.0)
        if coder.is_constant:
            return cls(coder, encoder, None, moved)
        arrays = read_arrays(path, ("lengths", "scales", "points", "duals", "factor"))
        process = Process(kernel=str(record.get("kernel")), **arrays)
        complaint = process.complaint(encoder.width, moved)
        check_state(not complaint and not coder.is_classification, path, complaint or "predicts classes")
        return cls(coder, encoder, process, moved)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = sum(array.nbytes for array in self.encoder.arrays().values())
        if self.process is not None:
            arrays += sum(array.nbytes for array in _arrays(self.process).values())
        return arrays + 4_000


class GaussianProcess(Learner):
    """Smooth functions of all columns, as probable as the training rows make them.

    Variance, noise and length scales (one for all columns, or one each) are those of the highest marginal
    likelihood, with weak priors on them, found on at most 400 rows; the process itself is exact on all.
    The noise of a row is divided by its weight.

    Source: Rasmussen & Williams, "Gaussian processes for machine learning", 2006, chapters 2 and 5.
    """

    name = "gaussian_process"
    fitted = FittedProcess
    engines = ("scipy.linalg", "scipy.optimize")
    defaults: ClassVar[Mapping[str, Any]] = {"kernel": "matern", "lengths": "shared", "max_iter": 60}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Values on few rows."""
        if problem.task.is_classification:
            return "Gaussian processes are used for values here, not for classes"
        if problem.monotonic:
            return "a Gaussian process cannot promise to rise or fall with a column"
        if not shape.columns:
            return "there is no usable column to compare rows by"
        if shape.rows > _MOST_ROWS:
            return f"its cost grows with the cube of the rows, and there are more than {_MOST_ROWS:,}"
        if shape.columns > _MOST_WIDTH:
            return f"rows are hardly alike in more than {_MOST_WIDTH} columns"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """One length for all columns, then one each where columns are few."""
        shared = Candidate("default", {})
        if shape.columns > 20 or shape.rows < 5 * shape.columns:
            return (shared,)
        return (shared, Candidate("a length for each column", {"lengths": "each"}))

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """The kernel."""
        return {"kernel": Choice(_KERNELS), "lengths": Choice(("shared", "each"))}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Cubic in the rows."""
        settings = self.settings(config)
        rows, tuned = shape.rows, min(shape.rows, _TUNED_ROWS)
        steps = min(settings["max_iter"], 40) * 1.2
        seconds = (
            0.02 + steps * (1e-3 + 6e-8 * tuned**2 + 2e-10 * tuned**3) + 1e-7 * rows**2 + 1e-10 * rows**3
        )
        kept = min(rows, _MOST_KEPT)
        width = min(_MOST_WIDTH, shape.numeric + shape.levels)
        memory = 40 * kept**2 + 8 * kept * _MOST_WIDTH + 2e6
        size = 4_000 + 8 * kept * (width + 1) + 8 * kept**2
        return Estimate(float(seconds), int(memory), int(size), 3e-4)

    def fit(self, task: FitTask) -> FitResult:
        """Learn the hyperparameters, then solve once."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        encoder = DenseEncoder.fit(
            task.view, fold.train_rows, scale="normal", max_levels=20, max_width=_MOST_WIDTH
        )
        if fold.coder.is_classification:
            raise TrialError("A Gaussian process was asked for classes. Choose another learner.")
        score = _score(task.problem)
        if fold.coder.is_constant:
            return FitResult(FittedProcess(fold.coder, encoder, None, score), 0, {"stop": "nothing to learn"})
        if not encoder.width:
            raise TrialError("A process needs at least one column that varies, but the table has none.")
        rows = np.arange(len(fold.train_rows))
        if len(rows) > _MOST_KEPT:
            rows = np.sort(generator(task.seed, "rows").choice(len(rows), _MOST_KEPT, replace=False))
        matrix = _encode(encoder, task.view.take(fold.train_rows[rows]))
        target = np.asarray(fold.train_target[rows], np.float64)
        weights = np.ones(len(rows)) if fold.train_weights is None else fold.train_weights[rows]
        # a weight of nothing would be an endless noise
        weights = np.maximum(weights / weights.mean(), 1e-6)
        with single_thread():
            tuning = _Tuning.of(matrix, target, weights, settings, task)
            steps, by_deadline = tuning.run(task.deadline, settings["max_iter"])
            process = _solve(tuning, matrix, target, weights, keep=bool(score))
        info = {"rows_kept": len(rows), "noise": float(process.scales[1]), "steps": steps}
        model = FittedProcess(fold.coder, encoder, process, score)
        return FitResult(model, steps, info, by_deadline)


def _score(problem: Problem) -> float:
    loss = loss_of(problem)
    return NormalDist().inv_cdf(loss.level) if loss.name == "quantile" else 0.0


def _encode(encoder: DenseEncoder, view: View) -> FloatArray:
    matrix = encoder.transform(view, dtype=np.float64)
    return matrix if isinstance(matrix, np.ndarray) else np.asarray(matrix.toarray())


def _arrays(process: Process) -> dict[str, FloatArray]:
    return {name: getattr(process, name) for name in ("lengths", "scales", "points", "duals", "factor")}


def _squares(first: FloatArray, second: FloatArray) -> FloatArray:
    """Squared distances, shape (rows of the first, rows of the second)."""
    lengths = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    squares: FloatArray = np.maximum(lengths - 2 * (first @ second.T), 0.0)
    return squares


def _kernel(squares: FloatArray, kernel: str) -> tuple[FloatArray, FloatArray]:
    """The correlation at squared distances, and minus twice its derivative by them."""
    if kernel == "rbf":
        value: FloatArray = np.exp(-0.5 * squares)
        return value, value
    far = np.sqrt(5 * squares)
    fading = np.exp(-far)
    return (1 + far + far**2 / 3) * fading, 5 / 3 * (1 + far) * fading


class _Tuning:
    """The search for variance, noise and lengths; keeps the best point it has seen.

    Parameters
    ----------
    matrix, target, weights
        Of the rows that are looked at.
    kernel : str
    each : bool
        Whether each column has a length of its own.
    """

    def __init__(
        self, matrix: FloatArray, target: FloatArray, weights: FloatArray, kernel: str, each: bool
    ) -> None:
        self.matrix = matrix
        self.target = target
        self.weights = weights
        self.kernel = kernel
        columns = matrix.shape[1]
        # as far apart as rows are on average, so that a length of 1 is neutral
        self.usual = np.log(np.sqrt(max(1.0, 2 * float(matrix.var(axis=0).sum()))))
        self.best = np.array([0.0, np.log(0.1), *[self.usual] * (columns if each else 1)])

    @classmethod
    def of(
        cls,
        matrix: FloatArray,
        target: FloatArray,
        weights: FloatArray,
        settings: Mapping[str, Any],
        task: FitTask,
    ) -> _Tuning:
        """Of some of the rows, drawn by the seed."""
        some = np.arange(len(matrix))
        if len(some) > _TUNED_ROWS:
            some = np.sort(generator(task.seed, "tuned rows").choice(len(some), _TUNED_ROWS, replace=False))
        each = settings["lengths"] == "each"
        return cls(matrix[some], target[some], weights[some], str(settings["kernel"]), each)

    def run(self, deadline: Deadline, max_iter: int) -> tuple[int, bool]:
        """Steps taken, and whether the deadline ended them."""
        from scipy.optimize import minimize

        slowest, steps, late = 0.0, 0, False
        last = time.monotonic()

        def note(point: FloatArray) -> None:
            nonlocal slowest, steps, late, last
            self.best, steps = np.array(point), steps + 1
            slowest, last = max(slowest, time.monotonic() - last), time.monotonic()
            # the last step solves for all rows
            late = deadline.remaining < 2 * slowest + _MARGIN + 3e-10 * _MOST_KEPT**3 / 4
            if late:
                raise StopIteration

        bounds = [(-6.0, 6.0), (-9.0, 3.0), *[(self.usual - 5, self.usual + 6)] * (len(self.best) - 2)]
        if deadline.remaining < 0.2:
            return 0, True
        minimize(
            self.loss,
            self.best,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=note,
            options={"maxiter": max_iter, "ftol": 1e-6},
        )
        return steps, late

    def loss(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Minus the log of marginal likelihood and priors, by the row, and its gradient."""
        from scipy.linalg import cho_solve

        rows = len(self.target)
        amplitude, noise, lengths = _read(point, self.matrix.shape[1])
        scaled = self.matrix / lengths
        value, slope = _kernel(_squares(scaled, scaled), self.kernel)
        factor = _factor(amplitude * value, noise / self.weights)
        duals = cho_solve((factor, True), self.target, check_finite=False)
        inverse = cho_solve((factor, True), np.eye(rows), check_finite=False)
        likelihood = 0.5 * float(self.target @ duals) + float(np.log(np.diagonal(factor)).sum())
        outer = inverse - np.outer(duals, duals)
        pulled = outer * (amplitude * slope)
        by_length = (scaled**2 * pulled.sum(axis=1)[:, None] - scaled * (pulled @ scaled)).sum(axis=0)
        gradient = np.array(
            [
                0.5 * float((outer * value).sum()) * amplitude,
                0.5 * float((np.diagonal(outer) / self.weights).sum()) * noise,
                *(by_length if len(point) > 3 else [by_length.sum()]),
            ]
        )
        away = point - np.array([0.0, np.log(0.1), *[self.usual] * (len(point) - 2)])
        spread = np.array([2.0, 2.0, *[1.5] * (len(point) - 2)])
        loss = likelihood + 0.5 * float(((away / spread) ** 2).sum())
        return loss / rows, (gradient + away / spread**2) / rows


def _read(point: FloatArray, columns: int) -> tuple[float, float, FloatArray]:
    lengths = np.exp(point[2:])
    full = lengths if len(lengths) == columns else np.full(columns, lengths[0])
    return float(np.exp(point[0])), float(np.exp(point[1])), full


def _factor(covariance: FloatArray, noise: FloatArray) -> FloatArray:
    """The lower Cholesky factor of the covariance of noisy values."""
    from scipy.linalg import cholesky

    covariance = covariance.copy()
    covariance[np.diag_indices(len(covariance))] += noise + _JITTER * (1 + float(covariance.max()))
    factor: FloatArray = cholesky(covariance, lower=True, check_finite=False)
    return factor


def _solve(
    tuning: _Tuning, matrix: FloatArray, target: FloatArray, weights: FloatArray, *, keep: bool
) -> Process:
    """The process of all rows with the hyperparameters that were found."""
    from scipy.linalg import cho_solve

    amplitude, noise, lengths = _read(tuning.best, matrix.shape[1])
    points = matrix / lengths
    value, _ = _kernel(_squares(points, points), tuning.kernel)
    factor = _factor(amplitude * value, noise / weights)
    return Process(
        kernel=tuning.kernel,
        lengths=lengths,
        scales=np.array([amplitude, noise]),
        points=points,
        duals=cho_solve((factor, True), target, check_finite=False),
        factor=factor if keep else np.zeros((0, 0)),
    )

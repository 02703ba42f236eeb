"""Linear models: logistic regression and ridge on scaled numbers and one-hot categories."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
)
from modelwright.features import DenseEncoder
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.spaces import Float, Parameter
from modelwright.learners.state import check_state, read_arrays, read_json, write_arrays, write_json
from modelwright.learners.targets import TargetCoder, loss_of

__all__ = ["FittedLinear", "Linear"]

_CHUNK = 16_384
"""Rows encoded at once for predictions."""

_STEPS = (10, 20, 40, 80, 160, 320)
"""Solver steps between looks at the clock. Fixed: restarts of the solver are part of the result."""

_DOUBLE_CELLS = 20_000_000
"""Larger dense matrices are fitted in single precision, at half the memory."""

_DIRECT_FLOPS = 4e9
"""Ridge is solved directly up to so many operations, and by iterations beyond."""

_MARGIN = 0.05
"""Seconds kept to write the model down."""


class FittedLinear(FittedLearner):
    """Coefficients, and what turns a view into the matrix that they multiply.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    encoder : DenseEncoder
        From view to matrix.
    coefficients : float64 array, shape (scores, columns)
        One score for regression and two classes, else one a class. Empty where there was one class
        or value to learn.
    intercepts : float64 array, shape (scores,)
        Added to the products.
    limits : (float, float)
        Between which scores of a regression are kept: a row far from all others must not get a
        prediction far from all targets.
    """

    def __init__(
        self,
        coder: TargetCoder,
        encoder: DenseEncoder,
        coefficients: FloatArray,
        intercepts: FloatArray,
        limits: tuple[float, float],
    ) -> None:
        self.coder = coder
        self.encoder = encoder
        self.coefficients = coefficients
        self.intercepts = intercepts
        self.limits = limits

    def predict(self, view: View) -> Predictions:
        """Probabilities or values: one matrix product."""
        if not len(self.coefficients):
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros((0, len(self.coefficients)))]
        for start in range(0, view.rows, _CHUNK):
            part = view.take(slice(start, start + _CHUNK))
            matrix = self.encoder.transform(part, dtype=np.float64)
            parts.append(np.asarray(matrix @ self.coefficients.T) + self.intercepts)
        scores = np.concatenate(parts)
        if not self.coder.is_classification:
            return self.coder.decode(np.clip(scores[:, 0], *self.limits))
        return self.coder.decode(_sigmoid(scores[:, 0]) if scores.shape[1] == 1 else _softmax(scores))

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``coefficients.npz``."""
        write_json(directory / "model.json", {"target": self.coder.to_dict(), "limits": list(self.limits)})
        write_arrays(directory / "encoder.npz", self.encoder.arrays())
        write_arrays(
            directory / "coefficients.npz",
            {"coefficients": self.coefficients, "intercepts": self.intercepts},
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "coefficients.npz"
        record = read_json(directory / "model.json")
        coder = TargetCoder.from_dict(record.get("target", {}))
        encoder = DenseEncoder.from_arrays(read_arrays(directory / "encoder.npz"))
        arrays = read_arrays(path)
        coefficients, intercepts = arrays.get("coefficients"), arrays.get("intercepts")
        check_state(coefficients is not None and intercepts is not None, path, "lacks coefficients")
        coefficients, intercepts = np.asarray(coefficients), np.asarray(intercepts)
        scores = 0 if coder.is_constant else (1 if len(coder.present) <= 2 else len(coder.present))
        check_state(
            coefficients.dtype == np.float64
            and intercepts.dtype == np.float64
            and coefficients.shape == (scores, encoder.width)
            and intercepts.shape == (scores,)
            and bool(np.isfinite(coefficients).all() and np.isfinite(intercepts).all()),
            path,
            "does not fit the encoder and the target of the model",
        )
        limits = record.get("limits")
        check_state(isinstance(limits, list) and len(limits) == 2, path, "lacks the limits of predictions")
        low, high = np.asarray(limits, np.float64).tolist()
        return cls(coder, encoder, coefficients, intercepts, (low, high))

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = sum(array.nbytes for array in self.encoder.arrays().values())
        return arrays + self.coefficients.nbytes + self.intercepts.nbytes + 4_000


class Linear(Learner):
    """Logistic regression (L2, L-BFGS) and ridge regression by scikit-learn.

    Linear algebra runs on one thread: its sums, and so the model, then do not depend on how many
    there are.
    """

    name = "linear"
    fitted = FittedLinear
    engines = ("sklearn.linear_model",)
    defaults: ClassVar[Mapping[str, Any]] = {"C": 1.0, "max_iter": 300}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Means are not quantiles."""
        if not problem.task.is_classification and loss_of(problem).name == "quantile":
            return f"ridge regression predicts means, which the metric {problem.metric!r} does not reward"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """A weak penalty first where rows are plenty, a strong one first where columns are."""
        weak, strong = Candidate("default", {"C": 1.0}), Candidate("strong penalty", {"C": 0.01})
        return (strong, weak) if _width(shape) > shape.rows else (weak, strong)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """The inverse of the penalty."""
        return {"C": Float(1e-4, 1e3, log=True)}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Steps times the cost of two products with the matrix."""
        settings = self.settings(config)
        stored = shape.rows * (1.7 * shape.numeric + shape.categorical)
        cells = min(shape.rows * _width(shape), 6 * stored)
        outputs = shape.outputs if shape.outputs > 2 else 1
        steps = min(settings["max_iter"], 100) if shape.outputs > 1 else 10
        seconds = 0.03 + 1.5e-7 * stored + steps * (4e-4 + 2.5e-9 * cells * outputs)
        memory = 12 * cells + 64 * shape.rows * outputs + 8 * _width(shape) * outputs * 24
        return Estimate(float(seconds), int(memory + 10e6))

    def fit(self, task: FitTask) -> FitResult:
        """Solve until converged, or until time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        encoder = DenseEncoder.fit(task.view, fold.train_rows)
        nothing = np.zeros((0, encoder.width))
        if fold.coder.is_constant:
            model = FittedLinear(fold.coder, encoder, nothing, np.zeros(0), (0.0, 0.0))
            return FitResult(model, 0, {"stop": "nothing to learn"})
        large = not encoder.sparse and len(fold.train_rows) * encoder.width > _DOUBLE_CELLS
        dtype = np.float32 if large else np.float64
        matrix = encoder.transform(task.view, fold.train_rows, dtype=dtype)
        if task.deadline.passed:
            raise TrialError("The deadline passed while the columns were being encoded.")
        weights = fold.train_weights
        if weights is not None:
            # the penalty keeps its meaning whatever the weights' unit is
            weights = weights / weights.mean()
        target = fold.train_target
        if not encoder.width:
            # with an intercept alone, a column of zeros changes nothing and spares a special case
            matrix = np.zeros((len(target), 1))
        solve = _logistic if fold.coder.is_classification else _ridge
        with _single_thread():
            solution = solve(matrix, target, weights, settings, task.deadline)
        margin = 0.1 * float(np.ptp(target))
        model = FittedLinear(
            fold.coder,
            encoder,
            solution.coefficients if encoder.width else np.zeros((len(solution.intercepts), 0)),
            solution.intercepts,
            (float(target.min()) - margin, float(target.max()) + margin),
        )
        info = {"columns": encoder.width, "stop": solution.reason}
        return FitResult(model, solution.steps, info, solution.reason == "deadline")


@dataclass(frozen=True)
class _Solution:
    coefficients: FloatArray
    intercepts: FloatArray
    steps: int
    reason: str


def _logistic(
    matrix: Any,
    target: NDArray[Any],
    weights: FloatArray | None,
    settings: dict[str, Any],
    deadline: Deadline,
) -> _Solution:
    """L-BFGS in stretches, each starting where the last one ended."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=settings["C"], solver="lbfgs", tol=1e-4, warm_start=True)
    outputs = int(target.max()) + 1
    step_seconds = 3 * _product_seconds(matrix, 1 if outputs == 2 else outputs)
    done, reason = 0, "steps"
    for length in _STEPS:
        steps = min(length, settings["max_iter"] - done)
        affordable = (deadline.remaining - _MARGIN) / max(step_seconds, 1e-9)
        if affordable < steps:
            reason = "deadline"
            # some steps are always taken: there would be no model without them
            steps = int(affordable) if done else max(1, int(affordable))
        if steps < 1:
            break
        model.max_iter = steps
        began = time.monotonic()
        with warnings.catch_warnings():
            # a stretch that ends before convergence is no news
            warnings.simplefilter("ignore")
            model.fit(matrix, target, sample_weight=weights)
        taken = int(np.max(model.n_iter_))
        step_seconds = (time.monotonic() - began) / max(1, taken)
        done += taken
        if taken < steps:
            reason = "converged"
        if reason != "steps" or done >= settings["max_iter"]:
            break
    return _Solution(
        np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64), done, reason
    )


def _ridge(
    matrix: Any,
    target: NDArray[Any],
    weights: FloatArray | None,
    settings: dict[str, Any],
    deadline: Deadline,
) -> _Solution:
    """Ridge regression, directly where that is cheap, else by conjugate gradients."""
    from scipy.sparse import issparse
    from sklearn.linear_model import Ridge

    rows, columns = matrix.shape
    flops = float(rows) * columns * min(rows, columns)
    left = deadline.remaining - _MARGIN
    steps, reason = settings["max_iter"], "converged"
    if not issparse(matrix) and flops <= _DIRECT_FLOPS and flops / 4e9 < left:
        solver = "cholesky"
    else:
        solver = "sparse_cg" if issparse(matrix) else "lsqr"
        affordable = int(left / max(4 * _product_seconds(matrix, 1), 1e-9)) if np.isfinite(left) else steps
        if affordable < steps:
            # most fits converge long before: only then does the limit change nothing
            steps, reason = max(1, affordable), "deadline"
    model = Ridge(alpha=1 / settings["C"], solver=solver, max_iter=steps, tol=1e-5)
    with warnings.catch_warnings():
        # singular matrices fall back to a decomposition with a warning; stretches end early
        warnings.simplefilter("ignore")
        model.fit(matrix, target.astype(matrix.dtype), sample_weight=weights)
    taken = 1 if model.n_iter_ is None else int(np.max(model.n_iter_))
    if reason == "deadline" and taken < steps:
        reason = "converged"
    coefficients = np.asarray(model.coef_, np.float64).reshape(1, -1)
    return _Solution(coefficients, np.asarray(model.intercept_, np.float64).reshape(1), taken, reason)


def _product_seconds(matrix: Any, outputs: int) -> float:
    """Seconds that one product of the matrix with coefficients takes."""
    rows = min(matrix.shape[0], 5_000)
    part = matrix[:rows]
    began = time.monotonic()
    _ = part @ np.zeros((matrix.shape[1], outputs), matrix.dtype)
    return float((time.monotonic() - began) * matrix.shape[0] / max(1, rows))


def _single_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _width(shape: Shape) -> int:
    """Columns of the matrix, roughly: values, some indicators, one-hot levels."""
    levels = min(shape.levels, 100 * shape.categorical)
    return max(1, min(20_000, int(shape.numeric * (1 + min(1.0, 3 * shape.missing)) + levels)))


def _sigmoid(scores: FloatArray) -> FloatArray:
    # one branch a sign: exp never overflows
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def _softmax(scores: FloatArray) -> FloatArray:
    powers: FloatArray = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares

"""Naive Bayes: columns and terms as if they were independent within each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Predictions,
    Problem,
    SchemaMismatch,
    Shape,
    SparseBlock,
    View,
)
from modelwright.features import KnownLevels
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.linear_model import softmax
from modelwright.learners.spaces import Choice, Float, Parameter
from modelwright.learners.state import (
    check_state,
    read_arrays,
    read_json,
    read_state,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder

__all__ = ["BayesTables", "FittedNaiveBayes", "NaiveBayes"]

_CHUNK = 16_384
"""Rows looked at at once."""

_SHARPNESS = np.geomspace(0.01, 4.0, 50)
"""Factors of the summed evidence that are tried: columns that say the same say it too often."""

_MOST_ROWS = 200_000
"""Training rows that are counted at most, evenly spaced: more would not change a share that matters."""

_SAMPLE = 20_000
"""Training rows that the factor is chosen on at most."""

_NAMES = ("edges", "numbers", "starts", "levels", "terms", "prior", "sharpness")


@dataclass(frozen=True)
class BayesTables:
    """Logarithms of likelihoods by class.

    Attributes
    ----------
    edges : float64 array, shape (numeric columns, bins - 1)
        Where the bins of each number end; infinite where there are fewer bins.
    numbers : float64 array, shape (numeric columns, bins, classes)
        Of a value in each bin. A missing value says nothing.
    starts : int64 array, shape (categorical columns + 1,)
        Where each categorical column begins in `levels`.
    levels : float64 array, shape (codes, classes)
        Of each code, column after column.
    terms : float64 array, shape (terms, classes)
        Of one unit of weight of each term.
    prior : float64 array, shape (classes,)
        Of the classes.
    sharpness : float64 array, shape (1,)
        The factor of all but the prior.
    """

    edges: FloatArray
    numbers: FloatArray
    starts: IntArray
    levels: FloatArray
    terms: FloatArray
    prior: FloatArray
    sharpness: FloatArray

    def evidence(self, numeric: NDArray[Any], codes: NDArray[Any], block: SparseBlock | None) -> FloatArray:
        """The summed log likelihoods, shape (rows, classes), without the prior.

        Raises
        ------
        SchemaMismatch
            If there are other columns.
        """
        terms = 0 if block is None else block.columns
        found = (numeric.shape[1], codes.shape[1], terms)
        expected = (len(self.numbers), len(self.starts) - 1, len(self.terms))
        if found != expected:
            raise SchemaMismatch(
                f"Expected {expected[0]} numbers, {expected[1]} categories and {expected[2]} terms, but got "
                f"{found[0]}, {found[1]} and {found[2]}. Make the view with the featurizer of the same model."
            )
        total = np.zeros((len(numeric), len(self.prior)))
        for column, (edges, table) in enumerate(zip(self.edges, self.numbers)):
            value = numeric[:, column].astype(np.float64)
            said = table[np.searchsorted(edges, value, side="left")]
            said[np.isnan(value)] = 0.0
            total += said
        for column, start in enumerate(self.starts[:-1]):
            total += self.levels[start + codes[:, column]]
        if block is not None and len(block.data):
            said = self.terms[block.indices] * block.data[:, None].astype(np.float64)
            rows = np.repeat(np.arange(block.rows), np.diff(block.indptr))
            for position in range(total.shape[1]):
                total[:, position] += np.bincount(rows, said[:, position], minlength=len(total))
        return total

    def complaint(self, classes: int, cardinalities: IntArray) -> str:
        """What is wrong with tables that were read, or nothing."""
        arrays = [getattr(self, name) for name in _NAMES]
        if any(
            array.dtype != (np.int64 if name == "starts" else np.float64)
            for name, array in zip(_NAMES, arrays)
        ):
            return "holds numbers of another type"
        if self.edges.ndim != 2 or self.terms.ndim != 2:
            return "holds tables of another shape than its target has"
        columns, bins = len(self.edges), self.edges.shape[1] + 1
        if np.isnan(self.edges).any() or (self.edges[..., 1:] < self.edges[..., :-1]).any():
            return "holds bins that do not ascend"
        if not all(np.isfinite(array).all() for array in arrays[1:]):
            return "holds numbers that are not finite"
        if not np.array_equal(self.starts, np.concatenate([[0], np.cumsum(cardinalities)])):
            return "does not fit its levels"
        shapes = {
            "numbers": (columns, bins, classes),
            "levels": (int(self.starts[-1]), classes),
            "terms": (len(self.terms), classes),
            "prior": (classes,),
            "sharpness": (1,),
        }
        if any(getattr(self, name).shape != shape for name, shape in shapes.items()):
            return "holds tables of another shape than its target has"
        return ""


class FittedNaiveBayes(FittedLearner):
    """Tables of likelihoods.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    known : KnownLevels
        Category codes that the training rows held; others count as missing.
    tables : BayesTables
        What was counted.
    """

    def __init__(self, coder: TargetCoder, known: KnownLevels, tables: BayesTables) -> None:
        self.coder = coder
        self.known = known
        self.tables = tables

    def predict(self, view: View) -> Predictions:
        """Class shares by Bayes' rule."""
        if self.coder.is_constant:
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros((0, len(self.tables.prior)))]
        for start in range(0, view.rows, _CHUNK):
            part = view.take(slice(start, start + _CHUNK))
            evidence = self.tables.evidence(part.numeric, self.known.apply(part.categorical), part.sparse)
            parts.append(softmax(self.tables.sharpness * evidence + self.tables.prior))
        return self.coder.decode(np.concatenate(parts))

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``levels.npz`` and ``tables.npz``."""
        write_json(directory / "model.json", {"target": self.coder.to_dict()})
        write_arrays(directory / "levels.npz", self.known.arrays())
        write_arrays(directory / "tables.npz", {name: getattr(self.tables, name) for name in _NAMES})

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "tables.npz"
        coder = TargetCoder.from_dict(read_json(directory / "model.json").get("target", {}))
        known = read_state(directory / "levels.npz", KnownLevels.from_arrays)
        arrays = read_arrays(path, _NAMES)
        tables = BayesTables(**{name: arrays[name] for name in _NAMES})
        complaint = tables.complaint(len(coder.present), known.table.cardinalities)
        check_state(not complaint and coder.is_classification, path, complaint or "has no classes")
        return cls(coder, known, tables)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        tables = sum(getattr(self.tables, name).nbytes for name in _NAMES)
        return int(tables) + 10 * len(self.known.table.values) + 3_000


class NaiveBayes(Learner):
    """Counts by class: numbers in bins of equal frequency, categories by code, terms by weight.

    Bins need no assumption about how a number is distributed (Yang & Webb, "Discretization for naive-Bayes
    learning", 2009). Terms are a multinomial, or its complement: how unlike the other classes a text is
    (Rennie et al., "Tackling the poor assumptions of naive Bayes text classifiers", 2003). Columns that
    say the same thing are counted as often as they say it, so that plain naive Bayes is far too sure of
    itself: one factor on the evidence, chosen on the training rows, corrects that.
    """

    name = "naive_bayes"
    fitted = FittedNaiveBayes
    defaults: ClassVar[Mapping[str, Any]] = {"bins": 16, "smoothing": 1.0, "complement": False}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Classes only."""
        if not problem.task.is_classification:
            return "naive Bayes tells classes apart and predicts no values"
        if problem.monotonic:
            return "naive Bayes cannot promise to rise or fall with a column"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """Few bins where rows are few."""
        return (Candidate("default", {"bins": 16 if shape.rows >= 2_000 else 8}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Bins, smoothing, and what terms are compared with."""
        space: dict[str, Parameter] = {
            "bins": Choice((4, 8, 16, 32)),
            "smoothing": Float(0.01, 30.0, log=True),
        }
        if shape.sparse:
            space["complement"] = Choice((False, True))
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """A few passes over the table."""
        rows = min(shape.rows, _MOST_ROWS) + 0.01 * shape.rows
        cells = rows * (shape.columns + 2 * shape.terms)
        seconds = 0.003 + 3e-8 * cells * (1 + 0.1 * shape.outputs) + 2e-6 * shape.columns
        chunk = min(shape.rows, _CHUNK + _SAMPLE)
        memory = 40.0 * shape.rows + 8 * (shape.numeric * 40 + shape.levels + shape.sparse) * shape.outputs
        memory += chunk * (16 * shape.columns + 24 * shape.outputs + 8 * shape.terms * (2 + shape.outputs))
        memory += 16 * rows * shape.terms + 8 * rows * shape.categorical
        size = 4_000 + 8 * (shape.numeric * 20 + shape.levels + shape.sparse) * max(1, shape.outputs)
        return Estimate(float(seconds), int(memory + 2e6), int(size), 9e-5)

    def fit(self, task: FitTask) -> FitResult:
        """Count."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        known = KnownLevels.fit(task.view, fold.train_rows)
        classes = len(fold.coder.present)
        if not classes:
            raise TypeError("Naive Bayes was asked for a value.")
        some = _spaced(fold)
        rows, target = fold.train_rows[some], fold.train_target[some]
        weights = np.ones(len(rows)) if fold.train_weights is None else fold.train_weights[some]
        counts = _Counts(target, weights / weights.mean(), classes, float(settings["smoothing"]))
        edges, numbers = _numbers(counts, task.view, rows, int(settings["bins"]))
        starts, levels = _levels(counts, task.view, known, rows)
        tables = BayesTables(
            edges=edges,
            numbers=numbers,
            starts=starts,
            levels=levels,
            terms=_terms(counts, task.view, rows, bool(settings["complement"])),
            prior=np.log(counts.shares),
            sharpness=np.ones(1),
        )
        if classes > 1:
            tables = _tempered(tables, counts, task.view, known, rows)
        info = {"sharpness": float(tables.sharpness[0])}
        return FitResult(FittedNaiveBayes(fold.coder, known, tables), None, info)


@dataclass(frozen=True)
class _Counts:
    """Rows by class."""

    target: IntArray
    weights: FloatArray
    classes: int
    smoothing: float

    @property
    def shares(self) -> FloatArray:
        totals = np.bincount(self.target, self.weights, minlength=self.classes)
        shares: FloatArray = totals / totals.sum()
        return shares

    def table(self, places: IntArray, size: int, chosen: NDArray[np.bool_] | None = None) -> FloatArray:
        """Log likelihood of each place by class, shape (size, classes), smoothed towards all classes'."""
        target, weights = self.target, self.weights
        if chosen is not None:
            places, target, weights = places[chosen], target[chosen], weights[chosen]
        flat = np.bincount(places * self.classes + target, weights, minlength=size * self.classes)
        found = flat.reshape(size, self.classes)
        whole = found.sum(axis=1, keepdims=True) + 1e-3
        usual = whole / whole.sum()
        # as if so many rows of each class were spread like all rows: rare places then say little
        prior = max(self.smoothing, 1e-9) * 2.0
        shares = (found + prior * usual) / (found.sum(axis=0) + prior)
        return np.asarray(np.log(shares) - np.log(usual), np.float64)


def _spaced(fold: Fold) -> IntArray:
    """Positions of the training rows to count: all, or evenly spaced ones and one of each class."""
    count = len(fold.train_rows)
    if count <= _MOST_ROWS:
        return np.arange(count)
    _, first = np.unique(fold.train_target, return_index=True)
    return np.union1d(np.linspace(0, count - 1, _MOST_ROWS).astype(np.int64), first)


def _numbers(counts: _Counts, view: View, rows: IntArray, bins: int) -> tuple[FloatArray, FloatArray]:
    """The bins of each number and what they say."""
    columns = view.numeric.shape[1]
    edges = np.full((columns, bins - 1), np.inf)
    tables = np.zeros((columns, bins, counts.classes))
    levels = np.arange(1, bins) / bins
    for column in range(columns):
        value = np.asarray(view.numeric[rows, column], np.float64)
        present = ~np.isnan(value)
        if not present.any():
            continue
        ends = np.unique(np.quantile(value[present], levels, method="inverted_cdf"))
        # the last bin holds what is above all ends
        ends = ends[ends < value[present].max()]
        edges[column, : len(ends)] = ends
        places = np.searchsorted(edges[column], value, side="left")
        tables[column] = counts.table(places, bins, present)
    return edges, tables


def _levels(counts: _Counts, view: View, known: KnownLevels, rows: IntArray) -> tuple[IntArray, FloatArray]:
    """Where the columns of categories begin, and what their codes say."""
    codes = known.apply(view.categorical[rows]).astype(np.int64)
    sizes = known.table.cardinalities
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    parts = [counts.table(codes[:, column], int(size)) for column, size in enumerate(sizes)]
    return starts, np.concatenate([np.zeros((0, counts.classes)), *parts])


def _terms(counts: _Counts, view: View, rows: IntArray, complement: bool) -> FloatArray:
    """What one unit of weight of each term says."""
    if view.sparse is None:
        return np.zeros((0, counts.classes))
    block = view.sparse.take(rows)
    owner = np.repeat(np.arange(block.rows), np.diff(block.indptr))
    weight = np.maximum(block.data.astype(np.float64), 0.0) * counts.weights[owner]
    places = block.indices.astype(np.int64) * counts.classes + counts.target[owner]
    found = np.bincount(places, weight, minlength=block.columns * counts.classes)
    found = found.reshape(block.columns, counts.classes)
    whole = found.sum(axis=1, keepdims=True)
    if complement:
        found = whole - found
    smooth = max(0.1 * counts.smoothing, 1e-9)
    usual = np.log((whole + smooth) / (whole + smooth).sum())
    logs = np.log((found + smooth) / (found + smooth).sum(axis=0)) - usual
    # a term that no training row has says nothing
    logs[whole[:, 0] == 0] = 0.0
    return np.asarray(-logs if complement else logs, np.float64)


def _tempered(
    tables: BayesTables, counts: _Counts, view: View, known: KnownLevels, rows: IntArray
) -> BayesTables:
    """The tables with the factor of the evidence that suits (evenly spaced) training rows best."""
    some = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(np.int64))
    part = view.take(rows[some])
    evidence = tables.evidence(part.numeric, known.apply(part.categorical), part.sparse)
    own = (np.arange(len(some)), counts.target[some])
    weights = counts.weights[some]
    losses = []
    for factor in _SHARPNESS:
        shares = softmax(factor * evidence + tables.prior)[own]
        losses.append(-float(weights @ np.log(np.maximum(shares, 1e-15))))
    best = float(_SHARPNESS[int(np.argmin(losses))])
    return BayesTables(**{**vars(tables), "sharpness": np.array([best])})

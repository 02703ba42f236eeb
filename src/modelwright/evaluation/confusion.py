"""Which classes are taken for which: the confusion matrix, its rates, and the most confused pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, Label, to_jsonable
from modelwright.evaluation.coverage import wilson_interval
from modelwright.evaluation.resampling import effective_rows

__all__ = ["ClassRates", "ConfusedPair", "ConfusionMatrix", "confusion_matrix"]

_MOST_CLASSES, _MOST_PAIRS = 30, 20
_OTHERS = "(other classes)"


@dataclass(frozen=True)
class ClassRates:
    """How one class fares.

    Attributes
    ----------
    label : label
    rows : float
        Of the class, by weight.
    predicted : float
        Rows that were decided to be of it, by weight.
    recall, recall_low, recall_high : float or None
        Share of its rows that are recognised, and the 95% interval (Wilson, 1927); None without rows.
    precision, precision_low, precision_high : float or None
        Share of the rows decided to be of it that are; None where there are none.
    f1 : float
    """

    label: Label
    rows: float
    predicted: float
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    f1: float


@dataclass(frozen=True)
class ConfusedPair:
    """Rows of one class that are taken for another.

    Attributes
    ----------
    actual, predicted : label
    count : float
        Rows, by weight.
    share : float
        Of the rows of the actual class.
    """

    actual: Label
    predicted: Label
    count: float
    share: float


@dataclass(frozen=True)
class ConfusionMatrix:
    """Rows by actual and decided class.

    Attributes
    ----------
    labels : tuple of labels
        Of the rows and columns of `counts`. Of more than 30 classes those with the most rows have their own,
        and the rest share the last.
    counts : tuple of tuple of float
        ``counts[actual][predicted]``: rows, by weight.
    rows : int
    accuracy : float
    classes : tuple of ClassRates
        In the order of the labels, the shared one left out.
    pairs : tuple of ConfusedPair
        The pairs that are confused most, of all classes; at most 20.
    """

    labels: tuple[Label, ...]
    counts: tuple[tuple[float, ...], ...]
    rows: int
    accuracy: float
    classes: tuple[ClassRates, ...]
    pairs: tuple[ConfusedPair, ...]

    @property
    def rates(self) -> tuple[tuple[float, ...], ...]:
        """Of the rows of each actual class, the share that is decided to be of each; 0 without rows."""
        return tuple(tuple(cell / (sum(row) or 1.0) for cell in row) for row in self.counts)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the rates."""
        record: dict[str, Any] = to_jsonable({**asdict(self), "rates": self.rates})
        return record


def confusion_matrix(
    target: NDArray[Any],
    codes: NDArray[Any],
    labels: Sequence[Label],
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> ConfusionMatrix:
    """Count rows by the class they are of and the class that was decided for.

    Parameters
    ----------
    target, codes : int64 array, shape (rows,)
        Actual and decided classes.
    labels : sequence of labels
        By code.
    weights, groups : array, shape (rows,), optional
        Row weights; groups whose rows depend on each other (intervals only).

    Raises
    ------
    BadInput
        If there is not a decision for each target, or a code has no label.

    Examples
    --------
    >>> matrix = confusion_matrix(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["no", "yes"])
    >>> matrix.counts, matrix.accuracy
    (((1.0, 1.0), (0.0, 2.0)), 0.75)
    >>> matrix.pairs
    (ConfusedPair(actual='no', predicted='yes', count=1.0, share=0.5),)
    """
    actual, decided = np.asarray(target).astype(np.int64), np.asarray(codes).astype(np.int64)
    if len(actual) != len(decided) or not len(actual):
        raise BadInput(
            f"A confusion matrix needs one decision for each target, but there are {len(decided)} for "
            f"{len(actual)} targets. Give those of the same rows."
        )
    size = len(labels)
    if min(actual.min(), decided.min()) < 0 or max(actual.max(), decided.max()) >= size:
        raise BadInput(f"Class codes must lie between 0 and {size - 1}, one for each of {size} labels.")
    base = np.ones(len(actual)) if weights is None else np.asarray(weights, np.float64)
    cells = np.bincount(actual * size + decided, base, minlength=size * size)
    counts = cells.reshape(size, size).astype(np.float64)
    # Rows that count independently, for each unit of weight.
    independent = effective_rows(base, groups) / max(float(base.sum()), 1e-300)
    order = np.argsort(-(counts.sum(axis=1) + 1e-9 * counts.sum(axis=0)), kind="stable")
    kept = np.sort(order[:_MOST_CLASSES]) if size > _MOST_CLASSES else np.arange(size)
    shown = tuple(labels[code] for code in kept) + ((_OTHERS,) if len(kept) < size else ())
    total = float(counts.sum())
    return ConfusionMatrix(
        labels=shown,
        counts=tuple(tuple(map(float, row)) for row in _merged(counts, kept)),
        rows=len(actual),
        accuracy=float(np.trace(counts)) / total if total else float("nan"),
        classes=tuple(_rates(counts, int(code), labels[code], independent) for code in kept),
        pairs=_pairs(counts, labels),
    )


def _merged(counts: FloatArray, kept: NDArray[np.int64]) -> FloatArray:
    """The matrix with the classes that are not kept as one."""
    if len(kept) == len(counts):
        return counts
    places = np.full(len(counts), len(kept))
    places[kept] = np.arange(len(kept))
    merged = np.zeros((len(kept) + 1, len(kept) + 1))
    np.add.at(merged, (places[:, None], places[None, :]), counts)
    return merged


def _rates(counts: FloatArray, code: int, label: Label, independent: float) -> ClassRates:
    hits, rows = float(counts[code, code]), float(counts[code].sum())
    predicted = float(counts[:, code].sum())
    both = rows + predicted
    return ClassRates(
        label,
        rows,
        predicted,
        *_share(hits, rows, independent),
        *_share(hits, predicted, independent),
        2 * hits / both if both else 0.0,
    )


def _share(part: float, whole: float, independent: float) -> tuple[float | None, float | None, float | None]:
    """A share and its interval; nothing of nothing."""
    if whole <= 0:
        return None, None, None
    return (part / whole, *wilson_interval(part * independent, whole * independent))


def _pairs(counts: FloatArray, labels: Sequence[Label]) -> tuple[ConfusedPair, ...]:
    errors = counts.copy()
    np.fill_diagonal(errors, 0.0)
    found = []
    for cell in np.argsort(-errors, axis=None, kind="stable")[:_MOST_PAIRS]:
        actual, decided = divmod(int(cell), len(labels))
        count = float(errors[actual, decided])
        if count > 0:
            share = count / float(counts[actual].sum())
            found.append(ConfusedPair(labels[actual], labels[decided], count, share))
    return tuple(found)

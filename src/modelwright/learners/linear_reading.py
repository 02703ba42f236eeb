"""What a linear model's coefficients did on its training rows: enough to tell people which columns matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, FloatArray, ViewInfo
from modelwright.learners.design import Design

__all__ = ["LinearReading", "column_groups", "read_contributions"]

_ROWS, _CELLS = 10_000, 4_000_000
"""Evenly spaced training rows that are looked at, and cells of their matrix at most."""


@dataclass(frozen=True)
class LinearReading:
    """Means and contributions of the columns of a linear model over (at most 10,000) training rows.

    Attributes
    ----------
    means : float64 array, shape (encoded columns,)
        Mean of each column of the matrix: of a level its share of the rows.
    importances : float64 array, shape (scores, groups)
        Mean absolute difference of what a column of the view adds from its mean, in the order of
        `column_groups`.
    """

    means: FloatArray
    importances: FloatArray

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an npz file."""
        return {"means": self.means, "importances": self.importances}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], scores: int, columns: int) -> LinearReading:
        """Inverse of `arrays`.

        Raises
        ------
        ValueError
            If they do not fit a model of so many scores and encoded columns.
        """
        means, importances = arrays["means"], arrays["importances"]
        sizes = means.shape == (columns,) and importances.ndim == 2 and len(importances) == scores
        if not sizes or importances.shape[1] > columns:
            raise ValueError("holds contributions of other columns")
        if any(each.dtype != np.float64 or not np.isfinite(each).all() for each in (means, importances)):
            raise ValueError("holds contributions that are no numbers")
        return cls(means, importances)


def column_groups(columns: Sequence[FeatureInfo]) -> dict[str, list[int]]:
    """The columns of a matrix that stand for one column of the view, by its name.

    Parameters
    ----------
    columns : sequence of FeatureInfo
        As `DenseEncoder.columns` names them: ``age``, its score ``age~``, its indicator ``age?`` and the
        levels ``plan=2``.

    Examples
    --------
    >>> names = [("age", "value"), ("age~", "normal_score"), ("age?", "missing"), ("plan=2", "level")]
    >>> column_groups([FeatureInfo(name, "source", transform) for name, transform in names])
    {'age': [0, 1, 2], 'plan': [3]}
    """
    groups: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        name = column.name
        if column.transform in ("normal_score", "missing"):
            name = name[:-1]
        elif column.transform == "level":
            name = name.rpartition("=")[0]
        groups.setdefault(name, []).append(position)
    return groups


def read_contributions(
    design: Design, info: ViewInfo, matrix: Any, coefficients: FloatArray
) -> LinearReading:
    """Look at what each column adds over evenly spaced rows of a training matrix.

    Parameters
    ----------
    design : Design
    info : ViewInfo
        Of the view that it encodes.
    matrix : array or csr_matrix, shape (rows, width)
        The encoded training rows.
    coefficients : float64 array, shape (scores, width)

    Examples
    --------
    >>> from modelwright.core import View
    >>> info = ViewInfo((FeatureInfo("a", "a", "value"),), ())
    >>> view = View(np.array([[1], [3]], np.float32), np.zeros((2, 0), np.int32), info)
    >>> design = Design.fit(view, np.arange(2))
    >>> read_contributions(design, info, design.matrix(view), np.array([[-2.0]]))
    LinearReading(means=array([0.]), importances=array([[2.]]))
    """
    width, rows = design.encoder.width, matrix.shape[0]
    count = max(1, min(rows, _ROWS, _CELLS // max(1, width)))
    part = matrix[np.linspace(0, rows - 1, count).astype(np.int64)][:, :width]
    dense = np.asarray(part if isinstance(part, np.ndarray) else part.toarray(), np.float64)
    means = dense.mean(axis=0)
    groups = column_groups(design.encoder.columns(info))
    importances = np.zeros((len(coefficients), len(groups)))
    for place, positions in enumerate(groups.values()):
        # no product of matrices: its sums would depend on the number of threads
        added = np.einsum("rc,sc->rs", dense[:, positions] - means[positions], coefficients[:, positions])
        importances[:, place] = np.abs(added).mean(axis=0)
    return LinearReading(means, importances)

"""Predicted quantiles moved to where out-of-fold targets say that they lie.

Models that were fitted, and stopped early, for the pinball loss are drawn towards the middle: a tenth of the
targets should lie below the quantile of level 0.1, and more do. One number for each quantile, added to every
row, mends that. It is the split conformal correction (Romano, Patterson and Candes, "Conformalized quantile
regression", NeurIPS 2019) of each quantile on its own, with the out-of-fold rows as the calibration set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray

__all__ = ["fit_offsets", "moved"]

_FEWEST = 200
"""Rows below which a share of a tenth is not known well enough to move anything."""


def fit_offsets(
    array: FloatArray,
    target: NDArray[Any],
    levels: Sequence[float],
    weights: NDArray[np.float64] | None = None,
) -> tuple[float, ...]:
    """What to add to each predicted quantile so that its share of the targets lies below it.

    Parameters
    ----------
    array : float64 array, shape (rows, quantiles)
        Out-of-fold predictions.
    target : array, shape (rows,)
    levels : sequence of float
        Of the quantiles.
    weights : float64 array, shape (rows,), or None
        Row weights.

    Returns
    -------
    tuple of float
        One for each quantile; empty where rows are too few to tell.

    Examples
    --------
    >>> target = np.arange(1000.0)
    >>> fit_offsets(np.full((1000, 2), 500.0), target, (0.1, 0.9))
    (-401.0, 399.0)
    """
    if len(target) < _FEWEST:
        return ()
    errors = np.asarray(target, np.float64)[:, None] - array
    return tuple(
        float(np.quantile(column, level, weights=weights, method="inverted_cdf"))
        for column, level in zip(errors.T, levels, strict=True)
    )


def moved(array: FloatArray, offsets: Sequence[float]) -> FloatArray:
    """Predictions with their offsets, ascending in each row; as they are where there are none."""
    return np.sort(array + np.asarray(offsets), axis=1) if len(offsets) else array

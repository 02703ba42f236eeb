"""Whether what was fitted to out-of-fold rows helps on rows that it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["is_proven"]


def is_proven(gains: Sequence[float]) -> bool:
    """Whether gains on halves of the rows, each fitted on the other half, are more than luck.

    The two halves of a split are nearly independent, and further splits of the same rows add little, so
    the mean of all is about as sure as one score of all the rows: its standard error is that of one half
    divided by the root of two. A gain must exceed one standard error (Breiman, Friedman, Olshen and
    Stone, "Classification and Regression Trees", 1984).

    Parameters
    ----------
    gains : sequence of float
        One for each half of each split; what is not finite is left out.

    Examples
    --------
    >>> is_proven([0.02, 0.03, 0.01, 0.02]), is_proven([0.2, -0.1, 0.1, -0.15])
    (True, False)
    """
    known = np.array([gain for gain in gains if np.isfinite(gain)])
    if len(known) < 2:
        return False
    return bool(known.mean() > max(float(known.std(ddof=1)) / np.sqrt(2), 1e-9))

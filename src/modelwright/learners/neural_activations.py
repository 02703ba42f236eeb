"""Activations of neurons with their slopes, in single precision to train, in double to predict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATE"]

Floats = NDArray[Any]

# plain numbers leave arrays in the precision that they have
_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772
_NOTHING = np.zeros(0, np.float32)
_LARGE = 20.0
"""Beyond it, the hyperbolic tangent of ``log(1 + exp(z))`` is 1 in double precision, too."""


def _relu(sums: Floats, learning: bool) -> tuple[Floats, Floats]:
    return np.maximum(sums, 0), (sums > 0).astype(sums.dtype) if learning else _NOTHING


def _selu(sums: Floats, learning: bool) -> tuple[Floats, Floats]:
    """Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural networks", 2017."""
    above = sums > 0
    raised = _ALPHA * np.exp(np.minimum(sums, 0))
    active = _SCALE * np.where(above, sums, raised - _ALPHA)
    return active, _SCALE * np.where(above, 1.0, raised) if learning else _NOTHING


def _mish(sums: Floats, learning: bool) -> tuple[Floats, Floats]:
    """``z * tanh(log(1 + exp(z)))``: Misra, "Mish: a self regularized non-monotonic activation", 2019."""
    raised = np.exp(np.minimum(sums, _LARGE))
    product = raised * (raised + 2)
    bent = product / (product + 2)  # the hyperbolic tangent, without a logarithm
    active = sums * bent
    if not learning:
        return active, _NOTHING
    return active, bent + sums * (1 - np.square(bent)) * (raised / (1 + raised))


ACTIVATE: dict[str, Callable[[Floats, bool], tuple[Floats, Floats]]] = {
    "relu": _relu,
    "selu": _selu,
    "mish": _mish,
}
"""From sums and whether slopes are wanted to activations and slopes (empty where they are not)."""

"""How a network is trained, and on what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.neural_columns import NeuralRows

__all__ = ["Examples", "Recipe", "weight_treatment"]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    epochs, batch : int
        Passes over the rows, and rows of a step.
    rate : float
        Learning rate at the top of the schedule.
    cycles : bool
        Whether the rate rises and falls four times, ever more slowly (RealMLP's ``coslog4``), or
        rises once and then falls as a cosine.
    scaled_rates : bool
        Whether kinds of weights have rates of their own, as in RealMLP.
    decay : float
        Share of the weights of the layers that a step takes away, times the learning rate.
    dropout : float
        Share of the hidden neurons that are left out of a step.
    smoothing : float
        Share of the label that is spread over all classes.
    momentum : float
        Of the squared gradients.
    patience : int
        Training ends when so many epochs and the number of the best one have passed since that.
    """

    epochs: int
    batch: int
    rate: float
    cycles: bool
    scaled_rates: bool
    decay: float
    dropout: float
    smoothing: float
    momentum: float
    patience: int

    def rate_at(self, progress: float) -> float:
        """The learning rate at a share of the schedule.

        Examples
        --------
        >>> recipe = Recipe(10, 32, 1.0, False, False, 0.0, 0.0, 0.0, 0.95, 20)
        >>> [round(recipe.rate_at(progress), 3) for progress in (0.0, 0.05, 0.525, 1.0)]
        [0.0, 1.0, 0.5, 0.0]
        """
        if self.cycles:
            return self.rate * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))
        warm = 0.05
        if progress < warm:
            return self.rate * progress / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))


@dataclass(frozen=True)
class Examples:
    """Rows with what is to be said about them.

    Attributes
    ----------
    rows : NeuralRows
    target : array, shape (rows,)
        Class positions or values on the fitted scale.
    weights : float64 array, shape (rows,), or None
    """

    rows: NeuralRows
    target: NDArray[Any]
    weights: FloatArray | None


def weight_treatment(name: str, shape: tuple[int, ...], recipe: Recipe) -> tuple[float, float]:
    """The factor of the learning rate, and the decay, of a kind of weights."""
    factor = _rate_factor(name, shape) if recipe.scaled_rates else 1.0
    return factor, recipe.decay if name.partition(".")[0] in ("weight", "head") else 0.0


def _rate_factor(name: str, shape: tuple[int, ...]) -> float:
    """What the learning rate is multiplied by for a kind of weights (RealMLP).

    Rates of layers fall with their inputs: that is the neural tangent parametrisation, whose weights are
    of size 1, seen from weights that are divided by the root of the number of inputs.
    """
    kind = name.partition(".")[0]
    if kind in ("weight", "head"):
        return float(1 / math.sqrt(max(1, shape[-2])))
    return {"enter": 6.0, "levels": 1.0}.get(kind, 0.1)

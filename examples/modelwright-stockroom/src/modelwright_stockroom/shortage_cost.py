"""What a wrong amount costs: too little on the shelf is dearer than too much."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import OptionError, Predictions, Task
from modelwright.metrics import Metric, Scorer, weighted_mean

__all__ = ["shortage_cost"]

Array = NDArray[np.float64]


def shortage_cost(times: float = 4.0) -> Metric:
    """Mean cost of an order: 1 for each unit that is left over, ``times`` for each that is missing.

    Users call it ``shortage_cost`` or, with another ratio, ``shortage_cost:9``.

    Examples
    --------
    >>> cost = shortage_cost(4)
    >>> cost.score(np.array([10.0, 10.0]), Predictions(np.array([9.0, 12.0])))
    3.0
    """
    if not math.isfinite(times) or times <= 0:
        raise OptionError(
            f"A missing unit must cost more than nothing, but came as {times:g}. "
            "Write it like 'shortage_cost:9'."
        )

    def losses(target: NDArray[Any], predictions: Predictions) -> Array:
        missing = target.astype(np.float64) - predictions.array
        return np.where(missing > 0, times * missing, -missing)

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        costs = losses(target, predictions)  # once, however often rows are weighted anew
        return lambda weights: weighted_mean(costs, weights)

    return Metric(
        name="shortage_cost" if times == 4.0 else f"shortage_cost:{times:g}",
        greater_is_better=False,
        optimum=0.0,
        needs="values",
        tasks=(Task.REGRESSION,),
        prepare=prepare,
        bounds=(0.0, math.inf),
        losses=losses,
    )

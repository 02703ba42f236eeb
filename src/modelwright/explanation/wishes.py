"""What a counterfactual should bring about, and how far predictions are from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Label, OptionError, Predictions, Task, UnknownName, nearest
from modelwright.explanation.predictor import Predictor

__all__ = ["Goal", "Wish", "set_goal"]


@dataclass(frozen=True)
class Wish:
    """Another outcome: a class, or a range of values.

    Attributes
    ----------
    label : label or None
        The class that is wished for; None for any other than now.
    low, high : float or None
        The range of values that is wished for, both ends included; None where it is open.

    Examples
    --------
    >>> str(Wish(label="yes")), str(Wish(low=100.0)), str(Wish(low=1.0, high=2.5)), str(Wish())
    ('yes', '100 or more', '1 to 2.5', 'another class')
    """

    label: Label | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is for values."""
        return self.low is not None or self.high is not None

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{self.low:g} or more"
        if self.high is not None:
            return f"{self.high:g} or less"
        return "another class" if self.label is None else str(self.label)


@dataclass(frozen=True)
class Goal:
    """A wish for one row, against what the model predicts.

    Attributes
    ----------
    wish : Wish
    task : Task
    classes : tuple of labels
    utility : float64 array or None
        What decisions are worth; see `core.Predictions`.
    code : int or None
        Of the class that is wished for.
    now : int or None
        Code of the class that is predicted now.
    output : int
        Which output counts, of several.
    """

    wish: Wish
    task: Task
    classes: tuple[Label, ...]
    utility: FloatArray | None = None
    code: int | None = None
    now: int | None = None
    output: int = 0

    def judged(self, array: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """How far each row is from the wish (the smaller the nearer), and whether it is fulfilled."""
        if not self.task.is_classification:
            values = self.values(array)
            below = np.zeros_like(values) if self.wish.low is None else self.wish.low - values
            above = np.zeros_like(values) if self.wish.high is None else values - self.wish.high
            far = np.maximum(np.maximum(below, above), 0.0)
            return np.where(np.isfinite(far), far, np.inf), far == 0
        worth = array if self.utility is None else array @ self.utility
        codes = Predictions(array, self.utility).codes
        wanted = self.now if self.code is None else self.code
        others = np.delete(worth, wanted or 0, axis=1).max(axis=1)
        ahead = others - worth[:, wanted or 0]
        if self.code is None:
            return -ahead, codes != self.now
        return ahead, codes == self.code

    def values(self, array: FloatArray) -> FloatArray:
        """The predicted values that count, shape (rows,)."""
        return array if array.ndim == 1 else array[:, self.output]

    def outcome(self, array: FloatArray) -> list[Label]:
        """What is predicted for each row: its label, or its value."""
        if self.task.is_classification:
            return [self.classes[code] for code in Predictions(array, self.utility).codes.tolist()]
        outcomes: list[Label] = self.values(array).tolist()
        return outcomes

    def chance(self, array: FloatArray) -> list[float | None]:
        """The probability of the class that is wished for, or of that decided for; None for values."""
        if not self.task.is_classification:
            return [None] * len(array)
        codes = Predictions(array, self.utility).codes
        wanted = codes if self.code is None else np.full(len(array), self.code)
        chances: list[float | None] = np.take_along_axis(array, wanted[:, None], axis=1)[:, 0].tolist()
        return chances


def set_goal(predictor: Predictor, wish: Wish, now: FloatArray) -> Goal:
    """Check a wish against a model and what it predicts for the row.

    Parameters
    ----------
    predictor : Predictor
    wish : Wish
    now : float64 array
        Its prediction for the row: one row.

    Raises
    ------
    OptionError
        If the wish is no outcome of such a model: a range of classes, a label of values, nothing at all.
    UnknownName
        If there is no such class.
    """
    task, classes = predictor.task, predictor.classes
    if task is Task.MULTILABEL:
        raise OptionError(
            "Counterfactuals are for one target, but this model predicts several. Train a model for one."
        )
    if not task.is_classification:
        return _range_goal(predictor, wish)
    if wish.is_range:
        raise OptionError(
            f"The model predicts classes, but the wish is a range of values ({wish}). Wish for one of "
            f"{', '.join(map(str, classes[:12]))}."
        )
    code = int(Predictions(now, predictor.utility).codes[0])
    if wish.label is None:
        return Goal(wish, task, classes, predictor.utility, None, code)
    named = {str(label): place for place, label in enumerate(classes)}
    if str(wish.label) not in named:
        raise UnknownName(
            f"There is no class {str(wish.label)!r}.{nearest(str(wish.label), named)} The classes are "
            f"{', '.join(list(named)[:12])}."
        )
    return Goal(wish, task, classes, predictor.utility, named[str(wish.label)], code)


def _range_goal(predictor: Predictor, wish: Wish) -> Goal:
    if not wish.is_range:
        raise OptionError(
            f"The model predicts values and has no classes, but the wish is {str(wish)!r}. Wish for a range: "
            "100..200, 100.. or ..200."
        )
    for end in (wish.low, wish.high):
        if end is not None and not np.isfinite(end):
            raise OptionError(f"A wish has finite ends, but one came as {end}. Leave that end open.")
    if wish.low is not None and wish.high is not None and wish.low > wish.high:
        raise OptionError(f"No value lies from {wish.low:g} to {wish.high:g}. Turn the ends around.")
    output = 0
    if predictor.task is Task.QUANTILE:
        output = int(np.argmin([abs(float(level) - 0.5) for level in predictor.outputs]))
    return Goal(wish, predictor.task, (), None, output=output)

"""Several classes, or several labels, as questions with two answers: this one, or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, Label

__all__ = ["OneAgainstRest", "one_against_rest"]

MOST_CLASSES = 12
"""Classes that get curves of their own: those with the most rows."""


@dataclass(frozen=True)
class OneAgainstRest:
    """One class against all others.

    Attributes
    ----------
    label : label
        The class, or the name of the label of a multilabel task.
    positive : bool array, shape (rows,)
        Rows of the class.
    scores : float64 array, shape (rows,)
        Their probabilities of being of the class.
    """

    label: Label
    positive: NDArray[np.bool_]
    scores: FloatArray


def one_against_rest(
    target: NDArray[Any], array: FloatArray, labels: Sequence[Label], most: int = MOST_CLASSES
) -> tuple[OneAgainstRest, ...]:
    """The questions with two answers that a classification consists of.

    Of two classes the second, positive one is asked for; of more each, those with the most rows first; of
    several labels each. Classes that no row, or every row, is of are left out.

    Parameters
    ----------
    target : array, shape (rows,) of class codes, or (rows, labels) of 0 and 1
    array : float64 array, shape (rows, classes) or (rows, labels)
        Probabilities.
    labels : sequence of labels
        One for each column of the array.
    most : int, default 12
        Classes at most.

    Raises
    ------
    BadInput
        If the arrays do not fit each other.

    Examples
    --------
    >>> [question] = one_against_rest(np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]]), ["no", "yes"])
    >>> question.label, question.positive.tolist(), question.scores.tolist()
    ('yes', [False, True], [0.2, 0.7])
    """
    target, array = np.asarray(target), np.asarray(array, dtype=np.float64)
    if array.ndim != 2 or len(array) != len(target) or array.shape[1] != len(labels):
        raise BadInput(
            f"Probabilities must have a row for each of {len(target)} targets and a column for each of "
            f"{len(labels)} classes, but have the shape {array.shape}. Give those of the same rows."
        )
    if target.ndim == 2:
        found = [OneAgainstRest(name, target[:, at] == 1, array[:, at]) for at, name in enumerate(labels)]
    else:
        asked = [1] if len(labels) == 2 else range(len(labels))
        found = [OneAgainstRest(labels[code], target == code, array[:, code]) for code in asked]
    found = [each for each in found if 0 < each.positive.sum() < len(target)]
    return tuple(sorted(found, key=lambda each: -int(each.positive.sum()))[:most])

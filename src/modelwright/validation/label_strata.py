"""Rows with several labels as rows of one class each, so that every splitter can balance them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Problem, Task

__all__ = ["as_classes"]

_FEWEST = 2
"""A stratum of one row could be validated by no fold without being unknown to the others."""


def as_classes(problem: Problem, target: NDArray[Any]) -> tuple[Problem, NDArray[Any]]:
    """A multilabel problem as a multiclass one: the class of a row is the rarest label that it has.

    What is rare is what an uneven split would lose; labels that come often even out by themselves. It is
    the first step of iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011). Any other
    problem comes back as it is.

    Parameters
    ----------
    problem : Problem
    target : array, shape (rows,) or (rows, labels)

    Returns
    -------
    problem : Problem
    target : array, shape (rows,)
        Code 0 stands for rows without a label, or with one that no other row has.

    Examples
    --------
    >>> several = Problem.of(["a", "b"])
    >>> as_classes(several, np.array([[1, 0], [1, 1], [1, 1], [0, 0]]))[1].tolist()
    [0, 2, 2, 0]
    """
    if problem.task is not Task.MULTILABEL:
        return problem, target
    frequency = target.sum(axis=0)
    rarity = np.where(target == 1, frequency, len(target) + 1)
    strata = np.where(target.any(axis=1), np.argmin(rarity, axis=1) + 1, 0).astype(np.int64)
    sizes = np.bincount(strata, minlength=target.shape[1] + 1)
    strata[sizes[strata] < _FEWEST] = 0
    return replace(problem, task=Task.MULTICLASS, classes=tuple(range(target.shape[1] + 1))), strata

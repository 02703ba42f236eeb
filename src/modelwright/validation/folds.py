"""What a split is, what it is asked from, and the small steps that every splitter shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, DataError, Finding, IntArray, OptionError, Problem

__all__ = ["Folds", "SplitRequest", "check_enough", "folds_of", "rare_classes", "ranks"]


@dataclass(frozen=True)
class Folds:
    """Which rows each fold learns from, and which it is scored on.

    Attributes
    ----------
    train, valid : tuple of int64 arrays
        Row indices of each fold, ascending.
    scheme : str
        Name of the splitter.
    reason : str
        Why this scheme, in words a user reads.
    findings : tuple of Finding
        What the split could not do for every row: classes kept out of validation and the like.

    Examples
    --------
    >>> folds = Folds((np.array([1, 2]),), (np.array([0]),), "holdout", "as asked")
    >>> folds.count, folds.validated.tolist()
    (1, [0])
    """

    train: tuple[IntArray, ...]
    valid: tuple[IntArray, ...]
    scheme: str
    reason: str
    findings: tuple[Finding, ...] = ()

    @property
    def count(self) -> int:
        """Number of folds."""
        return len(self.valid)

    @property
    def validated(self) -> IntArray:
        """The rows that some fold validates, ascending."""
        return np.unique(np.concatenate(self.valid)).astype(np.int64)


@dataclass(frozen=True)
class SplitRequest:
    """Everything a splitter may look at.

    Attributes
    ----------
    problem : Problem
        Resolved: the task is known.
    target : array, shape (rows,)
        int64 class codes or float64 values.
    count : int
        Folds wanted, 2 or more.
    seed : int
        Equal requests with equal seeds give equal folds.
    groups, times : array, shape (rows,), or None
        Rows of one group stay together; no training row is later than a validation row.
    reason : str
        Why the splitter was chosen.
    """

    problem: Problem
    target: NDArray[Any]
    count: int
    seed: int
    groups: NDArray[Any] | None = None
    times: NDArray[Any] | None = None
    reason: str = field(default="as asked")

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or self.count < 2:
            raise OptionError(
                f"Validation needs 2 folds or more, but {self.count!r} came. Ask for 2 or more."
            )
        for name, array in (("group", self.groups), ("time", self.times)):
            if array is not None and len(array) != len(self.target):
                raise BadInput(
                    f"Each row needs a {name} value, but there are {len(array)} of them for "
                    f"{len(self.target)} rows. Give one for each row."
                )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


def folds_of(assigned: IntArray, request: SplitRequest, scheme: str, findings: list[Finding]) -> Folds:
    """Folds from the number of the fold that validates each row (-1: none, the row is always train)."""
    return Folds(
        train=tuple(np.flatnonzero(assigned != fold).astype(np.int64) for fold in range(request.count)),
        valid=tuple(np.flatnonzero(assigned == fold).astype(np.int64) for fold in range(request.count)),
        scheme=scheme,
        reason=request.reason,
        findings=tuple(findings),
    )


def check_enough(found: int, needed: int, what: str, remedy: str = "") -> None:
    """Complain if there are fewer rows, groups or times than the folds need."""
    if found < needed:
        raise DataError(
            f"The folds need at least {needed} {what}, but there are {found}. "
            f"{remedy or 'Ask for fewer folds, or give more data.'}"
        )


def rare_classes(request: SplitRequest) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Which rows are the only one of their class, and the finding that names those classes.

    A class of one row cannot be learned and scored both: its row is never validated.
    """
    problem, target = request.problem, request.target
    if not problem.task.is_classification:
        return np.zeros(len(target), dtype=np.bool_), []
    sizes = np.bincount(target)
    single = sizes[target] == 1
    if not single.any():
        return single, []
    codes = np.unique(target[single])
    labels = [problem.classes[code] if code < len(problem.classes) else int(code) for code in codes]
    shown = ", ".join(repr(label) for label in labels[:5]) + (" ..." if len(labels) > 5 else "")
    one = len(labels) == 1
    finding = Finding(
        check="rare_class",
        severity="warning",
        message=f"{'One class has' if one else f'{len(labels)} classes have'} a single row: {shown}.",
        column=problem.target,
        action=f"{'It is' if one else 'They are'} learned from but never validated.",
        evidence={"classes": labels},
    )
    return single, [finding]


def ranks(values: NDArray[Any]) -> IntArray:
    """The rank of each value among the distinct values, from 0; -1 where the value is missing.

    Examples
    --------
    >>> ranks(np.array([20.0, np.nan, 10.0, 20.0])).tolist()
    [1, -1, 0, 1]
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        missing = np.array([value is None or value != value for value in array], dtype=np.bool_)
    elif array.dtype.kind in "mM":
        missing = np.isnat(array)
    elif array.dtype.kind == "f":
        missing = np.isnan(array)
    else:
        missing = np.zeros(len(array), dtype=np.bool_)
    result = np.full(len(array), -1, dtype=np.int64)
    known = array[~missing]
    try:
        result[~missing] = np.unique(known, return_inverse=True)[1]
    except TypeError:  # values of several types have no order: their text has one
        result[~missing] = np.unique(known.astype(str), return_inverse=True)[1]
    return result

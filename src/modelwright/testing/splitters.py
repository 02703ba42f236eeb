"""The contract of a splitter, as checks that any splitter can be put to.

Use `check_splitter` for a verdict in one call, or `SPLITTER_CHECKS` for one test a check. What a
splitter promises beyond a plain split is told by `SplitterPromises`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, IntArray, OptionError, Problem, Task
from modelwright.testing.violation import demand, global_random_state, naming
from modelwright.validation import Folds, SplitRequest

__all__ = ["SPLITTER_CHECKS", "Splitter", "SplitterPromises", "check_splitter", "run_splitter_check"]

Splitter = Callable[[SplitRequest], Folds]
"""What the catalog of splitters holds."""

ROWS = 150


@dataclass(frozen=True)
class SplitterPromises:
    """What a splitter promises.

    Attributes
    ----------
    covers_rows : bool
        Whether there are as many folds as asked for and each row is validated once (False: at most
        once, in at most so many folds). A row that is the only one of its class is never validated.
    keeps_groups : bool
        Whether a group is never divided, where there are groups.
    keeps_time : bool
        Whether no row is learned from that is later than one validated, where there are times.
    """

    covers_rows: bool = True
    keeps_groups: bool = False
    keeps_time: bool = False


def check_splitter(splitter: Splitter, promises: SplitterPromises | None = None) -> None:
    """Put a splitter to every check.

    Parameters
    ----------
    splitter : callable
        Turns a `SplitRequest` into `Folds`.
    promises : SplitterPromises, optional
        By default that each row is validated once, and nothing about groups and times.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> from modelwright.validation import SPLITTERS
    >>> check_splitter(SPLITTERS.load("grouped"), SplitterPromises(keeps_groups=True))
    """
    for name in SPLITTER_CHECKS:
        run_splitter_check(name, splitter, promises)


def run_splitter_check(name: str, splitter: Splitter, promises: SplitterPromises | None = None) -> None:
    """Put a splitter to one check of `SPLITTER_CHECKS`; raises `ContractViolation` if it fails."""
    label = getattr(splitter, "__name__", type(splitter).__name__)
    with naming(f"splitter {label!r}", name):
        SPLITTER_CHECKS[name](splitter, promises or SplitterPromises())


def _targets() -> Iterator[tuple[Problem, NDArray[Any]]]:
    """A skewed regression, a rare positive class, and classes of which one has a single row."""
    random = np.random.default_rng(0)
    problem = Problem.of("y")
    yield problem.resolved(Task.REGRESSION, "rmse", ()), random.gamma(1.0, 10.0, ROWS)
    rare = (random.permutation(ROWS) < ROWS // 5).astype(np.int64)
    yield problem.resolved(Task.BINARY, "roc_auc", (0, 1)), rare
    codes = (random.permutation(ROWS) % 3).astype(np.int64)
    codes[ROWS // 2] = 3
    yield problem.resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c", "single")), codes


def _surroundings(promises: SplitterPromises) -> Iterator[dict[str, NDArray[Any]]]:
    """Groups and times in every combination that the splitter may be given."""
    random = np.random.default_rng(1)
    times = random.integers(0, 40, ROWS).astype(np.float64)
    groups = np.array([f"g{number}" for number in random.integers(0, 25, ROWS)], dtype=object)
    groups[:3] = None
    yield {}
    if promises.keeps_groups:
        yield {"groups": groups}
    if promises.keeps_time:
        unknown = times.copy()
        unknown[[5, 50]] = np.nan
        yield {"times": unknown}
    if promises.keeps_groups and promises.keeps_time:
        # groups that live for a while, as customers do: some stretch over a cut
        lived = np.array([f"g{int(time) // 3}-{number % 2}" for number, time in enumerate(times)])
        yield {"groups": lived, "times": times}


def _splits(splitter: Splitter, promises: SplitterPromises) -> Iterator[tuple[SplitRequest, Folds]]:
    """Every request that the splitter takes, with its answer; there must be some."""
    answered = 0
    for problem, target in _targets():
        for given in _surroundings(promises):
            for count, seed in ((2, 0), (5, 3)):
                request = SplitRequest(problem, target, count, seed, reason="for a check", **given)
                try:
                    folds = splitter(request)
                except OptionError:
                    # it needs groups or times: those that come with the other requests
                    demand("groups" not in given or "times" not in given, "it refuses groups with times")
                    continue
                answered += 1
                yield request, folds
    demand(answered > 0, "it refuses every request; say what it keeps with SplitterPromises")


def _pairs(folds: Folds) -> Iterator[tuple[IntArray, IntArray]]:
    yield from zip(folds.train, folds.valid, strict=True)


def check_folds_are_well_formed(splitter: Splitter, promises: SplitterPromises) -> None:
    """Each fold has ascending int64 rows of the table to learn from and others to validate."""
    for request, folds in _splits(splitter, promises):
        demand(isinstance(folds, Folds), f"it returns {type(folds).__name__} instead of Folds")
        demand(len(folds.train) == len(folds.valid), "it has not as many train parts as valid parts")
        allowed = [request.count] if promises.covers_rows else range(1, request.count + 1)
        demand(folds.count in allowed, f"asked for {request.count} folds, it gives {folds.count}")
        demand(bool(folds.scheme), "it does not name its scheme")
        demand(folds.reason == request.reason, f"it gives another reason: {folds.reason!r}")
        for rows in (*folds.train, *folds.valid):
            demand(rows.dtype == np.int64, f"its rows are {rows.dtype} instead of int64")
            demand(len(rows) > 0, "it leaves a fold without rows")
            demand(bool((np.diff(rows) > 0).all()), "its rows are not ascending, or come twice")
            demand(bool(rows[0] >= 0 and rows[-1] < request.rows), "it names rows that are not there")


def check_no_overlap(splitter: Splitter, promises: SplitterPromises) -> None:
    """No fold learns from a row that it validates."""
    for _, folds in _splits(splitter, promises):
        for number, (train, valid) in enumerate(_pairs(folds)):
            shared = np.intersect1d(train, valid)
            demand(not len(shared), f"fold {number} learns from rows that it validates: {shared[:5]}")


def check_covers_rows(splitter: Splitter, promises: SplitterPromises) -> None:
    """Each row is validated once (at most once, if that is promised)."""
    for request, folds in _splits(splitter, promises):
        times = np.bincount(np.concatenate(folds.valid), minlength=request.rows)
        twice = np.flatnonzero(times > 1)
        demand(not len(twice), f"rows are validated more than once: {twice[:5]}")
        single = _only_of_their_class(request)
        demand(not times[single].any(), "it validates a row that is the only one of its class")
        missing = np.flatnonzero((times == 0) & ~single)
        if promises.covers_rows:
            demand(not len(missing), f"rows are never validated: {missing[:5]}")


def _only_of_their_class(request: SplitRequest) -> NDArray[np.bool_]:
    if not request.problem.task.is_classification:
        return np.zeros(request.rows, np.bool_)
    alone: NDArray[np.bool_] = np.bincount(request.target)[request.target] == 1
    return alone


def check_keeps_groups(splitter: Splitter, promises: SplitterPromises) -> None:
    """No group stands on both sides of a fold, nor is validated in two folds."""
    for request, folds in _splits(splitter, promises):
        if request.groups is None:
            continue
        seen: set[Any] = set()
        for train, valid in _pairs(folds):
            # a row without a group is a group of its own
            validated = {group for group in request.groups[valid] if group is not None}
            divided = validated & set(request.groups[train])
            demand(not divided, f"it divides groups: {sorted(map(str, divided))[:5]}")
            if request.times is None:
                again = validated & seen
                demand(not again, f"groups are validated in two folds: {sorted(map(str, again))[:5]}")
            seen |= validated


def check_keeps_time(splitter: Splitter, promises: SplitterPromises) -> None:
    """No row is learned from that is later than one validated; rows without a time are not validated."""
    for request, folds in _splits(splitter, promises):
        if request.times is None:
            continue
        for number, (train, valid) in enumerate(_pairs(folds)):
            known = ~np.isnan(request.times[valid])
            demand(bool(known.all()), f"fold {number} validates rows whose time is not known")
            latest, earliest = np.nanmax(request.times[train]), request.times[valid].min()
            demand(latest <= earliest, f"fold {number} learns from {latest} and validates {earliest}")


def check_is_deterministic(splitter: Splitter, promises: SplitterPromises) -> None:
    """Equal requests give equal folds, whatever was asked before; the request stays as it is."""
    first = [folds for _, folds in _splits(splitter, promises)]
    state = global_random_state()
    for (request, folds), before in reversed(list(zip(_splits(splitter, promises), first, strict=True))):
        given = [array for array in (request.target, request.groups, request.times) if array is not None]
        copies = [array.copy() for array in given]
        again = splitter(request)
        for one in (before, again):
            demand(_equal(one, folds), "equal requests with equal seeds give different folds")
        for array, copy in zip(given, copies):
            same = np.array_equal(array, copy, equal_nan=array.dtype.kind == "f")
            demand(same, "it changes the request")
    demand(bool(np.array_equal(state, global_random_state())), "it uses numpy's global random state")


def _equal(first: Folds, second: Folds) -> bool:
    parts = zip((*first.train, *first.valid), (*second.train, *second.valid))
    return first.count == second.count and all(np.array_equal(*pair) for pair in parts)


def check_few_rows(splitter: Splitter, promises: SplitterPromises) -> None:
    """With too few rows it says so, or splits all the same; it never leaves a part empty."""
    for request, _ in list(_splits(splitter, promises)):
        for rows in (1, 3):
            kept = slice(0, rows)
            groups = None if request.groups is None else request.groups[kept]
            times = None if request.times is None else request.times[kept]
            few = replace(request, target=request.target[kept], count=5, groups=groups, times=times)
            try:
                folds = splitter(few)
            except BadInput:
                continue
            empty = [part for part in (*folds.train, *folds.valid) if not len(part)]
            demand(not empty, f"with {rows} rows it leaves a fold without rows instead of refusing")


SPLITTER_CHECKS: Mapping[str, Callable[[Splitter, SplitterPromises], None]] = {
    "folds_are_well_formed": check_folds_are_well_formed,
    "no_overlap": check_no_overlap,
    "covers_rows": check_covers_rows,
    "keeps_groups": check_keeps_groups,
    "keeps_time": check_keeps_time,
    "is_deterministic": check_is_deterministic,
    "few_rows": check_few_rows,
}
"""Name to check; each takes a splitter and its promises and raises `ContractViolation`."""

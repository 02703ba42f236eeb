"""The suite of splitters notices splitters that break the contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.testing import ContractViolation, SplitterPromises, check_splitter, run_splitter_check
from modelwright.validation import SPLITTERS, Folds

KFOLD, STRATIFIED = SPLITTERS.load("kfold"), SPLITTERS.load("stratified")
GROUPS = SplitterPromises(keeps_groups=True)
TIME = SplitterPromises(keeps_time=True)


def folds(request, train, valid):
    return Folds(tuple(train), tuple(valid), "own", request.reason)


def learns_from_everything(request):
    made = KFOLD(request)
    return replace(made, train=tuple(np.arange(request.rows) for _ in made.train))


def forgets_rows(request):
    made = KFOLD(request)
    return replace(made, valid=tuple(rows[1:] for rows in made.valid))


def validates_twice(request):
    made = KFOLD(request)
    return folds(request, [made.train[0]] * made.count, [made.valid[0]] * made.count)


def validates_lone_classes(request):
    parts = np.array_split(np.arange(request.rows), request.count)
    return folds(request, [np.setdiff1d(np.arange(request.rows), part) for part in parts], parts)


def one_fold_less(request):
    made = KFOLD(request)
    return folds(request, made.train[1:], made.valid[1:])


def unsorted(request):
    made = KFOLD(request)
    return replace(made, train=tuple(rows[::-1] for rows in made.train))


def short_integers(request):
    made = KFOLD(request)
    return replace(made, valid=tuple(rows.astype(np.int32) for rows in made.valid))


def other_reason(request):
    return replace(KFOLD(request), reason="because")


def seeded_by_the_moment(request):
    return KFOLD(replace(request, seed=int(np.random.default_rng().integers(2**31))))


def draws_globally(request):
    np.random.rand()
    return KFOLD(request)


def sorts_the_target(request):
    made = KFOLD(request)
    request.target.sort()
    return made


class Remembers:
    """Folds that depend on how many were asked for before."""

    def __init__(self):
        self.calls = 0

    def __call__(self, request):
        self.calls += 1
        return KFOLD(replace(request, seed=self.calls))


def leaves_parts_empty(request):
    if request.rows > 10:
        return KFOLD(request)
    parts = [np.arange(request.rows)] * request.count
    return folds(request, [rows[:0] for rows in parts], parts)


@pytest.mark.parametrize(
    ("splitter", "promises", "check", "words"),
    [
        (learns_from_everything, None, "no_overlap", "rows that it validates"),
        (forgets_rows, None, "covers_rows", "never validated"),
        (validates_twice, None, "covers_rows", "more than once"),
        (validates_lone_classes, None, "covers_rows", "only one of its class"),
        (one_fold_less, None, "folds_are_well_formed", "asked for 2 folds, it gives 1"),
        (unsorted, None, "folds_are_well_formed", "not ascending"),
        (short_integers, None, "folds_are_well_formed", "int32"),
        (other_reason, None, "folds_are_well_formed", "another reason"),
        (KFOLD, GROUPS, "keeps_groups", "divides groups"),
        (STRATIFIED, TIME, "keeps_time", "validates"),
        (SPLITTERS.load("grouped"), None, "covers_rows", "refuses every request"),
        (seeded_by_the_moment, None, "is_deterministic", "different folds"),
        (Remembers(), None, "is_deterministic", "different folds"),
        (draws_globally, None, "is_deterministic", "random state"),
        (sorts_the_target, None, "is_deterministic", "changes the request|different folds"),
        (leaves_parts_empty, None, "few_rows", "without rows"),
    ],
)
def test_broken_splitter_is_noticed(splitter, promises, check, words):
    with pytest.raises(ContractViolation, match=words):
        run_splitter_check(check, splitter, promises)


def test_verdict_names_splitter_and_check():
    with pytest.raises(ContractViolation, match=r"splitter 'forgets_rows' fails the check 'covers_rows'"):
        check_splitter(forgets_rows)
    # at most once is what it keeps
    check_splitter(forgets_rows, SplitterPromises(covers_rows=False))

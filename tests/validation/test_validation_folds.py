"""Splits: exact cover, no overlap, whole groups, no look into the future, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelwright.core import BadInput, DataError, OptionError, Problem, Task, UnknownName
from modelwright.validation import SPLITTERS, make_folds, split_holdout

LETTERS = tuple("abcdefgh")


def _problem(task: Task) -> Problem:
    return Problem.of("y").resolved(task, "auto", LETTERS if task.is_classification else ())


@st.composite
def tables(draw):
    """A problem with a target (rare classes and ties happen), groups, times and a number of folds."""
    rows = draw(st.integers(12, 60))
    task = draw(st.sampled_from([Task.MULTICLASS, Task.REGRESSION]))
    codes = draw(hnp.arrays(np.int64, rows, elements=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7])))
    groups = draw(hnp.arrays(np.int64, rows, elements=st.integers(0, 15)))
    times = draw(hnp.arrays(np.int64, rows, elements=st.integers(0, 30)))
    target = codes if task.is_classification else codes.astype(np.float64)
    return _problem(task), target, groups, times, draw(st.integers(2, 4)), draw(st.integers(0, 5))


def _single(problem, target):
    """Rows that are the only one of their class."""
    if not problem.task.is_classification:
        return np.zeros(len(target), dtype=bool)
    return np.bincount(target)[target] == 1


def _assert_apart_and_full(folds):
    for train, valid in zip(folds.train, folds.valid, strict=True):
        assert len(train)
        assert len(valid)
        assert not set(train) & set(valid)
        assert list(train) == sorted(set(train))
        assert list(valid) == sorted(set(valid))
        assert train.dtype == valid.dtype == np.int64


@settings(max_examples=60, deadline=None)
@given(table=tables(), scheme=st.sampled_from(["stratified", "kfold"]))
def test_rows_are_validated_exactly_once_unless_alone_in_their_class(table, scheme):
    problem, target, _, _, count, seed = table
    single = _single(problem, target)
    if (~single).sum() < count:
        return
    folds = make_folds(problem, target, count=count, seed=seed, scheme=scheme)
    _assert_apart_and_full(folds)
    assert folds.count == count
    assert folds.scheme == scheme
    assert sorted(np.concatenate(folds.valid)) == np.flatnonzero(~single).tolist()
    for train, valid in zip(folds.train, folds.valid, strict=True):
        assert sorted([*train, *valid]) == list(range(len(target)))
    sizes = [len(valid) for valid in folds.valid]
    assert max(sizes) - min(sizes) <= 1
    if scheme == "stratified" and problem.task.is_classification:
        for code in np.unique(target[~single]):
            shares = [int((target[valid] == code).sum()) for valid in folds.valid]
            assert max(shares) - min(shares) <= 1  # so a class of few rows is spread as far as it goes


@settings(max_examples=60, deadline=None)
@given(table=tables())
def test_groups_are_never_divided(table):
    problem, target, groups, _, count, seed = table
    single = _single(problem, target)
    if len(np.unique(groups[~single])) < count:
        return
    folds = make_folds(problem, target, count=count, seed=seed, groups=groups)
    _assert_apart_and_full(folds)
    assert folds.scheme == "grouped"
    assert sorted(np.concatenate(folds.valid)) == np.flatnonzero(~single).tolist()
    for train, valid in zip(folds.train, folds.valid, strict=True):
        assert not set(groups[train]) & set(groups[valid])


@settings(max_examples=60, deadline=None)
@given(table=tables(), with_groups=st.booleans())
def test_no_training_row_is_later_than_a_validation_row(table, with_groups):
    problem, target, groups, times, count, seed = table
    if len(np.unique(times)) <= count:
        return
    groups = groups if with_groups else None
    try:
        folds = make_folds(problem, target, count=count, seed=seed, times=times, groups=groups)
    except DataError:
        assert with_groups  # every group of the past may occur again
        return
    _assert_apart_and_full(folds)
    assert folds.scheme == "temporal"
    everything = np.concatenate(folds.valid)
    assert len(everything) == len(set(everything))
    for train, valid in zip(folds.train, folds.valid, strict=True):
        assert times[train].max() < times[valid].min()
        if groups is not None:
            assert not set(groups[train]) & set(groups[valid])
    for earlier, later in zip(folds.valid, folds.valid[1:], strict=False):
        assert times[earlier].max() < times[later].min()


@settings(max_examples=60, deadline=None)
@given(
    table=tables(),
    fraction=st.sampled_from([0.1, 0.25, 0.5, 0.8]),
    given_groups=st.booleans(),
    given_times=st.booleans(),
)
def test_a_holdout_follows_the_same_rules(table, fraction, given_groups, given_times):
    problem, target, groups, times, _, seed = table
    groups, times = groups if given_groups else None, times if given_times else None
    try:
        train, aside = split_holdout(problem, target, fraction, seed, groups, times)
    except BadInput:
        assert given_groups or given_times or len(target) < 20
        return
    assert len(train)
    assert len(aside)
    assert not set(train) & set(aside)
    assert given_groups or len(train) + len(aside) == len(target)
    if given_groups:
        assert not set(groups[train]) & set(groups[aside])
    if problem.task.is_classification and not (given_groups and given_times):
        assert set(target) == set(target[train])
    if given_times:
        seen_before = (
            ~np.isin(target, target[aside]) if problem.task.is_classification else np.zeros(len(target))
        )
        earlier = train[seen_before[train] == 0]
        assert times[earlier].max(initial=-1) < times[aside].min()


@pytest.mark.parametrize(
    ("task", "options", "scheme"),
    [
        (Task.BINARY, {}, "stratified"),
        (Task.REGRESSION, {}, "kfold"),
        (Task.BINARY, {"groups": np.arange(40) // 4}, "grouped"),
        (Task.REGRESSION, {"times": np.arange(40)}, "temporal"),
        (Task.BINARY, {"times": np.arange(40), "groups": np.arange(40)}, "temporal"),
        (Task.BINARY, {"scheme": "holdout"}, "holdout"),
    ],
)
def test_scheme_and_repeatability(task, options, scheme):
    target = np.arange(40) % 2 if task is Task.BINARY else np.arange(40.0)
    first, again, other = (
        make_folds(_problem(task), target, count=4, seed=seed, **options) for seed in (1, 1, 2)
    )
    assert first.scheme == scheme
    assert first.reason
    for one, two in zip(first.valid, again.valid, strict=True):
        assert one.tolist() == two.tolist()
    if scheme != "temporal":
        assert any(a.tolist() != b.tolist() for a, b in zip(first.valid, other.valid, strict=True))


def test_a_class_of_one_row_is_reported_and_always_learned_from():
    target = np.array([0] * 10 + [1] * 10 + [2])
    folds = make_folds(_problem(Task.MULTICLASS), target, count=5, seed=0)
    assert all(20 in train for train in folds.train)
    assert 20 not in folds.validated
    (finding,) = folds.findings
    assert finding.check == "rare_class"
    assert finding.evidence == {"classes": ["c"]}
    assert "'c'" in finding.message


def test_regression_folds_share_a_skewed_target():
    target = np.random.default_rng(0).lognormal(0, 2, 500)
    folds = make_folds(_problem(Task.REGRESSION), target, count=5, seed=0)
    largest = set(np.argsort(target)[-10:])
    assert [len(largest & set(valid)) for valid in folds.valid] == [2] * 5


def test_grouped_folds_are_balanced_and_quick_on_many_groups():
    random = np.random.default_rng(0)
    groups = random.integers(0, 20_000, 60_000)
    target = (random.random(60_000) < 0.05).astype(np.int64)
    folds = make_folds(_problem(Task.BINARY), target, count=5, seed=0, groups=groups)
    sizes = np.array([len(valid) for valid in folds.valid])
    rates = np.array([target[valid].mean() for valid in folds.valid])
    assert np.abs(sizes / sizes.mean() - 1).max() < 0.03
    assert np.abs(rates / 0.05 - 1).max() < 0.1
    assert not set(groups[folds.train[0]]) & set(groups[folds.valid[0]])


def test_text_groups_and_missing_groups():
    groups = np.array(["x", "x", None, None, "y", float("nan")], dtype=object)
    folds = make_folds(_problem(Task.REGRESSION), np.arange(6.0), count=3, seed=0, groups=groups)
    for train in folds.train:
        assert (0 in train) == (1 in train)
    assert len(folds.validated) == 6


def test_dates_and_missing_times():
    times = np.array(["2024-01-03", "2024-01-01", "NaT", "2024-01-02", "2024-01-04"], dtype="datetime64[D]")
    folds = make_folds(_problem(Task.REGRESSION), np.arange(5.0), count=2, seed=0, times=times)
    assert 2 not in folds.validated
    assert all(2 in train for train in folds.train)
    assert [finding.check for finding in folds.findings] == ["missing_time"]
    assert folds.valid[-1].tolist()[-1] == 4


def test_the_first_third_of_time_is_only_learned_from():
    folds = make_folds(_problem(Task.REGRESSION), np.arange(90.0), count=5, seed=0, times=np.arange(90))
    assert len(folds.train[0]) == 30
    assert folds.validated.tolist() == list(range(30, 90))
    assert [len(valid) for valid in folds.valid] == [12] * 5


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_a_holdout_has_its_share_of_every_class(fraction):
    target = np.repeat([0, 1, 2], [700, 200, 100])
    _, aside = split_holdout(_problem(Task.MULTICLASS), target, fraction, seed=3)
    expected = fraction * np.array([700, 200, 100])
    assert np.abs(np.bincount(target[aside]) - expected).max() <= 1
    groups = np.random.default_rng(0).permutation(1000) // 5
    _, aside = split_holdout(_problem(Task.MULTICLASS), target, fraction, seed=3, groups=groups)
    assert np.abs(np.bincount(target[aside]) - expected).max() <= 10


def test_a_temporal_holdout_is_the_last_rows():
    times = np.random.default_rng(0).permutation(100)
    train, aside = split_holdout(_problem(Task.REGRESSION), np.arange(100.0), 0.2, 0, times=times)
    assert len(aside) == 20
    assert times[train].max() < times[aside].min()


def test_two_groups_give_a_holdout_of_the_smaller():
    groups = np.array([0] * 30 + [1] * 20)
    _, aside = split_holdout(_problem(Task.REGRESSION), np.arange(50.0), 0.1, 0, groups=groups)
    assert aside.tolist() == list(range(30, 50))


@pytest.mark.parametrize(
    ("task", "target", "options", "message"),
    [
        (Task.REGRESSION, np.arange(3.0), {}, "at least 5 rows .*, but there are 3"),
        (Task.MULTICLASS, np.arange(8), {}, "at least 5 rows .*, but there are 0"),
        (
            Task.REGRESSION,
            np.arange(9.0),
            {"groups": np.arange(9) // 3},
            "at least 5 groups of rows, but there are 3",
        ),
        (Task.REGRESSION, np.arange(9.0), {"times": np.arange(9) // 2}, "at least 6 different times"),
        (Task.REGRESSION, np.arange(9.0), {"groups": np.arange(8)}, "8 of them for 9 rows"),
        (Task.REGRESSION, np.arange(9.0), {"times": np.arange(9), "groups": np.zeros(9)}, "not both"),
    ],
)
def test_too_little_data_is_refused_with_a_way_out(task, target, options, message):
    with pytest.raises(BadInput, match=message):
        make_folds(_problem(task), target, count=5, seed=0, **options)


def test_options_that_make_no_sense_are_refused():
    problem, target = _problem(Task.REGRESSION), np.arange(20.0)
    with pytest.raises(OptionError, match="2 folds or more"):
        make_folds(problem, target, count=1, seed=0)
    with pytest.raises(OptionError, match="needs groups"):
        make_folds(problem, target, count=2, seed=0, scheme="grouped")
    with pytest.raises(OptionError, match="needs times"):
        make_folds(problem, target, count=2, seed=0, scheme="temporal")
    with pytest.raises(UnknownName, match="Did you mean 'stratified'"):
        make_folds(problem, target, count=2, seed=0, scheme="stratifed")
    for fraction in (0, 1, 1.5, True):
        with pytest.raises(OptionError, match="between 0 and 1"):
            split_holdout(problem, target, fraction, 0)
    with pytest.raises(DataError, match="Go without a holdout"):
        split_holdout(_problem(Task.MULTICLASS), np.arange(4), 0.5, 0)
    with pytest.raises(DataError, match="Go without a group column"):
        split_holdout(problem, target, 0.5, 0, groups=np.zeros(20))


def test_every_splitter_of_the_catalog_gives_folds_that_learn_and_validate():
    target = np.arange(40) % 2
    groups, times = np.arange(40) // 2, np.arange(40)
    for name in SPLITTERS:
        options = {"groups": groups} if name == "grouped" else {"times": times} if name == "temporal" else {}
        folds = make_folds(_problem(Task.BINARY), target, count=4, seed=0, scheme=name, **options)
        assert folds.scheme == name
        _assert_apart_and_full(folds)

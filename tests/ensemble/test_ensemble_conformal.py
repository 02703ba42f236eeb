"""Intervals and sets of labels: they cover what they promise, and say when they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import OptionError, Problem, Task, canonical_json
from modelwright.ensemble import Conformal, fit_conformal
from modelwright.ensemble.conformal import Scores

VALUES = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
TWO = Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
THREE = Problem.of("y").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c"))
QUANTILES = replace(Problem.of("y").resolved(Task.QUANTILE, "pinball", ()), quantiles=(0.1, 0.5, 0.9))
LABELS = replace(
    Problem.of(["a", "b"]).resolved(Task.MULTILABEL, "log_loss", ()), label_classes=(("no", "yes"),) * 2
)


def values(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Values whose errors grow with what is predicted."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(1, 10, rows)
    return predicted + predicted * rng.normal(0, 0.3, rows) + 50, predicted + 50


def classes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    array = rng.dirichlet([0.6, 0.6, 0.3], rows)
    return (array.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1), array


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_intervals_cover_fresh_rows_as_often_as_they_say(coverage: float) -> None:
    known = fit_conformal(VALUES, *values(4_000, 0))
    assert known is not None
    truth, predicted = values(40_000, 1)
    bounds = known.intervals(predicted, coverage)
    inside = (truth >= bounds[:, 0]) & (truth <= bounds[:, 1])
    assert inside.mean() == pytest.approx(coverage, abs=0.02)
    large = predicted > np.median(predicted)
    widths = bounds[:, 1] - bounds[:, 0]
    assert widths[large].mean() > 1.5 * widths[~large].mean()  # where errors are larger
    assert inside[large].mean() == pytest.approx(inside[~large].mean(), abs=0.04)


def test_coverage_is_exact_on_average_over_many_small_samples() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        known = fit_conformal(VALUES, rng.normal(size=39), np.zeros(39))
        assert known is not None
        bounds = known.intervals(np.zeros(200), 0.9)
        truth = rng.normal(size=200)
        covered.append(((truth >= bounds[:, 0]) & (truth <= bounds[:, 1])).mean())
    assert 0.895 < np.mean(covered) < 0.92


@pytest.mark.parametrize("coverage", [0.6, 0.9])
def test_sets_cover_fresh_rows_as_often_as_they_say(coverage: float) -> None:
    known = fit_conformal(THREE, *classes(4_000, 0))
    assert known is not None
    truth, array = classes(40_000, 1)
    sets = known.sets(array, coverage)
    assert sets[np.arange(len(truth)), truth].mean() == pytest.approx(coverage, abs=0.02)
    assert sets.sum(axis=1).min() == 0 or coverage > 0.7  # a set may be empty
    each = known.sets(array, coverage, by_class=True)
    for code in range(3):
        rows = truth == code
        assert each[rows, code].mean() == pytest.approx(coverage, abs=0.04)


def test_a_class_without_rows_is_in_every_set_that_covers_each_class() -> None:
    truth, array = classes(500, 0)
    known = fit_conformal(THREE, truth[truth < 2], array[truth < 2])
    assert known is not None
    assert known.sets(array, 0.9, by_class=True)[:, 2].all()


def test_quantiles_are_moved_until_they_cover() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=3_000)
    narrow = np.tile([-0.5, 0.0, 0.5], (3_000, 1))  # far too sure
    known = fit_conformal(QUANTILES, truth, narrow)
    assert known is not None
    bounds = known.intervals(narrow, 0.8, QUANTILES.quantiles)
    fresh = rng.normal(size=3_000)
    assert ((fresh >= bounds[:, 0]) & (fresh <= bounds[:, 1])).mean() == pytest.approx(0.8, abs=0.03)


def test_each_label_has_its_own_sets() -> None:
    rng = np.random.default_rng(0)
    array = rng.random((3_000, 2))
    truth = (rng.random((3_000, 2)) < array).astype(np.int64)
    known = fit_conformal(LABELS, truth, array)
    assert known is not None
    sets = known.sets(array, 0.9)
    assert sets.shape == (3_000, 2, 2)
    held = np.take_along_axis(sets, truth[:, :, None], axis=2)
    assert held.mean(axis=(0, 2)) == pytest.approx([0.9, 0.9], abs=0.02)


def test_values_that_are_never_negative_have_no_negative_bounds() -> None:
    rng = np.random.default_rng(0)
    truth = rng.exponential(size=500)
    known = fit_conformal(VALUES, truth, np.full(500, 1.0))
    assert known is not None
    assert known.intervals(np.zeros(3), 0.99).min() == 0.0


@pytest.mark.parametrize(
    ("problem", "rows"), [(VALUES, values(300, 0)), (THREE, classes(300, 0))], ids=["values", "classes"]
)
def test_what_is_written_is_what_is_read(problem: Problem, rows: tuple[np.ndarray, np.ndarray]) -> None:
    import json

    known = fit_conformal(problem, *rows)
    assert known is not None
    again = Conformal.from_dict(json.loads(canonical_json(known.to_dict())))
    if problem is VALUES:
        assert np.array_equal(again.intervals(rows[1], 0.9), known.intervals(rows[1], 0.9))
    else:
        assert np.array_equal(again.sets(rows[1], 0.9), known.sets(rows[1], 0.9))


def test_too_much_coverage_is_refused_with_what_can_be_had() -> None:
    known = fit_conformal(VALUES, *values(50, 0))
    assert known is not None
    with pytest.raises(OptionError, match=r"needs 199 out-of-fold rows, but this model has 50.*0\.96"):
        known.intervals(np.zeros(1), 0.99)
    for wrong in (0.0, 1.0, -1, 90):
        with pytest.raises(OptionError, match="between 0 and 1"):
            known.intervals(np.zeros(1), wrong)
    with pytest.raises(OptionError, match="regression"):
        known.sets(np.zeros((1, 2)), 0.9)


def test_a_handful_of_rows_says_nothing() -> None:
    assert fit_conformal(VALUES, *values(19, 0)) is None


def test_thinned_scores_are_never_less_careful_than_all() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=10_001)
    thin, whole = Scores.of(scores, most=200), Scores.of(scores, most=10_001)
    for share in (0.5, 0.9, 0.95, 0.99):
        assert thin.upper(share) >= whole.upper(share)
        assert thin.upper(share) == pytest.approx(whole.upper(share), abs=0.2)
        assert thin.lower(1 - share) <= whole.lower(1 - share)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scores": []},
        {"scores": [{"values": [2.0, 1.0], "rows": 2}]},
        {"scores": [{"values": [float("nan")], "rows": 2}]},
        {"scores": [{"values": [1.0, 2.0], "rows": 1}]},
        {"knots": [1.0], "spreads": []},
        {"knots": [1.0, 1.0], "spreads": [1.0, 1.0]},
        {"knots": [1.0], "spreads": [0.0]},
        {"least": float("nan")},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    known = fit_conformal(VALUES, *values(50, 0))
    assert known is not None
    with pytest.raises(ValueError):
        Conformal.from_dict({**known.to_dict(), **wrong})


def test_labels_as_probable_as_the_limit_belong_to_the_set() -> None:
    """A tree gives many rows one probability, which is kept with seven digits."""
    truth, array = np.zeros(100, np.int64), np.tile([2 / 3, 1 / 3], (100, 1))
    known = fit_conformal(TWO, truth, array)
    assert known is not None
    assert known.sets(array, 0.9)[:, 0].all()
    assert known.sets(array, 0.9, by_class=True)[:, 0].all()
    several = fit_conformal(LABELS, np.ones((100, 2), np.int64), np.full((100, 2), 2 / 3))
    assert several is not None
    assert several.sets(np.full((5, 2), 2 / 3), 0.9)[:, :, 1].all()


@pytest.mark.parametrize("wrong", ["0.9", None, True, float("nan"), float("inf"), 2])
def test_a_coverage_is_a_number_between_0_and_1(wrong: object) -> None:
    known = fit_conformal(VALUES, *values(50, 0))
    assert known is not None
    with pytest.raises(OptionError, match="between 0 and 1"):
        known.intervals(np.zeros(1), wrong)  # type: ignore[arg-type]
    assert known.intervals(np.zeros(1), np.float32(0.9)).shape == (1, 2)  # type: ignore[arg-type]


def test_several_labels_are_refused_what_they_cannot_have() -> None:
    array = np.full((40, 2), 0.4)
    known = fit_conformal(LABELS, np.zeros((40, 2), np.int64), array)
    assert known is not None
    with pytest.raises(OptionError, match="needs 99 out-of-fold rows, but this model has 40"):
        known.sets(array, 0.99)
    with pytest.raises(OptionError, match="by_class"):
        known.sets(array, 0.9, by_class=True)
    with pytest.raises(OptionError, match="multilabel"):
        known.intervals(array, 0.9)


def test_rows_that_are_needed_are_counted_exactly() -> None:
    for rows, coverage, needed in ((30, 0.95, 39), (50, 0.99, 199), (21, 0.92, 24)):
        known = fit_conformal(VALUES, *values(rows, 0))
        assert known is not None
        with pytest.raises(OptionError, match=f"needs {needed} out-of-fold rows, but this model has {rows}"):
            known.intervals(np.zeros(1), coverage)
        enough = fit_conformal(VALUES, *values(needed, 0))
        assert enough is not None
        assert np.isfinite(enough.intervals(np.zeros(1), coverage)).all()


@pytest.mark.parametrize("size", [1e200, 1e-310, 0.0])
def test_values_of_any_size_end_in_numbers_or_in_nothing(size: float) -> None:
    truth, array = values(400, 0)
    known = fit_conformal(VALUES, size * truth, size * array)
    if size == 1e200:
        assert known is None
    else:
        assert known is not None
        assert np.isfinite(known.intervals(size * array, 0.9)).all()

"""Encoders that see the target: they find what is there, and cannot be made to leak."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelwright.core import (
    DataError,
    FeatureInfo,
    OptionError,
    Problem,
    SchemaMismatch,
    Task,
    View,
    ViewInfo,
)
from modelwright.features import ColumnScreen, TargetEncoder
from modelwright.testing import TARGET_ENCODER_CHECKS, ContractViolation, check_target_encoder

BINARY = Problem.of("y").resolved(Task.BINARY, "log_loss", ("no", "yes"))
NUMBERS = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())


def view_of(*columns: Any) -> View:
    codes = np.stack([np.asarray(column, np.int32) for column in columns], axis=1)
    info = tuple(
        FeatureInfo(f"c{place}", f"c{place}", "codes", int(codes[:, place].max(initial=0)) + 1)
        for place in range(codes.shape[1])
    )
    return View(np.zeros((len(codes), 0), np.float32), codes, ViewInfo((), info))


@pytest.mark.parametrize("check", list(TARGET_ENCODER_CHECKS))
def test_the_contract(check: str) -> None:
    TARGET_ENCODER_CHECKS[check](TargetEncoder)


class Naive(TargetEncoder):
    """Gives training rows the means that they are part of."""

    @classmethod
    def fit_transform(cls, view: View, rows: Any, target: Any, problem: Problem, **_: Any) -> Any:  # type: ignore[override]
        encoder = cls.fit(view, rows, target, problem)
        return encoder, encoder.transform(view, rows)


@pytest.mark.parametrize(
    ("encoder", "check"),
    [
        (Naive, "noise_stays_noise"),
        (Naive, "training_rows_promise_no_more"),
        (Naive, "own_target_is_not_used"),
    ],
)
def test_encoders_that_leak_are_caught(encoder: type[TargetEncoder], check: str) -> None:
    with pytest.raises(ContractViolation):
        TARGET_ENCODER_CHECKS[check](encoder)
    with pytest.raises(ContractViolation, match=f"The encoder '{encoder.__name__}' fails the check"):
        check_target_encoder(encoder)


def test_a_model_on_noise_does_not_beat_chance() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    random = np.random.default_rng(5)
    noise = random.integers(1, 700, 4_000)
    target = (random.random(4_000) < 0.3).astype(np.int64)
    train, valid = np.arange(2_500), np.arange(2_500, 4_000)
    encoder, matrix = TargetEncoder.fit_transform(view_of(noise), train, target, BINARY)
    chance = log_loss(target[valid], np.full(len(valid), target[train].mean()))
    model = LogisticRegression(C=1e4).fit(matrix[:, :1], target[train])
    told = model.predict_proba(encoder.transform(view_of(noise), valid)[:, :1])[:, 1]
    assert log_loss(target[valid], told) < chance + 0.003
    # The test can fail: plain means of the levels make the same model worse than chance.
    rows = np.maximum(1, np.bincount(noise[train], minlength=700))
    means = (np.bincount(noise[train], target[train], minlength=700) / rows)[noise][:, None]
    fooled = LogisticRegression(C=1e4).fit(means[train], target[train]).predict_proba(means[valid])[:, 1]
    assert log_loss(target[valid], fooled) > chance + 0.05


def test_shrinkage_is_that_of_the_best_linear_predictor() -> None:
    """The effects of random levels come back with the factor n * between / (n * between + within)."""
    random = np.random.default_rng(0)
    codes = random.integers(1, 301, 6_000)
    effects = random.normal(scale=0.5, size=301)
    target = 7.0 + effects[codes] + random.normal(scale=2.0, size=6_000)
    encoder = TargetEncoder.fit(view_of(codes), None, target, NUMBERS)
    found = encoder.effects.values[1:, 0] * target.std()
    rows = np.bincount(codes, minlength=301)[1:]
    means = np.bincount(codes, target, minlength=301)[1:] / rows - target.mean()
    between = effects[1:].var()
    np.testing.assert_allclose(found, means * rows * between / (rows * between + 4.0), atol=0.1)
    assert np.mean((found - effects[1:]) ** 2) < 0.8 * np.mean((means - effects[1:]) ** 2)


def test_small_levels_are_drawn_to_zero_further() -> None:
    codes = np.repeat([1, 2, 3, 4], [300, 4, 300, 300])
    target = np.where(codes <= 2, np.arange(len(codes)) % 4 > 0, np.arange(len(codes)) % 4 == 0).astype(
        np.int64
    )
    values = TargetEncoder.fit(view_of(codes), None, target, BINARY).effects.values[:, 0]
    assert 0 < values[2] < values[1]
    assert values[3] < 0
    assert values[0] == 0


def test_most_frequent_classes_get_columns() -> None:
    labels = tuple(f"k{number:02d}" for number in range(14))
    problem = Problem.of("y").resolved(Task.MULTICLASS, "log_loss", labels)
    random = np.random.default_rng(0)
    target = np.minimum(random.integers(0, 14, 3_000), random.integers(0, 40, 3_000))
    codes = 1 + (target + random.integers(0, 2, 3_000)) % 14
    encoder, train = TargetEncoder.fit_transform(view_of(codes, codes[::-1]), None, target, problem)
    assert encoder.classes.tolist() == list(range(10))
    assert train.shape == (3_000, 22)
    names = [column.name for column in encoder.columns(view_of(codes, codes[::-1]).info)]
    assert names[:3] == ["c0@0", "c1@0", "c0@1"]
    assert names[-2:] == ["c0#", "c1#"]
    column = encoder.transform(view_of(codes, codes[::-1]))[:, names.index("c0@3")]
    assert np.corrcoef(column, target == 3)[0, 1] > 0.5


def test_weights_count() -> None:
    codes, target = np.array([1, 1, 2, 2] * 50), np.array([0, 1, 0, 1] * 50)
    weights = np.array([1.0, 3.0, 3.0, 1.0] * 50)
    plain = TargetEncoder.fit(view_of(codes), None, target, BINARY)
    weighted = TargetEncoder.fit(view_of(codes), None, target, BINARY, weights=weights)
    assert plain.effects.values[1:, 0].tolist() == [0, 0]
    np.testing.assert_allclose(weighted.effects.values[1:, 0], [0.25, -0.25], atol=0.02)
    doubled = TargetEncoder.fit(view_of(codes), None, target, BINARY, weights=2 * weights)
    np.testing.assert_allclose(doubled.effects.values, weighted.effects.values, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-250, 1.0, 1e250])
def test_the_unit_of_the_target_does_not_matter(factor: float) -> None:
    random = np.random.default_rng(0)
    codes = random.integers(1, 9, 500)
    target = 1e6 + codes + random.normal(size=500)
    base = TargetEncoder.fit_transform(view_of(codes), None, target, NUMBERS)[1]
    other = TargetEncoder.fit_transform(view_of(codes), None, target * factor, NUMBERS)[1]
    np.testing.assert_allclose(other, base, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("problem", [BINARY, NUMBERS])
def test_few_training_rows(rows: int, problem: Problem) -> None:
    view = view_of([1, 2, 1, 2, 0])
    target: NDArray[Any] = np.array([0, 1, 1, 0, 1])
    target = target if problem is BINARY else target.astype(np.float64)
    encoder, train = TargetEncoder.fit_transform(view, np.arange(rows), target, problem)
    assert train.shape == (rows, 2)
    assert np.isfinite(train).all()
    assert np.isfinite(encoder.transform(view)).all()


def test_without_categories_there_is_nothing() -> None:
    view = View(
        np.ones((4, 1), np.float32),
        np.zeros((4, 0), np.int32),
        ViewInfo((FeatureInfo("x", "x", "value"),), ()),
    )
    encoder, train = TargetEncoder.fit_transform(view, None, np.array([0, 1, 0, 1]), BINARY)
    assert train.shape == (4, 0)
    assert encoder.transform(view).shape == (4, 0)
    assert TargetEncoder.from_arrays(encoder.arrays()).width == 0


def test_what_does_not_fit_is_refused() -> None:
    view = view_of([1, 2, 1])
    with pytest.raises(DataError, match="target has 2 values, but the view has 3 rows"):
        TargetEncoder.fit(view, None, np.array([0, 1]), BINARY)
    with pytest.raises(SchemaMismatch):
        TargetEncoder.fit(view, None, np.array([0, 1, 0]), BINARY).transform(view_of([1], [1]))


# -- screening of encoded columns -----------------------------------------------------------------------


@pytest.mark.parametrize("sparse", [False, True])
def test_columns_are_ranked_as_by_the_f_statistic(sparse: bool) -> None:
    from scipy.sparse import csr_matrix
    from sklearn.feature_selection import f_classif, f_regression

    random = np.random.default_rng(0)
    matrix = random.normal(size=(120, 60)) * (random.random((120, 60)) < 0.6)
    numbers = matrix[:, 7] - 2 * matrix[:, 30] + random.normal(size=120)
    classes = np.digitize(numbers, [-1, 1])
    labels = Problem.of("y").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c"))
    for target, problem, f in ((numbers, NUMBERS, f_regression), (classes, labels, f_classif)):
        given = csr_matrix(matrix) if sparse else matrix
        screen = ColumnScreen.fit(given, target, problem, max_columns=10)
        assert screen.kept.tolist() == np.sort(np.argsort(-f(matrix, target)[0])[:10]).tolist()
        assert {7, 30} <= set(screen.kept.tolist())
        assert screen.apply(given).shape == (120, 10)
        again = ColumnScreen.from_arrays(screen.arrays())
        assert again.kept.tolist() == screen.kept.tolist()


def test_constant_columns_are_the_last_to_stay() -> None:
    matrix = np.full((50, 5), 1e6, np.float32)
    matrix[:, 3] = np.arange(50)
    screen = ColumnScreen.fit(matrix, np.arange(50.0), NUMBERS, max_columns=2)
    assert screen.kept.tolist() == [0, 3]
    assert ColumnScreen.fit(matrix, np.arange(50.0), NUMBERS, max_columns=9).kept.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(OptionError):
        ColumnScreen.fit(matrix, np.arange(50.0), NUMBERS, max_columns=0)
    with pytest.raises(SchemaMismatch):
        screen.apply(matrix[:, :4])


def test_rows_of_a_group_are_encoded_without_its_targets() -> None:
    # every level lies in one group, so without that group nothing is known of it
    codes = np.repeat(np.arange(1, 41), 10).astype(np.int32)
    target = (np.arange(400) // 10 % 2).astype(np.int64)
    view = view_of(codes)
    _, apart = TargetEncoder.fit_transform(view, None, target, BINARY, groups=np.repeat(np.arange(40), 10))
    _, drawn = TargetEncoder.fit_transform(view, None, target, BINARY)
    assert np.abs(apart[:, 0]).max() < 0.05
    assert np.abs(drawn[:, 0]).min() > 0.3

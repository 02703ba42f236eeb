"""How many rounds a fit of all rows takes, told by the folds."""

from __future__ import annotations

from pathlib import Path

from modelwright.ensemble import FoldResult, refit_config


def fold(**info: object) -> FoldResult:
    return FoldResult(Path(), 1.0, 0.1, 10, False, info)


def test_more_rows_take_more_rounds_but_fewer_than_in_proportion() -> None:
    folds = [fold(iterations=100, learning_rate=0.1)] * 2
    assert refit_config("lightgbm", {}, folds, [100, 100], 400)["rounds"] == 200


def test_a_fold_with_a_higher_learning_rate_counts_for_more_rounds() -> None:
    folds = [fold(iterations=100, learning_rate=0.1)] * 2 + [fold(iterations=50, learning_rate=0.2)]
    config = refit_config("lightgbm", {"learning_rate": 0.02}, folds, [100] * 3, 100)
    assert config == {"learning_rate": 0.1, "rounds": 100}


def test_folds_of_a_temporal_split_are_scaled_each_by_its_own_rows() -> None:
    folds = [fold(iterations=50, learning_rate=0.1), fold(iterations=100, learning_rate=0.1)]
    assert refit_config("lightgbm", {}, folds, [100, 400], 400)["rounds"] == 100


def test_several_outputs_share_the_mean_of_their_rates() -> None:
    outputs = [{"learning_rate": 0.1}, {"learning_rate": 0.3}]
    config = refit_config("lightgbm", {}, [fold(iterations=10, outputs=outputs)], [100], 100)
    assert config == {"learning_rate": 0.2, "rounds": 10}


def test_what_has_no_rounds_keeps_its_configuration() -> None:
    assert refit_config("linear", {"C": 0.5}, [fold(iterations=9)], [10], 20) == {"C": 0.5}
    assert refit_config("lightgbm", {}, [fold(iterations=None)], [10], 20) == {}

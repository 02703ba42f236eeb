"""Fairness by group: figures against counted ones, planted gaps found, none seen where there are none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from modelwright.core import DataError, OptionError, Predictions, Problem, Task
from modelwright.evaluation import (
    FairnessReport,
    SensitiveColumn,
    SensitiveRows,
    fairness_report,
    require_few,
    sensitive_column,
    sensitive_rows,
)

BINARY = Problem.of("hired").resolved(Task.BINARY, "accuracy", ("no", "yes"))
SEX = SensitiveColumn("sex", ("f", "m"))
AGE = SensitiveColumn("age", ("below 40", "40 or more"), (40.0,))


def certain(decided: NDArray[np.bool_]) -> Predictions:
    return Predictions(np.column_stack([~decided, decided]).astype(np.float64))


def by(codes: NDArray[np.int64], *columns: SensitiveColumn) -> SensitiveRows:
    return SensitiveRows(columns or (SEX,), codes.reshape(len(codes), -1))


def judge(truth: NDArray[np.int64], decided: NDArray[np.bool_], codes: NDArray[np.int64]) -> FairnessReport:
    return fairness_report(BINARY, truth, certain(decided), by(codes))


def test_figures_are_those_that_one_counts() -> None:
    # f: 4 of 6 true, 3 chosen (2 of them rightly); m: 1 of 4 true, 2 chosen (1 of them rightly)
    truth = np.array([1, 1, 1, 1, 0, 0, 1, 0, 0, 0])
    decided = np.array([1, 1, 0, 0, 1, 0, 1, 1, 0, 0], np.bool_)
    view = judge(truth, decided, np.array([0] * 6 + [1] * 4)).views[0]
    women, men = view.groups
    counted = {
        "base_rate": (4 / 6, 1 / 4),
        "selection_rate": (3 / 6, 2 / 4),
        "true_positive_rate": (2 / 4, 1 / 1),
        "false_positive_rate": (1 / 2, 1 / 3),
        "precision": (2 / 3, 1 / 2),
        "accuracy": (3 / 6, 3 / 4),
        "mean_prediction": (3 / 6, 2 / 4),
        "calibration": (-1 / 6, 1 / 4),
    }
    assert (women.group, women.rows, men.group, men.rows) == ("f", 6, "m", 4)
    assert {name: (women.figures[name].value, men.figures[name].value) for name in counted} == {
        name: pytest.approx(pair) for name, pair in counted.items()
    }
    assert {each.verdict for each in view.comparisons} == {"insufficient evidence"}


def test_weights_count_as_rows_do() -> None:
    truth, decided = np.array([1, 0, 1, 0]), np.array([True, True, False, False])
    codes = np.array([0, 0, 1, 1])
    weights = np.array([3.0, 1.0, 1.0, 1.0])
    found = fairness_report(BINARY, truth, certain(decided), by(codes), weights).views[0].groups
    assert {group.group: group.figures["base_rate"].value for group in found} == {"f": 0.75, "m": 0.5}


def equal_groups(rng: np.random.Generator, rows: int, groups: int) -> FairnessReport:
    codes = rng.integers(0, groups, rows)
    truth = rng.integers(0, 2, rows)
    probability = np.clip(0.3 + 0.4 * truth + rng.normal(0, 0.2, rows), 0.01, 0.99)
    predictions = Predictions(np.column_stack([1 - probability, probability]))
    column = SensitiveColumn("region", tuple("abcdefgh"[:groups]))
    return fairness_report(BINARY, truth, predictions, by(codes, column))


def test_equal_groups_raise_no_alarm() -> None:
    rng = np.random.default_rng(5)
    reports = [equal_groups(rng, 3000, 6) for _ in range(60)]
    assert sum(report.verdict == "gap" for report in reports) <= 6
    rules = [rule.verdict for report in reports for rule in report.views[0].four_fifths]
    assert "below four fifths" not in rules


def test_many_small_equal_groups_raise_no_alarm_either() -> None:
    rng = np.random.default_rng(6)
    verdicts = [equal_groups(rng, 160, 8).verdict for _ in range(20)]
    assert verdicts.count("insufficient evidence") >= 17
    assert "no gap found" not in verdicts


def test_a_planted_gap_is_found() -> None:
    rng = np.random.default_rng(7)
    codes, truth = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
    decided = rng.random(3000) < np.where(truth == 1, 0.8, 0.3) - 0.25 * codes
    view = judge(truth, decided, codes).views[0]
    assert view.verdict == "gap"
    (rule,) = view.four_fifths
    assert (rule.group, rule.reference, rule.verdict) == ("m", "f", "below four fifths")
    assert rule.ratio.high < 0.8
    parity = next(each for each in view.criteria if each.name == "demographic_parity")
    assert (parity.highest, parity.lowest, parity.verdict) == ("f", "m", "gap")
    assert parity.difference.low < 0.25 < parity.difference.high
    odds = {each.name: each for each in view.criteria}
    assert odds["equalized_odds"].difference.value >= odds["equal_opportunity"].difference.value


@pytest.mark.parametrize(("rate", "enough"), [(0.5, 390), (0.1, 3250)])
def test_too_few_rows_are_never_a_pass(rate: float, enough: int) -> None:
    for rows, expected in ((enough // 3, "insufficient evidence"), (8 * enough, "not below four fifths")):
        decided = np.tile(np.arange(rows) < rate * rows, 2)
        codes = np.repeat([0, 1], rows)
        (rule,) = judge(decided.astype(np.int64), decided, codes).views[0].four_fifths
        assert rule.verdict == expected
        assert rule.rows_needed == pytest.approx(enough, rel=0.02)


def test_a_large_gap_of_a_small_group_is_told_of() -> None:
    decided = np.concatenate([np.arange(1000) < 600, np.zeros(40, np.bool_)])
    codes = np.repeat([0, 1], [1000, 40])
    (rule,) = judge(decided.astype(np.int64), decided, codes).views[0].four_fifths
    assert rule.verdict == "below four fifths"


def test_a_group_without_a_true_row_has_no_true_positive_rate() -> None:
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 2, 2000)
    truth = np.where(codes == 0, rng.integers(0, 2, 2000), 0)
    view = judge(truth, rng.random(2000) < 0.5, codes).views[0]
    figures = {group.group: group.figures["true_positive_rate"] for group in view.groups}
    assert not figures["m"].is_known
    assert figures["f"].is_known
    opportunity = next(each for each in view.criteria if each.name == "equal_opportunity")
    assert opportunity.verdict == "insufficient evidence"


def test_intersections_show_what_single_columns_hide() -> None:
    rng = np.random.default_rng(9)
    codes = rng.integers(0, 2, (6000, 2))
    truth = rng.integers(0, 2, 6000)
    decided = rng.random(6000) < np.where(codes[:, 0] == codes[:, 1], 0.65, 0.35)
    report = fairness_report(BINARY, truth, certain(decided), by(codes, SEX, AGE))
    verdicts = {view.by: view.verdict for view in report.views}
    assert verdicts[("sex",)] != "gap"
    assert verdicts[("age",)] != "gap"
    assert verdicts[("sex", "age")] == "gap"


def test_errors_of_values_are_told_by_group() -> None:
    rng = np.random.default_rng(10)
    codes, truth = rng.integers(0, 2, 4000), rng.normal(50, 10, 4000)
    predicted = Predictions(truth + rng.normal(0, 3, 4000) - 4.0 * codes)
    problem = Problem.of("pay").resolved(Task.REGRESSION, "rmse", ())
    view = fairness_report(problem, truth, predicted, by(codes)).views[0]
    errors = {each.figure: each for each in view.comparisons}
    sign = 1 if errors["mean_error"].group == "f" else -1
    assert errors["mean_error"].difference.value == pytest.approx(4.0 * sign, abs=0.3)
    assert errors["mean_error"].verdict == "gap"
    assert view.four_fifths == ()


def test_each_class_of_several_is_judged() -> None:
    rng = np.random.default_rng(11)
    codes, truth = rng.integers(0, 2, 3000), rng.integers(0, 3, 3000)
    array = np.full((3000, 3), 0.1)
    array[np.arange(3000), np.where((codes == 1) & (truth == 2), 0, truth)] = 0.8
    problem = Problem.of("level").resolved(Task.MULTICLASS, "log_loss", ("low", "mid", "top"))
    report = fairness_report(problem, truth, Predictions(array), by(codes))
    assert {view.output: view.verdict == "gap" for view in report.views} == {
        "low": True,
        "mid": False,
        "top": True,
    }


def test_decisions_that_differ_by_group_are_the_ones_that_count() -> None:
    truth = np.zeros(8, np.int64)
    undecided = Predictions(np.full((8, 2), 0.5), None, np.repeat([0, 1], 4))
    groups = fairness_report(BINARY, truth, undecided, by(np.repeat([0, 1], 4))).views[0].groups
    assert {group.group: group.figures["selection_rate"].value for group in groups} == {"f": 0.0, "m": 1.0}


def test_a_report_comes_back_from_its_record() -> None:
    rng = np.random.default_rng(12)
    report = equal_groups(rng, 500, 3)
    again = FairnessReport.from_dict(report.to_dict())
    assert again.to_dict() == report.to_dict()
    damaged = report.to_dict()
    damaged["views"][0]["comparisons"][0]["verdict"] = "fair"
    with pytest.raises(ValueError, match="'fair' is none of"):
        FairnessReport.from_dict(damaged)


def test_levels_missing_and_unseen_values_are_groups() -> None:
    column = sensitive_column(pl.Series(["b", "a", None, "b"]), "team")
    assert column.levels == ("a", "b")
    codes = column.codes(pl.Series(["a", None, "z"]))
    assert [column.labels[code] for code in codes] == ["a", "(missing)", "(not seen in training)"]
    nan = float("nan")
    ages = sensitive_column(pl.Series([nan, *map(float, range(18, 60))]), "age")
    assert ages.labels[ages.codes(pl.Series([nan, 30.0]))[0]] == "(missing)"
    flag = sensitive_column(pl.Series([True, False, None]), "flag")
    assert flag.levels == ("false", "true")
    assert sensitive_column(pl.Series([0.0, 1.0, 10.0, 2.0]), "code").levels == ("0", "1", "2", "10")


def test_numbers_are_divided_at_given_cuts_or_quartiles() -> None:
    ages = pl.Series(np.linspace(18, 90, 400))
    quartiles = sensitive_column(ages, "age")
    assert len(quartiles.levels) == 4
    assert np.bincount(quartiles.codes(ages)).min() > 90
    given = sensitive_column(ages, "age", (40.0, 65.0))
    assert given.levels == ("below 40", "40 to below 65", "65 or more")
    assert given.codes(pl.Series([39.9, 40.0, 65.0, None])).tolist() == [0, 1, 2, 3]
    assert SensitiveColumn.from_dict(given.to_dict()) == given


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pl.Series(["f"] * 5), "All rows are in one group of the sensitive column 'x'"),
        (pl.Series([f"town {number}" for number in range(60)]), "has 60 different values"),
        (pl.Series([[1.0, 2.0]]), "cannot be taken as groups"),
        (
            pl.Series([0.0] * 99 + [float(number) for number in range(12)]),
            "Nearly all values of the sensitive column .x. are equal",
        ),
    ],
)
def test_what_cannot_be_grouped_is_refused(values: pl.Series, message: str) -> None:
    with pytest.raises(DataError, match=message):
        sensitive_column(values, "x")


def test_cuts_of_what_is_no_number_and_too_many_columns_are_refused() -> None:
    with pytest.raises(OptionError, match="Cuts divide numbers"):
        sensitive_column(pl.Series(["a", "b"]), "x", (1.0,))
    with pytest.raises(OptionError, match="At most 4 sensitive columns"):
        require_few(tuple("abcde"))


def test_columns_of_strange_names_are_read_as_they_are() -> None:
    frame = pl.DataFrame([pl.Series("^a.*$", ["f", "m"]), pl.Series("ab", [1.0, 2.0])])
    column = sensitive_column(frame["^a.*$"], "^a.*$")
    assert sensitive_rows([column], frame).codes.tolist() == [[0], [1]]

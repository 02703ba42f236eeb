"""Intervals, sets, coverage and abstention of models of every task, and what cannot be told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow
import pytest

from modelwright.automl import Model, TrainRequest, execute
from modelwright.automl.evidence import read_evidence
from modelwright.automl.uncertainty import abstained, parts_of
from modelwright.core import OptionError, Predictions, Problem, SchemaMismatch, Task
from modelwright.ensemble import Conformal

ROWS = 500


def table(seed: int = 0, rows: int = ROWS) -> pl.DataFrame:
    """Targets of every task that follow `x`; `region` is harder in the north, `code` names rows."""
    rng = np.random.default_rng(seed)
    x, north = rng.normal(size=rows), rng.random(rows) < 0.3
    noise = rng.normal(0, np.where(north, 1.5, 0.5))
    score = 2 * x + noise
    return pl.DataFrame(
        {
            "x": x.round(4),
            "code": [f"K{number:04d}" for number in range(rows)],
            "region": np.where(north, "north", "south"),
            "day": [date(2024, 1, 1) + timedelta(days=int(step)) for step in rng.integers(0, 300, rows)],
            "value": score.round(4),
            "bought": np.where(score > 0, "yes", "no"),
            "grade": np.digitize(score, [-1.5, 1.5]),
            "late": (score + rng.normal(0, 0.5, rows) > 1).astype(int),
        }
    )


def run(place: Path, target: str | list[str], data: pl.DataFrame | None = None, **changes: Any) -> Model:
    names = [target] if isinstance(target, str) else target
    frame = (table() if data is None else data).select(["x", "code", *names])
    asked = {"learners": "linear", "max_trials": 1, "time_limit": "10m", "threads": 1, "executor": "inline"}
    return execute(TrainRequest(frame, target, workspace=place, **{**asked, **changes})).model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uncertainty")


@pytest.fixture(scope="module")
def values(place: Path) -> Model:
    return run(place, "value")


@pytest.fixture(scope="module")
def binary(place: Path) -> Model:
    return run(place, "bought", positive="no", metric="f1")


@pytest.fixture(scope="module")
def grades(place: Path) -> Model:
    return run(place, "grade", task="multiclass")


@pytest.fixture(scope="module")
def labels(place: Path) -> Model:
    return run(place, ["bought", "late"], task="multilabel")


@pytest.fixture(scope="module")
def quantiles(place: Path) -> Model:
    return run(place, "value", quantiles=[0.1, 0.5, 0.9])


@pytest.mark.parametrize("name", ["values", "binary", "grades", "labels", "quantiles"])
@pytest.mark.parametrize("asked", [0.8, 0.9])
def test_fresh_rows_are_covered_in_every_task(
    name: str, asked: float, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(name)
    (whole,) = model.coverage(table(1, 3000), asked)
    assert whole.rows == 3000 * (2 if name == "labels" else 1)
    assert whole.covered == pytest.approx(asked, abs=0.05)
    (own,) = model.coverage(coverage=asked)
    assert own.covered == pytest.approx(asked, abs=0.02)


def test_groups_that_are_harder_are_covered_less_and_that_is_shown(values: Model) -> None:
    rows = {row.part: row for row in values.coverage(table(1, 3000), by="region")}
    assert set(rows) == {"", "north", "south"}
    assert rows["north"].high < rows["south"].low
    assert rows["north"].rows + rows["south"].rows == rows[""].rows


def test_any_column_divides_the_rows(values: Model) -> None:
    fresh = table(1, 1000)
    assert not values.schema["code"].is_feature
    by_day = values.coverage(fresh, by="day")[1:]  # training never saw it
    assert len(by_day) == 5
    assert all(row.part[:4] == "2024" and " to 2024" in row.part for row in by_day)
    assert len(values.coverage(fresh, by="code")) == 51  # an id: the largest fifty parts
    by_truth = values.coverage(fresh, by="value")[1:]
    assert sum(row.rows for row in by_truth) == 1000
    assert by_truth == tuple(sorted(by_truth, key=lambda row: -row.rows))
    with pytest.raises(SchemaMismatch, match="Did you mean 'region'"):
        values.coverage(fresh, by="regon")


def test_labels_of_a_row_count_one_by_one(labels: Model) -> None:
    rows = labels.coverage(table(1, 300), by="region")
    assert [row.part for row in rows] == ["", "south", "north"]
    assert rows[0].rows == 600 == rows[1].rows + rows[2].rows


def test_quantiles_give_bounds_around_themselves(quantiles: Model) -> None:
    fresh = table(2, 50)
    bounds = quantiles.predict_interval(fresh, 0.9)
    middle = quantiles.predict(fresh)["0.5"]
    assert ((bounds["low"] < middle) & (middle < bounds["high"])).all()
    narrow = quantiles.predict_interval(fresh, 0.5)
    assert ((narrow["high"] - narrow["low"]) < (bounds["high"] - bounds["low"])).all()
    with pytest.raises(OptionError, match="quantile"):
        quantiles.predict_set(fresh)


def test_several_labels_have_a_set_each(labels: Model) -> None:
    fresh = table(2, 50)
    sets = labels.predict_set(fresh, 0.9)
    assert sets.columns == ["bought", "late"]
    assert set(sets["bought"].explode().drop_nulls().to_list()) <= {"no", "yes"}
    assert set(sets["late"].explode().drop_nulls().to_list()) <= {0, 1}
    with pytest.raises(OptionError, match="by_class"):
        labels.predict_set(fresh, by_class=True)
    with pytest.raises(OptionError, match="several labels"):
        labels.predict_or_abstain(fresh)
    with pytest.raises(OptionError, match="multilabel"):
        labels.predict_interval(fresh)


def test_answers_come_in_the_callers_kind(binary: Model, grades: Model) -> None:
    fresh = table(2, 40).drop("bought")
    one = fresh.row(0, named=True)
    sets = grades.predict_set(fresh, 0.9).to_list()
    assert grades.predict_set(fresh.to_pandas(), 0.9).tolist() == sets
    assert grades.predict_set(fresh.to_arrow(), 0.9).to_pylist() == sets
    assert grades.predict_set(fresh.to_dict(as_series=False), 0.9).to_list() == sets
    assert grades.predict_set(one, 0.9).to_list() == sets[:1]
    said = grades.predict_or_abstain(fresh, 0.9)
    assert said.dtype == pl.Int64
    assert 0 < said.null_count() < 40
    assert [None if label is None else int(label) for label in said.to_list()] == said.to_list()
    told = grades.predict_or_abstain(fresh.to_arrow(), 0.9)
    assert isinstance(told, pyarrow.Array)
    assert told.to_pylist() == said.to_list()
    words = binary.predict_or_abstain(fresh, 0.99)
    assert set(words.to_list()) <= {"yes", "no", None}
    assert None in binary.predict_or_abstain(fresh.to_pandas(), 0.99).tolist()
    assert binary.predict_or_abstain(fresh, 0).to_list() == binary.predict(fresh).to_list()
    assert binary.predict_or_abstain(fresh, 1).null_count() == 40


def test_what_is_predicted_must_be_probable_not_what_is_not() -> None:
    """Where a class is decided for from a probability of 0.2 on, the other may be likely."""
    problem = Problem.of("y").resolved(Task.BINARY, "f1", ("no", "yes"))
    careful = Predictions(np.array([[0.75, 0.25], [0.1, 0.9]]), np.diag([0.2, 0.8]))
    assert careful.codes.tolist() == [1, 1]
    assert abstained(problem, careful, 0.7).tolist() == [True, False]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), "0.8", None, True])
def test_a_confidence_is_a_probability(binary: Model, wrong: Any) -> None:
    with pytest.raises(OptionError, match="between 0 and 1"):
        binary.predict_or_abstain(table(2, 5), wrong)


@pytest.mark.parametrize("wrong", [0, 1, 90, -1, float("nan"), "0.9", None, True])
def test_a_coverage_is_a_share(values: Model, grades: Model, wrong: Any) -> None:
    fresh = table(2, 5)
    for asked in (values.predict_interval, values.coverage, grades.predict_set, grades.coverage):
        with pytest.raises(OptionError, match="between 0 and 1"):
            asked(fresh, wrong)


def test_too_few_rows_are_told_with_what_can_be_had(tmp_path: Path) -> None:
    few = run(tmp_path / "few", "value", table(0, 18))
    with pytest.raises(OptionError, match="fewer than 20 rows"):
        few.predict_interval(table(2, 5))
    some = run(tmp_path / "some", "value", table(0, 30))
    with pytest.raises(OptionError, match=r"needs 39 out-of-fold rows, but this model has 30.*0\.935"):
        some.predict_interval(table(2, 5), 0.95)
    assert some.predict_interval(table(2, 5), 0.93).shape == (5, 2)


def test_rows_that_lack_what_is_needed_are_refused(values: Model) -> None:
    fresh = table(2, 20)
    with pytest.raises(SchemaMismatch, match="'x'"):
        values.predict_interval(fresh.drop("x"))
    with pytest.raises(SchemaMismatch, match="target"):
        values.coverage(fresh.drop("value"))
    assert values.predict_interval(fresh.head(0)).shape == (0, 2)


def test_decisions_by_group_are_in_the_evidence(tmp_path: Path) -> None:
    """Thresholds that differ by group: what was decided for each row is kept, and scores as told."""
    rng = np.random.default_rng(0)
    rows = 800
    sex, skill = rng.choice(["f", "m"], rows), rng.normal(size=rows)
    chance = 1 / (1 + np.exp(-(1.5 * skill + 2 * (sex == "m") - 1)))
    frame = pl.DataFrame({"x": skill, "sex": sex, "hired": np.where(rng.random(rows) < chance, "yes", "no")})
    model = execute(
        TrainRequest(
            frame,
            "hired",
            metric="accuracy",
            sensitive="sex",
            mitigate="thresholds",
            learners="linear",
            max_trials=1,
            time_limit="10m",
            threads=1,
            executor="inline",
            workspace=tmp_path,
        )
    ).model
    known = read_evidence(model)
    assert known is not None
    assert known.predictions.decided is not None
    plain = Predictions(known.array, model.utility)
    assert (known.predictions.codes != plain.codes).any()
    assert model.metric is not None
    score = model.metric.score(known.target, known.predictions, known.weights)
    assert score == pytest.approx(model.manifest["score"]["out_of_fold"]["value"], abs=1e-9)
    again = read_evidence(Model.load(model.save(tmp_path / "copy.mw")))
    assert again is not None
    assert np.array_equal(again.predictions.codes, known.predictions.codes)
    fresh = frame.head(100)
    said = model.predict_or_abstain(fresh, 0).to_list()
    assert said == model.predict(fresh).to_list()


def test_ranges_of_numbers_are_told_apart() -> None:
    numbers = pl.DataFrame({"far": 100_000 + np.arange(100) / 10, "few": np.arange(100) % 3})
    assert len(set(parts_of(numbers, "far"))) == 5
    assert set(parts_of(numbers, "few")) == {"0", "1", "2"}
    holes = pl.DataFrame({"x": [None, float("nan"), float("inf"), *map(float, range(50))]})
    assert parts_of(holes, "x").count("missing") == 3
    same_day = pl.DataFrame({"at": pl.Series(np.arange(100) * 60_000_000).cast(pl.Datetime("us"))})
    assert len(set(parts_of(same_day, "at"))) == 5
    assert set(parts_of(pl.DataFrame({"flag": [True, None]}), "flag")) == {"True", "missing"}


def test_what_the_bundle_knows_is_read_once(values: Model) -> None:
    fresh = table(2, 3)
    values.predict_interval(fresh)
    known: Conformal = values._conformal
    values.predict_interval(fresh)
    assert values._conformal is known

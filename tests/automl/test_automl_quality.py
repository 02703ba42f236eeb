"""Models that people can read: one alone, whose terms say exactly what it predicts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl import OutputTerms, TrainRequest, Where, execute
from modelwright.automl.quality import quality_of
from modelwright.core import OptionError


def _table(rows: int = 240) -> pl.DataFrame:
    random = np.random.default_rng(0)
    age = np.round(random.uniform(18, 80, rows), 1)
    plan = random.choice(["basic", "plus", "pro"], rows)
    epoch = 1_700_000_000 + random.integers(0, 10_000, rows)
    signal = (age - 50) / 10 + 1.5 * (plan == "basic") * (epoch > 1_700_005_000)
    churn = signal + random.logistic(0, 0.5, rows) > 0.5
    ages = [None if random.random() < 0.1 else value for value in age.tolist()]
    return pl.DataFrame(
        {
            "age": ages,
            "plan": plan,
            "epoch": epoch,
            "spend": np.round(10 * signal, 2),
            "churn": np.where(churn, "yes", "no"),
        }
    )


def _train(place: Path, target: str, rows: int = 240, **more: object) -> mw.Model:
    drop = "spend" if target == "churn" else "churn"
    request = {"max_trials": 2, "time_limit": "10m", "executor": "inline", "quality": "interpretable", **more}
    workspace = place / f"{target}-{more.get('learners', '')}"
    return execute(TrainRequest(_table(rows).drop(drop), target, workspace=workspace, **request)).model  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def additive(tmp_path_factory: pytest.TempPathFactory) -> mw.Model:
    place = tmp_path_factory.mktemp("quality")
    return _train(place, "churn", learners=["additive_boosting"])


def _fits(where: Where, value: object) -> bool:
    if where.missing or value is None:
        return where.missing and value is None
    if where.level is not None:
        return value == where.level
    assert isinstance(value, (int, float))
    return (where.above is None or value > where.above) and (where.up_to is None or value <= where.up_to)


def _score(output: OutputTerms, row: dict[str, object]) -> float:
    """What a reader finds who looks a row up, in the words of the table."""
    total = output.intercept[0]
    for term in output.terms:
        cells = [
            cell
            for cell in term.cells
            if all(_fits(where, row[source]) for where, source in zip(cell.where, term.sources, strict=True))
        ]
        assert len(cells) == 1
        total += cells[0].adds[0]
    return total


def test_terms_say_exactly_what_is_predicted(additive: mw.Model) -> None:
    rows = _table().drop("churn", "spend").head(40)
    (output,) = additive.terms()
    assert output.scale == "log odds of 'yes'"
    said = additive.predict_proba(rows)["yes"].to_list()
    for row, probability in zip(rows.iter_rows(named=True), said, strict=True):
        assert 1 / (1 + math.exp(-_score(output, row))) == pytest.approx(probability, abs=1e-9)


def test_one_model_alone_is_delivered(additive: mw.Model) -> None:
    assert [entry.weight for entry in additive.leaderboard().entries if entry.weight] == [1.0]
    assert len(list((additive.path / "members").glob("*/*"))) == 1
    delivery = additive.manifest["delivery"]
    assert len(delivery["merged"]) == 1
    assert not delivery["refitted"]
    assert additive.manifest["plan"]["quality"] == "interpretable"
    decided = [item["what"] for item in additive.manifest["plan"]["decisions"]]
    assert "quality interpretable" in decided


def test_terms_are_measured_on_the_training_rows(additive: mw.Model) -> None:
    (output,) = additive.terms()
    importances = [term.importance for term in output.terms]
    assert importances == sorted(importances, reverse=True)
    first = output.terms[0]
    assert first.columns == ("age",)
    assert sum(cell.share for cell in first.cells) == pytest.approx(1.0)
    measured = sum(cell.share * abs(cell.adds[0]) for cell in first.cells)
    assert measured == pytest.approx(first.importance)
    lines = first.summary(5)
    assert len(lines) <= 5
    assert sum(share for _, _, share in lines) == pytest.approx(1.0)
    assert lines[0][1][0] < 0 < lines[3][1][0]  # the young stay


def test_a_tree_is_refitted_and_its_rules_name_levels(tmp_path: Path) -> None:
    model = _train(tmp_path, "spend", learners=["decision_tree"])
    assert model.manifest["delivery"]["refitted"]
    rules = model.terms()[0].rules
    assert "if age <= " in rules
    assert "plan = 'basic'" in rules


def test_a_linear_model_tells_its_coefficients(tmp_path: Path) -> None:
    model = _train(tmp_path, "spend", learners=["linear"])
    terms = {term.columns[0]: term for term in model.terms()[0].terms}
    assert terms["age"].per_unit is not None
    assert terms["age"].per_unit[0] > 0
    adds = {str(cell.where[0]): cell.adds[0] for cell in terms["plan"].cells}
    assert adds["basic"] > adds["pro"]


def test_several_outputs_have_terms_each(tmp_path: Path) -> None:
    model = _train(tmp_path, "spend", 80, quantiles=[0.2, 0.8], learners=["additive_boosting"], max_trials=1)
    outputs = model.terms()
    assert [output.name for output in outputs] == ["spend (quantile 0.2)", "spend (quantile 0.8)"]
    rows = _table().drop("churn", "spend").head(5)
    said = model.predict(rows)
    for place, row in enumerate(rows.iter_rows(named=True)):
        found = sorted(_score(output, row) for output in outputs)
        assert found == pytest.approx([said["0.2"][place], said["0.8"][place]])


def test_an_ensemble_has_no_terms(tmp_path: Path) -> None:
    model = _train(tmp_path, "churn", quality="best", learners=["lightgbm"], max_trials=1)
    with pytest.raises(OptionError, match="interpretable"):
        model.terms()


def test_what_nobody_can_read_is_refused() -> None:
    with pytest.raises(OptionError, match=r"Readable: .*additive_boosting"):
        TrainRequest({"a": [1]}, "a", learners="catboost", quality="interpretable").check()
    with pytest.raises(OptionError, match="Did you mean 'interpretable'"):
        TrainRequest({"a": [1]}, "a", quality="interpretabel").check()


def test_the_quality_is_resumed() -> None:
    record = TrainRequest({"a": [1]}, "a", quality="interpretable").to_dict()
    assert TrainRequest(resume="last").resumed(record).quality == "interpretable"


def test_only_readable_learners_compete() -> None:
    known = quality_of("interpretable").learners()
    assert {"additive_boosting", "linear", "decision_tree", "glm"} <= set(known)
    assert not {"lightgbm", "extra_trees", "constant", "nearest_neighbors"} & set(known)
    assert quality_of("best").learners() == ()


def test_ranges_read_like_words() -> None:
    assert str(Where(up_to=1e-35)) == "up to 0"
    assert str(Where()) == "any"
    assert str(Where(level="pro")) == "pro"

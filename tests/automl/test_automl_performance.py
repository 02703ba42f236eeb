"""How a model performs, from its own evidence and from rows that are given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import modelwright as mw
from conftest import ROWS, table, without
from modelwright.automl.evidence import read_evidence
from modelwright.automl.judged_rows import judged_rows
from modelwright.core import OptionError, SchemaMismatch


@pytest.fixture(scope="module")
def shop(workspace: Path) -> mw.Model:
    """A model of a file that stays where it is, with a column of amounts that is not learned from."""
    frame = without(table(seed=4, rows=600), "churn").with_columns(
        amount=pl.Series(np.random.default_rng(0).exponential(50, 600).round(2))
    )
    path = workspace / "shop.csv"
    frame.write_csv(path)
    return mw.train(
        path,
        "churn",
        max_trials=2,
        learners=["linear", "lightgbm"],
        time_limit="10m",
        threads=2,
        workspace=workspace,
        overrides={"amount": "ignored"},
    )


def test_out_of_fold_rows_judge_a_model_that_was_given_nothing(binary: mw.Model) -> None:
    found = binary.performance()
    known = read_evidence(binary)
    assert known is not None
    assert (found.source, found.rows, found.metric) == ("out-of-fold", len(known.rows), "roc_auc")
    (curves,) = found.curves
    assert curves.roc.area == pytest.approx(roc_auc_score(known.target, known.array[:, 1]))
    assert found.score == pytest.approx(curves.roc.area)
    assert found.low < found.score < found.high
    (matrix,) = found.confusion
    assert matrix.labels == ("no", "yes")
    (thresholds,) = found.thresholds
    assert thresholds.label == "yes"
    assert found.residuals is None
    assert found.slices is None
    assert any("in memory" in note for note in found.notes)
    assert len(json.dumps(found.to_dict(), allow_nan=False)) < 200_000


def test_given_rows_judge_it_with_slices(binary: mw.Model) -> None:
    fresh = without(table(seed=1, rows=500), "churn")
    found = binary.performance(fresh)
    assert (found.source, found.rows) == ("given", 500)
    assert found.slices is not None
    assert found.slices.rows == 500
    assert found.score == pytest.approx(binary.evaluate(fresh)["roc_auc"]["score"])
    with pytest.raises(SchemaMismatch, match="target column 'churn'"):
        binary.performance(fresh.drop("churn"))


def test_the_training_file_is_read_again_for_the_columns_of_slices(shop: mw.Model) -> None:
    found = shop.performance()
    assert found.source == "out-of-fold"
    assert found.slices is not None
    assert found.notes == ()
    rows = judged_rows(shop)
    assert rows.frame is not None
    source = pl.read_csv(shop.manifest["data"]["location"])
    assert rows.frame["fee"].to_list() == source["fee"].gather(rows.rows).to_list()
    labels = source["churn"].gather(rows.rows).to_list()
    assert [shop.problem.classes[code] for code in rows.target] == labels


def test_the_rows_of_the_training_are_judged_out_of_fold(shop: mw.Model) -> None:
    location = shop.manifest["data"]["location"]
    found = shop.performance(location)
    assert found.source == "out-of-fold"
    assert found.score == shop.performance().score
    assert "out-of-fold predictions of them" in found.notes[0]


def test_a_training_file_that_is_gone_or_has_changed_is_told(shop: mw.Model, tmp_path: Path) -> None:
    location = Path(shop.manifest["data"]["location"])
    kept = location.read_bytes()
    try:
        location.write_bytes(kept + b"\n")
        assert any("has changed since" in note for note in shop.performance().notes)
        location.unlink()
        found = shop.performance()
        assert any("is gone" in note for note in found.notes)
        assert found.slices is None
        assert found.curves
        with pytest.raises(OptionError, match="is gone"):
            shop.learning_curve()
        with pytest.raises(OptionError, match="column 'amount' are needed"):
            shop.performance(costs={("yes", "no"): "amount"})
    finally:
        location.write_bytes(kept)


def test_the_users_costs_choose_the_threshold(shop: mw.Model) -> None:
    dear = shop.performance(costs={("yes", "no"): 50}, gains={("yes", "yes"): 5.0}).thresholds[0]
    cheap = shop.performance(costs={("no", "yes"): 50, ("yes", "no"): 1}).thresholds[0]
    assert dear.objective == "value"
    assert dear.recommended.threshold < 0.1
    assert cheap.recommended.threshold > 0.5
    assert cheap.theoretical == pytest.approx(50 / 51)
    each = shop.performance(costs={("yes", "no"): "amount", ("no", "yes"): 20}).thresholds[0]
    assert each.theoretical is None
    assert each.recommended.value is not None
    assert each.recommended.value < 0


def test_costs_that_make_no_sense_are_refused(shop: mw.Model, regression: mw.Model) -> None:
    for costs, words in [
        ({("yes", "maybe"): 1}, "two of the classes"),
        ({("yes", "no"): "amuont"}, "Did you mean 'amount'"),
        ({("yes", "no"): "plan"}, "a column of numbers"),
        ({("yes", "no"): float("inf")}, "finite number"),
        ({"yes": 1}, "two of the classes"),
    ]:
        with pytest.raises(OptionError, match=words):
            shop.performance(costs=costs)
    with pytest.raises(OptionError, match="given twice"):
        shop.performance(costs={("yes", "no"): 1}, gains={("yes", "no"): 1})
    with pytest.raises(OptionError, match="are of two classes"):
        regression.performance(costs={("a", "b"): 1})


def test_values_have_residuals_and_classes_have_curves(regression: mw.Model, multiclass: mw.Model) -> None:
    values = regression.performance()
    assert values.residuals is not None
    assert values.residuals.rows == values.rows <= ROWS
    assert (values.curves, values.confusion, values.thresholds) == ((), (), ())
    classes = multiclass.performance(without(table(seed=2, rows=300), "level"))
    assert {curve.label for curve in classes.curves} == {0, 1, 2}
    assert {curve.label for curve in classes.calibration} == {0, 1, 2}
    assert classes.thresholds == ()
    assert classes.confusion[0].labels == (0, 1, 2)


def test_several_labels_and_quantiles(workspace: Path) -> None:
    frame = table(seed=5).with_columns(late=pl.col("spend") > 20)
    options = {"max_trials": 1, "learners": "linear", "threads": 1, "workspace": workspace}
    labels = mw.train(without(frame, "churn", "late"), ["churn", "late"], **options).performance()
    assert {curve.label for curve in labels.curves} == {"churn", "late"}
    assert len(labels.confusion) == len(labels.thresholds) == 2
    assert labels.confusion[0].labels == ("no", "yes")
    quantiles = mw.train(without(frame, "spend"), "spend", quantiles=[0.1, 0.5, 0.9], **options).performance()
    assert quantiles.residuals is not None
    below = sum(residual < 0 for _, residual in quantiles.residuals.points) / len(quantiles.residuals.points)
    assert 0.3 < below < 0.7


def test_a_planted_weakness_is_found(workspace: Path) -> None:
    random = np.random.default_rng(3)
    size = random.uniform(0, 100, 1500)
    shop = random.choice(["north", "south", "west"], 1500)
    noise = np.where(shop == "west", 12.0, 2.0) * random.normal(size=1500)
    frame = pl.DataFrame({"size": size, "shop": shop, "price": 3 * size + noise})
    frame.write_csv(workspace / "prices.csv")
    model = mw.train(
        workspace / "prices.csv", "price", max_trials=1, learners="linear", threads=1, workspace=workspace
    )
    report = model.performance().slices
    assert report is not None
    assert report.slices[0].words == "shop is 'west'"
    assert report.loss_name == "mean absolute error"

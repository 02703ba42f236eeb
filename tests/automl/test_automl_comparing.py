"""Two models compared: on given rows, on the out-of-fold rows that both have, and not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl.bundle import MANIFEST, seal_bundle
from modelwright.automl.evidence import read_evidence
from modelwright.core import OptionError

OPTIONS = {"max_trials": 1, "threads": 1, "time_limit": "10m"}


@pytest.fixture(scope="module")
def simple(workspace: Path) -> mw.Model:
    """A worse model of the table that the fixture `regression` was trained on."""
    return mw.train(
        without(table(), "spend"),
        "spend",
        learners="decision_tree",
        name="tree",
        workspace=workspace,
        **OPTIONS,
    )


def test_models_of_one_table_are_compared_on_common_rows(regression: mw.Model, simple: mw.Model) -> None:
    found = mw.compare(simple, regression)
    assert found.source == "out-of-fold"
    known = [read_evidence(model) for model in (simple, regression)]
    assert found.rows == len(np.intersect1d(known[0].rows, known[1].rows))
    assert [each.metric for each in found.comparisons] == ["rmse", "mae", "r2"]
    rmse = found.comparisons[0]
    truth = known[0].target
    assert rmse.first[0] == pytest.approx(float(np.sqrt(np.mean((truth - known[0].array) ** 2))), rel=1e-3)
    assert rmse.verdict == "better"
    assert rmse.sentence.startswith(f"{regression.name} is better than tree")
    assert "also chosen" in found.notes[0]
    assert mw.compare(regression, simple).comparisons[0].verdict == "worse"


def test_on_given_rows_scores_are_those_of_evaluate(regression: mw.Model, simple: mw.Model) -> None:
    fresh = without(table(seed=6, rows=400), "spend")
    found = mw.compare(simple, regression, fresh)
    assert (found.source, found.rows, found.notes) == ("given", 400, ())
    for place, model in (("first", simple), ("second", regression)):
        expected = model.evaluate(fresh)
        for each in found.comparisons:
            assert getattr(each, place)[0] == pytest.approx(expected[each.metric]["score"])


def test_a_model_is_the_same_as_itself(regression: mw.Model) -> None:
    found = mw.compare(regression, regression.path)
    assert found.comparisons[0].difference == 0
    assert found.comparisons[0].verdict == "cannot be told apart"
    assert "cannot be told apart" in found.sentence


def test_classes_in_another_order_are_the_same_classes(binary: mw.Model, workspace: Path) -> None:
    turned = mw.train(
        without(table(), "churn"), "churn", positive="no", learners="linear", workspace=workspace, **OPTIONS
    )
    assert turned.problem.classes == ("yes", "no")
    fresh = without(table(seed=7, rows=300), "churn")
    found = mw.compare(binary, turned, fresh)
    by_name = {each.metric: each for each in found.comparisons}
    assert by_name["accuracy"].second[0] == pytest.approx(turned.evaluate(fresh)["accuracy"]["score"])
    assert by_name["log_loss"].second[0] == pytest.approx(turned.evaluate(fresh)["log_loss"]["score"])
    assert [test.name for test in by_name["roc_auc"].tests] == ["DeLong"]
    assert [test.name for test in by_name["accuracy"].tests] == ["McNemar"]


def test_rows_that_one_of_them_was_trained_on_are_told(regression: mw.Model, workspace: Path) -> None:
    other = mw.train(
        without(table(seed=8), "spend"), "spend", learners="linear", name="b", workspace=workspace, **OPTIONS
    )
    with pytest.raises(OptionError, match="different tables"):
        mw.compare(regression, other)
    found = mw.compare(regression, other, without(table(), "spend"))
    assert any(regression.name in note and "was trained on these rows" in note for note in found.notes)
    assert found.source == mw.compare(other, regression, without(table(), "spend")).source == "given"
    assert sum("out-of-fold" in note for note in found.notes) == 1


def test_models_of_different_targets_are_refused(regression: mw.Model, binary: mw.Model) -> None:
    with pytest.raises(OptionError, match="their targets differ"):
        mw.compare(regression, binary)
    frame = without(table(seed=9, rows=5), "spend")
    with pytest.raises(OptionError, match="rows in common"):
        mw.compare(regression, regression, frame)


def test_rows_are_paired_by_their_place_in_the_table(regression: mw.Model, workspace: Path) -> None:
    held = mw.train(
        without(table(), "spend"), "spend", learners="linear", holdout=0.3, workspace=workspace, **OPTIONS
    )
    one, other = read_evidence(regression), read_evidence(held)
    assert one is not None
    assert other is not None
    rows = np.intersect1d(one.rows, other.rows)
    assert 100 < len(rows) < len(one.rows)
    spend = table()["spend"].to_numpy()[rows]
    found = mw.compare(regression, held)
    assert found.rows == len(rows)
    for score, known in zip((found.comparisons[0].first, found.comparisons[0].second), (one, other)):
        places = [known.rows.tolist().index(row) for row in rows]
        assert score[0] == pytest.approx(np.sqrt(np.mean((known.array[places] - spend) ** 2)))


def test_training_rows_in_another_order_are_recognised(regression: mw.Model, simple: mw.Model) -> None:
    shuffled = without(table(), "spend").sample(fraction=1.0, shuffle=True, seed=3)
    found = mw.compare(simple, regression, shuffled)
    assert found.source == "given"
    assert sum("in another order" in note for note in found.notes) == 1
    turned = mw.compare(simple, regression, shuffled.reverse())
    assert turned.comparisons[0].difference == pytest.approx(found.comparisons[0].difference)
    assert not mw.compare(simple, regression, without(table(seed=6), "spend")).notes


def test_a_bundle_without_out_of_fold_rows_needs_rows(
    regression: mw.Model, simple: mw.Model, tmp_path: Path
) -> None:
    place = simple.save(tmp_path / "old.mw")
    (place / "evidence.npz").unlink()
    manifest = json.loads((place / MANIFEST).read_text("utf-8"))
    (place / MANIFEST).unlink()
    seal_bundle(place, {key: value for key, value in manifest.items() if key not in ("files", "digest")})
    old = mw.load(place)
    for data in (None, without(table(), "spend")):
        with pytest.raises(OptionError, match="no out-of-fold rows with it"):
            mw.compare(regression, old, data)
    fresh = without(table(seed=6), "spend")
    first, second = mw.compare(regression, old, fresh), mw.compare(regression, simple, fresh)
    assert first.comparisons[0].difference == second.comparisons[0].difference


def test_other_costs_are_told(binary: mw.Model, workspace: Path) -> None:
    frame = without(table(), "churn")
    careful = mw.train(
        frame, "churn", learners="linear", costs={("yes", "no"): 9}, workspace=workspace, **OPTIONS
    )
    fresh = without(table(seed=7, rows=300), "churn")
    found = mw.compare(binary, careful, fresh, names=("plain", "careful"))
    assert "where costs count, those of careful do" in found.notes[-1]
    cost = next(each for each in found.comparisons if each.metric == "cost")
    assert cost.second[0] == pytest.approx(careful.evaluate(fresh)["cost"]["score"])

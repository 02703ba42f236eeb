"""A trained model: what it predicts, in which kind, and where it can be taken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.core import BundleError, OptionError, SchemaMismatch, Task
from modelwright.storage import Workspace


def test_the_task_and_the_metric_are_seen_from_the_target(
    binary: mw.Model, multiclass: mw.Model, regression: mw.Model
) -> None:
    assert (binary.problem.task, binary.problem.metric) == (Task.BINARY, "roc_auc")
    assert (multiclass.problem.task, multiclass.problem.metric) == (Task.MULTICLASS, "log_loss")
    assert (regression.problem.task, regression.problem.metric) == (Task.REGRESSION, "rmse")


def test_it_learned_something(binary: mw.Model, multiclass: mw.Model, regression: mw.Model) -> None:
    fresh = table(seed=1, rows=2000)
    assert binary.evaluate(without(fresh, "churn"))["roc_auc"]["score"] > 0.8
    assert multiclass.evaluate(without(fresh, "level"))["accuracy"]["score"] > 0.6
    assert regression.evaluate(without(fresh, "spend"))["r2"]["score"] > 0.8


def test_classes_keep_the_callers_type(binary: mw.Model, multiclass: mw.Model, regression: mw.Model) -> None:
    assert binary.classes_.tolist() == ["no", "yes"]
    assert multiclass.classes_.tolist() == [0, 1, 2]
    assert regression.classes_ is None


def test_pandas_in_pandas_out_with_the_index(binary: mw.Model) -> None:
    frame = without(table(seed=2, rows=20)).to_pandas()
    frame.index = pd.Index([f"row {n}" for n in range(20)], name="where")
    labels = binary.predict(frame)
    assert isinstance(labels, pd.Series)
    assert labels.index.equals(frame.index)
    probabilities = binary.predict_proba(frame)
    assert isinstance(probabilities, pd.DataFrame)
    assert probabilities.columns.tolist() == ["no", "yes"]
    assert probabilities.index.equals(frame.index)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.idxmax(axis=1).to_numpy() == labels.to_numpy()).all()


def test_polars_in_polars_out(multiclass: mw.Model) -> None:
    frame = without(table(seed=2, rows=20))
    assert isinstance(multiclass.predict(frame), pl.Series)
    probabilities = multiclass.predict_proba(frame)
    assert isinstance(probabilities, pl.DataFrame)
    assert probabilities.columns == ["0", "1", "2"]


def test_integer_labels_are_integer_columns_in_pandas(multiclass: mw.Model) -> None:
    frame = without(table(seed=2, rows=5)).to_pandas()
    assert multiclass.predict_proba(frame).columns.tolist() == [0, 1, 2]
    assert multiclass.predict(frame).isin([0, 1, 2]).all()


def test_rows_and_columns_in_any_order(regression: mw.Model) -> None:
    frame = without(table(seed=3, rows=50))
    straight = regression.predict(frame).to_numpy()
    order = np.random.default_rng(0).permutation(50)
    mixed = frame[order].select(reversed(frame.columns)).with_columns(extra=pl.lit("ignored"))
    # Sums of products may differ in the last bit with the place of a row in its block.
    np.testing.assert_allclose(regression.predict(mixed).to_numpy(), straight[order], rtol=1e-12)


def test_one_row_predicts_as_it_does_among_others(binary: mw.Model) -> None:
    frame = without(table(seed=3, rows=30))
    together = binary.predict_proba(frame)["yes"].to_numpy()
    alone = [binary.predict_proba(frame[n])["yes"][0] for n in range(30)]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-12)


def test_unseen_levels_and_missing_values_are_predicted(binary: mw.Model) -> None:
    frame = without(table(seed=3, rows=4)).with_columns(
        plan=pl.Series(["platinum", "basic", "plus", "pro"]), age=pl.lit(None, pl.Float64)
    )
    assert binary.predict(frame).is_in(["yes", "no"]).all()


def test_no_rows_give_no_predictions(binary: mw.Model, regression: mw.Model) -> None:
    empty = without(table())[:0]
    assert len(binary.predict(empty)) == 0
    assert binary.predict_proba(empty).shape == (0, 2)
    assert len(regression.predict(empty)) == 0


def test_a_required_column_that_is_missing_is_named(binary: mw.Model) -> None:
    with pytest.raises(SchemaMismatch, match="plan"):
        binary.predict(without(table()).drop("plan"))


def test_a_column_with_missing_values_in_training_may_be_absent(binary: mw.Model) -> None:
    assert len(binary.predict(without(table()).drop("age"))) == 240


def test_probabilities_of_a_value_are_refused(regression: mw.Model) -> None:
    with pytest.raises(OptionError, match="Use predict"):
        regression.predict_proba(without(table()))


def test_scoring_without_the_target_says_so(binary: mw.Model) -> None:
    with pytest.raises(SchemaMismatch, match="churn"):
        binary.evaluate(without(table()))


def test_the_leaderboard_ranks_models_and_shows_baselines(binary: mw.Model) -> None:
    board = binary.leaderboard()
    ranked = [entry for entry in board.entries if entry.rank is not None]
    assert [entry.rank for entry in ranked] == list(range(1, len(ranked) + 1))
    assert {"constant", "linear"} <= {entry.learner for entry in board.entries if entry.is_baseline}
    assert all(entry.low <= entry.score <= entry.high for entry in ranked)
    scores = [entry.score for entry in ranked]
    assert scores == sorted(scores, reverse=True)


def test_the_id_is_left_out_and_the_reason_is_kept(binary: mw.Model) -> None:
    column = binary.schema["customer"]
    assert not column.is_feature
    assert column.reason


def test_saved_moved_and_loaded_in_a_fresh_process_it_predicts_the_same(
    binary: mw.Model, tmp_path: Path
) -> None:
    binary.save(tmp_path / "first.mw")
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "moved.mw"
    shutil.move(tmp_path / "first.mw", moved)
    fresh = without(table(seed=4, rows=25))
    fresh.write_parquet(tmp_path / "fresh.parquet")
    code = (
        "import modelwright as mw, json, sys;"
        "p = mw.load(sys.argv[1]).predict_proba(sys.argv[2]);"
        "print(json.dumps(p['yes'].to_list()))"
    )
    command = [sys.executable, "-c", code, str(moved), str(tmp_path / "fresh.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == binary.predict_proba(fresh)["yes"].to_list()


def test_it_is_found_by_name(binary: mw.Model, workspace: Path) -> None:
    with Workspace.open(workspace) as opened:  # other tests may have trained models of this name
        versions = {record.run: record.reference for record in opened.models.all() if record.name == "churn"}
    assert mw.load(versions[binary.manifest["run"]], workspace).path == binary.path
    newest = max(versions.values(), key=lambda reference: int(reference.split(":")[1]))
    assert mw.load("churn", workspace).path == mw.load(newest, workspace).path


def test_a_bundle_that_was_deleted_comes_back_from_the_artifacts(workspace: Path) -> None:
    frame = without(table(), "spend")
    model = mw.train(frame, "spend", max_trials=1, time_limit="10m", name="gone", workspace=workspace)
    expected = model.predict(frame).to_list()
    shutil.rmtree(model.path)
    assert mw.load("gone", workspace).predict(frame).to_list() == expected


def test_a_tampered_bundle_is_refused(regression: mw.Model, tmp_path: Path) -> None:
    copy = regression.save(tmp_path / "copy.mw")
    victim = next(copy.glob("members/*/0/*"))
    victim.write_bytes(victim.read_bytes() + b" ")
    with pytest.raises(BundleError, match=victim.name):
        mw.load(copy)


def test_no_file_of_a_bundle_is_a_pickle(binary: mw.Model, regression: mw.Model) -> None:
    for model in (binary, regression):
        for file in model.path.rglob("*"):
            if file.is_file():
                assert not file.read_bytes().startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))
                assert file.suffix not in (".pkl", ".pickle", ".joblib")

"""From training to answers: what is decided for reaches predictions, the holdout and the bundle."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl.prepare import prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import BundleError


def _rare(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 3))
    chance = 1 / (1 + np.exp(3.4 - 1.5 * numbers[:, 0] - numbers[:, 1]))
    label = np.where(random.uniform(size=rows) < chance, "yes", "no")
    return pl.DataFrame({"a": numbers[:, 0], "b": numbers[:, 1], "c": numbers[:, 2], "label": label})


@pytest.fixture(scope="module")
def model() -> mw.Model:
    return mw.train(
        _rare(1_500, 0), "label", metric="f1", holdout=0.2, max_trials=2, threads=1, learners=["linear"]
    )


def test_a_rare_class_is_found(model: mw.Model) -> None:
    new = _rare(6_000, 1)
    answers = np.asarray(model.predict(new)) == "yes"
    chance = model.predict_proba(new)["yes"].to_numpy()
    assert 0 < chance[answers].min() < 0.45
    assert chance[answers].min() > chance[~answers].max()  # a threshold, and nothing else
    truth = new["label"].to_numpy() == "yes"
    f1 = 2 * (answers & truth).sum() / (answers.sum() + truth.sum())
    plain = 2 * ((chance > 0.5) & truth).sum() / ((chance > 0.5).sum() + truth.sum())
    assert f1 > plain + 0.05
    assert model.evaluate(new)["f1"]["score"] == pytest.approx(f1)


def test_the_leaderboard_and_the_holdout_tell_of_the_same_decisions(model: mw.Model) -> None:
    score = model.manifest["score"]
    best = max(entry.score for entry in model.leaderboard().entries if entry.score is not None)
    assert best == pytest.approx(model.evaluate(_rare(6_000, 1))["f1"]["score"], abs=0.12)
    assert score["source"] == "holdout"
    assert score["value"] == pytest.approx(best, abs=0.2)


def test_decisions_travel_with_the_bundle(model: mw.Model, tmp_path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    new = _rare(500, 2)
    assert list(mw.Model.load(copy).predict(new)) == list(model.predict(new))
    record = json.loads((copy / "ensemble.json").read_bytes())
    threshold = record["utility"][0][0]
    assert 0 < threshold < 0.45
    record["utility"] = [[1.0, 0.0], [0.0, 0.0]]
    (copy / "ensemble.json").write_text(json.dumps(record))
    with pytest.raises(BundleError):
        mw.Model.load(copy)


@pytest.mark.parametrize("part", [None, "thresholds"])
def test_thresholds_can_be_switched_off(part: str | None) -> None:
    request = TrainRequest(data=_rare(200, 0), target="label", metric="f1", without=part)
    assert prepare(request).metric.tuned == (part is None)

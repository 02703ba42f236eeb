"""Models without the terms of texts: what they see, that they come back, and who offers them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelwright.automl.portfolio import Offer
from modelwright.core import BundleError, Column, FitTask, Kind, Problem, Schema, Task, View
from modelwright.ensemble import TargetFacts
from modelwright.ensemble.text_choice import (
    FittedWithoutTerms,
    fit_on_chosen_text,
    load_on_chosen_text,
    without_terms,
)
from modelwright.features import Featurizer
from modelwright.learners import LEARNERS

ROWS = 400
WORDS = ["red", "green", "blue", "white", "black", "small", "large", "old", "new", "round"]


def table() -> tuple[View, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    rng = np.random.default_rng(0)
    size = rng.normal(size=ROWS)
    words = rng.integers(0, len(WORDS), (ROWS, 4))
    text = [" ".join(WORDS[word] for word in row) for row in words]
    target = (size + (words == 3).any(axis=1) > 0).astype(np.int64)
    frame = pl.DataFrame({"size": size, "note": text})
    schema = Schema((Column("size", Kind.NUMERIC), Column("note", Kind.TEXT)))
    return Featurizer.fit(frame, schema).transform(frame), target


@pytest.fixture(scope="module")
def task() -> FitTask:
    view, target = table()
    rows = np.arange(ROWS)
    problem = Problem.of("y").resolved(Task.BINARY, "log_loss", ("no", "yes"))
    return FitTask(view, target, rows[:300], rows[300:], problem, cache={}, cache_key="key")


def test_lengths_stay_and_terms_go(task: FitTask) -> None:
    narrow = without_terms(task.view)
    assert task.view.sparse is not None
    assert narrow.sparse is None
    assert narrow.info.sparse == ()
    transforms = {feature.transform for feature in narrow.info.numeric}
    assert "axis" in {feature.transform for feature in task.view.info.numeric}
    assert "axis" not in transforms
    assert {"size", "note"} == {feature.source for feature in narrow.info.numeric}


@pytest.mark.parametrize("learner", ["linear", "extra_trees"])
def test_a_model_without_terms_does_not_look_at_them(task: FitTask, tmp_path: Path, learner: str) -> None:
    config = {"text": "statistics"}
    model = fit_on_chosen_text(LEARNERS.load(learner)(), replace(task, config=config)).model
    assert isinstance(model, FittedWithoutTerms)
    plain = fit_on_chosen_text(LEARNERS.load(learner)(), task).model
    assert not isinstance(plain, FittedWithoutTerms)
    numeric = task.view.numeric.copy()
    terms = [place for place, each in enumerate(task.view.info.numeric) if each.transform == "axis"]
    numeric[:, terms] = 100.0
    changed = replace(task.view, numeric=numeric)
    assert np.array_equal(model.predict(changed).array, model.predict(task.view).array)
    assert not np.array_equal(plain.predict(changed).array, plain.predict(task.view).array)
    model.save(tmp_path)
    loaded = load_on_chosen_text(learner, tmp_path)
    assert np.array_equal(loaded.predict(task.view).array, model.predict(task.view).array)


def test_what_a_worker_keeps_of_one_view_is_not_used_for_the_other(task: FitTask) -> None:
    """A warm cache gives the model that a cold one gives."""
    learner = LEARNERS.load("lightgbm")()
    warm = {"cache": {}, "config": {"rounds": 5}}
    fit_on_chosen_text(learner, replace(task, **warm))
    config = {"rounds": 5, "text": "statistics"}
    second = fit_on_chosen_text(learner, replace(task, cache=warm["cache"], config=config)).model
    cold = fit_on_chosen_text(learner, replace(task, cache={}, config=config)).model
    assert np.array_equal(second.predict(task.view).array, cold.predict(task.view).array)


def test_a_damaged_record_is_refused(task: FitTask, tmp_path: Path) -> None:
    config = {"text": "statistics"}
    fit_on_chosen_text(LEARNERS.load("linear")(), replace(task, config=config)).model.save(tmp_path)
    (tmp_path / "without_terms.json").write_text('{"learner": "nobody"}')
    with pytest.raises(BundleError, match="without_terms"):
        load_on_chosen_text("linear", tmp_path)


@pytest.mark.parametrize("plain", [False, True])
def test_both_ways_are_offered_where_there_are_terms(task: FitTask, plain: bool) -> None:
    offer = Offer(task.problem, task.view.shape(2), TargetFacts(rows=ROWS), plain_text=plain)
    entries, _ = offer.portfolio(2**33)
    choices = [entry.config.get("text", "terms") for entry in entries]
    labels = [entry.label for entry in entries]
    assert len(set(labels)) == len(labels)
    assert ("statistics" in choices) != plain
    assert ("text" in offer.space("lightgbm")) != plain
    if not plain:
        first = [entry.learner for entry, choice in zip(entries, choices, strict=True) if choice == "terms"][
            :2
        ]
        without = [e.learner for e, choice in zip(entries, choices, strict=True) if choice != "terms"][:2]
        assert first == without
        assert 0.3 < choices.count("statistics") / len(choices) < 0.7


def test_the_narrow_view_is_kept_only_where_a_worker_has_room_for_it(task: FitTask) -> None:
    config = {"text": "statistics"}
    learner = LEARNERS.load("linear")()
    roomy, tight = (
        replace(task, cache={}, config=config),
        replace(task, cache={}, config=config, memory_limit=600),
    )
    for each in (roomy, tight):
        fit_on_chosen_text(learner, each)
    kept = [any("without_terms" in key for key in each.cache) for each in (roomy, tight)]
    assert kept == [True, False]

"""What a caller is told: errors and findings name what was given, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl.holdout_overlap import find_overlap
from modelwright.automl.prepare import Prepared, prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import (
    FeatureInfo,
    OptionError,
    Problem,
    SparseBlock,
    TargetError,
    Task,
    UnknownName,
    View,
    ViewInfo,
)
from modelwright.validation import find_combined_classes


def payments(rows: int, seed: int) -> pl.DataFrame:
    """Two columns of few values and a rare class: equal rows are a matter of chance."""
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "kind": random.choice(["card", "cash", "wire"], rows),
            "hour": random.integers(0, 24, rows),
            "amount": np.round(random.exponential(50, rows), 2) + 0.01,
            "fraud": np.where(random.random(rows) < 0.1, "yes", "no"),
        }
    )


def prepared(data: Any, target: str | list[str] = "fraud", **options: Any) -> Prepared:
    return prepare(TrainRequest(data, target, **options))


def messages(found: Prepared, check: str) -> list[str]:
    return [finding.message for finding in found.findings if finding.check == check]


# -- rows of the holdout -------------------------------------------------------------------------------------


def test_a_holdout_that_agrees_by_chance_is_no_alarm() -> None:
    new = payments(400, 1)
    found = prepared(payments(600, 0), holdout=new, weights="amount")
    assert found.holdout is not None
    known = {row.tobytes() for row in found.data.view.numeric}
    assert sum(row.tobytes() in known for row in found.holdout.view.numeric) > 300
    assert messages(found, "holdout_overlap") == []


@pytest.mark.parametrize("copied", [60, 400])
def test_copies_in_the_holdout_are_told_from_chance(copied: int) -> None:
    rows, new = payments(600, 0), payments(400, 1)
    mixed = pl.concat([rows[:copied], new[: 400 - copied]])
    (message,) = messages(prepared(rows, holdout=mixed), "holdout_overlap")
    assert f"{copied} of 400 rows" in message


def test_rows_that_differ_in_their_words_are_not_equal() -> None:
    info = ViewInfo(
        (FeatureInfo("x", "x", "value"),), (), tuple(FeatureInfo(f"t{i}", "t", "term") for i in range(50))
    )

    def rows(begin: int) -> tuple[View, np.ndarray]:
        words = np.arange(begin, begin + 20, dtype=np.int32)
        block = SparseBlock(np.ones(20, np.float32), words, np.arange(21), 50)
        return View(np.zeros((20, 1), np.float32), np.zeros((20, 0), np.int32), info, block), np.zeros(20)

    assert find_overlap(rows(0), rows(25)) == []
    assert find_overlap(rows(0), rows(0))[0].evidence["rows"] == 20


# -- countries -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["XX", "DE-XX", 49])
def test_a_country_is_checked_where_no_column_is_a_date(country: Any) -> None:
    with pytest.raises(OptionError, match=f"{country}"):
        TrainRequest(payments(60, 0), "fraud", country=country).check()


def test_a_country_that_marks_nothing_is_mentioned() -> None:
    (message,) = messages(prepared(payments(60, 0), country="DE"), "country")
    assert "holidays of 'DE' mark nothing" in message
    dated = payments(60, 0).with_columns(day=pl.Series([f"2024-03-{1 + row % 28:02d}" for row in range(60)]))
    assert messages(prepared(dated, country="DE"), "country") == []


# -- targets, costs, quantiles, metrics ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", [np.array([0, 1, 0]), [0, 1, 0], pl.Series(["a", "b"]), pl.DataFrame({"y": [1]}), 7]
)
def test_an_array_as_the_target_is_answered_with_the_way_to_do_it(target: Any) -> None:
    with pytest.raises(OptionError, match=r'target="price".*AutoMLClassifier'):
        mw.train(np.zeros((3, 2)), target)


@pytest.mark.parametrize(
    "costs", [{"yes": 1}, {("yes", "no", "maybe"): 1}, 5, "yes", [("yes", "no")], {("a", "b"): "x"}]
)
def test_costs_in_another_form_are_answered_with_the_form(costs: Any) -> None:
    with pytest.raises(OptionError, match=r"\(actual class, predicted class\), as in \{\('yes', 'no'\): 10"):
        TrainRequest(payments(60, 0), "fraud", costs=costs).problem()


def test_quantiles_of_words_are_refused_without_a_word_on_tasks() -> None:
    with pytest.raises(TargetError, match="Leave out the quantiles") as caught:
        prepared(payments(60, 0), quantiles=[0.5])
    assert "task" not in str(caught.value)


def test_an_unknown_metric_lists_those_of_the_task() -> None:
    with pytest.raises(UnknownName, match=r"Metrics of the task binary: .*roc_auc") as caught:
        prepared(payments(60, 0), metric="foo")
    assert "rmse" not in str(caught.value)
    assert "/" not in str(caught.value)


# -- classes that are lists ----------------------------------------------------------------------------------

GENRES = ("action", "action|comedy", "action|drama", "comedy", "comedy|drama|action", "drama")


def classes(*labels: str) -> Problem:
    task = Task.BINARY if len(labels) == 2 else Task.MULTICLASS
    return replace(Problem.of("y").resolved(task, "log_loss", tuple(sorted(labels))))


def test_classes_that_are_lists_suggest_several_targets() -> None:
    (finding,) = find_combined_classes(classes(*GENRES))
    assert finding.severity == "warning"
    assert finding.evidence["labels"] == ["action", "comedy", "drama"]
    assert "--target once for each" in finding.action
    table = {"x": np.arange(120.0), "genre": list(GENRES) * 20}
    assert messages(prepared(table, "genre"), "combined_classes") == [
        finding.message.replace("'y'", "'genre'")
    ]


@pytest.mark.parametrize(
    "labels",
    [
        ("Paris, France", "Lyon, France", "Nice, France", "Rome, Italy", "Pisa, Italy"),
        ("low", "middle", "high"),
        ("a|b", "a"),
        ("Smith, Dr. A", "Jones, B, jr", "Miller", "Brown, C"),
    ],
    ids=["places", "words", "two classes", "names"],
)
def test_names_are_no_lists(labels: tuple[str, ...]) -> None:
    assert find_combined_classes(classes(*labels)) == []

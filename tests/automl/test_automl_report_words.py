"""What reports call things: metrics have names and meanings, and only words that came up are explained."""

from __future__ import annotations

import pytest

from modelwright.automl.report_words import metric_meaning, metric_reading, metric_words, words_section
from modelwright.evaluation.report import Item, Items, Paragraph, Section, Table
from modelwright.metrics import METRICS


def test_every_metric_has_a_name_and_a_meaning() -> None:
    assert [name for name in METRICS if not metric_meaning(name)] == []
    assert [name for name in METRICS if set("_/") & set(metric_words(name))] == []


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -1.0, 0.0, 0.5, 1.0, 1e9])
def test_every_score_can_be_read(value: float | None) -> None:
    said = " ".join(metric_reading(name, value) for name in METRICS)
    assert "nan" not in said
    assert "inf" not in said


def test_a_metric_of_the_callers_keeps_its_name() -> None:
    assert metric_words("profit_per_case") == "profit_per_case"
    assert metric_meaning("profit_per_case") == ""
    assert metric_reading("profit_per_case", 3.0) == ""


def test_only_words_that_came_up_are_explained() -> None:
    said = (
        Paragraph("Judged out-of-fold; Recalls of 0.9."),
        Items((Item("It is fine.", "95% interval 1 to 2"),)),
        Table("t", ("class", "lift"), (("precision", 2.0),)),
    )
    (table,) = words_section([Section("a", "A", said)]).blocks
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["95% interval", "out of fold", "recall", "lift"]

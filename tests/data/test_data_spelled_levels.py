"""Labels stay as they are written, also words that elsewhere mean "missing"."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core import Kind, Problem
from modelwright.data import conform, conform_labelled, read_table, resolve_target

SEVERITY = ["None"] * 34 + ["Mild"] * 40 + ["Severe"] * 26


def classes_of(
    labels: list[str], task: str = "auto", overrides: dict[str, str] | None = None
) -> tuple[object, ...]:
    problem = Problem.of("y", task=task)
    table = read_table({"x": list(range(len(labels))), "y": labels}, problem=problem, overrides=overrides)
    return resolve_target(table, problem).problem.classes


@pytest.mark.parametrize("word", ["None", "N/A", "none", "unknown", "n/a", "NA", "Not available"])
def test_a_frequent_word_is_a_class(word: str) -> None:
    labels = [word if label == "None" else label for label in SEVERITY]
    assert classes_of(labels) == tuple(sorted([word, "Mild", "Severe"]))


def test_the_class_is_told_and_scored() -> None:
    problem = Problem.of("y")
    data = {"x": list(range(100)), "y": SEVERITY}
    table = read_table(data, problem=problem)
    (finding,) = [finding for finding in table.findings if finding.column == "y"]
    assert finding.check == "kept_words"
    assert "'None' is a class of its own (34.0% of the rows)" in finding.message
    resolved = resolve_target(table, problem)
    assert len(resolved.rows) == 100
    scored = conform_labelled(data, table.schema, resolved.problem)
    assert len(scored.rows) == 100


def test_yes_no_and_not_applicable() -> None:
    assert classes_of(["yes", "no", "N/A"] * 10) == ("N/A", "no", "yes")
    assert classes_of(["yes", "no", "NA"] * 10) == ("no", "yes")


def test_rare_words_numbers_and_programs_leave_gaps() -> None:
    assert classes_of(["Mild"] * 50 + ["Severe"] * 48 + ["None"] * 2) == ("Mild", "Severe")
    assert classes_of(["1", "2", "N/A"] * 20) == (1, 2)
    assert classes_of(["Mild", "Severe", "nan", "", "#N/A", "?"] * 10) == ("Mild", "Severe")


def test_set_categorical_keeps_every_word_but_blanks() -> None:
    labels = ["Mild"] * 50 + ["Severe"] * 46 + ["None", "NA", "", "?"]
    assert classes_of(labels, overrides={"y": "categorical"}) == ("?", "Mild", "NA", "None", "Severe")
    table = read_table({"x": labels, "y": list(range(100))}, overrides={"x": "categorical"})
    assert table.frame["x"].null_count() == 1
    assert conform({"x": ["None", "", "null"]}, table.schema).frame["x"].to_list() == ["None", None, "null"]
    assert [finding.check for finding in table.findings if finding.column == "x"] == ["kept_words"]


def test_set_categorical_of_codes_leaves_gaps() -> None:
    table = read_table({"zip": ["12345", "NA", "54321"] * 10}, overrides={"zip": "categorical"})
    assert table.frame["zip"].null_count() == 10
    assert conform({"zip": ["NA", 12345.0]}, table.schema).frame["zip"].to_list() == [None, "12345"]


@pytest.mark.parametrize(
    "labels",
    [["1 star", "2 stars", "3 stars"], ["10%", "20%", "50%"], ["$5", "$10", "$20"], ["5 kg", "10 kg"]],
)
def test_labels_with_units_keep_their_spelling(labels: list[str]) -> None:
    assert classes_of(labels * 10) == tuple(sorted(labels))
    problem = Problem.of("y", task="regression")
    table = read_table({"x": list(range(30)), "y": (labels * 15)[:30]}, problem=problem)
    assert table.schema["y"].kind is Kind.NUMERIC


def test_many_amounts_are_numbers() -> None:
    prices = [f"${16 + index},990" for index in range(60)]
    assert classes_of(prices) == ()
    assert len(classes_of([price for price in prices[:30] for _ in range(3)], task="multiclass")) == 30


def test_words_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + "".join(f"{row},{label}\n" for row, label in enumerate(SEVERITY)))
    problem = Problem.of("y")
    assert resolve_target(read_table(path, problem=problem), problem).problem.classes == (
        "Mild",
        "None",
        "Severe",
    )

"""The table of the trade-off on the screen."""

from __future__ import annotations

from modelwright.cli.pareto_table import print_pareto
from modelwright.cli.text import console
from modelwright.evaluation import ParetoPoint, ParetoTable, pareto_table


def test_what_is_delivered_and_what_breaks_a_limit_is_told() -> None:
    points = [
        ParetoPoint("ensemble of 3", "bag", 3, 15, 0.9, 0.1, 0.02, 5e6),
        ParetoPoint("linear", "refit", 1, 1, 0.8, 0.2, 0.001, 1e5, measured=True, delivered=True),
        ParetoPoint("beaten", "bag", 1, 5, 0.7, 0.3, 0.03, 6e6),
    ]
    table = pareto_table(points, metric="roc_auc", greater_is_better=True, limit_seconds=0.005)
    screen = console()
    with screen.capture() as captured:
        print_pareto(screen, table)
    text = captured.get()
    assert "too slow" in text
    assert "delivered, measured" in text
    assert "at most 5 ms a row" in text
    assert "beaten" not in text
    assert "0.8*" in text.replace("0.8000", "0.8")
    assert "0.9*" not in text.replace("0.9000", "0.9")
    assert "* the score of its folds' models" in text


def test_records_say_whose_score_it_is_and_are_read_again() -> None:
    points = [
        ParetoPoint("ensemble of 3", "bag", 3, 15, 0.9, 0.1, 0.02, 5e6),
        ParetoPoint("linear", "refit", 1, 1, 0.8, 0.2, 0.001, 1e5),
    ]
    table = pareto_table(points, metric="roc_auc", greater_is_better=True)
    record = table.to_dict()
    assert [point["note"] for point in record["points"]] == ["", "score of its folds' models"]
    assert ParetoTable.from_dict(record) == table
    for point in record["points"]:  # as earlier versions wrote them
        del point["note"]
    assert ParetoTable.from_dict(record) == table

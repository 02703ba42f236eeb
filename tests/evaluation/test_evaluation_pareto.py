"""What no other model beats in error, time and size together."""

from __future__ import annotations

from modelwright.evaluation import ParetoPoint, ParetoTable, pareto_table


def point(label: str, error: float, seconds: float | None, size: float) -> ParetoPoint:
    return ParetoPoint(label, "bag", 1, 5, 1 - error, error, seconds, size)


def best(*points: ParetoPoint) -> list[str]:
    table = pareto_table(points, metric="roc_auc", greater_is_better=True)
    return [each.label for each in table.points if each.best]


def test_a_model_is_kept_that_is_better_in_one_respect() -> None:
    assert best(point("a", 0.1, 0.02, 9e6), point("b", 0.2, 0.001, 9e6), point("c", 0.3, 0.02, 1e5)) == [
        "a",
        "b",
        "c",
    ]


def test_a_model_that_is_as_good_and_smaller_leaves_the_other_behind() -> None:
    assert best(point("bag", 0.1, 0.02, 9e6), point("refit", 0.1, 0.02, 1e6)) == ["refit"]


def test_times_that_differ_by_scatter_alone_are_equal() -> None:
    assert best(point("good", 0.1, 0.00102, 1e6), point("worse", 0.2, 0.00100, 1e6)) == ["good"]


def test_a_table_comes_back_from_its_record_without_times_and_scores() -> None:
    unknown = ParetoPoint("none", "bag", 1, 5, None, float("inf"), None, 1e5, delivered=True)
    table = pareto_table([unknown], metric="rmse", greater_is_better=False, limit_bytes=5e5)
    assert ParetoTable.from_dict(table.to_dict()) == table

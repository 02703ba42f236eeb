"""Problems: the arguments of a training call, checked and recorded."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import OptionError, Problem, Task

NAMES = st.text(min_size=1, max_size=8)
LABELS = st.lists(st.text(max_size=5), min_size=2, max_size=5, unique=True) | st.lists(
    st.integers(-5, 5), min_size=2, max_size=5, unique=True
)


@given(st.lists(NAMES, min_size=4, max_size=4, unique=True), st.sampled_from(list(Task)), LABELS)
def test_a_problem_survives_its_record(names: list[str], task: Task, labels: list[str | int]) -> None:
    target, group, time_column, weights = names
    problem = Problem.of(target, group=group, time_column=time_column, weights=weights)
    resolved = problem.resolved(task, "accuracy", tuple(labels) if task.is_classification else ())
    written = json.loads(json.dumps(resolved.to_dict()))
    assert Problem.from_dict(written) == resolved
    assert type(Problem.from_dict(written).task) is Task


def test_a_new_problem_knows_neither_task_nor_metric() -> None:
    problem = Problem.of("y")
    assert (problem.task, problem.metric, problem.classes) == (Task.AUTO, "auto", ())


@pytest.mark.parametrize(
    ("task", "classes", "outputs"),
    [(Task.BINARY, ("no", "yes"), 2), (Task.MULTICLASS, (1, 2, 3), 3), (Task.REGRESSION, (), 1)],
)
def test_outputs_follow_the_task(task: Task, classes: tuple[str | int, ...], outputs: int) -> None:
    assert Problem.of("y").resolved(task, "m", classes).outputs == outputs


def test_only_two_tasks_are_classification() -> None:
    assert [task for task in Task if task.is_classification] == [Task.BINARY, Task.MULTICLASS]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "y", "task": "binry"}, "Did you mean 'binary'"),
        ({"target": "y", "task": None}, "must be one of auto, binary"),
        ({"target": ""}, "target must be a column name"),
        ({"target": 3}, "but came as 3"),
        ({"target": None}, "target must be a column name"),
        ({"target": "y", "group": 7}, "group must be a column name"),
        ({"target": "y", "weights": ""}, "weights must be a column name"),
        ({"target": "y", "group": "y"}, "named as target and as group"),
        ({"target": "y", "time_column": "t", "weights": "t"}, "named as time column and as weights"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Problem.of(**arguments)  # type: ignore[arg-type]


def test_a_metric_of_the_caller_leaves_only_its_name() -> None:
    def profit(target: object, predicted: object) -> float:
        return 1.0

    problem = Problem.of("y", metric=profit)
    assert problem.metric == "profit"
    assert problem.metric_function is profit
    assert problem.resolved(Task.BINARY, "profit", (0, 1)).metric_function is profit
    record = problem.to_dict()
    assert "metric_function" not in record
    assert Problem.from_dict(record).metric_function is None


def test_a_problem_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Problem.of("y").target = "z"  # type: ignore[misc]

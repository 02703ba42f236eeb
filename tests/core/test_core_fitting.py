"""Deadlines, tasks of learners, and what executors are given and report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import numpy as np
import pytest

from modelwright.core import (
    Deadline,
    Finding,
    FitTask,
    Outcome,
    Problem,
    Task,
    TaskReport,
    TaskSpec,
    View,
    ViewInfo,
)


def test_a_deadline_passes() -> None:
    deadline = Deadline.after(0.02)
    assert not deadline.passed
    assert 0 < deadline.remaining <= 0.02
    time.sleep(0.03)
    assert deadline.passed
    assert deadline.remaining < 0


def test_a_deadline_in_the_past_has_passed() -> None:
    assert Deadline.after(-1.0).passed


@pytest.mark.parametrize("deadline", [Deadline(), Deadline(None), Deadline.after(None)])
def test_no_deadline_never_passes(deadline: Deadline) -> None:
    assert deadline.remaining == float("inf")
    assert not deadline.passed


def test_a_fit_task_has_a_cache_and_a_config_of_its_own() -> None:
    rows = np.arange(2)
    view = View(np.zeros((2, 0), np.float32), np.zeros((2, 0), np.int32), ViewInfo((), ()))
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    one, other = (FitTask(view, np.zeros(2), rows, rows, problem) for _ in range(2))
    one.cache["binned"] = object()
    assert other.cache == {}
    assert one.config is not other.config
    assert not one.deadline.passed
    assert not one.adaptive


def test_a_task_is_data_that_travels_as_json() -> None:
    spec = TaskSpec("trial-1-fold-0", "package.module:function", {"rows": [1, 2]}, seconds=3.0)
    assert TaskSpec(**json.loads(json.dumps(asdict(spec)))) == spec
    assert (spec.grace, spec.attempt) == (2.0, 0)


def test_a_report_names_how_its_task_ended() -> None:
    spec = TaskSpec("t", "m:f", {})
    assert TaskReport(spec, Outcome.OOM).result is None
    assert str(Outcome.WORKER_LOST) == "worker_lost"
    assert {str(outcome) for outcome in Outcome} == {
        "done",
        "failed",
        "oom",
        "timeout",
        "worker_lost",
        "cancelled",
    }


def test_the_record_of_a_finding_is_plain_json() -> None:
    finding = Finding(
        "leak", "excluded", "It tells.", "x", evidence={"score": np.float64(0.99), "rows": np.int64(3)}
    )
    record = json.loads(json.dumps(finding.to_dict()))
    assert record["evidence"] == {"score": 0.99, "rows": 3}
    assert (record["column"], record["action"]) == ("x", "")

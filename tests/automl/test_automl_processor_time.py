"""The record of a run says where its processor time went."""

from pathlib import Path

import pytest

from conftest import table, without
from modelwright.automl import TrainRequest, execute
from modelwright.automl.processor_time import LOST, REST, SUPERVISING, WorkerTime, processor_seconds
from modelwright.core import Outcome, Stopwatch, TaskReport, TaskSpec
from modelwright.execution import InlineExecutor
from modelwright.storage import Workspace


def report(outcome: Outcome, seconds: float, **stages: float) -> TaskReport:
    return TaskReport(TaskSpec("1", "m:f", {}), outcome, {"cpu_seconds": stages}, cpu_seconds=seconds)


class EndedWorkers(InlineExecutor):
    """An executor whose processes took five seconds."""

    @property
    def cpu_seconds(self) -> float:
        return 5.0


def test_tasks_are_summed_by_stage_and_the_rest_is_told() -> None:
    workers, clock = WorkerTime(), Stopwatch()
    workers.add(report(Outcome.DONE, 2.0, training=1.5, binning=0.25))
    workers.add(report(Outcome.DONE, 1.0, training=1.0))
    workers.add(report(Outcome.FAILED, 0.5))
    clock.seconds["choosing"] = 1.0
    found = processor_seconds(clock, workers, EndedWorkers())
    assert found["workers"] == {"training": 2.5, REST: 1.5, LOST: 0.5, "binning": 0.25, "other": 0.25}
    assert found["driver"] == {"choosing": 1.0}
    assert found["total"] == 6.0
    assert found["training"] == round(2.5 / 6, 4)
    assert list(found["workers"])[:2] == ["training", REST]


def test_tasks_done_by_the_driver_itself_are_none_of_its_own_work() -> None:
    workers, clock = WorkerTime(), Stopwatch()
    workers.add(report(Outcome.DONE, 2.0, training=2.0))
    clock.seconds[SUPERVISING] = 2.5
    found = processor_seconds(clock, workers, InlineExecutor())
    assert found["driver"] == {SUPERVISING: 0.5}
    assert found["total"] == 2.5


@pytest.mark.parametrize("executor", ["local", "inline"])
def test_the_summary_of_a_run_adds_up(tmp_path: Path, executor: str) -> None:
    request = TrainRequest(
        without(table(), "churn"),
        "churn",
        workspace=tmp_path,
        max_trials=2,
        threads=1,
        time_limit="10m",
        executor=executor,
    )
    outcome = execute(request)
    spent = outcome.summary["cpu_seconds"]
    assert {"training", "predicting", "saving", "preparing"} <= set(spent["workers"])
    assert {"reading and checking", "choosing", SUPERVISING} <= set(spent["driver"])
    assert (REST in spent["workers"]) == (executor == "local")
    seconds = [value for who in ("driver", "workers") for value in spent[who].values()]
    assert all(value >= 0 for value in seconds)
    assert sum(seconds) == pytest.approx(spent["total"], abs=0.02)
    assert 0 < spent["training"] < 1
    with Workspace.open(tmp_path) as workspace:
        assert workspace.runs.get("last").summary["cpu_seconds"] == spent

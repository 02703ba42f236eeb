"""The suite of executors notices executors that break the contract."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from modelwright.core import Outcome, TaskReport
from modelwright.execution import InlineExecutor
from modelwright.testing import ContractViolation, check_executor, run_executor_check
from modelwright.testing import executors as suite


class ReportsTwice(InlineExecutor):
    def wait(self, timeout=None):
        return [report for report in super().wait(timeout) for _ in range(2)]


class ReportsAgainLater(InlineExecutor):
    seen: tuple[TaskReport, ...] = ()

    def wait(self, timeout=None):
        reports = super().wait(timeout)
        if not reports and self.seen:
            return list(self.seen)
        self.seen = (*self.seen, *reports)
        return reports


class LosesFailures(InlineExecutor):
    def wait(self, timeout=None):
        return [report for report in super().wait(timeout) if report.outcome is not Outcome.FAILED]


class HidesFailures(InlineExecutor):
    def wait(self, timeout=None):
        return [replace(report, outcome=Outcome.DONE, result={}) for report in super().wait(timeout)]


class GivesNoReason(InlineExecutor):
    def wait(self, timeout=None):
        return [replace(report, error="") for report in super().wait(timeout)]


class MixesResults(InlineExecutor):
    def wait(self, timeout=None):
        return [replace(report, result={"number": 0}) for report in super().wait(timeout)]


class NeverBusy(InlineExecutor):
    @property
    def idle(self):
        return 1


class ForgetsTheAttempt(InlineExecutor):
    def submit(self, spec):
        super().submit(replace(spec, attempt=0))


class ForgetsTheTime(InlineExecutor):
    def submit(self, spec):
        super().submit(replace(spec, seconds=None))


class TakesAnything(InlineExecutor):
    def submit(self, spec):
        self._ids.discard(spec.id)
        super().submit(spec)


class IgnoresCancel(InlineExecutor):
    def cancel(self, task_id):
        if task_id not in self._ids:
            super().cancel(task_id)


class DropsTasksOnClose(InlineExecutor):
    def close(self):
        self._queue.clear()
        super().close()


class NeverCloses(InlineExecutor):
    def close(self):
        super().close()
        self._closed = False


class WaitsForNothing(InlineExecutor):
    def wait(self, timeout=None):
        reports = super().wait(timeout)
        if not reports:
            time.sleep(min(timeout or 0.0, 2.0))
        return reports


@pytest.mark.parametrize(
    ("executor", "check", "words"),
    [
        (ReportsTwice, "reports_each_task_once", "reported twice"),
        (ReportsAgainLater, "reports_each_task_once", "reported twice"),
        (MixesResults, "reports_each_task_once", "not its parameters"),
        (NeverBusy, "reports_each_task_once", "idle although"),
        (WaitsForNothing, "reports_each_task_once", "waits for its timeout"),
        (LosesFailures, "reports_failures", "never reported"),
        (HidesFailures, "reports_failures", "instead of failed"),
        (GivesNoReason, "reports_failures", "nobody says why"),
        (ForgetsTheAttempt, "tells_the_task_its_limits", "number 0"),
        (ForgetsTheTime, "tells_the_task_its_limits", "told that it has None"),
        (TakesAnything, "refuses_bad_tasks", "id that was used"),
        (IgnoresCancel, "cancels_queued_tasks", "instead of cancelled"),
        (DropsTasksOnClose, "closes", "never reported"),
        (NeverCloses, "closes", "after it was closed"),
    ],
)
def test_broken_executor_is_noticed(executor, check, words, monkeypatch):
    monkeypatch.setattr(suite, "PATIENCE", 1.0)
    with pytest.raises(ContractViolation, match=words):
        run_executor_check(check, executor)


def test_verdict_names_executor_and_check(monkeypatch):
    monkeypatch.setattr(suite, "PATIENCE", 1.0)
    with pytest.raises(
        ContractViolation, match=r"executor 'LosesFailures' fails the check 'reports_failures'"
    ):
        check_executor(LosesFailures, supervised=False)

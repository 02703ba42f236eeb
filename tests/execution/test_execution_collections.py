"""What a worker's garbage collections have to look at."""

from __future__ import annotations

import gc
import sys
import time
from types import ModuleType
from typing import Any

from modelwright.core import Outcome, TaskSpec
from modelwright.execution import LocalExecutor, WorkerContext

HERE = "test_execution_collections"


def load(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """A task that may load many modules, and takes long enough to be tidied after."""
    for number in range(parameters["modules"]):
        sys.modules[f"made_up_{number}"] = ModuleType(f"made_up_{number}")
    context.cache[f"made of {len(context.cache)}"] = [[] for _ in range(5000)]
    time.sleep(0.06)
    return {"set_aside": gc.get_freeze_count(), "collects": gc.isenabled()}


def test_what_a_task_loads_is_set_aside_where_it_is_much():
    with LocalExecutor(1, memory_bytes=None, preload=()) as executor:
        found = []
        for number, modules in enumerate((0, 0, 60, 60, 60)):
            executor.submit(TaskSpec(str(number), f"{HERE}:load", {"modules": modules}))
            [report] = executor.wait(30)
            assert report.outcome is Outcome.DONE, report.detail
            assert report.result is not None
            assert report.result["collects"]
            found.append(report.result["set_aside"])
    assert found[1] < found[2] + 5000
    assert found[3] > found[2] + 5000
    assert found[4] < found[3] + 5000

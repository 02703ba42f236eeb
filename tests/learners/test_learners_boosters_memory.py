"""What boosters say a fit needs is near what it takes, so that a run keeps its memory limit."""

import os
import subprocess
import sys

import pytest

_MEASURE = """
import ctypes, sys
import numpy as np
from modelwright.core import Task
from modelwright.learners import LEARNERS
from modelwright.testing import make_learning_table
from dataclasses import replace
learner = LEARNERS.load(sys.argv[1])()
config = {"rounds": 5}
small = make_learning_table(Task.BINARY, rows=200, numeric=20, categorical=4)
learner.fit(replace(small.task(), config=config))  # libraries are loaded before a fit is measured
table = make_learning_table(Task.BINARY, rows=55_000, numeric=40, categorical=4)
rows = np.arange(table.view.rows)
task = replace(table.task(), train_rows=rows[:50_000], valid_rows=rows[50_000:], config=config)
def status(name):
    with open("/proc/self/status") as handle:
        return next(int(line.split()[1]) * 1024 for line in handle if line.startswith(name))
ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed when the table was made must not hide a part
with open("/proc/self/clear_refs", "w") as handle:
    handle.write("5")  # the peak is measured from here on
before = status("VmRSS")
learner.fit(task)
print(status("VmHWM") - before, learner.estimate(table.view.shape(2), config).bytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")
@pytest.mark.parametrize("name", ["lightgbm", "catboost", "xgboost", "hist_gradient_boosting"])
def test_estimate_of_memory_is_near_the_peak(name):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, name], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    grown, expected = (int(word) for word in done.stdout.split())
    assert grown / 4 < expected < 4 * grown, (grown / 2**20, expected / 2**20)

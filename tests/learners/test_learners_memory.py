"""What a fit is expected to need is what it needs: measured in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import sys
from dataclasses import replace
from modelwright.core import Task
from modelwright.learners import LEARNERS
from modelwright.testing import make_learning_table
name, task, rows, numeric = sys.argv[1], Task(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
learner = LEARNERS.load(name)()

def fit(table):
    table = replace(table, problem=replace(table.problem, ordered=task is Task.MULTICLASS))
    part = table.task()
    shape = replace(table.view.shape(table.problem.outputs), rows=len(part.train_rows))
    assert learner.supports(table.problem, shape) is None
    config = dict(learner.portfolio(table.problem, shape)[0].config)
    if "trees" in config:
        config["trees"] = 20
    if "rounds" in config:
        config["rounds"] = 30
    result = learner.fit(replace(part, config=config))
    result.model.predict(table.view.take(part.valid_rows))
    return learner.estimate(shape, config).bytes

def status(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return 1024 * int(line.split()[1])

fit(make_learning_table(task))  # imports are not part of a fit
table = make_learning_table(task, rows, numeric, 4)
before = status("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # the highest mark starts again from here
expected = fit(table)
print(expected, status("VmHWM") - before)
"""

CASES = {
    "linear": ("regression", 120_000, 20),
    "random_forest": ("binary", 20_000, 20),
    "extra_trees": ("regression", 20_000, 20),
    "nearest_neighbors": ("binary", 30_000, 20),
    "naive_bayes": ("multiclass", 150_000, 20),
    "linear_svm": ("binary", 30_000, 30),
    "gaussian_process": ("regression", 1_350, 10),
    "decision_tree": ("regression", 60_000, 20),
    "glm": ("regression", 90_000, 20),
    "ordinal": ("multiclass", 60_000, 20),
    "ordinal_boosting": ("multiclass", 60_000, 20),
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of a fit")
@pytest.mark.parametrize("name", CASES)
def test_memory_is_as_expected(name):
    path = os.pathsep.join(each for each in sys.path if each)
    # blocks that are freed go back at once: the fit must not find memory that is free already
    allocator = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **allocator}
    command = [sys.executable, "-c", MEASURE, name, *map(str, CASES[name])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    expected, found = map(int, done.stdout.split())
    # allocators round up, and give back late
    slack = 8e6
    assert found < 4 * expected + slack, f"expected {expected / 1e6:.0f} MB, needed {found / 1e6:.0f} MB"
    assert expected < 4 * found + slack, f"expected {expected / 1e6:.0f} MB, needed {found / 1e6:.0f} MB"

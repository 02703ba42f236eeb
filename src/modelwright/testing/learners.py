"""The contract of a learner, as checks that any learner can be put to.

Use `check_learner` for a verdict in one call, or `LEARNER_CHECKS` for one test a check::

    @pytest.mark.parametrize("check", list(LEARNER_CHECKS))
    def test_my_learner(check, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        run_learner_check(check, MyLearner())
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Deadline,
    FitTask,
    ModelwrightError,
    OptionError,
    Problem,
    Shape,
    Task,
    TrialError,
    View,
)
from modelwright.learners import Choice, FitResult, FittedLearner, Learner, Parameter
from modelwright.metrics import Metric, get_metric, problem_metric
from modelwright.testing.learning_tables import TASKS, LearningTable, make_learning_table, with_terms
from modelwright.testing.violation import ContractViolation, demand, naming

__all__ = [
    "LEARNER_CHECKS",
    "check_learner",
    "run_learner_check",
]

SMALL: Mapping[str, Any] = {"rounds": 20, "trees": 12, "epochs": 10}
"""Sizes that keep a check quick, given to the learners that know them."""


def check_learner(learner: Learner) -> None:
    """Put a learner to every check.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> from modelwright.learners import LEARNERS
    >>> check_learner(LEARNERS.load("constant")())
    """
    for name in LEARNER_CHECKS:
        run_learner_check(name, learner)


def run_learner_check(name: str, learner: Learner) -> None:
    """Put a learner to one check of `LEARNER_CHECKS`.

    Raises
    ------
    ContractViolation
        If it fails.
    """
    with naming(f"learner {learner.name!r}", name):
        LEARNER_CHECKS[name](learner)


def _config(learner: Learner) -> dict[str, Any]:
    return {name: value for name, value in SMALL.items() if name in learner.defaults}


def _fit(learner: Learner, table: LearningTable, task: FitTask | None = None) -> FitResult:
    """A small fit: of the table's own task, or of a variation of it."""
    task = task or table.task()
    return learner.fit(replace(task, config={**_config(learner), **task.config}))


def _predict(learner: Learner, table: LearningTable, task: FitTask | None = None) -> NDArray[np.float64]:
    """What a small fit says about every row, looked at for what any predictions must be."""
    model = _fit(learner, table, task).model
    array = model.predict(table.view).array
    rows, outputs = table.view.rows, table.problem.outputs
    shape = (rows, outputs) if table.problem.task.is_classification else (rows,)
    demand(array.shape == shape, f"predictions have shape {array.shape} instead of {shape}")
    demand(array.dtype == np.float64, f"predictions are {array.dtype} instead of float64")
    demand(bool(np.isfinite(array).all()), "predictions are not finite")
    if table.problem.task.is_classification:
        demand(bool((array >= 0).all()), "probabilities are negative")
        demand(bool(np.allclose(array.sum(axis=1), 1, atol=1e-9)), "probabilities do not sum to one")
    return array


def _tables(
    learner: Learner, rows: int = 300, numeric: int = 4, categorical: int = 2
) -> Iterator[LearningTable]:
    """Tables of the tasks that the learner supports; several classes are in an order where it wants one."""
    for task in TASKS:
        table = make_learning_table(task, rows, numeric, categorical)
        shape = table.view.shape(table.problem.outputs)
        for problem in _variants(table.problem):
            if learner.supports(problem, shape) is None:
                yield replace(table, problem=problem)
                break


def _variants(problem: Problem) -> tuple[Problem, ...]:
    return (problem, replace(problem, ordered=True)) if problem.task is Task.MULTICLASS else (problem,)


def _metric(problem: Problem) -> Metric:
    if problem.task is Task.QUANTILE:
        return get_metric(f"quantile:{problem.quantiles[0]}", Task.REGRESSION)
    return problem_metric(problem)


def check_says_why_not(learner: Learner) -> None:
    """Whatever it cannot do is told in a sentence, never by an exception."""
    sizes = [
        (300, 4, 2, 2),
        (300, 0, 0, 0),
        (5, 1, 0, 0),
        (10_000_000, 50, 10, 40),
        (500, 10_000, 100, 10**6),
    ]
    for task in TASKS:
        for known in _variants(make_learning_table(task, rows=10).problem):
            for problem in (known, replace(known, monotonic=(("n0", 1),))):
                for rows, numeric, categorical, levels in sizes:
                    shape = Shape(rows, numeric, categorical, levels, problem.outputs)
                    reason = learner.supports(problem, shape)
                    if reason is None:
                        continue
                    readable = isinstance(reason, str) and reason == reason.strip() and reason.isprintable()
                    demand(
                        readable and len(reason.split()) >= 4,
                        f"its reason not to take part is no sentence: {reason!r}",
                    )


def check_declares_itself(learner: Learner) -> None:
    """Its portfolio, space and estimate are pure and agree with its hyperparameters."""
    demand(bool(re.fullmatch(r"[a-z][a-z0-9_]*", learner.name)), "its name is not lower_snake_case")
    tables = list(_tables(learner))
    demand(bool(tables), "it supports neither a binary, a multiclass, a regression nor a quantile problem")
    for table in tables:
        shape = table.view.shape(table.problem.outputs)
        candidates = learner.portfolio(table.problem, shape)
        demand(len(candidates) > 0, "its portfolio is empty")
        labels = [candidate.label for candidate in candidates]
        demand(len(set(labels)) == len(labels), f"its portfolio repeats a label: {labels}")
        demand(list(candidates) == list(learner.portfolio(table.problem, shape)), "its portfolio varies")
        space = learner.space(table.problem, shape)
        demand(space == learner.space(table.problem, shape), "its space varies")
        unknown = set(space) - set(learner.defaults)
        demand(not unknown, f"its space names hyperparameters it does not know: {sorted(unknown)}")
        larger = replace(shape, rows=100 * shape.rows)
        for candidate in candidates:
            learner.settings(candidate.config)
            cost, more = learner.estimate(shape, candidate.config), learner.estimate(larger, candidate.config)
            demand(0 < cost.seconds < math.inf and cost.bytes > 0, f"its estimate is {cost}")
            demand(more.seconds > cost.seconds, "100 times the rows are not expected to take longer")


def check_space_can_be_fitted(learner: Learner) -> None:
    """Every corner of the space is a configuration that fits."""
    for table in _tables(learner):
        small = replace(table, view=table.view.take(slice(0, 90)), target=table.target[:90])
        space = learner.space(table.problem, small.view.shape(table.problem.outputs))
        ends = {name: _ends(parameter) for name, parameter in space.items()}
        for which in range(max(map(len, ends.values()), default=0)):
            corner = {name: values[min(which, len(values) - 1)] for name, values in ends.items()}
            for name, value in corner.items():
                demand(space[name].contains(value), f"{value!r} is not in its own space of {name!r}")
            _predict(learner, small, replace(small.task(), config=corner))


def _ends(parameter: Parameter) -> tuple[Any, ...]:
    if isinstance(parameter, Choice):
        return parameter.options
    return (parameter.low, parameter.high)


def check_refuses_unknown_settings(learner: Learner) -> None:
    """A hyperparameter that it does not know is an error, never ignored."""
    for table in _tables(learner):
        with contextlib.suppress(OptionError):
            learner.fit(replace(table.task(), config={"no_such_setting": 1}))
            raise ContractViolation("a hyperparameter it does not know is ignored")


def check_learns(learner: Learner) -> None:
    """On easy data it is clearly better than a constant (unless it is the constant)."""
    from modelwright.learners.constant import Constant

    for table in _tables(learner):
        valid = table.task().valid_rows
        metric = _metric(table.problem)
        array = _predict(learner, table)
        if learner.name == Constant.name:
            continue
        result = _fit(learner, table).model.predict(table.view).take(valid)
        base = Constant().fit(table.task()).model.predict(table.view).take(valid)
        error, naive = (metric.error(table.target[valid], each) for each in (result, base))
        demand(len(array) == table.view.rows, "it does not predict every row")
        demand(error < 0.8 * naive, f"its error {error:.4g} on easy data is near a constant's {naive:.4g}")


def check_is_deterministic(learner: Learner) -> None:
    """Equal tasks give equal models, on one thread and on two, with rows in any order."""
    for table in _tables(learner):
        task = replace(table.task(), seed=7)
        first = _predict(learner, table, task)
        demand(np.array_equal(first, _predict(learner, table, task)), "two equal fits differ")
        two = _predict(learner, table, replace(task, threads=2))
        demand(np.array_equal(first, two), "fits on one thread and on two differ")
        mixed = _predict(learner, table, replace(task, train_rows=task.train_rows[::-1].copy()))
        demand(np.array_equal(first, mixed), "the order in which training rows are named matters")
        cache: dict[str, Any] = {}
        for _ in range(2):
            again = _predict(learner, table, replace(task, cache=cache, cache_key="table"))
            demand(np.array_equal(first, again), "the cache changes the model")


def check_round_trip(learner: Learner) -> None:
    """A saved model predicts the same, bit by bit, when it is loaded."""
    for table in _tables(learner):
        model = _fit(learner, table).model
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder))
            size = sum(path.stat().st_size for path in Path(folder).rglob("*"))
            loaded = learner.load(Path(folder))
        demand(isinstance(loaded, FittedLearner), "`load` does not return a FittedLearner")
        same = np.array_equal(loaded.predict(table.view).array, model.predict(table.view).array)
        demand(same, "a loaded model predicts something else")
        demand(model.size_bytes < 3 * size + 20_000, f"it calls {size} bytes {model.size_bytes}")


_FRESH = """
import importlib, sys
from pathlib import Path
import numpy as np
from modelwright.core import FeatureInfo, View, ViewInfo
module, name, folder = sys.argv[1:]
table = np.load(Path(folder) / "view.npz")
info = ViewInfo(
    tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(table["numeric"].shape[1])),
    tuple(FeatureInfo(f"c{i}", f"c{i}", "codes", 6) for i in range(table["codes"].shape[1])),
)
learner = getattr(importlib.import_module(module), name)()
model = learner.load(Path(folder) / "model")
np.save(Path(folder) / "said.npy", model.predict(View(table["numeric"], table["codes"], info)).array)
"""


def check_round_trip_in_fresh_process(learner: Learner) -> None:
    """A process that knows nothing but the files predicts the same."""
    table = next(_tables(learner))
    model = _fit(learner, table).model
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model").mkdir()
        model.save(folder / "model")
        np.savez(folder / "view.npz", numeric=table.view.numeric, codes=table.view.categorical)
        kind = type(learner)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        done = subprocess.run(
            [sys.executable, "-c", _FRESH, kind.__module__, kind.__qualname__, name],
            env=environment,
            cwd=name,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        demand(done.returncode == 0, f"loading in a fresh process fails:\n{done.stderr[-2000:]}")
        said = np.load(folder / "said.npy")
    demand(np.array_equal(said, model.predict(table.view).array), "a fresh process predicts something else")


def check_saves_data_only(learner: Learner) -> None:
    """No file of a saved model holds a pickle."""
    for table in _tables(learner):
        with tempfile.TemporaryDirectory() as folder:
            _fit(learner, table).model.save(Path(folder))
            for path in Path(folder).rglob("*"):
                content = path.read_bytes() if path.is_file() else b""
                # the header of a pickle at the beginning, or the name of its reader in an npy header
                pickled = bool(re.match(rb"\x80[\x02-\x05]", content)) or b"'descr': '|O'" in content
                demand(not pickled, f"the file {path.name!r} holds a pickle")
                demand(path.suffix not in (".pkl", ".pickle", ".joblib"), f"{path.name!r} is a pickle")


def check_weights(learner: Learner) -> None:
    """Weights matter: rows of weight near nothing teach next to nothing; equal weights change little."""
    for table in _tables(learner):
        rows = np.arange(table.view.rows)
        task = replace(table.task(), train_rows=rows, valid_rows=rows[:0])
        plain = _predict(learner, table, task)
        even = _predict(learner, table, replace(task, weights=np.ones(len(rows))))
        demand(bool(np.allclose(plain, even, rtol=0.05, atol=0.05)), "weights of one change the model")
        # each row has a twin with another row's target; weights tell which of the two is right
        wrong = np.concatenate([table.target, np.random.default_rng(0).permutation(table.target)])
        twins = LearningTable(table.view.take(np.concatenate([rows, rows])), wrong, table.problem)
        weights = np.repeat([1.0, 1e-6], len(rows))
        gaps = []
        task = replace(twins.task(), train_rows=np.arange(2 * len(rows)), valid_rows=rows[:0])
        for given in (weights, weights[::-1].copy()):
            said = _predict(learner, twins, replace(task, weights=given))
            gaps.append(float(np.abs(said[rows] - plain).mean()))
        if float(np.abs(plain - plain[:1]).max()) > 0:
            demand(gaps[0] < 0.75 * gaps[1], f"wrong rows of no weight mislead it like others: {gaps}")


def check_deadline(learner: Learner) -> None:
    """It stops by itself in time with a model, and refuses to begin after the deadline."""
    # some learners are for small tables only
    table = next((table for rows in (6_000, 600) for table in _tables(learner, rows, 12)), None)
    if table is None:
        raise ContractViolation("it supports no table of 600 rows and 14 columns")
    _fit(learner, next(_tables(learner)))  # imports are not part of a fit
    long = {name: 100_000 for name in SMALL if name in learner.defaults}
    config = {**long, **({"patience": 100_000} if "patience" in learner.defaults else {})}
    for adaptive in (False, True):
        began = time.monotonic()
        task = replace(table.task(), config=config, adaptive=adaptive)
        result = learner.fit(replace(task, deadline=Deadline.after(0.6)))
        took = time.monotonic() - began
        # generous: the machine may be busy with other work
        demand(took < 3.0, f"with 0.6 s given, a fit takes {took:.1f} s")
        if long:
            demand(result.stopped_by_deadline, "it does not say that the deadline ended the fit")
        said = result.model.predict(table.view).array
        demand(len(said) == table.view.rows, "it has no model at the deadline")
    try:
        learner.fit(replace(table.task(), deadline=Deadline.after(-1.0)))
    except TrialError:
        return
    raise ContractViolation("it begins to fit after the deadline has passed")


def check_read_only_memory_map(learner: Learner) -> None:
    """Views may be read-only memory maps, and predictions from them are the same."""
    for table in _tables(learner):
        expected = _predict(learner, table)
        with tempfile.TemporaryDirectory() as folder:
            blocks = []
            for name, block in (("n", table.view.numeric), ("c", table.view.categorical)):
                np.save(Path(folder) / f"{name}.npy", block)
                blocks.append(np.load(Path(folder) / f"{name}.npy", mmap_mode="r"))
            view = View(blocks[0], blocks[1], table.view.info)
            target = np.array(table.target)
            target.flags.writeable = False
            mapped = _predict(learner, LearningTable(view, target, table.problem))
        demand(np.array_equal(mapped, expected), "a memory map gives another model")


def _global_state() -> tuple[Any, ...]:
    """Everything that the next draws of numpy's and of Python's global generators depend on."""
    state = np.random.get_state(legacy=False)
    place = (state["state"]["pos"], state["has_gauss"], state["gauss"])
    return (state["bit_generator"], state["state"]["key"].tobytes(), *place, random.getstate())


def check_leaves_task_alone(learner: Learner) -> None:
    """Neither the view nor the target nor a global random state changes, and no file is written."""
    for table in _tables(learner):
        before = [table.view.numeric.copy(), table.view.categorical.copy(), table.target.copy()]
        state = _global_state()
        files = set(os.listdir("."))
        _predict(learner, table)
        after = [table.view.numeric, table.view.categorical, table.target]
        same = all(np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f") for pair in zip(before, after))
        demand(same, "a fit changes its input")
        demand(state == _global_state(), "a fit uses a global random state")
        demand(set(os.listdir(".")) == files, "a fit writes files into the working directory")


def check_missing_classes(learner: Learner) -> None:
    """Classes that no training row has get probability 0; a single class gets 1."""
    table = next((table for table in _tables(learner) if table.problem.task is Task.MULTICLASS), None)
    if table is None:
        return
    task = table.task()
    for present in ((0, 2), (1,)):
        rows = task.train_rows[np.isin(table.target[task.train_rows], present)]
        array = _predict(learner, table, replace(task, train_rows=rows))
        absent = [code for code in range(3) if code not in present]
        demand(bool((array[:, absent] == 0).all()), f"with the classes {present}, others are not 0")
        demand(bool((array[:, present[0]] > 0).any()), f"with the classes {present}, the first is never said")


def check_odd_tables(learner: Learner) -> None:
    """Columns of one kind alone, empty and constant columns, few rows, no validation rows."""
    for size in ((90, 0, 2), (90, 4, 0), (12, 4, 2), (60, 300, 2)):
        for table in _tables(learner, *size):
            _predict(learner, table)
    for table in _tables(learner):
        odd = np.array(table.view.numeric)
        odd[:, 1], odd[:, 2] = np.nan, 3.0
        changed = replace(table, view=replace(table.view, numeric=odd))
        _predict(learner, changed)
        _predict(learner, changed, replace(changed.task(), valid_rows=np.zeros(0, np.int64)))
        if not table.problem.task.is_classification:
            same = _predict(learner, replace(table, target=np.full(table.view.rows, 4.5)))
            demand(bool(np.allclose(same, 4.5)), "a target of one value is not predicted")


def check_unseen_levels(learner: Learner) -> None:
    """Levels that no training row has count as missing."""
    table = next(_tables(learner))
    codes = np.array(table.view.categorical)
    codes[:200][codes[:200] == 5] = 0
    view = replace(table.view, categorical=codes)
    model = _fit(learner, replace(table, view=view)).model
    rows = view.take(slice(200, 300))
    missing = replace(rows, categorical=np.where(rows.categorical == 5, 0, rows.categorical).astype(np.int32))
    same = np.array_equal(model.predict(rows).array, model.predict(missing).array)
    demand(same, "a level that training rows lack is not treated as missing")


def check_predicts_rows_alone(learner: Learner) -> None:
    """A row's prediction does not depend on the rows beside it, and is the sum of what columns add."""
    for table in _tables(learner):
        model = _fit(learner, table).model
        whole = model.predict(table.view).array
        alone = np.concatenate([model.predict(table.view.take(slice(i, i + 1))).array for i in range(5)])
        demand(bool(np.allclose(whole[:5], alone, rtol=1e-9, atol=1e-12)), "rows influence each other")
        found = model.contributions(table.view)
        if found is not None:
            told, shown = found.probabilities().raw, whole.reshape(len(whole), -1)
            adds_up = np.allclose(told, shown[:, -told.shape[1] :], rtol=1e-4, atol=1e-5)
            demand(bool(adds_up), "its contributions do not make up its predictions")
        none = model.predict(table.view.take(slice(0, 0))).array
        demand(none.shape == (0, *whole.shape[1:]), f"no rows give predictions of shape {none.shape}")


def check_sparse_block(learner: Learner) -> None:
    """A block of terms is used or ignored: with one it fits, predicts row by row, and comes back."""
    for table in _tables(learner):
        view = with_terms(table.view)
        before = _block_arrays(view)
        wide = replace(table, view=view)
        said = _predict(learner, wide)
        model = _fit(learner, wide).model
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder))
            loaded = learner.load(Path(folder))
        demand(np.array_equal(loaded.predict(view).array, said), "with terms, a loaded model differs")
        alone = np.concatenate([model.predict(view.take(slice(i, i + 1))).array for i in range(3)])
        demand(bool(np.allclose(said[:3], alone, rtol=1e-9, atol=1e-12)), "with terms, rows influence others")
        none = model.predict(view.take(slice(0, 0))).array
        demand(none.shape == (0, *said.shape[1:]), f"no rows give predictions of shape {none.shape}")
        demand(_block_arrays(view) == before, "a fit changes the block of terms")


def _block_arrays(view: View) -> list[bytes]:
    block = view.sparse
    return [] if block is None else [each.tobytes() for each in (block.data, block.indices, block.indptr)]


_STRANGE = {
    ".json": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"a":' + b"9" * 5_000 + b"}", b"\xff"),
    ".npz": (b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000, b"PK\x05\x06" + bytes(18)),
}
"""What readers of a kind of file have raised other errors on."""


def check_refuses_damaged_files(learner: Learner) -> None:
    """Files cut short are an error that says so, not a crash and not a model."""
    table = next(_tables(learner))
    model = _fit(learner, table).model
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        for path in sorted(each for each in Path(folder).rglob("*") if each.is_file()):
            content = path.read_bytes()
            for damaged in (content[: len(content) // 2], b"", *_STRANGE.get(path.suffix, ())):
                path.write_bytes(damaged)
                try:
                    learner.load(Path(folder))
                except ModelwrightError:
                    continue
                raise ContractViolation(
                    f"it loads a model whose file {path.name!r} was cut short or replaced"
                )
            path.write_bytes(content)


LEARNER_CHECKS: Mapping[str, Callable[[Learner], None]] = {
    "says_why_not": check_says_why_not,
    "declares_itself": check_declares_itself,
    "space_can_be_fitted": check_space_can_be_fitted,
    "refuses_unknown_settings": check_refuses_unknown_settings,
    "learns": check_learns,
    "is_deterministic": check_is_deterministic,
    "round_trip": check_round_trip,
    "round_trip_in_fresh_process": check_round_trip_in_fresh_process,
    "saves_data_only": check_saves_data_only,
    "weights": check_weights,
    "deadline": check_deadline,
    "read_only_memory_map": check_read_only_memory_map,
    "leaves_task_alone": check_leaves_task_alone,
    "missing_classes": check_missing_classes,
    "odd_tables": check_odd_tables,
    "unseen_levels": check_unseen_levels,
    "predicts_rows_alone": check_predicts_rows_alone,
    "sparse_block": check_sparse_block,
    "refuses_damaged_files": check_refuses_damaged_files,
}
"""Name to check; each takes a learner and raises `ContractViolation`."""

"""Every part of every catalog keeps the public contract of its kind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelwright.core import Task
from modelwright.data import SOURCES, SqlQuery
from modelwright.data.parts import resolve_source
from modelwright.execution import EXECUTORS
from modelwright.features import TRANSFORMERS
from modelwright.metrics import METRICS, metric_names
from modelwright.search import SEARCHERS
from modelwright.testing import (
    EXECUTOR_CHECKS,
    SEARCHER_CHECKS,
    SUPERVISED,
    SplitterPromises,
    check_executor,
    check_metric,
    check_source,
    check_splitter,
    check_transformer,
    run_executor_check,
    run_searcher_check,
)
from modelwright.validation import SPLITTERS

TASKS = tuple(task for task in Task if task is not Task.AUTO)

PROMISES = {
    "stratified": SplitterPromises(),
    "kfold": SplitterPromises(),
    "grouped": SplitterPromises(keeps_groups=True),
    "temporal": SplitterPromises(covers_rows=False, keeps_groups=True, keeps_time=True),
    "holdout": SplitterPromises(covers_rows=False, keeps_groups=True, keeps_time=True),
}


def test_every_metric_is_for_some_task():
    known = {(task, name) for task in TASKS for name in metric_names(task)}
    for key in METRICS:
        of_task, _, name = key.rpartition("/")
        assert (of_task, name) in known if of_task else name in {named for _, named in known}


@pytest.mark.parametrize(("task", "name"), [(task, name) for task in TASKS for name in metric_names(task)])
def test_metric_keeps_contract(task, name):
    check_metric(name, task)


@pytest.mark.parametrize(
    ("task", "name"), [(Task.REGRESSION, "quantile:0.9"), (Task.BINARY, "f0.5"), (Task.MULTICLASS, "auc")]
)
def test_metric_with_a_parameter_or_an_alias_keeps_contract(task, name):
    check_metric(name, task)


def test_metric_of_a_caller_keeps_contract():
    def largest_error(y_true, y_pred):
        return np.max(np.abs(y_true - y_pred))

    largest_error.greater_is_better = False
    check_metric(largest_error, Task.REGRESSION)


@pytest.mark.parametrize("name", SPLITTERS.names())
def test_splitter_keeps_contract(name):
    check_splitter(SPLITTERS.load(name), PROMISES[name])


@pytest.mark.parametrize("name", TRANSFORMERS.names())
def test_transformer_keeps_contract(name):
    check_transformer(TRANSFORMERS.load(name))


@pytest.mark.parametrize("check", SEARCHER_CHECKS)
@pytest.mark.parametrize("name", SEARCHERS.names())
def test_searcher_keeps_contract(name, check):
    run_searcher_check(check, SEARCHERS.load(name))


@pytest.fixture
def examples(tmp_path: Path):
    """Things that each source reads."""
    frame = pl.DataFrame(
        {
            "age": [31, None, 52, 18],
            "plan, as sold": ["basic", 'the "big" one', None, "pro"],
            " x ": [0.5, 1.5, None, 1e300],
        }
    )
    frame.write_csv(tmp_path / "table.csv")
    frame.write_csv(tmp_path / "table.tsv", separator="\t")
    frame.write_parquet(tmp_path / "table.parquet")
    frame.write_ipc(tmp_path / "table.arrow")
    frame.write_ipc_stream(tmp_path / "table.arrows")
    frame.write_ndjson(tmp_path / "table.jsonl")
    frame.write_json(tmp_path / "table.json")
    files = {
        "csv": ["table.csv", "table.tsv"],
        "parquet": ["table.parquet"],
        "arrow": ["table.arrow", "table.arrows"],
        "json": ["table.jsonl", "table.json"],
    }
    found = {kind: [tmp_path / name for name in names] for kind, names in files.items()}
    memory = [
        frame,
        frame.lazy(),
        frame.to_pandas(),
        frame.to_arrow(),
        np.eye(3),
        frame.to_dict(as_series=False),
        frame.to_dicts(),
    ]
    address = f"sqlite:///{tmp_path / 'table.db'}"
    with closing(sqlite3.connect(tmp_path / "table.db")) as database, database:
        database.execute("CREATE TABLE plans (age INTEGER, plan TEXT, paid BOOLEAN)")
        database.executemany("INSERT INTO plans VALUES (?, ?, ?)", [(31, "basic", 1), (None, None, 0)])
    queries = [f"{address}?table=plans", SqlQuery(address, "SELECT * FROM plans")]
    parts = [resolve_source([tmp_path / "table.csv", tmp_path / "table.tsv"])]
    return {**found, "frame": memory, "sql": queries, "parts": parts}


@pytest.mark.parametrize("name", sorted(set(SOURCES.names()) - {"excel"}))
def test_source_keeps_contract(name, examples):
    for example in examples[name]:
        check_source(SOURCES.load(name)(), example)


@pytest.mark.parametrize("check", EXECUTOR_CHECKS)
def test_local_executor_keeps_contract(check):
    run_executor_check(check, EXECUTORS.load("local"))


def test_local_executor_with_two_slots_keeps_contract():
    for check in ("reports_each_task_once", "cancels_queued_tasks"):
        run_executor_check(check, lambda: EXECUTORS.load("local")(2))


def test_inline_executor_keeps_contract():
    check_executor(EXECUTORS.load("inline"), supervised=False)
    assert set(EXECUTOR_CHECKS) > SUPERVISED


def test_there_are_no_other_executors():
    assert set(EXECUTORS) == {"local", "inline"}

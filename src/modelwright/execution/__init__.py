"""Doing the work of a run in supervised worker processes: `LocalExecutor` and `InlineExecutor`."""

from modelwright.execution.catalog import EXECUTORS
from modelwright.execution.entries import WorkerContext
from modelwright.execution.inline import InlineExecutor
from modelwright.execution.local import LocalExecutor

__all__ = ["EXECUTORS", "InlineExecutor", "LocalExecutor", "WorkerContext"]

"""The executors a run can choose from."""

from __future__ import annotations

from modelwright.core.catalog import Catalog

__all__ = ["EXECUTORS"]

EXECUTORS = Catalog(
    "executor",
    {
        "local": "modelwright.execution.local:LocalExecutor",
        "inline": "modelwright.execution.inline:InlineExecutor",
    },
)

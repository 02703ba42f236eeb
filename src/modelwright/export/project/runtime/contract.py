"""The data contract: which columns there must be, what their values are, and what is predicted.

`contract.json` says for each column its kind, whether it may be missing, the levels and the range that
training saw, and how text is read as values (decimal mark, date formats, spellings of one level).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import BundleError, Column, Kind, Label, Role, Schema, Task
from modelwright.data.conform import conform

__all__ = ["Contract", "column_of", "read_contract"]


@dataclass(frozen=True)
class Contract:
    """What is expected of a table, and what is said about its rows.

    Attributes
    ----------
    schema : Schema
        The columns that are needed.
    also : tuple of str
        Columns that are no features but tell which rows belong together.
    ranges : mapping
        Column to the lowest and the highest value that training saw.
    task : Task
    classes : tuple of labels
        In the order of the predicted probabilities.
    labels : tuple of str
        Several targets of two classes each.
    label_classes : tuple of pairs
        The classes of each of these.
    quantiles : tuple of float
        What is predicted, where it is quantiles.
    """

    schema: Schema
    also: tuple[str, ...]
    ranges: Mapping[str, tuple[Any, Any]]
    task: Task
    classes: tuple[Label, ...] = ()
    labels: tuple[str, ...] = ()
    label_classes: tuple[tuple[Label, Label], ...] = ()
    quantiles: tuple[float, ...] = ()

    def check(self, data: Any) -> tuple[pl.DataFrame, list[str]]:
        """Values in the types of training, and what has to be told about them.

        Parameters
        ----------
        data : path, polars or pandas data frame

        Raises
        ------
        SchemaMismatch
            If a required column is absent, or most of its values cannot be read.
        DataError
            If it cannot be read as a table.
        """
        conformed = conform(data, self.schema, self.also)
        told = [finding.message for finding in conformed.findings]
        return conformed.frame, [*told, *self._outside(conformed.frame)]

    def _outside(self, frame: pl.DataFrame) -> list[str]:
        """What lies outside of the ranges of training: a model knows nothing of it."""
        found = []
        for series in frame.get_columns():
            if series.name in self.ranges:
                low, high = self.ranges[series.name]
                values = series.alias("values")
                count = int(((values < low) | (values > high)).sum() or 0)
                if count:
                    values_are = "value lies" if count == 1 else "values lie"
                    found.append(
                        f"{count} {values_are} outside of what training saw in {series.name!r} "
                        f"({low} to {high})."
                    )
        return found


def read_contract(path: Path) -> Contract:
    """The contract of a file.

    Raises
    ------
    BundleError
        If it is damaged.
    """
    try:
        record = json.loads(path.read_bytes())
        schema = Schema(tuple(column_of(entry) for entry in record["columns"]))
        ranges = {entry["name"]: _range(entry) for entry in record["columns"] if "minimum" in entry}
        return Contract(
            schema,
            tuple(record["also"]),
            ranges,
            Task(record["task"]),
            tuple(record["classes"]),
            tuple(record["labels"]),
            tuple((pair[0], pair[1]) for pair in record["label_classes"]),
            tuple(record["quantiles"]),
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BundleError(f"The contract {path.name!r} is missing or damaged ({error}).") from error


def column_of(entry: Mapping[str, Any]) -> Column:
    """A column as `contract.json` and `training.json` have it."""
    parsing = dict(entry["parsing"])
    if "levels" in entry:
        parsing["known"] = entry["levels"]
    return Column(
        name=entry["name"],
        kind=Kind(entry["kind"]),
        role=Role(entry["role"]),
        nullable=not entry["required"],
        parsing=parsing,
    )


def _range(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    low, high = entry["minimum"], entry["maximum"]
    if entry["kind"] == Kind.DATETIME:
        return datetime.fromisoformat(low), datetime.fromisoformat(high)
    return low, high

"""The groups of a run's rows by sensitive columns, and what is done about gaps between them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from modelwright.core import IntArray, Schema, hash_json
from modelwright.ensemble import FoldData
from modelwright.evaluation import SensitiveRows, sensitive_rows

__all__ = ["Sensitive", "positions", "weighed"]


@dataclass(frozen=True)
class Sensitive:
    """The groups of a run's rows.

    Attributes
    ----------
    rows : SensitiveRows
        Of the training rows.
    held : SensitiveRows or None
        Of the rows of a sealed holdout; only where decisions differ by group.
    method, constraint : str
        What is done about gaps, as `problem_options.as_mitigation` gives it.
    """

    rows: SensitiveRows
    held: SensitiveRows | None = None
    method: str = ""
    constraint: str = ""

    @property
    def weighed_groups(self) -> IntArray | None:
        """Codes of the groups that training rows are weighed for; None where they are not."""
        return self.rows.whole.codes if self.method == "reweighting" else None

    def needed(self, schema: Schema, also: Sequence[str] = ()) -> tuple[str, ...]:
        """Columns that predictions need besides the features, because decisions differ by group."""
        if self.method != "thresholds":
            return ()
        names = (column.name for column in self.rows.columns)
        return tuple(name for name in names if not schema[name].is_feature and name not in also)

    def with_held(self, frame: pl.DataFrame) -> Sensitive:
        """The same with the groups of a holdout, where they will be needed."""
        if self.method != "thresholds":
            return self
        return replace(self, held=sensitive_rows(self.rows.columns, frame))


def positions(rows: SensitiveRows, keys: Sequence[Sequence[int]]) -> IntArray:
    """Which of some combinations of codes each row has; -1 for another one."""
    places = {tuple(key): place for place, key in enumerate(keys)}
    return np.array([places.get(tuple(each), -1) for each in rows.codes.tolist()], np.int64).reshape(-1)


def weighed(data: FoldData, sensitive: Sensitive | None) -> FoldData:
    """The data of a run, with the groups that training rows are weighed for if that was asked for."""
    groups = None if sensitive is None else sensitive.weighed_groups
    if groups is None:
        return data
    identity = hash_json([data.identity, "reweighting", hashlib.sha256(groups.tobytes()).hexdigest()])
    return replace(data, parity=groups, identity=identity)

"""Decisions by group: a threshold of its own for each group of sensitive columns, as a part of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.bundle import read_part
from modelwright.automl.sensitive import Sensitive, positions
from modelwright.core import BundleError, FloatArray, Label, Predictions, Schema, Task
from modelwright.ensemble import CONSTRAINTS, crossed_decisions, decide_by_group, fit_group_thresholds
from modelwright.evaluation import SensitiveColumn, SensitiveRows, sensitive_rows
from modelwright.metrics import Metric, get_metric

__all__ = ["GROUP_THRESHOLDS", "GroupDecisions", "fit_group_decisions", "read_group_decisions"]

GROUP_THRESHOLDS = "group_thresholds.json"
"""The part of a bundle."""

_MOST_ROWS = 50_000
"""Rows that thresholds are chosen on, at most."""

_MOST_GROUPS = 10_000


@dataclass(frozen=True)
class GroupDecisions:
    """From which probability on the positive class is decided for, by group.

    Attributes
    ----------
    columns : tuple of SensitiveColumn
        What a row's group is told by: predictions need these columns.
    keys : tuple of tuple of int
        The groups: positions among the labels of each column.
    thresholds : float64 array, shape (groups,)
        NaN where the model's own decision stands.
    constraint : str
        What the thresholds equalise.
    """

    columns: tuple[SensitiveColumn, ...]
    keys: tuple[tuple[int, ...], ...]
    thresholds: FloatArray
    constraint: str

    def __post_init__(self) -> None:
        known = len(self.thresholds) == len(self.keys) <= _MOST_GROUPS and self.constraint in CONSTRAINTS
        if not known or any(len(key) != len(self.columns) for key in self.keys) or not self.columns:
            raise ValueError("groups, thresholds and columns must belong together")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that predictions need."""
        return tuple(column.name for column in self.columns)

    def needed(self, schema: Schema, also: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that are read besides the features: those given, and those of the groups."""
        more = (name for name in self.names if not schema[name].is_feature and name not in also)
        return (*also, *more)

    def decide(self, predictions: Predictions, rows: SensitiveRows) -> Predictions:
        """The predictions with the decision for each row by its group; others keep the model's own."""
        groups = positions(rows, self.keys)
        scores = predictions.array[:, 1]
        return replace(
            predictions, decided=decide_by_group(scores, groups, self.thresholds, predictions.codes)
        )

    def apply(self, predictions: Predictions, frame: Mapping[str, pl.Series] | pl.DataFrame) -> Predictions:
        """The same for the rows of a frame that holds the columns, typed as in training."""
        return self.decide(predictions, sensitive_rows(self.columns, frame))

    def of_row(self, frame: pl.DataFrame, positive: Label) -> tuple[float | None, str]:
        """The threshold of a single row (None: the model's own decision stands), and that in words."""
        rows = sensitive_rows(self.columns, frame)
        threshold = float(np.append(self.thresholds, np.nan)[positions(rows, self.keys)[0]])
        codes = rows.codes[0].tolist()
        words = [f"{column.name} {column.labels[code]}" for column, code in zip(self.columns, codes)]
        group = f"For {' and '.join(words)}"
        if np.isnan(threshold):
            return None, f"{group} there is no threshold of its own: the model's own decides."
        return threshold, f"{group} {str(positive)!r} is decided for above {threshold:.3g}."

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "constraint": self.constraint,
            "columns": [column.to_dict() for column in self.columns],
            "keys": [list(key) for key in self.keys],
            "thresholds": [None if np.isnan(each) else float(each) for each in self.thresholds],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> GroupDecisions:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        return cls(
            tuple(SensitiveColumn.from_dict(item) for item in record["columns"]),
            tuple(tuple(int(code) for code in key) for key in record["keys"]),
            np.array([np.nan if each is None else float(each) for each in record["thresholds"]], np.float64),
            str(record["constraint"]),
        )


def fit_group_decisions(
    sensitive: Sensitive,
    rows: NDArray[Any],
    target: NDArray[Any],
    predictions: Predictions,
    metric: Metric,
    weights: FloatArray | None,
) -> tuple[GroupDecisions, Predictions]:
    """Choose thresholds by group on out-of-fold rows.

    Parameters
    ----------
    sensitive : Sensitive
        Of the training rows.
    rows : int64 array, shape (n,)
        Those that were predicted out of fold.
    target : int64 array, shape (n,)
    predictions : Predictions
        Of the ensemble.
    metric : Metric
        Of the run. Where it does not look at decisions (rankings, probabilities), accuracy is kept high.
    weights : float64 array, shape (n,), or None

    Returns
    -------
    GroupDecisions, Predictions
        The thresholds, and the rows decided by thresholds that were fitted on other rows.
    """
    groups = sensitive.rows.take(rows)
    keys = tuple(tuple(key) for key in np.unique(groups.codes, axis=0).tolist())
    codes, scores = positions(groups, keys), predictions.array[:, 1]
    judge = metric if metric.needs == "labels" else get_metric("accuracy", Task.BINARY)

    def fit(part: NDArray[Any]) -> FloatArray:
        part = part[:: max(1, -(-len(part) // _MOST_ROWS))]
        mass = None if weights is None else weights[part]

        def loss(decided: NDArray[np.int64]) -> float:
            score, _ = judge.try_score(
                target[part], Predictions(predictions.array[part], None, decided), mass
            )
            error = judge.error_of(score)
            return error if np.isfinite(error) else float("inf")

        return fit_group_thresholds(scores[part], target[part], codes[part], sensitive.constraint, loss, mass)

    found = fit(np.arange(len(rows)))
    thresholds = np.append(found, np.full(len(keys) - len(found), np.nan))
    crossed = crossed_decisions(fit, scores, codes, predictions.codes)
    decisions = GroupDecisions(groups.columns, keys, thresholds, sensitive.constraint)
    return decisions, replace(predictions, decided=crossed)


def read_group_decisions(path: Path, manifest: Mapping[str, Any], schema: Schema) -> GroupDecisions | None:
    """The thresholds by group of a model; None where it has none.

    Raises
    ------
    BundleError
        If they are damaged, or ask for columns that the model does not know.
    """
    if GROUP_THRESHOLDS not in manifest.get("files", {}):
        return None
    try:
        found = GroupDecisions.from_dict(read_part(path, manifest, GROUP_THRESHOLDS))
        for name in found.names:
            schema[name]
        return found
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BundleError(f"The thresholds by group of {str(path)!r} are damaged ({error}).") from error

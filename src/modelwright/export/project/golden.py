"""The golden rows of a project, and what the model says of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelwright.core import BadInput, Column, DataError, FloatArray, Schema
from modelwright.data.conform import conform
from modelwright.data.new_names import read_named
from modelwright.export.project.made_rows import make_rows
from modelwright.export.project.runtime.reading import read_raw
from modelwright.features import Featurizer

if TYPE_CHECKING:
    from modelwright.automl import Model

__all__ = ["ROWS", "write_golden"]

ROWS = 200
"""Rows that are made."""

_TEXT, _TYPED, _EXPECTED = "golden.csv", "golden.parquet", "golden.json"


def write_golden(
    model: Model,
    featurizer: Featurizer,
    columns: Sequence[Column],
    folder: Path,
    *,
    given: Any = None,
    seed: int = 0,
) -> int:
    """Write rows, and what the model says of them, into the folder of a project's test.

    Parameters
    ----------
    model : Model
    featurizer : Featurizer
        Of the model: knows the words of texts.
    columns : sequence of Column
        That predictions need.
    folder : Path
    given : path or data frame, optional
        Rows of the user; they are made from the schema otherwise.
    seed : int, default 0

    Returns
    -------
    int
        Rows.

    Raises
    ------
    DataError, SchemaMismatch
        If the rows that were given cannot be used.
    """
    if given is None:
        path = _made(featurizer, columns, folder, seed)
    else:
        path = _of_user(given, [column.name for column in columns], folder)
    with _silence():
        values, labels = _said(model, path)
    record = {"rows": path.name, "values": values.tolist(), "labels": labels}
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    (folder / _EXPECTED).write_text(text + "\n", "utf-8")
    return len(values)


def _made(featurizer: Featurizer, columns: Sequence[Column], folder: Path, seed: int) -> Path:
    """Rows as text where that is read as it is meant, else as typed columns."""
    made = make_rows(columns, ROWS, words=_words(featurizer, columns), seed=seed)
    path = _as_text(made.text, folder)
    if path is not None:
        try:
            found = conform(path, Schema(tuple(columns)), [c.name for c in columns if not c.is_feature])
            if not any(finding.check == "unreadable" for finding in found.findings):
                return path
        except BadInput:
            pass  # written in another way than training had it: the typed rows need no writing
        path.unlink()
    return _as_typed(made.typed, folder)


def _of_user(given: Any, names: Sequence[str], folder: Path) -> Path:
    raw = read_named(given, names)
    if not raw.info.rows:
        raise DataError("The golden rows have no rows. Give a table with at least one.")
    if all(dtype == pl.String for dtype in raw.frame.dtypes):
        path = _as_text(raw.frame, folder)
        if path is not None:
            return path
    return _as_typed(raw.frame, folder)


def _as_text(frame: pl.DataFrame, folder: Path) -> Path | None:
    """A CSV file that is read back as what it was; None where that cannot be had."""
    path = folder / _TEXT
    frame.write_csv(path)
    try:
        back = read_raw(path).frame
        if back.columns == frame.columns and back.equals(frame, null_equal=True):
            return path
    except BadInput:
        pass  # for example a table of one column with empty cells
    path.unlink()
    return None


def _as_typed(frame: pl.DataFrame, folder: Path) -> Path:
    path = folder / _TYPED
    frame.write_parquet(path)
    return path


def _words(featurizer: Featurizer, columns: Sequence[Column]) -> dict[str, Sequence[str]]:
    """Words that the feature steps know, by column of texts."""
    transformer: Any = featurizer.transformers.get("text_terms")
    if transformer is None:
        return {}
    return {
        column.name: transformer.terms(column.name)
        for column in columns
        if column.name in transformer.columns
    }


def _said(model: Model, path: Path) -> tuple[FloatArray, list[list[str]]]:
    """Probabilities or values of every row, and the labels, column by column."""
    problem = model.problem
    if not problem.task.is_classification and not problem.labels:
        return np.asarray(model.predict(path).to_numpy(), np.float64), []
    answers, probabilities = model.predict_both(path)
    columns = answers.get_columns() if isinstance(answers, pl.DataFrame) else [answers]
    labels = [[str(value) for value in column.to_list()] for column in columns]
    return np.asarray(probabilities.to_numpy(), np.float64), labels


@contextmanager
def _silence() -> Iterator[None]:
    """Rows that were made hold strange values on purpose: nobody need be warned of them."""
    log = logging.getLogger("modelwright")

    def refuse(record: logging.LogRecord) -> bool:
        return False

    log.addFilter(refuse)
    try:
        yield
    finally:
        log.removeFilter(refuse)

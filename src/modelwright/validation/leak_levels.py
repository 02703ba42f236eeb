"""Values, or their being missing, that occur with one class alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core import Finding, FloatArray, IntArray
from modelwright.validation.leak_evidence import Judged

__all__ = ["find_one_class_levels"]

_FEWEST_ROWS = 20
_CHANCE = 1e-6
_MOST_COLUMNS = 200
_MOST_LEVELS = 1_000
_FEW_NUMBERS = 5
_SHARE_OF_CLASS = 0.05
_MOST_SHOWN = 5


def find_one_class_levels(judged: Judged, skip: frozenset[int]) -> list[Finding]:
    """Levels, and missing values, of at least 20 rows and 5% of a class that are all of that class.

    Chance is the probability that as many rows drawn from the table are all of that class, times the number
    of levels that were looked at; from one in a million on it is taken for an accident. Only classes of at
    most half of the rows are asked about: that a value never occurs with a rare class says little. An
    honest value can be of one class too, so this is a warning.

    Parameters
    ----------
    judged : Judged
    skip : frozenset of int
        Positions of columns that are left out already.

    Returns
    -------
    list of Finding
        At most one for a column, check ``"one_class_level"``; evidence: ``levels``, each with its
        ``value``, ``rows``, ``class`` and ``chance``.
    """
    sample = judged.sample
    if not sample.classes or sample.size < 2 * _FEWEST_ROWS:
        return []
    best = np.argsort(-judged.scores, kind="stable")[:_MOST_COLUMNS]
    coded = [(int(i), _codes(judged, int(i))) for i in np.sort(best) if int(i) not in skip]
    looked = [(i, codes) for i, codes in coded if codes is not None]
    tests = sum(int(codes.max()) for _, codes in looked)
    found = []
    for i, codes in looked:
        levels = _pure_levels(judged, i, codes, tests)
        if levels:
            found.append(_finding(judged, i, levels))
    return found


def _codes(judged: Judged, i: int) -> IntArray | None:
    """Levels of a column from 1 on (0: known number, or values that occur once); None to leave it out."""
    dtype = judged.dtypes[i]
    if dtype.is_nested():
        return None
    values = judged.frame[:, i].alias("values")  # a name may be a pattern to polars
    if i in judged.measured and values.n_unique() > _FEW_NUMBERS:
        missing = values.is_null() if not dtype.is_float() else values.is_null() | values.is_nan()
        return missing.to_numpy().astype(np.int64) if int(missing.sum()) >= _FEWEST_ROWS else None
    codes: IntArray = judged.levels([i])[0]
    return codes if 0 < int(codes.max()) < _MOST_LEVELS else None


def _pure_levels(judged: Judged, i: int, codes: IntArray, tests: int) -> list[dict[str, Any]]:
    sample = judged.sample
    width = int(codes.max()) + 1
    cells = np.bincount(codes * sample.classes + sample.target, minlength=width * sample.classes)
    table = cells.reshape(width, sample.classes)
    shares: FloatArray = np.bincount(sample.target, minlength=sample.classes) / sample.size
    rows, first = table.sum(axis=1), table.argmax(axis=1)
    chance = np.exp(rows * np.log(shares[first])) * tests
    pure = (table.max(axis=1) == rows) & (rows >= _FEWEST_ROWS) & (chance < _CHANCE) & (shares[first] <= 0.5)
    pure &= rows >= _SHARE_OF_CLASS * np.bincount(sample.target)[first]
    pure[0] = False
    values = judged.frame[:, i].alias("values")  # a name may be a pattern to polars
    levels = []
    for level in np.flatnonzero(pure):
        value = values[int(np.argmax(codes == level))]
        missing = value is None or value != value
        levels.append(
            {
                "value": None if missing else str(value),
                "rows": int(rows[level]),
                "class": judged.classes[first[level]],
                "chance": float(chance[level]),
            }
        )
    return sorted(levels, key=lambda level: -level["rows"])


def _finding(judged: Judged, i: int, levels: list[dict[str, Any]]) -> Finding:
    name = judged.columns[i].name
    parts = []
    for level in levels[:_MOST_SHOWN]:
        what = "a missing value" if level["value"] is None else repr(level["value"])
        parts.append(f"{what} ({level['rows']} rows, all {level['class']!r})")
    more = f" and {len(levels) - _MOST_SHOWN} more" if len(levels) > _MOST_SHOWN else ""
    return Finding(
        check="one_class_level",
        severity="warning",
        message=f"In the column {name!r} some values occur with one class of {judged.target!r} alone: "
        f"{', '.join(parts)}{more}, among {judged.sample.size} rows looked at. Are they known when "
        "predictions are made?",
        column=name,
        action=f"It is used. If they are written down afterwards, leave it out: {name}=ignored.",
        evidence={"levels": levels},
    )

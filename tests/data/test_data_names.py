"""Names that polars takes for patterns, and others that readers trip over, in every part of a problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from strange_names import STRANGE

from modelwright.core import Problem
from modelwright.data import conform, conform_labelled, profile_table, read_table, resolve_target

VALUES: dict[str, list[Any]] = {
    "numbers as text": ["1", "2", "3", "4"],
    "words": ["a", "b", "c", "d"],
    "yes and no": ["yes", "no", "yes", None],
    "integers": [1, 2, 1, 2],
    "floats": [1.5, None, 2.5, 3.5],
    "booleans": [True, False, None, True],
    "commas": ["1,5", "2,5", "3,5", ""],
    "dates": ["2020-01-02", "2020-02-01", "2020-03-01", "2020-03-05"],
    "sentences": ["this is a text", "that one is too", "and so is this", "no more of it"],
}


def table_of(name: str, values: list[Any]) -> dict[str, list[Any]]:
    return {
        name: values * 10,
        "x1": values * 10,
        "other": [1.5 * index for index in range(40)],
        "y": ["p", "q"] * 20,
    }


@pytest.mark.parametrize("make", [dict, pl.DataFrame, pd.DataFrame], ids=["dict", "polars", "pandas"])
@pytest.mark.parametrize("case", VALUES)
def test_names_that_are_patterns_are_read_like_any(case: str, make: Any) -> None:
    plain = read_table(make(table_of("z", VALUES[case])))
    for name in ("^x.*$", "*", "^.*$"):
        source = make(table_of(name, VALUES[case]))
        table = read_table(source)
        assert table.frame.rows() == plain.frame.rows()
        assert table.schema[name].kind is plain.schema["z"].kind
        assert conform(source, table.schema).frame.width == len(table.schema.features)
        assert profile_table(table).source.rows == 40


@pytest.mark.parametrize(
    ("case", "part"),
    [
        *[
            (case, part)
            for case in ("integers", "floats")
            for part in ("target", "weights", "group", "time_column")
        ],
        *[("words", "target"), ("words", "group"), ("dates", "time_column"), ("yes and no", "target")],
    ],
)
def test_names_that_are_patterns_take_every_part(case: str, part: str) -> None:
    values = [1.0, 3.5, 2.5, 3.5] if part == "weights" else VALUES[case]
    found = []
    for name in ("z", "^x.*$", "*"):
        source = table_of(name, values)
        problem = Problem.of(name) if part == "target" else Problem.of("y", **{part: name})
        table = read_table(source, problem=problem)
        resolved = resolve_target(table, problem)
        scored = conform_labelled(source, table.schema, resolved.problem)
        found.append([resolved.target, resolved.groups, resolved.times, resolved.weights, scored.target])
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert np.array_equal(one, other)


def test_strange_names_in_a_csv_file(tmp_path: Path) -> None:
    names = [name.strip() for name in STRANGE if name.strip()]
    frame = pl.DataFrame([pl.Series(name, [index, index + 1]) for index, name in enumerate(names)])
    frame.write_csv(tmp_path / "table.csv")
    table = read_table(tmp_path / "table.csv")
    assert table.frame.columns == names
    assert table.frame.rows() == [tuple(map(float, row)) for row in frame.rows()]
    assert conform(tmp_path / "table.csv", table.schema).rows == 2

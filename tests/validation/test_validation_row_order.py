"""Orders that fool a random split: rows in the file, ids, times; hidden groups; dates of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from modelwright.core import Column, Finding, Kind, Problem, Role, Schema, Task
from modelwright.validation import find_leaks

ROWS = 1200


def _find(
    frame: pl.DataFrame, target: np.ndarray, roles: dict[str, Role] | None = None, **named: str
) -> dict[tuple[str, str | None], Finding]:
    def kind(dtype: pl.DataType) -> Kind:
        if dtype.is_temporal():
            return Kind.DATETIME
        return Kind.NUMERIC if dtype.is_numeric() else Kind.CATEGORICAL

    schema = Schema(
        tuple(
            Column(name, kind(dtype), (roles or {}).get(name, Role.FEATURE))
            for name, dtype in frame.schema.items()
        )
    )
    classes = target.dtype.kind == "i"
    task = Task.BINARY if classes else Task.REGRESSION
    problem = replace(Problem.of("y").resolved(task, "auto", (0, 1) if classes else ()), **named)
    found = find_leaks(frame, schema, problem, target, seed=0)
    return {(finding.check, finding.column): finding for finding in found}


def _hours(offsets: np.ndarray) -> pl.Series:
    return (pl.Series(offsets * 3.6e9).cast(pl.Int64) + 1_700_000_000_000_000).cast(pl.Datetime("us"))


def _noise(seed: int = 0) -> tuple[np.random.Generator, pl.DataFrame]:
    random = np.random.default_rng(seed)
    return random, pl.DataFrame({"a": random.normal(size=ROWS), "b": random.normal(size=ROWS)})


@pytest.mark.parametrize(
    "target",
    [
        lambda r: np.sort(r.integers(0, 2, ROWS)),
        lambda r: np.repeat(r.integers(0, 2, ROWS // 20), 20),
        lambda r: np.sort(r.normal(size=ROWS)),
        lambda r: np.cumsum(r.normal(size=ROWS)),
    ],
    ids=["sorted classes", "blocks", "sorted values", "a walk"],
)
def test_a_file_in_an_order_of_the_target_is_a_warning(target):
    random, frame = _noise()
    values = target(random)
    finding = _find(frame, values)["row_order", None]
    assert finding.severity == "warning"
    assert "--time-column" in finding.action
    assert max(finding.evidence["score"], finding.evidence["neighbours_alike"]) > 0.5
    assert ("row_order", None) not in _find(frame, random.permutation(values))
    assert ("row_order", None) not in _find(frame, values, group="a")


def test_ids_that_predict_are_a_warning():
    random, frame = _noise()
    target = (np.arange(ROWS) * 2 // ROWS + (random.random(ROWS) < 0.1)).clip(0, 1).astype(np.int64)
    mixed = random.permutation(ROWS)
    frame = frame.with_columns(
        pl.Series("key", np.arange(ROWS)),
        pl.Series("code", [f"{number:05d}" for number in range(ROWS)]),
        pl.Series("honest", random.permutation(ROWS)),
    )[mixed]
    roles = dict.fromkeys(["key", "code", "honest"], Role.ID)
    found = _find(frame, target[mixed], roles)
    assert {column for check, column in found if check == "id_predicts"} == {"key", "code"}


def test_a_target_that_drifts_in_time_wants_a_time_column():
    random, frame = _noise()
    offsets = random.uniform(0, 5000, ROWS)
    frame = frame.with_columns(_hours(offsets).alias("sold at"))
    drifting = offsets / 1000 + random.normal(size=ROWS)
    finding = _find(frame, drifting)["time_drift", "sold at"]
    assert "--time-column 'sold at'" in finding.action
    assert ("time_drift", "sold at") not in _find(frame, random.normal(size=ROWS))
    assert ("time_drift", "sold at") not in _find(frame, drifting, time_column="sold at")
    wave = (np.sin(offsets / 100) > 0).astype(np.int64)
    assert _find(frame, wave)["time_drift", "sold at"].evidence["neighbours_alike"] > 0.8


def test_dates_after_the_time_of_prediction_are_a_warning():
    random, frame = _noise()
    begin = random.uniform(0, 5000, ROWS)
    frame = frame.with_columns(
        _hours(begin).alias("begin"),
        _hours(begin + random.exponential(2, ROWS) + 0.1).alias("end"),
        _hours(begin - random.exponential(2, ROWS)).alias("booked"),
        _hours(random.uniform(0, 5000, ROWS)).alias("other"),
    )
    found = _find(frame, random.normal(size=ROWS), {"begin": Role.TIME}, time_column="begin")
    assert [column for check, column in found if check == "late_dates"] == ["end"]
    assert found["late_dates", "end"].evidence["rows"] == ROWS
    assert not any(check == "late_dates" for check, _ in _find(frame, random.normal(size=ROWS)))


def _people(seed: int, spread: float) -> tuple[np.random.Generator, np.ndarray, pl.DataFrame, np.ndarray]:
    """300 people with 4 rows each, which differ by `spread`, in a mixed order."""
    random = np.random.default_rng(seed)
    person = random.permutation(np.repeat(np.arange(300), 4))
    body = random.normal(size=(300, 5))
    features = body[person] + spread * random.normal(size=(ROWS, 5))
    frame = pl.DataFrame({f"x{i}": features[:, i] for i in range(5)})
    return random, person, frame, random.integers(0, 2, 300)[person]


def test_columns_that_name_groups_of_similar_rows_are_suggested():
    random, person, frame, target = _people(0, 0.05)
    named = frame.with_columns(
        pl.Series("patient no", [f"p{code}" for code in person]),
        pl.Series("zip", random.integers(0, 300, ROWS)),
    )
    found = _find(named, target)
    assert [column for check, column in found if check == "groups"] == ["patient no"]
    finding = found["groups", "patient no"]
    assert "--group 'patient no'" in finding.action
    assert finding.evidence["targets_alike"] == 1.0
    assert finding.evidence["groups"] == 300
    assert found["leak", "patient no"].severity == "warning"
    assert ("groups", "patient no") not in _find(named, target, group="patient no")


def test_ids_that_begin_with_a_group_are_seen():
    _, person, frame, target = _people(1, 0.2)
    place = pl.Series(person).cum_count()
    ids = pl.Series("key", [f"{code}_{number}" for code, number in zip(person, place)])
    found = _find(frame.with_columns(ids), target, {"key": Role.ID})
    assert "beginning of the id" in found["groups", "key"].action


def test_categories_and_counts_are_no_groups():
    random, person, frame, _ = _people(2, 3.0)
    named = frame.with_columns(
        pl.Series("person", person),
        pl.Series("age", random.integers(20, 80, ROWS)),
        pl.Series("town", person // 3),
    )
    target = (frame["x0"].to_numpy() + random.normal(size=ROWS) > 0).astype(np.int64)
    assert not any(check == "groups" for check, _ in _find(named, target))

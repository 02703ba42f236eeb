"""Orders that fool a random split: rows in the file, ids, times; hidden groups; dates of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from modelwright.core import Column, DataError, Finding, Kind, Problem, Role, Schema, Task
from modelwright.validation import find_leaks, make_folds

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


@pytest.mark.parametrize(
    ("store", "advice"),
    [
        (lambda hours: np.arange(ROWS) % 8, "--time-column day in place of --group"),
        (lambda hours: hours // 100, "--time-column day beside --group store"),
    ],
    ids=["every store every day", "new stores all the time"],
)
def test_advice_on_time_can_be_followed_where_a_group_is_named(store, advice):
    random, frame = _noise()
    hours = np.sort(random.uniform(0, 5000, ROWS))
    groups = store(hours).astype(np.int64)
    frame = frame.with_columns(_hours(hours).alias("day"), pl.Series("store", groups))
    target = hours / 1000 + random.normal(size=ROWS)
    finding = _find(frame, target, {"store": Role.GROUP}, group="store")["time_drift", "day"]
    assert advice in finding.action
    assert "whole groups of 'store' are drawn at random" in finding.message
    problem = Problem.of("y", group="store", time_column="day").resolved(Task.REGRESSION, "rmse", ())
    times = np.argsort(np.argsort(hours))
    if "beside" in advice:
        assert make_folds(problem, target, count=5, seed=0, groups=groups, times=times).scheme == "temporal"
    else:
        with pytest.raises(DataError, match="not both"):
            make_folds(problem, target, count=5, seed=0, groups=groups, times=times)


def test_ids_that_predict_give_no_advice_that_was_followed():
    _, frame = _noise()
    target = (np.arange(ROWS) * 2 // ROWS).astype(np.int64)
    frame = frame.with_columns(pl.Series("key", np.arange(ROWS)), _hours(np.arange(ROWS)).alias("day"))
    for named in ({"group": "a"}, {"time_column": "day"}):
        action = _find(frame, target, {"key": Role.ID}, **named)["id_predicts", "key"].action
        assert "--time-column" not in action
        assert ("--group" in action) == ("group" not in named)


def test_groups_where_rows_are_validated_in_time():
    random, person, frame, target = _people(0, 0.05)
    for days, advice in ((np.arange(ROWS), "--group patient."), (person, "--group patient.")):
        named = frame.with_columns(pl.Series("patient", person), _hours(days).alias("day"))
        finding = _find(named, target, {"day": Role.TIME}, time_column="day")["groups", "patient"]
        assert "drawn at random" not in finding.message
        assert advice in finding.action
    few = person % 12
    body = random.normal(size=(12, 5))[few]
    frame = pl.DataFrame({f"x{i}": body[:, i] for i in range(5)})
    named = frame.with_columns(pl.Series("shop", few), _hours(np.arange(ROWS)).alias("day"))
    finding = _find(named, (few % 2).astype(np.int64), {"day": Role.TIME}, time_column="day")[
        "groups", "shop"
    ]
    assert "--group shop in place of --time-column" in finding.action


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

"""Schemas: columns with roles and kinds, and their records."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import Column, Kind, Role, Schema, UnknownName

STATISTICS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=3)
COLUMNS = st.builds(
    Column,
    name=st.text(max_size=8),
    kind=st.sampled_from(list(Kind)),
    role=st.sampled_from(list(Role)),
    reason=st.text(max_size=8),
    nullable=st.booleans(),
    parsing=STATISTICS,
    statistics=STATISTICS,
)
SCHEMAS = st.builds(
    lambda columns: Schema(tuple(columns)),
    st.lists(COLUMNS, max_size=6, unique_by=lambda column: column.name),
)


@given(SCHEMAS)
def test_a_schema_survives_its_record(schema: Schema) -> None:
    written = json.loads(json.dumps(schema.to_dict()))
    assert Schema.from_dict(written) == schema
    assert all(type(column.kind) is Kind for column in Schema.from_dict(written))


@given(SCHEMAS)
def test_a_schema_is_a_sequence_of_its_columns(schema: Schema) -> None:
    assert len(schema) == len(schema.names) == len(list(schema))
    assert all(schema[name].name == name and name in schema for name in schema.names)
    assert [column for column in schema if column.is_feature] == list(schema.features)


@given(SCHEMAS, st.sampled_from(list(Role)))
def test_a_role_changes_one_column_and_keeps_the_order(schema: Schema, role: Role) -> None:
    for name in schema.names:
        changed = schema.with_role(name, role, "as asked")
        assert changed.names == schema.names
        assert (changed[name].role, changed[name].reason) == (role, "as asked")
        assert [c for c in changed if c.name != name] == [c for c in schema if c.name != name]


@pytest.mark.parametrize(
    ("role", "is_feature"),
    [
        (Role.FEATURE, True),
        (Role.TIME, True),
        (Role.SENSITIVE, True),
        (Role.TARGET, False),
        (Role.ID, False),
        (Role.CONSTANT, False),
        (Role.GROUP, False),
        (Role.WEIGHT, False),
        (Role.IGNORED, False),
    ],
)
def test_learners_see_only_features(role: Role, is_feature: bool) -> None:
    assert Column("a", Kind.NUMERIC, role).is_feature is is_feature


def test_statistics_of_numpy_become_plain_in_the_record() -> None:
    record = Column("a", Kind.NUMERIC, statistics={"mean": np.float64(1.5), "maximum": np.inf}).to_dict()
    assert record["statistics"] == {"mean": 1.5, "maximum": None}
    assert json.dumps(record)


def test_an_unknown_column_suggests_the_nearest() -> None:
    schema = Schema((Column("age", Kind.NUMERIC), Column("Income", Kind.NUMERIC)))
    with pytest.raises(UnknownName, match="Did you mean 'Income'"):
        schema["income"]
    with pytest.raises(UnknownName, match="no column 'x'"):
        schema.with_role("x", Role.ID, "")
    assert 3 not in schema

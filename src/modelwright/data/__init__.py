"""Anything -> a typed table with a schema: reading, typing, the target, new rows, profiles, writing."""

from modelwright.data.caller import (
    columns_to_caller,
    matrix_to_caller,
    sets_to_caller,
    to_caller,
    values_to_caller,
)
from modelwright.data.catalog import SOURCES
from modelwright.data.conform import Conformed, LabelledRows, conform, conform_labelled
from modelwright.data.parts import recorded_source, shown_source
from modelwright.data.profile import Profile, profile_table
from modelwright.data.read import read_raw, read_table
from modelwright.data.rows import RowReader, TypedRow, single_row
from modelwright.data.source import Source
from modelwright.data.sql_query import SqlQuery
from modelwright.data.table import Caller, RawTable, SourceInfo, Table
from modelwright.data.target import ResolvedTarget, resolve_target
from modelwright.data.write import check_output, write_frame

__all__ = [
    "SOURCES",
    "Caller",
    "Conformed",
    "LabelledRows",
    "Profile",
    "RawTable",
    "ResolvedTarget",
    "RowReader",
    "Source",
    "SourceInfo",
    "SqlQuery",
    "Table",
    "TypedRow",
    "check_output",
    "columns_to_caller",
    "conform",
    "conform_labelled",
    "matrix_to_caller",
    "profile_table",
    "read_raw",
    "read_table",
    "recorded_source",
    "resolve_target",
    "shown_source",
    "single_row",
    "sets_to_caller",
    "to_caller",
    "values_to_caller",
    "write_frame",
]

"""The contract of a source, as checks that any source can be put to.

Use `check_source` for a verdict in one call, or `SOURCE_CHECKS` for one test a check.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError
from modelwright.data import RawTable, Source
from modelwright.testing.violation import demand, naming

__all__ = ["SOURCE_CHECKS", "check_source", "run_source_check"]


def check_source(source: Source, example: Any) -> None:
    """Put a source to every check.

    Parameters
    ----------
    source : Source
    example : object
        Something that it reads, with rows and columns; a file as a ``pathlib.Path``.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> from modelwright.data import SOURCES
    >>> check_source(SOURCES.load("frame")(), {"age": [31, 45, None], "plan": ["basic", "pro", "pro"]})
    """
    for name in SOURCE_CHECKS:
        run_source_check(name, source, example)


def run_source_check(name: str, source: Source, example: Any) -> None:
    """Put a source to one check of `SOURCE_CHECKS`; raises `ContractViolation` if it fails."""
    with naming(f"source {type(source).__name__!r}", name):
        SOURCE_CHECKS[name](source, example)


def check_reads(source: Source, example: Any) -> None:
    """It accepts the example and reads it as a table of plain columns with names of their own."""
    for _ in range(2):
        demand(source.accepts(example) is True, "it does not accept the example (True, not merely truthy)")
    table = source.read(example)
    demand(isinstance(table, RawTable), f"it reads a {type(table).__name__} instead of a RawTable")
    demand(isinstance(table.frame, pl.DataFrame), f"its frame is a {type(table.frame).__name__}")
    names = table.frame.columns
    demand(bool(names) and table.frame.height > 0, "it reads no rows or no columns")
    demand(all(name for name in names), f"it has a column without a name: {names}")
    demand(len(set(names)) == len(names), f"it repeats a column name: {names}")
    lists = (pl.List(pl.String), pl.List(pl.Float64))
    nested = [name for name, dtype in table.frame.schema.items() if dtype.is_nested() and dtype not in lists]
    demand(not nested, f"it reads nested columns: {nested}")
    demand(not any(dtype == pl.Object for dtype in table.frame.dtypes), "it reads columns of Python objects")
    unknown = set(table.levels) - set(names)
    demand(not unknown, f"it tells the levels of columns that are not there: {sorted(unknown)}")


def check_claims_no_more(source: Source, example: Any) -> None:
    """It accepts only what it knows: no text file of any name, no address of any scheme, no object."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.nobody-knows-this"
        path.write_text("a,b\n1,2\n", "utf-8")
        for other in (path, Path(folder), "nobody-knows-this://host/table", object()):
            shown = other.name if isinstance(other, Path) else other
            demand(source.accepts(other) is False, f"it accepts {shown!r}, which it cannot know")


def check_describes_itself(source: Source, example: Any) -> None:
    """Size, kind, place and hash are recorded, in a form that JSON can hold."""
    table = source.read(example)
    info = table.info
    size, shape = (info.rows, info.columns), table.frame.shape
    demand(size == shape, f"it says that there are {size} rows and columns, but there are {shape}")
    demand(bool(info.kind), "it does not say what kind of thing it read")
    demand(
        table.caller.kind in ("pandas", "polars", "pyarrow", "numpy"), f"its caller is {table.caller.kind!r}"
    )
    whole = bool(re.fullmatch(r"[0-9a-f]{64}", info.sha256))
    demand(whole, f"its sha256 is {info.sha256!r} instead of 64 hexadecimal digits")
    if isinstance(example, Path):
        demand(info.location is not None, "it does not say where the file is")
    try:
        json.dumps(info.to_dict())
    except (TypeError, ValueError) as error:
        demand(False, f"what it records cannot be written as JSON: {error}")


def check_is_deterministic(source: Source, example: Any) -> None:
    """Reading twice gives the same table and the same hash, and the example stays as it is."""
    content = example.read_bytes() if isinstance(example, Path) else b""
    first, second = source.read(example), source.read(example)
    demand(first.info.sha256 == second.info.sha256, "two readings have different hashes")
    same = first.frame.schema == second.frame.schema and first.frame.equals(second.frame)
    demand(same, "two readings give different tables")
    again = type(source)().read(example)
    demand(again.frame.equals(first.frame), "a new instance reads a different table")
    if isinstance(example, Path):
        demand(example.read_bytes() == content, "it changes the file")


def check_wanted_columns(source: Source, example: Any) -> None:
    """Asked for some columns, it reads those as before, and forgets no row."""
    table = source.read(example)
    names = table.frame.columns
    wishes: tuple[Collection[str], ...] = (names[:1], names[-1:], names, [*names[:1], "no such column"], [])
    for wanted in wishes:
        part = source.read(example, wanted)
        known = [name for name in names if name in wanted]
        got = part.frame.columns
        demand(set(known) <= set(got), f"asked for {list(wanted)}, it leaves out {set(known) - set(got)}")
        demand(set(got) <= set(names), f"asked for {list(wanted)}, it makes up {set(got) - set(names)}")
        demand(got == [name for name in names if name in got], "it changes the order of the columns")
        for name in known:  # by position: polars takes some names for patterns
            same = part.frame.to_series(got.index(name)).equals(table.frame.to_series(names.index(name)))
            demand(same, f"asked for {list(wanted)}, it reads other values in {name!r}")
        rows = part.info.rows
        demand(rows == table.info.rows, f"asked for {list(wanted)}, it counts {rows} rows")


def check_damaged_files(source: Source, example: Any) -> None:
    """A file that is cut short or holds something else is a table or a `DataError`, never a crash."""
    if not isinstance(example, Path):
        return
    content = example.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / example.name
        for damaged in (content[: len(content) // 2], content[:5], bytes(range(256)) * 4, b"\x00" * 64):
            path.write_bytes(damaged)
            if source.accepts(path):
                _read_or_refuse(source, path)


def _read_or_refuse(source: Source, path: Path) -> None:
    try:
        table = source.read(path)
    except DataError as error:
        demand(repr(str(path)) in str(error), f"the error does not name the file: {error}")
    except Exception as error:
        demand(False, f"a damaged file raises {type(error).__name__} instead of DataError: {error}")
    else:
        demand(isinstance(table, RawTable), "a damaged file is read as something that is no table")


SOURCE_CHECKS: Mapping[str, Callable[[Source, Any], None]] = {
    "reads": check_reads,
    "claims_no_more": check_claims_no_more,
    "describes_itself": check_describes_itself,
    "is_deterministic": check_is_deterministic,
    "wanted_columns": check_wanted_columns,
    "damaged_files": check_damaged_files,
}
"""Name to check; each takes a source and an example and raises `ContractViolation`."""

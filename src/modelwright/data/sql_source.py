"""Query results: PostgreSQL and SQLite, by way of SQLAlchemy."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from modelwright.core import DataError, require
from modelwright.data.files import check_file
from modelwright.data.frame_values import hash_frame, level_text, plain_frame, series_of_objects
from modelwright.data.parts_source import join_pieces
from modelwright.data.source import Source
from modelwright.data.sql_query import SCHEMES, SqlQuery, parse_address
from modelwright.data.table import Caller, RawTable, SourceInfo

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine

__all__ = ["SqlSource"]

_ROWS = 20_000
"""So many rows are Python objects at a time, before they become columns."""

_MOMENT = pl.Datetime("us")
_TYPES: dict[int, pl.DataType] = {
    16: pl.Boolean(),
    **dict.fromkeys((20, 21, 23, 26), pl.Int64()),
    **dict.fromkeys((700, 701, 1700), pl.Float64()),
    1082: pl.Date(),
    1083: pl.Time(),
    1114: _MOMENT,
    1184: pl.Datetime("us", "UTC"),
    1186: pl.Duration("us"),
    **dict.fromkeys((18, 19, 25, 1042, 1043), pl.String()),
}
"""PostgreSQL's own numbers of its types, from its catalog pg_type; any other type becomes text."""


class SqlSource(Source):
    """Reads a `SqlQuery`, or a database URL with ``?table=NAME``, in a transaction that cannot write.

    Columns have the types that the database declares. Rows come in the order of the query: without an
    ORDER BY it may differ from one reading to the next, and with it the hash.
    """

    schemes = SCHEMES

    def accepts(self, source: object) -> bool:
        """Whether it is a query or the address of a database."""
        return isinstance(source, SqlQuery) or super().accepts(source)

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Run the query; see `Source.read`."""
        from sqlalchemy.exc import SQLAlchemyError

        from modelwright.data.sql_faults import explain_query_error

        asked = source if isinstance(source, SqlQuery) else SqlQuery(source)
        secret = parse_address(asked.url).password
        try:
            with _connected(asked) as connection:
                frame = _result(connection, asked)
        except SQLAlchemyError as error:
            raise explain_query_error(error, asked.shown, None if secret is None else str(secret)) from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"The database {asked.shown!r} holds text that is not UTF-8 ({error}). Cast it to BLOB in "
                "the query, or repair the database."
            ) from error
        rows = frame.height
        if wanted is None and not rows:
            raise DataError(
                f"The query on {asked.shown!r} returned no rows: {_short(asked)}. Check its conditions."
            )
        frame = plain_frame(frame, wanted)
        digest = hash_frame(frame) if wanted is None else ""
        info = SourceInfo("sql", _location(asked), digest, rows, frame.width, {"query": asked.query})
        return RawTable(frame, info, Caller("polars"))


def _location(asked: SqlQuery) -> str:
    url = parse_address(asked.url)
    return f"sqlite:///{Path(str(url.database)).absolute()}" if url.drivername == "sqlite" else asked.shown


def _short(asked: SqlQuery) -> str:
    text = " ".join(str(asked.query).split())
    return text if len(text) <= 120 else text[:119] + "…"


@contextmanager
def _connected(asked: SqlQuery) -> Iterator[Connection]:
    engine = _engine(asked)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _engine(asked: SqlQuery) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    url = parse_address(asked.url)
    if url.drivername == "sqlite":
        import sqlite3

        path = check_file(Path(str(url.database)))
        # A URI, as only that opens a file without the right to write.
        return create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10),
            poolclass=NullPool,
            execution_options={"no_parameters": True},
        )
    require("psycopg", "postgres", "Reading from PostgreSQL")
    url = url.difference_update_query(["table"]).set(drivername="postgresql+psycopg")
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": "10"})
    # A cursor of the server hands rows out in portions and takes nothing but one reading statement.
    options = {"no_parameters": True, "postgresql_readonly": True, "stream_results": True}
    return create_engine(url, poolclass=NullPool, execution_options=options)


def _result(connection: Connection, asked: SqlQuery) -> pl.DataFrame:
    sqlite = connection.dialect.name == "sqlite"
    flags = _sqlite_booleans(connection, str(asked.query)) if sqlite else []
    with closing(connection.exec_driver_sql(str(asked.query))) as result:
        return _columns(result, asked, flags)


def _columns(result: CursorResult[Any], asked: SqlQuery, flags: Collection[str]) -> pl.DataFrame:
    """The rows of a result, fetched in portions, as columns."""
    sqlite = asked.url.startswith("sqlite")
    if not result.returns_rows or result.cursor is None:
        raise DataError(f"The query on {asked.shown!r} gives no table: {_short(asked)}. Give a SELECT.")
    described = result.cursor.description or ()
    names = [str(column[0]) or f"column_{position}" for position, column in enumerate(described)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"The query on {asked.shown!r} gives more than one column named "
            f"{', '.join(map(repr, twice[:5]))}. Name the columns one by one, with AS where needed."
        )
    types = [None if sqlite else _TYPES.get(cast(int, column[1]), pl.String()) for column in described]
    pieces: list[list[pl.Series]] = [[] for _ in names]
    while True:
        rows = result.fetchmany(_ROWS)
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        for held, values, dtype in zip(pieces, columns, types, strict=True):
            if rows or not held:
                held.append(_piece(values, dtype))
        if len(rows) < _ROWS:
            break
    series = []
    for position, name in enumerate(names):
        column = join_pieces(name, pieces[position])
        pieces[position] = []
        series.append(_as_flags(column) if name in flags else column)
    return pl.DataFrame(series)


def _piece(values: Sequence[Any], dtype: pl.DataType | None) -> pl.Series:
    """Some values of one column in the type that was declared, or in the one they have (SQLite)."""
    if dtype is None:
        return series_of_objects("", values)
    if dtype == pl.Float64:
        return pl.Series("", [None if value is None else float(value) for value in values], dtype)
    if dtype == pl.Time:
        values = [value if value is None else value.replace(tzinfo=None) for value in values]
    if dtype == pl.String:
        values = [value if value is None or isinstance(value, str) else _text(value) for value in values]
    return pl.Series("", values, dtype)


def _text(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return level_text(bytes(value) if isinstance(value, memoryview) else value)


def _sqlite_booleans(connection: Connection, query: str) -> list[str]:
    """Columns that the table declares as boolean, which SQLite stores as 0 and 1.

    A temporary view of the query is the only way to learn what its columns were declared as; it lives
    in memory and with this connection.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        connection.exec_driver_sql("PRAGMA temp_store = MEMORY")
        connection.exec_driver_sql(f"CREATE TEMP VIEW modelwright_columns AS {query}")
        facts = connection.exec_driver_sql("PRAGMA temp.table_info(modelwright_columns)").all()
    except SQLAlchemyError:
        return []  # whatever is wrong with the query will be said when it runs
    return [str(fact[1]) for fact in facts if str(fact[2]).upper().startswith("BOOL")]


def _as_flags(column: pl.Series) -> pl.Series:
    plain = column.alias("")
    if plain.dtype == pl.Int64 and plain.is_in([0, 1]).fill_null(True).all():
        return plain.cast(pl.Boolean).alias(column.name)
    return column

"""Query results as tables: SQLite, and a real PostgreSQL server."""

from __future__ import annotations

import datetime
import json
import sqlite3
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from strange_names import strange_frame

from modelwright.core import DataError, MissingExtra, OptionError
from modelwright.data import SqlQuery, conform, read_raw, read_table
from modelwright.testing import check_source

SECRET = "s3cr:et/%"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite database with declared types."""
    path = tmp_path / "my shop@1.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER, price DECIMAL(10, 2), paid BOOLEAN, day DATE, note TEXT, "
            "flag01 INTEGER)"
        )
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)",
            [
                (1, 9.5, 1, "2020-01-02", "100% ':name'", 1),
                (2, None, 0, "2020-02-03", None, 0),
                (None, 3, None, None, "שלום 😀\n", None),
            ],
        )
    return path


@pytest.fixture
def shop_url(shop: Path) -> str:
    return f"sqlite:///{shop}"


def test_sqlite_keeps_declared_types(shop_url: str) -> None:
    table = read_raw(SqlQuery(shop_url, "SELECT * FROM orders -- all of them\n;"))
    assert table.frame.to_dict(as_series=False) == {
        "id": [1, 2, None],
        "price": [9.5, None, 3.0],
        "paid": [True, False, None],
        "day": ["2020-01-02", "2020-02-03", None],
        "note": ["100% ':name'", None, "שלום 😀\n"],
        "flag01": [1, 0, None],
    }
    assert (table.info.kind, table.info.rows, table.info.location) == ("sql", 3, shop_url)
    kinds = {column.name: str(column.kind) for column in read_table(f"{shop_url}?table=orders").schema}
    assert (kinds["paid"], kinds["day"], kinds["price"]) == ("boolean", "datetime", "numeric")


def test_queries_are_run_as_they_are(shop_url: str) -> None:
    query = "SELECT id AS \"^x.*$\", note FROM orders WHERE note LIKE '100%' AND note <> ':id' ORDER BY 1"
    table = read_raw(SqlQuery(shop_url, query))
    assert table.frame.rows() == [(1, "100% ':name'")]
    assert table.info.details == {"query": query}
    for query in ("WITH a AS (SELECT 1 AS x) SELECT x FROM a", "VALUES (1)", "/* SELECT */ (SELECT 1)"):
        if not query.startswith("/*"):  # SQLite knows no parentheses there
            assert read_raw(SqlQuery(shop_url, query)).frame.rows() == [(1,)]
        assert SqlQuery(shop_url, query).query == query


def test_types_that_change_between_portions(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.data.sql_source._ROWS", 1)
    query = "SELECT price, id, note, CASE id WHEN 1 THEN 'x' ELSE 2.0 END AS mixed FROM orders"
    assert read_raw(SqlQuery(shop_url, query)).frame.rows() == [
        (9.5, 1, "100% ':name'", "x"),
        (None, 2, None, "2"),
        (3.0, None, "שלום 😀\n", "2"),
    ]


def test_nothing_is_written(shop_url: str) -> None:
    path = Path(shop_url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    with pytest.raises(DataError, match="would change the database, and it is only read"):
        read_raw(SqlQuery(shop_url, "WITH a AS (SELECT 1) DELETE FROM orders"))
    with pytest.raises(DataError, match=r"begins with 'DROP TABLE orders'\. Nothing was run"):
        SqlQuery(shop_url, "DROP TABLE orders")
    with pytest.raises(DataError, match="more than one statement"):
        read_raw(SqlQuery(shop_url, "SELECT 1; DROP TABLE orders"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM ordres", "there is no such table .*ordres"),
        ("SELECT prise FROM orders", "there is no such column .*prise"),
        ("SELECT FROM WHERE", "is no valid SQL .*syntax error"),
        ("SELECT * FROM orders WHERE id > 9", r"returned no rows: SELECT \* FROM orders WHERE id > 9"),
        ("SELECT id, price AS id FROM orders", "more than one column named 'id'"),
    ],
)
def test_refused_query_on_sqlite(shop_url: str, query: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_raw(SqlQuery(shop_url, query))


def test_files_that_are_no_database(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("a,b\n1,2\n" * 200)
    with pytest.raises(DataError, match="is no SQLite database"):
        read_raw(f"sqlite:///{tmp_path / 'shop.db'}?table=orders")
    with pytest.raises(DataError, match=r"There is no file .*Did you mean 'shop\.db'"):
        read_raw(f"sqlite:///{tmp_path / 'shap.db'}?table=orders")
    assert not (tmp_path / "shap.db").exists()


def test_text_that_is_not_utf8(shop_url: str) -> None:
    with pytest.raises(DataError, match=r"Could not decode to UTF-8 column 'word'"):
        read_raw(SqlQuery(shop_url, "SELECT CAST(x'ff41' AS TEXT) AS word"))
    with pytest.raises(DataError, match="there is no such table"):
        read_raw(SqlQuery(shop_url, 'SELECT * FROM "ÿ"'))


def test_path_of_a_database_is_answered_with_the_address(shop_url: str) -> None:
    with pytest.raises(
        DataError, match="is a SQLite database; give its address, sqlite:///PATH, and a query"
    ):
        read_raw(shop_url.removeprefix("sqlite:///"))


@pytest.mark.parametrize(
    ("url", "query", "message"),
    [
        ("sqlite:///a.db", None, r"--query 'SELECT \.\.\.'"),
        (f"postgresql://me:{SECRET}@host/db", None, r"'postgresql://\.\.\.'|can be read in two ways"),
        (
            "postgresql://me:secret@host/db",
            None,
            r"'postgresql://me@host/db' is a database, and a query says",
        ),
        ("sqlite:///a.db?table=b", "SELECT 1", "not both"),
        ("sqlite://a.db", "SELECT 1", "three slashes"),
        ("sqlite://", "SELECT 1", "three slashes"),
        ("postgresql://host", "SELECT 1", "names no database"),
        ("postgresql://me:se@cret@host/db", "SELECT 1", "can be read in two ways"),
        ("postgresql://me:secret@host:port/db", "SELECT 1", "cannot be read"),
        ("mysql://me:secret@host/db", "SELECT 1", "goes with the address of a database"),
        ("table.csv", "SELECT 1", "goes with the address of a database"),
        ("sqlite:///a.db", 7, "A query is text"),
    ],
)
def test_refused_addresses(url: str, query: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        read_raw(SqlQuery(url, query))
    assert "cret" not in str(caught.value)


def test_empty_query_is_refused() -> None:
    for query in ("", "  ", "-- nothing", ";"):
        with pytest.raises(DataError, match="Expected a query that reads"):
            SqlQuery("sqlite:///a.db", query)


@pytest.mark.parametrize("comment", ["/**/", "-- x\n", "(", " ", "/* ( -- */ (", "/*/**/"])
def test_the_first_word_is_found_after_any_number_of_comments(comment: str) -> None:
    began = time.perf_counter()
    assert SqlQuery("sqlite:///a.db", comment * 10_000 + "Select 1").query
    for refused in ("1", "delete from t", "", "/* never ends", "-- never ends", "; select 1"):
        with pytest.raises(DataError, match="Expected a query that reads"):
            SqlQuery("sqlite:///a.db", comment * 10_000 + refused)
    assert time.perf_counter() - began < 0.5


def test_address_in_a_repr_has_no_password() -> None:
    asked = SqlQuery("postgresql://me:secret@host:5432/db?sslmode=require", "SELECT 1")
    assert repr(asked) == str(asked) == "SqlQuery('postgresql://me@host:5432/db', 'SELECT 1')"


def test_sql_keeps_the_contract_of_sources(shop_url: str) -> None:
    from modelwright.data import SOURCES

    check_source(SOURCES.load("sql")(), SqlQuery(shop_url, "SELECT * FROM orders"))
    check_source(SOURCES.load("sql")(), f"{shop_url}?table=orders")


def test_prediction_reads_a_query_like_training(shop_url: str) -> None:
    asked = SqlQuery(shop_url, "SELECT a.* FROM orders a, orders b, orders c")
    table = read_table(asked)
    conformed = conform(asked, table.schema)
    for column in table.schema.features:
        assert conformed.frame[column.name].equals(table.frame[column.name])
    none = SqlQuery(shop_url, "SELECT * FROM orders WHERE id > 9")
    assert conform(none, table.schema).rows == 0


# PostgreSQL --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres(postgres_server: str) -> str:
    """URL of a server with a table of many types and a user who may not read it."""
    engine = create_engine(postgres_server)
    with engine.begin() as connection:
        for statement in (
            "DROP SCHEMA IF EXISTS mart CASCADE",
            "DROP ROLE IF EXISTS guest",
            "CREATE SCHEMA mart",
            """CREATE TABLE mart."Sales" (
                n integer, big bigint, price numeric(10, 2), share real, paid boolean, day date,
                at timestamp, zoned timestamptz, clock time, span interval, word varchar(20), code char(3),
                id uuid, doc jsonb, tags text[], raw bytea, nothing integer, never boolean, "none" date)""",
            """INSERT INTO mart."Sales" VALUES
                (1, 9007199254740993, 9.50, 0.5, true, '2020-01-02', '2020-01-02 03:04:05',
                 '2020-01-02 03:04:05+02', '01:00', '90 seconds', '00123', 'ab',
                 '00000000-0000-0000-0000-000000000001', '{"a": 1}', '{x,y}', '\\x6162'),
                (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                 NULL, NULL)""",
            "CREATE ROLE guest LOGIN",
        ):
            connection.execute(text(statement))
    engine.dispose()
    return postgres_server.replace("+psycopg", "")


def test_postgres_keeps_declared_types(postgres: str) -> None:
    table = read_raw(SqlQuery(postgres, 'SELECT * FROM mart."Sales" ORDER BY n'))
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5)
    assert table.frame.row(0, named=True) == {
        "n": 1,
        "big": 9007199254740993,
        "price": 9.5,
        "share": 0.5,
        "paid": True,
        "day": datetime.datetime(2020, 1, 2),
        "at": moment,
        "zoned": moment - datetime.timedelta(hours=2),
        "clock": 3600.0,
        "span": 90.0,
        "word": "00123",
        "code": "ab ",
        "id": "00000000-0000-0000-0000-000000000001",
        "doc": '{"a": 1}',
        "tags": '["x", "y"]',
        "raw": "ab",
        "nothing": None,
        "never": None,
        "none": None,
    }
    assert set(table.frame.row(1)) == {None}
    types = table.frame.schema
    assert [types[name] for name in ("nothing", "never", "none")] == [pl.Int64, pl.Boolean, pl.Datetime("us")]
    assert table.info.location == postgres
    named = read_raw(f"{postgres}?table=mart.Sales")
    assert named.frame.height == 2


def test_postgres_in_portions(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.data.sql_source._ROWS", 7)
    query = "SELECT i, i % 2 = 0 AS even, NULLIF(i, 3) / 2.0 AS half FROM generate_series(1, 21) i"
    table = read_raw(SqlQuery(postgres, query))
    assert table.frame["i"].to_list() == list(range(1, 22))
    assert table.frame["half"].null_count() == 1
    assert table.info.sha256 == read_raw(SqlQuery(postgres, f"{query} ORDER BY 1;")).info.sha256


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM sales", "there is no such table .*sales"),
        ('SELECT price, cost FROM mart."Sales"', "there is no such column .*cost"),
        ("SELECT FROM WHERE", "is no valid SQL .*syntax error"),
        ("SELECT nofunction(1)", "no such function"),
        ('SELECT * FROM mart."Sales" WHERE n > 9', "returned no rows"),
        ("SELECT 1 AS a, 2 AS a", "more than one column named 'a'"),
        ("SELECT 1; DROP SCHEMA mart CASCADE", "is no valid SQL .*multiple commands"),
        ('WITH a AS (DELETE FROM mart."Sales" RETURNING n) SELECT * FROM a', "plain SELECT"),
        ("SELECT set_config('transaction_read_only', 'off', false), nextval('nothing')", "failed"),
        ("SELECT 1 / 0 AS x", "reports an error .*division by zero"),
        ("SELECT 'infinity'::date AS d", "failed: .*date too large.* Correct the query"),
    ],
)
def test_refused_query_on_postgres(postgres: str, query: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_raw(SqlQuery(postgres, query))
    assert read_raw(f"{postgres}?table=mart.Sales").info.rows == 2


def test_postgres_cannot_be_written(postgres: str) -> None:
    asked = SqlQuery(postgres, "SELECT current_setting('transaction_read_only') AS mode")
    assert read_raw(asked).frame.rows() == [("on",)]


def test_postgres_refuses_a_guest_and_wrong_names(postgres: str) -> None:
    url = make_url(postgres)
    guest = url.set(username="guest").render_as_string()
    with pytest.raises(DataError, match="the user may not read that"):
        read_raw(SqlQuery(guest, 'SELECT * FROM mart."Sales"'))
    with pytest.raises(DataError, match="knows no such database or user"):
        read_raw(SqlQuery(url.set(database="nowhere").render_as_string(), "SELECT 1"))
    with pytest.raises(DataError, match="knows no such database or user"):
        read_raw(SqlQuery(url.set(username="nobody").render_as_string(), "SELECT 1"))


def test_server_that_is_not_there() -> None:
    url = f"postgresql://me:{'hun' + 'ter2'}@127.0.0.1:1/db"  # a traceback shows the lines of this file
    with pytest.raises(DataError, match=r"'postgresql://me@127\.0\.0\.1:1/db' cannot be reached") as caught:
        read_raw(SqlQuery(url, "SELECT 1"))
    assert "hun" + "ter2" not in "".join(traceback.format_exception(caught.value))


def test_unknown_option_of_a_connection() -> None:
    with pytest.raises(DataError, match=r"cannot be reached: .*invalid connection option .*colour"):
        read_raw(SqlQuery("postgresql://me@127.0.0.1:1/db?colour=red", "SELECT 1"))


def test_missing_driver_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'modelwright\[postgres\]'"):
        read_raw(SqlQuery("postgresql://me:secret@127.0.0.1:1/db", "SELECT 1"))


def test_strange_names_and_long_cells_in_postgres(postgres: str) -> None:
    frame = strange_frame()
    wide = max(frame.columns, key=len)
    frame = frame.rename({wide: "a" * 60})  # a name has 63 bytes at most there
    rows = [
        ", ".join("NULL" if value is None else "'" + str(value) + "'" for value in row)
        for row in frame.rows()
    ]
    names = ", ".join('"' + name + '"' for name in frame.columns)
    values = " UNION ALL ".join(f"SELECT {row}" for row in rows)
    query = f"SELECT * FROM ({values}) AS q ({names})"
    table = read_raw(SqlQuery(postgres, query)).frame
    assert table.columns == frame.columns
    assert [table.rows()[0][-1], table.rows()[1][-1]] == ["x" * 30_000, "שלום 😀"]


# A password ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL, with its password, of a user whom the server asks for it."""
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        place = Path(connection.execute(text("SHOW hba_file")).scalar_one())
        before = place.read_text()
        connection.execute(text(f"CREATE ROLE careful LOGIN PASSWORD '{SECRET}'"))
        place.write_text("host all careful 127.0.0.1/32 scram-sha-256\n" + before)
        connection.execute(text("SELECT pg_reload_conf()"))
        try:
            url = make_url(postgres_server).set(drivername="postgresql", username="careful", password=SECRET)
            wait_until_guarded(url.set(drivername="postgresql+psycopg", password="wrong"))
            yield url.render_as_string(hide_password=False)
        finally:
            place.write_text(before)
            connection.execute(text("SELECT pg_reload_conf()"))
            connection.execute(text("DROP ROLE careful"))
    engine.dispose()


def wait_until_guarded(url: URL) -> None:
    """The server reads its new rules some moments after it was told to."""
    engine = create_engine(url, poolclass=NullPool)
    for _ in range(200):
        try:
            with engine.connect():
                time.sleep(0.02)
        except OperationalError:
            return
    raise RuntimeError("The server does not ask for passwords.")


def test_password_opens_and_is_never_recorded(guarded: str) -> None:
    table = read_table(SqlQuery(guarded, "SELECT i, i * 2.5 AS x FROM generate_series(1, 30) i"))
    assert "careful@" in str(table.source.location)
    recorded = json.dumps(table.source.to_dict())
    assert SECRET not in recorded
    assert make_url(guarded).render_as_string(hide_password=False).split("careful:")[1][:8] not in recorded


def test_wrong_and_missing_passwords(guarded: str) -> None:
    wrong = "wr" + "0ng"
    for password, message in ((wrong, "refuses the password"), (None, "asks for a password")):
        url = make_url(guarded)._replace(password=password).render_as_string(hide_password=False)
        with pytest.raises(DataError, match=message) as caught:
            read_raw(SqlQuery(url, "SELECT 1 AS a"))
        assert wrong not in "".join(traceback.format_exception(caught.value))

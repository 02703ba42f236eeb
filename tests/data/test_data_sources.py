"""Which source reads what, and several files as one table."""

from __future__ import annotations

import gzip
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from strange_names import strange_frame

from modelwright.core import Catalog, DataError, OptionError
from modelwright.data import (
    Caller,
    RawTable,
    Source,
    SourceInfo,
    SqlQuery,
    conform,
    read_raw,
    read_table,
    recorded_source,
    shown_source,
    to_caller,
)
from modelwright.data.files import has_extension, without_password
from modelwright.data.find_source import find_source
from modelwright.data.parts import Parts, Sheet, resolve_source


class Avro(Source):
    """A stand-in for a source of a third party."""

    extensions = (".avro", ".pqx", ".csv")
    schemes = ("lake",)

    def recognises(self, head: bytes) -> bool:
        return head.startswith(b"Obj\x01")

    def read(self, source: Any, wanted: Any = None) -> RawTable:
        frame = pl.DataFrame({"from": [str(source)]})
        return RawTable(frame, SourceInfo("avro", str(source), "0" * 64, 1, 1), Caller("polars"))


class Ledger:
    """An object that only the source of a third party knows."""


class Lake(Avro):
    extensions = ()
    schemes = ()

    def accepts(self, source: object) -> bool:
        return isinstance(source, Path) and (source / "_lake_log").is_dir()


class LedgerSource(Avro):
    extensions = ()
    schemes = ()

    def accepts(self, source: object) -> bool:
        return isinstance(source, Ledger)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sources as if packages with entry points were installed."""
    import modelwright.data.find_source as module

    group = "modelwright.sources"
    points = {
        "avro": EntryPoint("avro", f"{__name__}:Avro", group),
        "ledger": EntryPoint("ledger", f"{__name__}:LedgerSource", group),
        "lake": EntryPoint("lake", f"{__name__}:Lake", group),
    }
    catalog = Catalog("source", module.SOURCES._builtin)
    catalog._third_party = points
    catalog._loaded = {"avro": Avro, "ledger": LedgerSource, "lake": Lake}
    monkeypatch.setattr(module, "SOURCES", catalog)


@pytest.mark.usefixtures("third_party")
def test_third_parties_claim_extensions_schemes_contents_and_objects(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "table.pqx")
    (tmp_path / "Table.AVRO.gz").write_bytes(gzip.compress(b"anything"))
    (tmp_path / "table.bin").write_bytes(b"Obj\x01...")
    for source in (tmp_path / "Table.AVRO.gz", tmp_path / "table.bin", "lake://host/table", Ledger()):
        assert read_raw(source).info.kind == "avro"
    # What built-in sources know stays theirs, by name as well as by content.
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert read_raw(tmp_path / "table.csv").info.kind == "csv"
    assert read_raw(tmp_path / "table.pqx").info.kind == "parquet"
    with pytest.raises(DataError, match=r"Did you mean 'lake'\? Known: lake://, postgres://"):
        read_raw("lakes://me:secret@host/table")


@pytest.mark.usefixtures("third_party")
def test_third_parties_claim_folders(tmp_path: Path) -> None:
    (tmp_path / "table.csv" / "_lake_log").mkdir(parents=True)
    (tmp_path / "table.csv" / "part.csv").write_text("a\n1\n")
    assert read_raw(tmp_path / "table.csv").info.kind == "avro"
    (tmp_path / "table.csv" / "_lake_log").rmdir()
    assert read_raw(tmp_path / "table.csv").info.kind == "csv"


def test_built_in_sources_accept_no_path_they_do_not_know(tmp_path: Path) -> None:
    (tmp_path / "table.avro").write_bytes(b"Obj\x01")
    (tmp_path / "table.log").write_text("a,b\n1,2\n")
    from modelwright.data import SOURCES

    for name in SOURCES:
        source = SOURCES.load(name)()
        assert not source.accepts(tmp_path / "table.avro")
        assert not source.accepts("lake://host/table")
        assert not source.accepts(Ledger())
    assert type(find_source(tmp_path / "table.log")).__name__ == "CsvSource"
    assert read_raw(tmp_path / "table.log").frame.rows() == [("1", "2")]


def test_content_goes_before_the_name(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    frame.write_parquet(tmp_path / "one.csv")
    frame.write_ipc(tmp_path / "two.parquet")
    frame.write_ipc_stream(tmp_path / "three.txt")
    kinds = [read_raw(tmp_path / name).info.kind for name in ("one.csv", "two.parquet", "three.txt")]
    assert kinds == ["parquet", "arrow", "arrow"]


def test_extension_is_that_of_what_is_compressed() -> None:
    assert has_extension(Path("a.jsonl.zst"), (".jsonl",))
    assert has_extension(Path("a.tar.gz"), (".tar.gz",))
    assert not has_extension(Path("jsonl"), (".jsonl",))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mysql://me:secret@host:3306/db?password=secret", "mysql://me@host:3306/db"),
        ("mysql://me:se@cret@host/db", "mysql://..."),
        ("mysql://me:se?cret@host/db", "mysql://..."),
        ("mysql://me:se/cret@host/db", "mysql://..."),
        ("mysql://host/db?password=se@cret", "mysql://..."),
        ("mysql://host:12/db?password=se@cret", "mysql://..."),
        ("s3://bucket/key.csv", "s3://bucket/key.csv"),
        ("mysql://me:secret@[::1]:3306/db", "mysql://me@[::1]:3306/db"),
        ("mysql:///db?host=/tmp", "mysql:///db"),
        ("https://me:secret@example.org/a#secret", "https://me@example.org/a"),
    ],
)
def test_no_address_is_shown_with_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown
    with pytest.raises(DataError) as caught:
        read_raw(address)
    assert "cret" not in str(caught.value)


# Several files -----------------------------------------------------------------------------------


def write_parts(folder: Path, *texts: str, ending: str = "csv") -> list[Path]:
    paths = [folder / f"part-{index}.{ending}" for index in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return paths


def test_folder_pattern_and_list_are_one_table(tmp_path: Path) -> None:
    paths = write_parts(tmp_path, "a,b\n1,x\n2,y\n", "b,a\nz,3\n", "a,b\n")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".hidden.csv").write_text("other\n1\n")
    rows = [("1", "x"), ("2", "y"), ("3", "z")]
    for source in (tmp_path, str(tmp_path / "part-*.csv"), paths, tuple(map(str, paths))):
        table = read_raw(source)
        assert table.frame.rows() == rows
        assert (table.info.kind, table.info.rows, table.info.columns) == ("csv", 3, 2)
        assert table.info.details["files"] == [str(path) for path in paths]
    assert read_raw(tmp_path).info.location == str(tmp_path)
    assert read_raw(paths[::-1]).frame.rows() == [rows[2], *rows[:2]]
    assert read_raw(paths, ["b"]).frame.rows() == [("x",), ("y",), ("z",)]
    assert read_raw(paths, ["nothing"]).info.rows == 3


def test_parts_are_typed_once_together(tmp_path: Path) -> None:
    write_parts(tmp_path, "a,b\n" + "1,1\n" * 5, "a,b\n" + "x,2.5\n" * 5)
    assert [str(column.kind) for column in read_table(tmp_path).schema] == ["categorical", "numeric"]


def test_hash_covers_every_file_and_their_order(tmp_path: Path) -> None:
    paths = write_parts(tmp_path, "a\n1\n", "a\n2\n")
    before = read_raw(tmp_path).info.sha256
    assert read_raw(paths).info.sha256 == before
    assert read_raw(paths[::-1]).info.sha256 != before
    paths[1].write_text("a\n3\n")
    assert read_raw(tmp_path).info.sha256 != before


def test_one_file_alone_is_that_file(tmp_path: Path) -> None:
    (path,) = write_parts(tmp_path, "a\n1\n")
    alone = read_raw(path).info
    assert alone == read_raw(tmp_path).info == read_raw([path]).info == read_raw(str(tmp_path / "p*")).info


def test_columns_that_differ_are_named(tmp_path: Path) -> None:
    write_parts(tmp_path, "a,b\n1,2\n", "a\n1\n")
    with pytest.raises(DataError, match=r"part-1\.csv' lacks the column 'b', compared with .*part-0\.csv'"):
        read_raw(tmp_path)
    write_parts(tmp_path, "a,b\n1,2\n", "a,b,c\n1,2,3\n")
    with pytest.raises(DataError, match=r"part-1\.csv' has the additional column 'c'"):
        read_raw(tmp_path)
    assert read_raw(tmp_path, ["a", "b"]).info.rows == 2


def test_types_that_differ_are_named(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"a": [2.5], "b": [None]}).write_parquet(tmp_path / "2.parquet")
    joined = read_raw(tmp_path).frame
    assert joined.rows() == [(1.0, "x"), (2.5, None)]
    pl.DataFrame({"a": ["one"], "b": ["x"]}).write_parquet(tmp_path / "3.parquet")
    with pytest.raises(DataError, match=r"'a' holds text in .*3\.parquet' and numbers in .*1\.parquet'"):
        read_raw(tmp_path)


def test_strange_names_and_long_cells_in_parts(tmp_path: Path) -> None:
    frame = strange_frame()
    frame.write_parquet(tmp_path / "1.parquet")
    frame.select(reversed([pl.nth(index) for index in range(frame.width)])).write_parquet(
        tmp_path / "2.parquet"
    )
    assert read_raw(tmp_path).frame.rows() == frame.rows() * 2
    assert read_raw(tmp_path).frame.columns == frame.columns


@pytest.mark.parametrize(
    ("make", "source", "message"),
    [
        (lambda at: None, "", "holds no files"),
        (lambda at: (at / "inner").mkdir(), "", r"holds folders \(inner\).*Give a pattern"),
        (lambda at: write_parts(at, "a\n1\n", ending="txt"), "*.csv", "No file fits the pattern"),
        (lambda at: write_parts(at, "a\n1\n"), "prt-*.csv", r"Did you mean 'part-0\.csv'"),
        (lambda at: write_parts(at, "a\n1\n", ""), "*.csv", r"part-1\.csv' is empty"),
    ],
)
def test_refused_folders_and_patterns(tmp_path: Path, make: Any, source: str, message: str) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        read_raw(tmp_path / source)


def test_refused_lists(tmp_path: Path) -> None:
    paths = write_parts(tmp_path, "a\n1\n", "a\n2\n")
    with pytest.raises(DataError, match="stands twice"):
        read_raw([paths[0], str(paths[0])])
    with pytest.raises(DataError, match="is a folder or a pattern"):
        read_raw([paths[0], str(tmp_path)])
    with pytest.raises(DataError, match=r"is the address 'https://me@host/a'"):
        read_raw([paths[0], "https://me:secret@host/a"])
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "part-2.parquet")
    with pytest.raises(DataError, match=r"must be of one kind, but .*part-2\.parquet'"):
        read_raw(tmp_path)


def test_a_file_named_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    for name in ("part[1].csv", "what?.parquet", "a*.arrow", "book.xlsx#one.csv"):
        path = tmp_path / name
        frame = pl.DataFrame({"a": [1], "b": [2]})
        if name.endswith("csv"):
            path.write_text("a,b\n1,2\n")
        else:
            with open(path, "wb") as handle:
                frame.write_ipc(handle) if name.endswith("arrow") else frame.write_parquet(handle)
        assert resolve_source(str(path)) == path
        assert read_raw(path).info.rows == 1


def test_patterns_reach_into_folders(tmp_path: Path) -> None:
    for index in range(2):
        (tmp_path / f"day={index}").mkdir()
        pl.DataFrame({"a": [index]}).write_parquet(tmp_path / f"day={index}" / "0.parquet")
    found = resolve_source(str(tmp_path / "**" / "*.parquet"))
    assert isinstance(found, Parts)
    assert read_raw(str(tmp_path / "**" / "*.parquet")).frame.rows() == [(0,), (1,)]


def test_sheet_is_written_behind_the_path(tmp_path: Path) -> None:
    (tmp_path / "book.XLSX").write_bytes(b"not looked at")
    sheet = resolve_source(str(tmp_path / "book.XLSX#Q1 #2"))
    assert sheet == Sheet(tmp_path / "book.XLSX", "Q1 #2")
    assert str(sheet).endswith("book.XLSX#Q1 #2")


@pytest.mark.parametrize(
    ("source", "record", "shown"),
    [
        ("/data/a.csv", "/data/a.csv", "/data/a.csv"),
        (Path("/data/../b.csv"), "/b.csv", "/data/../b.csv"),
        (["/a.csv", Path("/b.csv")], ["/a.csv", "/b.csv"], "/a.csv, /b.csv"),
        ("/book.xlsx#Q1", "/book.xlsx#Q1", "/book.xlsx#Q1"),
        ("/parts/*.csv", "/parts/*.csv", "/parts/*.csv"),
        ("sqlite:////a@b.db?table=t", "sqlite:////a@b.db?table=t", "sqlite:////a@b.db?table=t"),
        ("postgresql://me@host/db?table=t", "postgresql://me@host/db?table=t", "postgresql://me@host/db"),
        ("postgresql://me:cret@host/db?table=t", None, "postgresql://me@host/db"),
        ("postgresql://host/db?password=cret", None, "postgresql://host/db"),
        ("postgresql://host/db?table=t&password=cret", None, "postgresql://host/db"),
        (["/a.csv", 3], None, "/a.csv, a table in memory"),
        (SqlQuery("postgresql://me:cret@host/db", "SELECT 1"), None, "postgresql://me@host/db"),
        (pl.DataFrame({"a": [1]}), None, "a table in memory"),
        ([], None, "a table in memory"),
    ],
)
def test_what_is_recorded_and_shown_holds_no_password(source: Any, record: Any, shown: str) -> None:
    assert recorded_source(source) == record
    assert shown_source(source) == shown


def test_relative_places_are_recorded_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert recorded_source("part-*.csv") == str(tmp_path / "part-*.csv")
    assert recorded_source("sqlite:///a.db?table=t") == f"sqlite:///{tmp_path / 'a.db'}?table=t"


# Objects -----------------------------------------------------------------------------------------


def test_pyarrow_comes_back_as_pyarrow(customers_frame: pl.DataFrame) -> None:
    table = customers_frame.to_arrow()
    schema = read_table(table).schema
    batch = table.combine_chunks().to_batches()[0]
    for source in (table, batch):
        raw = read_raw(source)
        assert (raw.info.kind, raw.caller.kind) == ("pyarrow", "pyarrow")
        conformed = conform(source, schema)
        labels = to_caller(["yes"] * conformed.rows, conformed)
        assert isinstance(labels, pa.Array)
        assert labels.type == pa.string()
        assert table.append_column("prediction", labels).num_columns == table.num_columns + 1
        both = to_caller(pl.DataFrame({"a": [0.25], "b": [0.75]}).to_numpy(), conformed, ["a", "b"])
        assert both.to_pydict() == {"a": [0.25], "b": [0.75]}
    assert read_raw(table).info.sha256 == read_raw(customers_frame).info.sha256


def test_pyarrow_types() -> None:
    import datetime
    import decimal

    table = pa.table(
        {
            "decimal": pa.array([decimal.Decimal("1.5"), None]),
            "category": pa.array(["x", None]).dictionary_encode(),
            "zoned": pa.array([0, None], pa.timestamp("ns", "Europe/Rome")),
            "nothing": pa.nulls(2),
            "view": pa.array(["a", None], pa.string_view()),
            "wide": pa.array([2**64 - 1, 1], pa.uint64()),
        }
    )
    assert read_raw(table).frame.rows() == [
        (1.5, "x", datetime.datetime(1970, 1, 1), None, "a", float(2**64)),
        (None, None, None, None, None, 1.0),
    ]
    odd = pa.table({"a": [1], "months": pa.array([pa.MonthDayNano([1, 2, 3])])})
    with pytest.raises(DataError, match=r"The column 'months' has the Arrow type month_day_nano_interval"):
        read_raw(odd)
    with pytest.raises(DataError, match="more than one column named 'a'"):
        read_raw(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
    assert read_raw(strange_frame().to_arrow()).frame.rows() == strange_frame().rows()


def test_lazy_frames_are_collected(tmp_path: Path) -> None:
    lazy = pl.LazyFrame({"a": [3, 1]}).sort("a")
    assert read_raw(lazy).frame.rows() == [(1,), (3,)]
    with pytest.raises(DataError, match="lazy frame cannot be collected"):
        read_raw(lazy.select(pl.col("b")))


def test_other_frames_of_narwhals() -> None:
    import narwhals

    frame = narwhals.from_native(pl.DataFrame({"a": [1, 2]}))
    assert read_raw(frame).frame.rows() == [(1,), (2,)]


@pytest.mark.parametrize("given", [Ledger(), 3, None, object, pl.Series([1]), {1, 2}, b"a,b", "x.csv"])
def test_what_is_no_table_is_refused(given: Any) -> None:
    with pytest.raises(DataError):
        read_raw(given)


def test_query_goes_with_a_database_only() -> None:
    with pytest.raises(OptionError, match="goes with the address of a database"):
        SqlQuery("table.csv", "SELECT 1")

"""CSV files in every dialect, encoding and state of damage."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard

from modelwright.core import DataError, Kind, Role
from modelwright.data import conform, read_raw, read_table
from modelwright.data.csv_dialect import record_shape, sniff_dialect

PLAIN = "name,size,note\nann,1.5,first\nbob,2.5,second\ncid,,third\n"
EXPECTED = {
    "name": ["ann", "bob", "cid"],
    "size": [1.5, 2.5, None],
    "note": ["first", "second", "third"],
}


def write(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


VARIANTS = {
    "plain": PLAIN.encode(),
    "no newline at the end": PLAIN.rstrip("\n").encode(),
    "crlf": PLAIN.replace("\n", "\r\n").encode(),
    "bare carriage returns": PLAIN.replace("\n", "\r").encode(),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "mark and bare returns": b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r").encode(),
    "utf-16": PLAIN.encode("utf-16"),
    "utf-16 big endian": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "utf-16 without mark": PLAIN.encode("utf-16-le"),
    "utf-32": PLAIN.encode("utf-32"),
    "gzip": gzip.compress(PLAIN.encode()),
    "zstandard": zstandard.compress(PLAIN.encode()),
    "semicolon": PLAIN.replace(",", ";").encode(),
    "semicolon and decimal comma": PLAIN.replace(",", ";").replace(".", ",").encode(),
    "tab": PLAIN.replace(",", "\t").encode(),
    "pipe": PLAIN.replace(",", "|").encode(),
    "blank lines": ("\n\n" + PLAIN.replace("bob", "\nbob") + "\n\n").encode(),
    "quoted": b'"name","size","note"\n"ann","1.5","first"\n"bob","2.5","second"\n"cid","","third"\n',
    "spaces after delimiters": PLAIN.replace(",", ", ").encode(),
    "spaces before quotes": b'name, size, note\nann, 1.5, "first"\nbob, 2.5, "second"\ncid, , "third"\n',
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_reads_the_same(tmp_path: Path, variant: str) -> None:
    table = read_table(write(tmp_path, VARIANTS[variant]))
    assert table.frame.to_dict(as_series=False) == EXPECTED
    assert table.source.kind == "csv"
    assert len(table.source.sha256) == 64


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
def test_letters_survive(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "city,n\nMünchen,1\nSão Paulo,2\nMünchen,3\n".encode(encoding))
    assert read_table(path).frame["city"].to_list() == ["München", "São Paulo", "München"]


def test_quoted_newlines_quotes_and_delimiters(tmp_path: Path) -> None:
    content = 'a,b\n"line one\nline two",1\n"he said ""no"", twice",2\n'
    assert read_table(write(tmp_path, content)).frame["a"].to_list() == [
        "line one\nline two",
        'he said "no", twice',
    ]


@pytest.mark.parametrize("content", ['a,b\n5" pipe,2\n6" x,3\n', 'a,b\n5" pipe,2\n"7,5",3\n'])
def test_stray_quotes_are_text(tmp_path: Path, content: str) -> None:
    assert read_table(write(tmp_path, content)).frame["a"][0] == '5" pipe'


def test_field_longer_than_the_csv_module_allows(tmp_path: Path) -> None:
    content = 'a,b\n"' + "word " * 40_000 + '",5" x\nshort,2\n'
    assert read_table(write(tmp_path, content)).frame["a"].str.len_chars().to_list() == [199_999, 5]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("1.5,2\n3,4\n5,6.5\n", ["c0", "c1"]),
        ("0,1,2\n3.5,4,1\n7,8,1\n", ["0", "1", "2"]),
        ("2019,2020,2021\n3,4,1\n7,8,1\n", ["2019", "2020", "2021"]),
        ("x,1\n3,4\n", ["x", "1"]),
        ("1,2\na,b\n", ["1", "2"]),
        ("a,,b,\n1,2,3,4\n", ["a", "column_1", "b", "column_3"]),
        (" a , b\n1,2\n", ["a", "b"]),
    ],
)
def test_header(tmp_path: Path, content: str, names: list[str]) -> None:
    assert read_table(write(tmp_path, content)).frame.columns == names


BROKEN = {
    "empty": (b"", "is empty"),
    "only newlines": (b"\n\n\n", "is empty"),
    "header only": (b"a,b\n", "no rows"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
    "zip": (b"PK\x03\x04" + bytes(50), "a zip archive"),
    "excel": (b"PK\x03\x04" + b"[Content_Types].xml" + bytes(9), "an Excel workbook"),
    "pdf": (b"%PDF-1.7\n", "a PDF document"),
    "random bytes": (
        bytes(np.random.default_rng(3).integers(1, 256, 5000, dtype=np.uint8)),
        "not text|binary",
    ),
    "zero byte": (b"a,b\n1,2\n1\x00,3\n", r"byte 9 \(line 3\)"),
    "invalid utf-16": (b"\xff\xfe" + b"a\x00,\x00\x00\xd8", "UTF-16"),
    "duplicate names": (b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
    "short row": (b"a,b,c\n1,2,3\n1,2\n4,5,6\n", "Line 3 .* has 2 fields, but the header has 3"),
    "long row": (b"a,b,c\n1,2,3\n1,2,3\n1,2,3,4\n", "Line 4 .* has 4 fields, but the header has 3"),
    "short row after a quoted newline": (b'a,b\n"x\ny",3\n1\n', "Line 4 .* has 1 fields"),
    "short row after blank lines": (b"\n\na,b\n1,2\n1\n", "Line 5 .* has 1 fields"),
    "unclosed quote": (b'a,b\n1,x\n1,"x\n2,y\n', "begins on line 3 .* never closed"),
    "truncated gzip": (gzip.compress(b"a,b\n" + os.urandom(2000).hex().encode())[:-20], "cut short"),
    "damaged gzip": (gzip.compress(b"a,b\n1,2\n" * 90)[:20] + bytes(30), "cut short or damaged"),
    "truncated zstandard": (zstandard.compress(b"a,b\n1,2\n" * 90)[:-4], "cut short or damaged"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file(tmp_path: Path, case: str) -> None:
    content, message = BROKEN[case]
    with pytest.raises(DataError, match=message) as caught:
        read_table(write(tmp_path, content))
    assert caught.value.exit_code == 2


def test_short_row_late_in_a_long_file_is_found(tmp_path: Path) -> None:
    lines = ["a,b,c", *("1,2,3" for _ in range(20_000))]
    lines[15_000] = "1,2"
    with pytest.raises(DataError, match="Line 15001 "):
        read_table(write(tmp_path, "\n".join(lines)))


def test_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, PLAIN, "train.csv")
    with pytest.raises(DataError, match=r"Did you mean 'train\.csv'"):
        read_table(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="There is no folder"):
        read_table(tmp_path / "nowhere" / "train.csv")
    (tmp_path / "inner").mkdir()
    with pytest.raises(DataError, match=r"holds folders \(inner\)"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="Download it first"):
        read_table("https://example.org/train.csv")


def test_a_pipe_is_not_called_an_empty_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="is a pipe or a device"):
        read_raw(tmp_path / "pipe.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    path.chmod(0)
    with pytest.raises(DataError, match="permissions"):
        read_table(path)


def test_home_directory_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, PLAIN)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_table("~/table.csv").rows == 3


def test_details_say_how_it_was_written(tmp_path: Path) -> None:
    details = read_table(write(tmp_path, gzip.compress(PLAIN.replace(",", ";").encode()))).source.details
    assert details["compression"] == "gzip"
    assert details["delimiter"] == ";"
    assert details["encoding"] == "utf-8"


def test_single_column_keeps_its_missing_rows(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a\n1\n\n3\n")).frame["a"].to_list() == [1.0, None, 3.0]


def test_text_with_commas_does_not_hide_the_semicolon(tmp_path: Path) -> None:
    content = "id;text\n1;a, b, c\n2;d, e\n3;f\n"
    assert sniff_dialect(content.encode()).delimiter == ";"


def test_parquet_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "table.dat"
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(path)
    table = read_table(path)
    assert table.source.kind == "parquet"
    assert table.frame.rows() == [(1.0, "x"), (2.0, "y")]
    broken = write(tmp_path, path.read_bytes()[:40], "broken.parquet")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(broken)


def test_wide_table(tmp_path: Path) -> None:
    values = np.round(np.random.default_rng(0).normal(size=(20, 3000)), 3)
    path = tmp_path / "wide.csv"
    pl.DataFrame({f"x{index}": values[:, index] for index in range(3000)}).write_csv(path)
    table = read_table(path)
    assert {column.kind for column in table.schema} == {Kind.NUMERIC}
    assert np.array_equal(table.frame.to_numpy(), values)


def test_record_shape_agrees_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'a,b\n"x\n""y,",2\n\n3,"4"\n5,6\r\n\r\n7,8,9'
    whole = record_shape(data, ",", True)
    monkeypatch.setattr("modelwright.data.csv_dialect._CHUNK", 3)
    parts = record_shape(data, ",", True)
    assert whole.widths.tolist() == parts.widths.tolist() == [2, 2, 1, 2, 2, 1, 3]
    assert whole.blank.tolist() == [False, False, True, False, False, True, False]
    assert parts.blank.tolist() == whole.blank.tolist()


def test_wanted_columns_only(tmp_path: Path) -> None:
    assert read_raw(write(tmp_path, PLAIN), ["note"]).frame.columns == ["note"]


def test_header_only_predicts_nothing(tmp_path: Path) -> None:
    schema = read_table(write(tmp_path, PLAIN)).schema
    conformed = conform(write(tmp_path, "name,size,note\n", "none.csv"), schema)
    assert conformed.rows == 0
    assert [conformed.frame.schema[name] for name in ("name", "size")] == [pl.String, pl.Float64]
    assert all(column.role is Role.FEATURE for column in schema)

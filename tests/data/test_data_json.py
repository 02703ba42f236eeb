"""JSON lines and arrays of records, Arrow files and streams."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.feather as feather
import pytest
import zstandard
from strange_names import strange_frame

from modelwright.core import DataError
from modelwright.data import conform, read_raw, read_table

RECORDS = [
    {"n": 1, "x": 1.5, "flag": True, "text": "שלום 😀", "mixed": 1},
    {"n": 2, "x": None, "flag": None, "text": 'a "b", c\n', "mixed": "two"},
    {"n": None, "x": -3e2, "flag": False, "extra": "0012"},
]
ROWS = [
    (1, 1.5, True, "שלום 😀", "1", None),
    (2, None, None, 'a "b", c\n', "two", None),
    (None, -300.0, False, None, None, "0012"),
]


def lines(records: list[Any]) -> bytes:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()


def written(folder: Path, content: bytes | str, name: str = "table.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "layout"),
    [
        ("a.jsonl", lines(RECORDS), "lines"),
        ("a.ndjson", lines(RECORDS) + b"\n\n  \n", "lines"),
        ("a.json", lines(RECORDS).replace(b"\n", b"\r\n"), "lines"),
        ("a.json", json.dumps(RECORDS).encode(), "array"),
        ("a.json", b"\n " + json.dumps(RECORDS, indent=2).encode() + b"\n", "array"),
        ("a.jsonl.gz", gzip.compress(lines(RECORDS)), "lines"),
        ("a.jsonl.zst", zstandard.compress(lines(RECORDS)), "lines"),
        ("a.jsonl", b"\xef\xbb\xbf" + lines(RECORDS), "lines"),
        ("a.json", json.dumps(RECORDS, ensure_ascii=False).encode("utf-16"), "array"),
    ],
)
def test_layouts_give_the_same_table(tmp_path: Path, name: str, content: bytes, layout: str) -> None:
    table = read_raw(written(tmp_path, content, name))
    assert table.frame.rows() == ROWS
    assert table.frame.columns == ["n", "x", "flag", "text", "mixed", "extra"]
    assert (table.info.kind, table.info.details["layout"]) == ("json", layout)


def test_types_that_polars_will_not_mix(tmp_path: Path) -> None:
    mixed = [{"a": True}, {"a": 1}, {"a": "x"}]
    assert read_raw(written(tmp_path, lines(mixed[:2]))).frame.rows() == [("True",), ("1",)]
    # Python and JavaScript write what the standard does not know.
    values = read_raw(written(tmp_path, '{"a": NaN, "b": 1}\n{"a": 2.5, "b": Infinity}')).frame.rows()
    assert values == [(None, 1.0), (2.5, math.inf)]
    wide = read_raw(written(tmp_path, '{"a": 9007199254740993}\n{"a": -1}')).frame.rows()
    assert wide == [(9007199254740993,), (-1,)]


def test_lists_of_plain_values_are_cells(tmp_path: Path) -> None:
    path = written(tmp_path, lines([{"tags": ["a", "b"], "n": 1}, {"tags": [], "n": 2}]))
    in_memory = read_raw(pl.DataFrame({"tags": [["a", "b"], []], "n": [1, 2]}))
    assert read_raw(path).frame.rows() == in_memory.frame.rows()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n\n{"a": 2\n', "Line 3 of .* is not a JSON object: Expecting ',' delimiter at column 8"),
        ('{"a": 1}\nhello\n', "Line 2 of .* is not a JSON object: Expecting value at column 1"),
        ("{'a': 1}\n", "Line 1 of .*Expecting property name enclosed in double quotes"),
        ('{"a": 1}{"a": 2}\n{"a": 3}', "Line 1 of .*Extra data at column 9"),
        ('{"a": 1}\n[1, 2]\n', "Line 2 of .* is a list, but expected an object"),
        ('{"a": 1}\n7\n', "Line 2 of .* is a number, but expected an object"),
        ('{"a": 1}\nnull\n', "Line 2 of .* is null, but"),
        ('{"a": {"b": [1]}}\n', "Line 1 of .* holds an object at 'a', but a cell"),
        ('{"a": "x"}\n{"a": {"b": 1}}\n', "Line 2 of .* holds an object at 'a', but a cell"),
        ('{"a": [1, [2]]}\n', r"Line 1 of .* holds a list at 'a\[1\]'"),
        ('{"a": [{"b": 1}]}\n', r"Line 1 of .* holds an object at 'a\[0\]'"),
        ('[{"a": 1}, {"a": {"b": 1}}]', "Record 2 of .* holds an object at 'a'"),
        ('[{"a": 1}, 2]', "Record 2 of .* is a number"),
        ('[{"a": 1},\n {"a": 2}', "Line 2 of .* is not JSON: Expecting ',' delimiter at column 10"),
        ("[]", "holds no values"),
        ("{}\n{}", "holds no values"),
        (" \n ", "is empty"),
        ('{"a": "\\ud83d", "b": NaN}', "half a character"),
        ("[" * 100_000, "nested too deeply"),
        (b"PK\x03\x04zip", "Expected a JSON file, but .* is a zip archive"),
        (b'{"a": "x\x00y"}', "zero .NUL. byte"),
        (gzip.compress(b'{"a": 1}\n' * 99)[:-9], "cut short or damaged"),
    ],
)
def test_refused_json(tmp_path: Path, content: bytes | str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_raw(written(tmp_path, content))
    assert "table.jsonl" in str(caught.value)


def test_json_of_one_object_with_inner_records_says_where(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"data": [{"a": 1}]}, indent=1), "a.json")
    with pytest.raises(DataError, match="Line 1 of"):
        read_raw(path)


def test_strange_names_and_long_cells_in_json(tmp_path: Path) -> None:
    frame = strange_frame()
    for name, content in (("a.jsonl", lines(frame.to_dicts())), ("a.json", json.dumps(frame.to_dicts()))):
        table = read_raw(written(tmp_path, content, name)).frame
        assert table.columns == frame.columns
        assert table.rows() == frame.rows()


def test_prediction_reads_json_like_training(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS * 4))
    table = read_table(path)
    conformed = conform(path, table.schema)
    for column in table.schema.features:
        assert conformed.frame[column.name].equals(table.frame[column.name])
    assert read_raw(path, ["x"]).frame.columns == ["x"]
    assert read_raw(path, ["none"]).info.rows == 12


# Arrow -------------------------------------------------------------------------------------------


def arrow_files(folder: Path, frame: pl.DataFrame) -> list[Path]:
    frame.write_ipc(folder / "a.arrow")
    frame.write_ipc(folder / "b.ipc", compression="zstd")
    frame.write_ipc_stream(folder / "c.arrows")
    feather.write_feather(frame.to_arrow(), folder / "d.feather", compression="lz4")
    frame.write_ipc_stream(folder / "e.bin")
    frame.write_ipc(folder / "f.bin")
    return sorted(folder.iterdir())


def test_arrow_files_and_streams(tmp_path: Path, customers_frame: pl.DataFrame) -> None:
    expected = read_raw(customers_frame).frame
    schema = read_table(customers_frame).schema
    for path in arrow_files(tmp_path, customers_frame):
        table = read_raw(path)
        assert table.frame.equals(expected)
        assert (table.info.kind, table.info.rows) == ("arrow", 300)
        assert read_raw(path, ["spend"]).frame.columns == ["spend"]
        assert read_raw(path, []).info.rows == 300
        assert conform(path, schema).frame.equals(conform(customers_frame, schema).frame)


def test_strange_names_and_long_cells_in_arrow_and_parquet(tmp_path: Path) -> None:
    frame = strange_frame()
    frame.write_parquet(tmp_path / "a.parquet")
    for path in (*arrow_files(tmp_path, frame), tmp_path / "a.parquet"):
        assert read_raw(path).frame.rows() == frame.rows()
        assert read_raw(path, ["^x.*$", "😀 age"]).frame.columns == ["😀 age", "^x.*$"]


def test_damaged_arrow_and_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2, None] * 50, "b": ["x", "y", None] * 50})
    frame.write_parquet(tmp_path / "z.parquet")
    for path in arrow_files(tmp_path, frame):
        name = "Parquet" if path.suffix == ".parquet" else "Arrow"
        content = path.read_bytes()
        for size in (4, 9, len(content) // 2, len(content) - 30):
            path.write_bytes(content[:size])
            if name == "Arrow" and b"ARROW1" not in content[:6]:
                # A stream says nowhere how long it is: cut between two messages, it is only shorter.
                continue
            if path.suffix == ".bin" and size < 6:
                continue  # not even its mark is left
            with pytest.raises(DataError, match=rf"{path.name}' cannot be read as {name}"):
                read_raw(path)
    (tmp_path / "text.arrow").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as Arrow"):
        read_raw(tmp_path / "text.arrow")
    (tmp_path / "empty.arrow").write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read_raw(tmp_path / "empty.arrow")


def test_old_feather_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.feather").write_bytes(b"FEA1" + b"\0" * 60)
    with pytest.raises(DataError, match="Feather file of the first version"):
        read_raw(tmp_path / "old.feather")

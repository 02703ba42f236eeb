"""Workbooks: Excel and OpenDocument."""

from __future__ import annotations

import datetime
import importlib.util
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from strange_names import strange_frame

from modelwright.core import DataError, MissingExtra
from modelwright.data import SOURCES, conform, read_raw, read_table
from modelwright.data.parts import Sheet
from modelwright.testing import check_source

needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("fastexcel") is None, reason="the extra 'excel' is not installed"
)

ROWS = [
    ["n", "x", "text", "flag", "day", "mixed", "broken", "nothing"],
    [1, 0.5, "00123", True, datetime.date(2020, 1, 2), 1, 7, None],
    [2, None, None, None, None, "two", "#DIV/0!", None],
    [None, None, None, None, None, None, None, None],
    [3, 2.0, "שלום 😀", False, datetime.date(2020, 2, 3), True, 9, None],
]


def cell(value: Any) -> str:
    """One cell of a worksheet; style 1 is that of dates."""
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime.date):
        return f'<c s="1"><v>{(value - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c t="e"><v>{value}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """A workbook of the least that a reader needs."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    names, links, types = "", "", ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, rows) in enumerate(sheets.items(), 1):
            body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
            )
            names += f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"/>'
            links += (
                f'<Relationship Id="r{number}" Type="{office}/worksheet" '
                f'Target="worksheets/sheet{number}.xml"/>'
            )
            types += (
                f'<Override PartName="/xl/worksheets/sheet{number}.xml" '
                'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>',
        )
        links += f'<Relationship Id="r0" Type="{office}/styles" Target="styles.xml"/>'
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        )
        archive.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
            'PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'spreadsheetml.sheet.main+xml"/>{types}</Types>',
        )
    return path


def write_opendocument(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """The same as an OpenDocument spreadsheet, numbers and text only."""

    def shown(value: Any) -> str:
        if isinstance(value, str):
            text = f"<text:p>{escape(value)}</text:p>"
            return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    body = "".join(f"<table:table-row>{''.join(map(shown, row))}</table:table-row>" for row in rows)
    space = "urn:oasis:names:tc:opendocument:xmlns"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" '
            f'xmlns:text="{space}:text:1.0"><office:body><office:spreadsheet><table:table table:name="One">'
            f"{body}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


@needs_engine
def test_cells_keep_their_types(tmp_path: Path) -> None:
    table = read_raw(write_workbook(tmp_path / "book.xlsx", {"Data": ROWS}))
    assert table.frame.to_dict(as_series=False) == {
        "n": [1, 2, 3],
        "x": [0.5, None, 2.0],
        "text": ["00123", None, "שלום 😀"],
        "flag": [True, None, False],
        "day": [datetime.datetime(2020, 1, 2), None, datetime.datetime(2020, 2, 3)],
        "mixed": ["1", "two", "true"],
        "broken": [7, None, 9],
        "nothing": [None, None, None],
    }
    assert (table.info.kind, table.info.rows, table.info.columns) == ("excel", 3, 8)
    assert table.info.details == {"sheet": "Data", "sheets": ["Data"]}
    kinds = {column.name: str(column.kind) for column in read_table(tmp_path / "book.xlsx").schema}
    assert kinds["day"] == "datetime"
    assert kinds["flag"] == "boolean"


@needs_engine
def test_sheets_are_chosen_by_name(tmp_path: Path) -> None:
    sheets = {"First": [["a"], [1], [2]], "Q1 #2": [["b"], ["x"], ["y"]], "Empty": []}
    path = write_workbook(tmp_path / "book.xlsx", sheets)
    assert read_raw(path).frame.columns == ["a"]
    second = read_raw(f"{path}#Q1 #2")
    assert second.frame.rows() == [("x",), ("y",)]
    assert second.info.location == f"{path}#Q1 #2"
    assert second.info.sha256 != read_raw(path).info.sha256 == read_raw(f"{path}#First").info.sha256
    with pytest.raises(
        DataError, match=r"has no sheet 'Frist'\. Did you mean 'First'\? It has: 'First', 'Q1"
    ):
        read_raw(f"{path}#Frist")
    with pytest.raises(DataError, match=r"sheet 'Empty' of .* is empty"):
        read_raw(f"{path}#Empty")
    with pytest.raises(DataError, match="There is no file"):
        read_raw(tmp_path / "other.xlsx#First")


@needs_engine
def test_several_workbooks_are_one_table(tmp_path: Path) -> None:
    write_workbook(tmp_path / "1.xlsx", {"S": [["a", "b"], [1, "x"]]})
    write_workbook(tmp_path / "2.xlsx", {"S": [["a", "b"], [2.5, "y"]]})
    assert read_raw(tmp_path).frame.rows() == [(1.0, "x"), (2.5, "y")]


@needs_engine
def test_workbook_is_told_by_its_content(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "export.csv", {"S": [["a"], [1]]})
    assert read_raw(path).info.kind == "excel"


@needs_engine
def test_opendocument(tmp_path: Path) -> None:
    path = write_opendocument(tmp_path / "book.ods", [["a", "b"], [1, "x"], [2, "y"]])
    assert read_raw(path).frame.rows() == [(1, "x"), (2, "y")]
    assert read_raw(f"{path}#One").frame.columns == ["a", "b"]


@needs_engine
def test_strange_names_and_long_cells_in_workbooks(tmp_path: Path) -> None:
    frame = strange_frame()
    path = write_workbook(tmp_path / "book.xlsx", {"S": [frame.columns, *map(list, frame.rows())]})
    table = read_raw(path).frame
    # The space is no name, so the column is called by its position.
    assert table.columns == [(name.strip() or "column_7") for name in frame.columns]
    assert table.rows() == frame.rows()


@needs_engine
def test_header_is_checked(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "twice.xlsx", {"S": [["a", "b", "a"], [1, 2, 3]]})
    with pytest.raises(DataError, match="more than one column named 'a'"):
        read_raw(path)
    path = write_workbook(tmp_path / "years.xlsx", {"S": [["name", 2019, None, None], ["x", 1, 5, None]]})
    assert read_raw(path).frame.columns == ["name", "2019", "column_2"]
    path = write_workbook(tmp_path / "header.xlsx", {"S": [["a", "b"]]})
    assert read_raw(path).frame.columns == ["a", "b"]
    with pytest.raises(DataError, match="but no rows"):
        read_table(path)


@needs_engine
def test_a_late_change_of_type_is_seen(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["a", "b"], *([index, 1] for index in range(1500)), ["late", 1]]
    column = read_raw(write_workbook(tmp_path / "book.xlsx", {"S": rows})).frame["a"]
    assert column.to_list()[-1] == "late"
    assert column.null_count() == 0


@needs_engine
def test_workbooks_keep_the_contract_of_sources(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"One": ROWS, "Two": ROWS})
    source = SOURCES.load("excel")()
    check_source(source, path)
    check_source(source, Sheet(path, "Two"))
    check_source(source, write_opendocument(tmp_path / "book.ods", [["a", "b"], [1, "x"], [2, "y"]]))


@needs_engine
def test_prediction_reads_workbooks_like_training(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"S": [ROWS[0], *ROWS[1:] * 4]})
    table = read_table(path)
    conformed = conform(path, table.schema)
    for column in table.schema.features:
        assert conformed.frame[column.name].equals(table.frame[column.name])
    assert read_raw(path, ["none"]).info.rows == 12


@needs_engine
@pytest.mark.parametrize("name", ["book.xlsx", "book.xls", "book.ods", "book.xlsb"])
def test_damaged_workbooks(tmp_path: Path, name: str) -> None:
    whole = write_workbook(tmp_path / "whole.xlsx", {"S": ROWS}).read_bytes()
    for content in (
        b"hello",
        b"PK\x03\x04" + b"junk" * 20,
        whole[: len(whole) // 2],
        b"\xd0\xcf\x11\xe0" * 99,
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}' cannot be read as a workbook"):
            read_raw(path)


def test_missing_engine_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    path = write_workbook(tmp_path / "book.xlsx", {"S": ROWS})
    with pytest.raises(MissingExtra, match=r"pip install 'modelwright\[excel\]'") as caught:
        read_raw(path)
    assert "\n" not in str(caught.value)

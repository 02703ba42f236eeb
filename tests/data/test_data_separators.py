"""``1,250`` is a thousand or one and a quarter: decided by values, not by the delimiter."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core import Kind
from modelwright.data import Table, conform, read_table


def table_of(folder: Path, columns: dict[str, list[str]], delimiter: str) -> Table:
    lines = [delimiter.join(columns), *(delimiter.join(row) for row in zip(*columns.values(), strict=True))]
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_table(path)


WORDS = ["a", "b", "a", "b"]
CASES = {
    "whole hundreds": ({"x": ["950", "1,250", "7,670", "120"]}, [950, 1250, 7670, 120]),
    "money": ({"x": ["$7,670", "$1,250", "$2,000", "$3,100"]}, [7670, 1250, 2000, 3100]),
    "money in letters": ({"x": ["7,670 USD", "1,250 USD", "950 USD", "3,100 USD"]}, [7670, 1250, 950, 3100]),
    "several groups": ({"x": ["1,250", "7,670", "1,234,567", "3,100"]}, [1250, 7670, 1234567, 3100]),
    "a unit": ({"x": ["950 km", "1,250 km", "7,670 km", "80 km"]}, [950, 1250, 7670, 80]),
    "decimal points elsewhere": (
        {"x": ["1,250", "7,670", "2,000", "3,100"], "y": ["1.5", "2.25", "7", "8"]},
        [1250, 7670, 2000, 3100],
    ),
    "decimal points in the column": ({"x": ["1,250", "7,670.5", "2,000", "3"]}, [1250, 7670.5, 2000, 3]),
    "German thousands": (
        {"x": ["7.670", "1.250", "2.000", "3.100"], "y": ["1,5", "2,25", "7", "8"]},
        [7670, 1250, 2000, 3100],
    ),
    "German groups": ({"x": ["7.670", "1.250", "1.234.567", "3.100"]}, [7670, 1250, 1234567, 3100]),
    "German hundreds": ({"x": ["7.670", "950", "120", "3.100"]}, [7670, 950, 120, 3100]),
    "German money": (
        {"x": ["7.670 €", "1.250 €", "2.000 €", "3.100 €"], "y": ["1,5"] * 4},
        [7670, 1250, 2000, 3100],
    ),
    "decimal commas": ({"x": ["1,250", "7,67", "2,5", "3,100"]}, [1.25, 7.67, 2.5, 3.1]),
    "decimal commas elsewhere": (
        {"x": ["1,250", "7,670", "2,000", "3,100"], "y": ["1,5", "2,25", "7", "8"]},
        [1.25, 7.67, 2, 3.1],
    ),
    "decimal points": ({"x": ["1.250", "7.67", "950", "3.100"]}, [1.25, 7.67, 950, 3.1]),
    "decimal points below one": ({"x": ["0.250", "0.670", "1.250", "950"]}, [0.25, 0.67, 1.25, 950]),
}


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("case", CASES)
def test_marks_are_read_by_evidence(tmp_path: Path, case: str, delimiter: str) -> None:
    columns, expected = CASES[case]
    columns = {**columns, "w": WORDS}
    table = table_of(tmp_path, columns, delimiter)
    assert table.schema["x"].kind is Kind.NUMERIC
    assert table.frame["x"].to_list() == pytest.approx(expected)
    told = any(finding.check == "ambiguous_number" for finding in table.findings)
    assert told is (case == "German hundreds")
    again = conform(tmp_path / "table.csv", table.schema)
    assert again.frame["x"].to_list() == pytest.approx(expected)


def test_the_reason_names_the_separator(tmp_path: Path) -> None:
    for values in (
        ["950", "1,250", "7,670"],
        ["950 km", "1,250 km", "7,670 km"],
        ["$950", "$1,250", "$7,670"],
    ):
        table = table_of(tmp_path, {"x": values, "w": ["a", "b", "a"]}, ";")
        assert "thousands ','" in table.schema["x"].reason


@pytest.mark.parametrize(
    ("values", "delimiter", "first", "read"),
    [
        (["1,250", "7,670", "2,000"], ";", 1.25, "decimal mark"),
        (["1.250", "7.670", "2.000"], ";", 1.25, "decimal mark"),
        (["950", "1.250", "7.670"], ";", 950, "separator of thousands"),
    ],
)
def test_what_is_open_is_told(
    tmp_path: Path, values: list[str], delimiter: str, first: float, read: str
) -> None:
    table = table_of(tmp_path, {"x": values, "w": ["a", "b", "a"]}, delimiter)
    assert table.frame["x"][0] == first
    (finding,) = [finding for finding in table.findings if finding.check == "ambiguous_number"]
    assert read in finding.message
    assert "decimal point" in finding.action
    assert finding.column == "x"


def test_quoted_thousands_of_a_comma_file_are_thousands(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('x,w\n"1,250",a\n"7,670",b\n950,a\n')
    assert read_table(path).frame["x"].to_list() == [1250, 7670, 950]

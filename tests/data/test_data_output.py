"""Profiles, and files written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelwright.core import OptionError, TargetError
from modelwright.data import profile_table, read_table, write_frame

FRAME = pl.DataFrame({"prediction": ["a", None, 'say "b"'], "p_a": [0.1, 0.25, 1e-9]})


def test_profile_of_a_messy_table() -> None:
    random = np.random.default_rng(0)
    rows = 400
    data = {
        "row": list(range(rows)),
        "const": ["k"] * rows,
        "sparse": [None if index % 10 else float(index) for index in range(rows)],
        "spread": [1e9 if index == 7 else float(index % 20) for index in range(rows)],
        "level": [f"v{index % 150}" for index in range(rows)],
        "total_paid": random.normal(size=rows).tolist(),
        "y": random.choice(["no", "yes"], rows).tolist(),
    }
    profile = profile_table(read_table(data), target="y")
    found = {(finding.check, finding.column) for finding in profile.findings}
    assert found == {
        ("id", "row"),
        ("constant", "const"),
        ("mostly_missing", "sparse"),
        ("skew", "spread"),
        ("high_cardinality", "level"),
        ("suspicious_name", "total_paid"),
    }
    assert [finding.severity for finding in profile.findings][:2] == ["excluded", "excluded"]
    assert profile.target is not None
    assert profile.target["task"] == "binary"
    assert sum(count for _, count in profile.target["classes"]) == rows
    assert [detail["name"] for detail in profile.details] == list(data)
    assert json.loads(json.dumps(profile.to_dict(), allow_nan=False))["rows"] == rows


def test_profile_counts_copies_of_rows() -> None:
    profile = profile_table(read_table({"a": [1, 1, 2, 1], "b": ["x", "x", "y", None]}))
    assert profile.duplicate_rows == 1


def test_profile_of_values() -> None:
    profile = profile_table(read_table({"a": [1, 2, 1, 2, 1], "y": [0.5, 1.5, 2.5, 3.5, 4.5]}), target="y")
    assert profile.target is not None
    assert profile.target["task"] == "regression"
    assert profile.target["quantiles"] == pytest.approx([0.5, 0.7, 1.5, 2.5, 3.5, 4.3, 4.5])
    with pytest.raises(TargetError, match="no target column"):
        profile_table(read_table({"a": [1, 2]}), target="b")


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.parquet", "OUT.CSV"])
def test_written_file_reads_the_same(tmp_path: Path, name: str) -> None:
    path = write_frame(FRAME, tmp_path / name)
    assert read_table(path).frame.equals(FRAME)
    assert os.listdir(tmp_path) == [name]


def test_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    write_frame(FRAME.head(1), path)
    assert path.read_text() == "prediction,p_a\na,0.1\n"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.xlsx", r"must end in one of \.csv"),
        ("out", "must end in"),
        ("nowhere/out.csv", "no folder"),
        ("folder.csv", "is a folder"),
    ],
)
def test_refused_output(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OptionError, match=message):
        write_frame(FRAME, tmp_path / name)
    assert os.listdir(tmp_path) == ["folder.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OptionError, match="cannot be written"):
        write_frame(FRAME, tmp_path / "out.csv")


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    nested = pl.DataFrame({"a": [[1, 2]]})
    with pytest.raises(Exception, match="Nothing was left behind"):
        write_frame(nested, tmp_path / "out.csv")
    assert os.listdir(tmp_path) == []

"""The suite of sources notices sources that break the contract."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from modelwright.core import DataError
from modelwright.data import Caller, RawTable, Source, SourceInfo
from modelwright.testing import ContractViolation, check_source, run_source_check


class JsonLines(Source):
    """Files with a JSON object a line: sound, for others to break."""

    def accepts(self, source):
        return isinstance(source, Path) and source.suffix == ".jsonl"

    def records(self, path):
        try:
            records = [json.loads(line) for line in path.read_bytes().decode("utf-8").splitlines()]
        except ValueError as error:
            raise DataError(f"{str(path)!r} is not JSON lines ({error}). Write it again.") from error
        if not records or not all(isinstance(record, dict) for record in records):
            raise DataError(f"{str(path)!r} holds no objects. Write one a line.")
        return records

    def read(self, source, wanted=None):
        frame = pl.DataFrame(self.records(source))
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        info = SourceInfo("jsonl", str(source), digest, frame.height, frame.width)
        kept = [name for name in frame.columns if wanted is None or name in wanted]
        return RawTable(frame.select(kept), info, Caller("polars"))


class Adapted(JsonLines):
    """What is read, with something done to it."""

    def read(self, source, wanted=None):
        return self.change(super().read(source, wanted), wanted)


class AcceptsNothing(JsonLines):
    def accepts(self, source):
        return False


class AcceptsEveryFile(JsonLines):
    def accepts(self, source):
        return isinstance(source, Path)


class AddsUnnamedColumn(Adapted):
    def change(self, table, wanted):
        return replace(table, frame=table.frame.with_columns(pl.lit(1).alias("")))


class ReadsLists(Adapted):
    def change(self, table, wanted):
        return replace(table, frame=table.frame.with_columns(pl.concat_list("a").alias("a")))


class Miscounts(Adapted):
    def change(self, table, wanted):
        return replace(table, info=replace(table.info, rows=table.info.rows + 1))


class ShortHash(Adapted):
    def change(self, table, wanted):
        return replace(table, info=replace(table.info, sha256=table.info.sha256[:8]))


class HashesTheMoment(Adapted):
    moments = itertools.count()

    def change(self, table, wanted):
        return replace(table, info=replace(table.info, sha256=f"{next(self.moments):064x}"))


class ShufflesRows(Adapted):
    def change(self, table, wanted):
        return replace(table, frame=table.frame.sample(fraction=1.0, shuffle=True))


class RecordsObjects(Adapted):
    def change(self, table, wanted):
        return replace(table, info=replace(table.info, details={"source": object()}))


class ForgetsRows(Adapted):
    def change(self, table, wanted):
        rows = table.frame.height if table.frame.width else 0
        return replace(table, info=replace(table.info, rows=rows))


class LeavesOutWanted(Adapted):
    def change(self, table, wanted):
        return table if wanted is None else replace(table, frame=table.frame.select(pl.nth(0)))


class Crashes(JsonLines):
    def records(self, path):
        return [json.loads(line) for line in path.read_bytes().decode("utf-8").splitlines()]


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text("".join(json.dumps({"a": n, "b": f"text {n}"}) + "\n" for n in range(40)), "utf-8")
    return path


def test_sound_source_passes(example):
    check_source(JsonLines(), example)


@pytest.mark.parametrize(
    ("source", "check", "words"),
    [
        (AcceptsNothing, "reads", "does not accept"),
        (AcceptsEveryFile, "claims_no_more", "which it cannot know"),
        (AddsUnnamedColumn, "reads", "without a name"),
        (ReadsLists, "reads", "nested columns"),
        (Miscounts, "describes_itself", "rows and columns, but"),
        (ShortHash, "describes_itself", "64 hexadecimal"),
        (RecordsObjects, "describes_itself", "written as JSON"),
        (HashesTheMoment, "is_deterministic", "different hashes"),
        (ShufflesRows, "is_deterministic", "different tables"),
        (ForgetsRows, "wanted_columns", "counts 0 rows"),
        (LeavesOutWanted, "wanted_columns", "leaves out"),
        (Crashes, "damaged_files", "instead of DataError"),
    ],
)
def test_broken_source_is_noticed(source, check, words, example):
    with pytest.raises(ContractViolation, match=words):
        run_source_check(check, source(), example)


def test_verdict_names_source_and_check(example):
    with pytest.raises(ContractViolation, match=r"source 'Miscounts' fails the check 'describes_itself'"):
        check_source(Miscounts(), example)

"""Several files of one kind with equal columns as one table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import polars as pl

from modelwright.core import DataError, hash_json
from modelwright.data.find_source import find_source
from modelwright.data.parts import Parts
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo
from modelwright.data.typed_column import levels_as_text

__all__ = ["PartsSource", "join_pieces"]

_WORDS: dict[type[pl.DataType], str] = {
    pl.Int64: "whole numbers",
    pl.Float64: "numbers",
    pl.Boolean: "booleans",
    pl.Datetime: "dates",
    pl.String: "text",
    pl.Categorical: "categories",
}


class PartsSource(Source):
    """Reads a folder, the files that fit a pattern, or a list of files, one below the other.

    Files of a folder or pattern come in the order of their names, those of a list as listed. Their columns
    must be equal, in any order. CSV files stay text until all are joined, so that they are typed as one.
    """

    def accepts(self, source: object) -> bool:
        """Whether `resolve_source` found several files."""
        return isinstance(source, Parts)

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read all files; see `Source.read`."""
        parts: Parts = source
        readers = [find_source(file) for file in parts.files]
        for file, reader in zip(parts.files, readers, strict=True):
            if type(reader) is not type(readers[0]):
                raise DataError(
                    f"The files of one table must be of one kind, but {str(file)!r} is read by "
                    f"{type(reader).__name__} and {str(parts.files[0])!r} by {type(readers[0]).__name__}. "
                    "Give a pattern that only fits the files of the table, for example '*.csv'."
                )
        tables = [reader.read(file, wanted) for file, reader in zip(parts.files, readers, strict=True)]
        if len(tables) == 1:
            return tables[0]
        infos = [table.info for table in tables]
        findings = tuple(finding for table in tables for finding in table.findings)
        comma = any(table.decimal_comma for table in tables)
        columns = [{series.name: series for series in table.frame.get_columns()} for table in tables]
        del tables  # or every column would be in memory twice
        places = [str(file) for file in parts.files]
        _check_columns(places, [list(held) for held in columns], wanted is not None)
        frame = pl.DataFrame(
            [join_pieces(name, [held.pop(name) for held in columns], places) for name in list(columns[0])]
        )
        info = SourceInfo(
            kind=infos[0].kind,
            location=parts.location,
            sha256=hash_json([info.sha256 for info in infos]),
            rows=sum(info.rows for info in infos),
            columns=frame.width,
            details={**infos[0].details, "files": places},
        )
        return RawTable(frame, info, Caller("polars"), findings, comma)


def _check_columns(places: Sequence[str], columns: Sequence[Sequence[str]], some: bool) -> None:
    """Raise DataError if a file lacks a column that the first has, or has another one."""
    first = set(columns[0])
    for place, names in zip(places[1:], columns[1:], strict=True):
        lacking = [name for name in columns[0] if name not in set(names)]
        more = [name for name in names if name not in first]
        if not lacking and not more:
            continue
        told = [f"lacks the column {_listed(lacking)}"] if lacking else []
        told += [f"has the additional column {_listed(more)}"] if more else []
        raise DataError(
            f"The files of one table need equal columns{' (as far as the model uses them)' if some else ''}, "
            f"but {place!r} {' and '.join(told)}, compared with {places[0]!r}. Correct the "
            "file or leave it out."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def join_pieces(name: str, pieces: Sequence[pl.Series], places: Sequence[str] = ()) -> pl.Series:
    """Pieces of a column of plain types as one: whole numbers and numbers join, and so do all with nothing.

    Parameters
    ----------
    name : str
        Of the column.
    pieces : sequence of polars.Series
        At least one.
    places : sequence of str
        The file of each piece; without any, pieces of several types become text.

    Raises
    ------
    DataError
        If pieces of files have types that do not join; the message names the file.

    Examples
    --------
    >>> join_pieces("x", [pl.Series([1, 2]), pl.Series([2.5]), pl.Series([None])]).to_list()
    [1.0, 2.0, 2.5, None]
    """
    common: pl.DataType = pl.Null()
    for number, piece in enumerate(pieces):
        joint = _common_type(common, piece.dtype)
        if joint is None and places:
            known = next(index for index, other in enumerate(pieces) if other.dtype != pl.Null)
            raise DataError(
                f"The files of one table need equal columns, but {name!r} holds {_word(piece.dtype)} in "
                f"{places[number]!r} and {_word(common)} in {places[known]!r}. Write both with one type."
            )
        common = pl.String() if joint is None else joint
    # Polars takes some names for patterns, even in methods of a series: the pieces bear none.
    plain = [piece.alias("") for piece in pieces]
    if common == pl.String:
        texts = [piece if piece.dtype in (pl.String, pl.Null) else levels_as_text(piece) for piece in plain]
        plain = [piece.alias("") for piece in texts]
    return pl.concat([piece.cast(common) for piece in plain], rechunk=True).alias(name)


def _common_type(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    if left == right or right == pl.Null:
        return left
    if left == pl.Null:
        return right
    both = {left.base_type(), right.base_type()}
    if both == {pl.Int64, pl.Float64}:
        return pl.Float64()
    return pl.String() if both == {pl.String, pl.Categorical} else None


def _word(dtype: pl.DataType) -> str:
    return _WORDS.get(dtype.base_type(), str(dtype))

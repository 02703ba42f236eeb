"""Text in columns of fixed width, as stock systems of the last century print it.

A line of dashes below the header shows where each column lies::

    item      shelf  sold
    --------- ----- -----
    bolt M6       4   120
    washer        2    88
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError
from modelwright.data import Caller, RawTable, Source, SourceInfo

__all__ = ["FixedWidthSource"]


class FixedWidthSource(Source):
    """Reads ``.fwf`` files. Every column comes as text: Modelwright types it by its own rules."""

    extensions = (".fwf",)

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Cut every line at the columns of the line of dashes."""
        path = Path(source)
        content = path.read_bytes()
        try:
            lines = content.decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{str(path)!r} is not plain text in UTF-8. Unpack it, or save it as such."
            ) from error
        if len(lines) < 2 or not re.fullmatch(r" *-[- ]*", lines[1]):
            raise DataError(
                f"The second line of {str(path)!r} should show the columns as dashes ('------ ----'), but "
                f"is {lines[1][:40] if len(lines) > 1 else ''!r}. Export the table with its header."
            )
        starts = [run.start() for run in re.finditer("-+", lines[1])]
        spans = list(zip(starts, [*starts[1:], None], strict=True))
        names = [
            lines[0][begin:end].strip() or f"column_{number}" for number, (begin, end) in enumerate(spans)
        ]
        if len(set(names)) < len(names):
            raise DataError(f"{str(path)!r} has two columns of one name: {names}. Give each its own.")
        rows = [line for line in lines[2:] if line.strip()]
        kept = [
            pl.Series(name, [row[begin:end].strip() or None for row in rows], pl.String)
            for name, (begin, end) in zip(names, spans, strict=True)
            if wanted is None or name in wanted
        ]
        digest = hashlib.sha256(content).hexdigest()
        info = SourceInfo("fixed_width", str(path), digest, len(rows), len(names))
        return RawTable(pl.DataFrame(kept), info, Caller("polars"))

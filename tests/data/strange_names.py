"""Names and cells that readers trip over: the same table for every source."""

from __future__ import annotations

import polars as pl

STRANGE = ["😀 age", "שם", "class", "two\nlines", "^x.*$", "*", "^two.*$", " ", "a" * 300, "select", "ß\t"]
"""Names that are keywords, patterns to polars, right-to-left text, or break the line."""


def strange_frame() -> pl.DataFrame:
    columns = [pl.Series(name, [index, index + 1, None]) for index, name in enumerate(STRANGE)]
    return pl.DataFrame([*columns, pl.Series("^text$", ["x" * 30_000, "שלום 😀", "line\nbreak"])])

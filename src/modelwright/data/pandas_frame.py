"""pandas frames as polars frames, column by column and without pyarrow.

The only module that knows pandas, and it never imports it: a caller who has a pandas frame has pandas.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import DataError
from modelwright.data.frame_values import level_text, refuse_duplicates, series_of_objects

__all__ = ["category_types", "from_array", "from_pandas", "is_pandas_frame", "plain_row"]

_INT64 = 2**63


def is_pandas_frame(source: object) -> bool:
    """Whether it is a pandas DataFrame (pandas is not imported to find out)."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def from_pandas(frame: Any, wanted: Collection[str] | None = None) -> pl.DataFrame:
    """A polars frame of plain columns; names become text, missing values of any sort become null.

    Raises
    ------
    DataError
        If two columns have the same name, or a column holds complex numbers.
    """
    names = [
        "_".join(map(str, label)) if isinstance(label, tuple) else str(label) or f"column_{position}"
        for position, label in enumerate(frame.columns)
    ]
    refuse_duplicates(names)
    known = None if wanted is None else set(wanted)
    # items() hands the columns out by position, several times quicker than iloc.
    columns = (series for _, series in frame.items())
    return pl.DataFrame(
        [
            _series(name, series)
            for name, series in zip(names, columns, strict=True)
            if known is None or name in known
        ]
    )


def plain_row(frame: Any, wanted: Collection[str]) -> dict[str, Any] | None:
    """The cells of a frame of one row as `from_pandas` would read them, without a series for each column.

    Parameters
    ----------
    frame : pandas.DataFrame
    wanted : collection of str
        Columns that matter; others become None.

    Returns
    -------
    dict of str to float, int, bool, str or None, or None
        None where a column has a dtype, a name or a value that takes more than a look.
    """
    names = frame.columns.tolist()
    if not all(type(name) is str and name for name in names) or len(set(names)) < len(names):
        return None
    row: dict[str, Any] = dict.fromkeys(names)
    dtypes, cells = frame.dtypes.tolist(), frame.to_numpy(dtype=object)[0].tolist()
    for name, dtype, cell in zip(names, dtypes, cells, strict=True):
        if name not in wanted:
            continue
        text = type(dtype).__name__ == "StringDtype"
        if not text and not (isinstance(dtype, np.dtype) and dtype.kind in "fiubO"):
            return None
        kind = type(cell)
        if cell is None or (kind is float and cell != cell):
            continue
        if kind not in (str, float, bool) and not (kind is int and -_INT64 <= cell < _INT64):
            return None
        row[name] = cell
    return row


def category_types(frame: Any) -> dict[str, str]:
    """Columns declared as categories whose levels are not text: ``"int"``, ``"float"`` or ``"bool"``."""
    words = {"i": "int", "u": "int", "f": "float", "b": "bool"}
    found = {}
    for label, dtype in frame.dtypes.items():
        if type(dtype).__name__ == "CategoricalDtype" and dtype.categories.dtype.kind in words:
            found[str(label)] = words[dtype.categories.dtype.kind]
    return found


def _series(name: str, series: Any) -> pl.Series:
    """One pandas Series as a plain polars Series."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _from_numpy(name, series, dtype)
    kind = type(dtype).__name__
    if kind == "CategoricalDtype":
        return _from_category(name, series)
    if kind == "DatetimeTZDtype":
        plain = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return pl.Series(name, plain.astype("datetime64[us]"))
    if kind == "StringDtype":
        return pl.Series(name, series.to_numpy(dtype=object, na_value=None).tolist(), pl.String)
    if kind == "PeriodDtype":
        return pl.Series(name, series.dt.to_timestamp().to_numpy().astype("datetime64[us]"))
    if kind == "SparseDtype":
        return _series(name, series.sparse.to_dense())
    letter = getattr(dtype, "kind", "O")
    if letter in "iufb":
        missing = series.isna().to_numpy()
        if letter == "f":
            plain = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            fill = False if letter == "b" else 0
            plain = series.to_numpy(dtype=bool if letter == "b" else np.int64, na_value=fill)
        column = pl.Series(name, plain)
        return column.set(pl.Series(missing), None) if missing.any() else column
    return series_of_objects(name, series.astype(object).tolist())


def _from_numpy(name: str, series: Any, dtype: np.dtype[Any]) -> pl.Series:
    if dtype.kind == "O":
        return series_of_objects(name, series.tolist())
    return from_array(name, series.to_numpy())


def from_array(name: str, values: np.ndarray[Any, np.dtype[Any]]) -> pl.Series:
    """One one-dimensional numpy array as a plain polars Series.

    Raises
    ------
    DataError
        If it holds complex numbers.
    """
    kind = values.dtype.kind
    if kind == "c":
        raise DataError(
            f"The column {name!r} holds complex numbers. Give real and imaginary parts as two columns."
        )
    if kind == "f":
        plain = np.ascontiguousarray(values, dtype=np.float64)
        return pl.Series(name, plain, nan_to_null=bool(np.isnan(plain).any()))
    if kind == "b":
        return pl.Series(name, np.ascontiguousarray(values))
    if kind == "u" and values.dtype.itemsize == 8 and values.size and values.max() >= 2**63:
        return pl.Series(name, values.astype(np.float64))
    if kind in "iu":
        return pl.Series(name, np.ascontiguousarray(values, dtype=np.int64))
    if kind == "M":
        return pl.Series(name, values.astype("datetime64[us]"))
    if kind == "m":
        missing = np.isnat(values)
        seconds = values / np.timedelta64(1, "s")
        return pl.Series(name, np.where(missing, np.nan, seconds), nan_to_null=True)
    return series_of_objects(name, values.tolist())


def _from_category(name: str, series: Any) -> pl.Series:
    """The levels as text: a category of integers has the levels '1', '2', ..."""
    codes = np.asarray(series.cat.codes, dtype=np.int64)
    levels = pl.Series(name, [level_text(level) for level in series.cat.categories], pl.String)
    if not len(levels):
        return pl.Series(name, [None] * len(codes), pl.Categorical)
    positions = pl.Series(np.where(codes < 0, 0, codes))
    column = levels.gather(positions)
    if (codes < 0).any():
        column = column.set(pl.Series(codes < 0), None)
    return column.cast(pl.Categorical)

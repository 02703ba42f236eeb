"""Class labels and their codes."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from modelwright.core import Column, Kind, Label
from modelwright.data.frame_values import level_text

__all__ = ["class_labels", "label_codes"]


def class_labels(values: pl.Series, column: Column) -> tuple[Label, ...]:
    """The distinct labels of a target column, sorted, as the caller knows them.

    Text keeps its spelling (also 'Yes' and 'No', which are held as booleans); whole numbers are integers,
    unless the file writes them as 1.0; booleans of a frame are booleans.

    Examples
    --------
    >>> column = Column("y", Kind.NUMERIC, parsing={"integer": True})
    >>> class_labels(pl.Series([1.0, 0.0, 1.0, None]), column)
    (0, 1)
    """
    parsing = column.parsing
    distinct = values.drop_nulls().unique().sort().to_list()
    if column.kind is Kind.BOOLEAN:
        spelled = {True: parsing.get("true", ()), False: parsing.get("false", ())}
        return tuple(spelled[value][0] if spelled[value] else value for value in distinct)
    if column.kind is Kind.NUMERIC:
        as_integers = parsing.get("integer") or "declared" in parsing
        if as_integers and all(float(value).is_integer() for value in distinct):
            return tuple(int(value) for value in distinct)
        return tuple(float(value) for value in distinct)
    levels = parsing.get("levels") if "declared" in parsing or "missing" in parsing else None
    if levels in ("int", "float"):
        numbers: list[Label] = sorted(
            int(value) if _is_integer(value) else float(value) for value in distinct
        )
        return tuple(numbers)
    if levels == "bool":
        return tuple(value == "True" for value in distinct)
    return tuple(str(value) for value in distinct)


def _is_integer(text: str) -> bool:
    return text.lstrip("+-").isdigit()


def label_codes(values: pl.Series, column: Column, classes: Sequence[Label]) -> pl.Series:
    """Int64 position of each value in the classes; null where missing or not a class.

    Examples
    --------
    >>> label_codes(pl.Series(["b", "a", "z"]), Column("y", Kind.CATEGORICAL), ("a", "b")).to_list()
    [1, 0, None]
    """
    if column.kind is Kind.BOOLEAN:
        true = set(column.parsing.get("true", ())) | {True}
        known: dict[object, int] = {(label in true): code for code, label in enumerate(classes)}
    elif column.kind is Kind.NUMERIC:
        known = {label: code for code, label in enumerate(classes)}
        if values.dtype == pl.Float64:
            known = {float(label): code for label, code in known.items()}  # type: ignore[arg-type]
    else:
        known = {level_text(label): code for code, label in enumerate(classes)}
    return values.replace_strict(known, default=None, return_dtype=pl.Int64)

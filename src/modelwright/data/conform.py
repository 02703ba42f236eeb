"""New data in the types of training: nothing is inferred again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, Finding, Kind, Problem, Role, Schema, SchemaMismatch, nearest
from modelwright.data.coordinates import pairs_in_range
from modelwright.data.date_format import accepted_formats, parse_dates
from modelwright.data.known_levels import fold_spellings, report_new_values
from modelwright.data.labels import label_codes
from modelwright.data.new_names import all_names, read_named
from modelwright.data.number_format import NumberFormat
from modelwright.data.number_meaning import epoch_moments
from modelwright.data.parse import parse_text, without_sentinels
from modelwright.data.table import Caller, RawTable, SourceInfo
from modelwright.data.tokens import BOOLEAN_PAIRS, NUMERIC_MISSING
from modelwright.data.typed_column import finite_numbers, levels_as_text, lists_of_text, strip_text

__all__ = [
    "Conformed",
    "LabelledRows",
    "absent_column",
    "check_present",
    "conform",
    "conform_column",
    "conform_labelled",
    "conform_told",
    "type_of",
]

_TRUE = {pair[0]: True for pair in BOOLEAN_PAIRS} | {"1": True, "1.0": True}
_FALSE = {pair[1]: False for pair in BOOLEAN_PAIRS} | {"0": False, "0.0": False}


@dataclass(frozen=True)
class Conformed:
    """Rows to predict, typed as in training.

    Attributes
    ----------
    frame : polars.DataFrame
        Exactly the feature columns of the schema, in its order, with the types of `Table.frame`.
    source : SourceInfo
        Where the rows came from (``rows`` is right even if there is no feature column).
    caller : Caller
        The kind of object that predictions go back in.
    findings : tuple of Finding
        Values that could not be read and became missing.
    """

    frame: pl.DataFrame
    source: SourceInfo
    caller: Caller
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.source.rows


@dataclass(frozen=True)
class LabelledRows:
    """New rows whose target is known, for a score.

    Attributes
    ----------
    conformed : Conformed
        All rows, the features typed as in training.
    rows : int64 array
        Rows with a known target that the model can be scored on.
    target : int64 or float64 array, shape (len(rows),)
        Codes of `Problem.classes`, or values.
    weights : float64 array or None
        Of these rows, if the problem has weights and the data brings them.
    findings : tuple of Finding
        Rows left out, and why.
    """

    conformed: Conformed
    rows: NDArray[np.int64]
    target: NDArray[Any]
    weights: NDArray[np.float64] | None
    findings: tuple[Finding, ...]


def conform(source: Any, schema: Schema, also: Sequence[str] = ()) -> Conformed:
    """Read new rows with the schema of training.

    Types, date formats, decimal marks and missing tokens are those of training, whatever the new values
    look like. Columns that training did not use are ignored; a column that had missing values in training
    may be absent. Values that cannot be read become missing and are counted in the findings.

    Parameters
    ----------
    source : path, frame, mapping, records or array
        Anything that `read_table` reads; zero rows are fine. An array is matched by position, with or
        without the target column.
    schema : Schema
        Of the training table.
    also : sequence of str
        Columns that are no features but are needed as well, such as the group.

    Raises
    ------
    SchemaMismatch
        If required columns are absent (all are named), or more than half of the values of a required
        numeric or date column cannot be read.
    DataError
        If the source cannot be read as a table.

    Examples
    --------
    >>> from modelwright.data.read import read_table
    >>> table = read_table({"zip": ["00123", "04567"] * 5, "age": ["1", "2"] * 5})
    >>> conform({"age": [7], "zip": [123], "extra": ["x"]}, table.schema).frame.rows()
    [('00123', 7.0)]
    """
    features = (*schema.features, *(schema[name] for name in also))
    raw = _by_position(read_named(source, [column.name for column in features]), schema)
    check_present(source, raw.frame.columns, features)
    frame, findings = _conform_columns(raw, features)
    return Conformed(frame, raw.info, raw.caller, (*raw.findings, *findings))


def conform_labelled(source: Any, schema: Schema, problem: Problem, also: Sequence[str] = ()) -> LabelledRows:
    """Read new rows together with their target, for an evaluation or a holdout file.

    Parameters
    ----------
    source, schema, also
        As for `conform`.
    problem : Problem
        Resolved: its task and classes are those of training.

    Raises
    ------
    SchemaMismatch
        Also if the target column is absent, or no row has a usable target.
    """
    features = (*schema.features, *(schema[name] for name in also))
    extra = [name for name in (*problem.targets, problem.weights) if name is not None]
    raw = _by_position(read_named(source, [*(column.name for column in features), *extra]), schema)
    for name in problem.targets:
        if name not in raw.frame.columns:
            raise SchemaMismatch(
                f"The target column {name!r} is needed for a score, but the data does not have it."
                f"{nearest(name, all_names(source))}"
            )
    check_present(source, raw.frame.columns, features)
    frame, findings = _conform_columns(raw, features)
    conformed = Conformed(frame, raw.info, raw.caller, (*raw.findings, *findings))
    columns, left_out = [], []
    for position, name in enumerate(problem.targets):
        values, noticed = _known_target(raw.frame[name], schema[name], problem.output(position))
        columns.append(values)
        left_out += noticed
    known = np.logical_and.reduce([values.is_not_null().to_numpy() for values in columns])
    rows = np.flatnonzero(known).astype(np.int64)
    if not len(rows):
        raise SchemaMismatch(
            f"No row of the data has a usable value of the target {problem.target!r}, so there is nothing "
            "to score."
        )
    target = np.column_stack([values.gather(rows).to_numpy() for values in columns])
    weights = None
    if problem.weights is not None and problem.weights in raw.frame.columns:
        given, _, _ = conform_column(raw.frame[problem.weights], schema[problem.weights])
        weights = given.alias("").fill_null(1.0).cast(pl.Float64).to_numpy()[rows]
    return LabelledRows(conformed, rows, target if problem.labels else target[:, 0], weights, tuple(left_out))


def _known_target(series: pl.Series, column: Column, problem: Problem) -> tuple[pl.Series, list[Finding]]:
    """One target as class codes or values, null where it cannot be scored, and what is left out."""
    values, _, _ = conform_column(series, column)
    values = values.alias("")  # a name like ^a.*$ is a pattern to polars
    left_out = []
    missing = values.null_count()
    if missing:
        message = f"{missing} rows without a usable target are left out of the score."
        left_out.append(Finding("missing_target", "excluded", message, column.name))
    if not problem.task.is_classification:
        return values.cast(pl.Float64), left_out
    codes = label_codes(values, column, problem.classes)
    unseen = values.is_not_null() & codes.is_null()
    if unseen.any():
        names = ", ".join(repr(value) for value in values.filter(unseen).unique().sort().head(5).to_list())
        message = (
            f"{int(unseen.sum())} rows have a class that training did not see ({names}); they are left "
            "out of the score."
        )
        left_out.append(Finding("unseen_class", "excluded", message, column.name))
    return codes, left_out


def _by_position(raw: RawTable, schema: Schema) -> RawTable:
    """An array has no names: its columns are those of training, with or without the target."""
    if raw.info.kind != "numpy":
        return raw
    names = list(schema.names)
    without = [column.name for column in schema if column.role is not Role.TARGET]
    fitting = next((known for known in (names, without) if len(known) == raw.frame.width), None)
    if fitting is None:
        raise SchemaMismatch(
            f"The array has {raw.frame.width} columns, but training had {len(names)}, the target "
            f"included: {', '.join(names[:12])}. Give the same columns in the same order, or a frame."
        )
    frame = raw.frame.clone()
    frame.columns = fitting
    return RawTable(frame, raw.info, raw.caller, raw.findings)


def check_present(source: Any, names: Iterable[str], features: Sequence[Column]) -> None:
    """Raise SchemaMismatch if a column is not among the names that never had a missing value in training."""
    given = set(names)
    absent = [column.name for column in features if column.name not in given and not column.nullable]
    if not absent:
        return
    listed = ", ".join(repr(name) for name in absent[:20]) + (", ..." if len(absent) > 20 else "")
    more = len(absent) > 1
    raise SchemaMismatch(
        f"{len(absent)} column{'s' if more else ''} that the model needs {'are' if more else 'is'} absent: "
        f"{listed}.{nearest(absent[0], all_names(source))} "
        "Add them; only columns that had missing values in training may be absent."
    )


def _conform_columns(raw: RawTable, features: Sequence[Column]) -> tuple[pl.DataFrame, list[Finding]]:
    given = {series.name: series for series in raw.frame.get_columns()}
    findings: list[Finding] = []
    columns = []
    for column in features:
        series = given.get(column.name)
        if series is None:
            series = pl.Series(column.name, [None] * raw.info.rows, pl.Null)
            if raw.info.rows:
                findings.append(absent_column(column))
        values, told = conform_told(series, column)
        findings += told
        columns.append(values)
    return pl.DataFrame(columns), findings


def absent_column(column: Column) -> Finding:
    """That a column is absent which may be."""
    message = f"The column {column.name!r} is absent; its values are taken as missing."
    return Finding("absent", "warning", message, column.name)


def conform_told(series: pl.Series, column: Column) -> tuple[pl.Series, list[Finding]]:
    """One plain column in the type of training, and what has to be told about it.

    Raises
    ------
    SchemaMismatch
        If most of its values cannot be read.
    """
    findings: list[Finding] = []
    values, failing, infinite = conform_column(series, column)
    if failing is not None:
        findings.append(_report(series, failing, column))
    if infinite:
        message = f"{infinite} infinite values in {column.name!r} are treated as missing."
        findings.append(Finding("infinite", "warning", message, column.name, "", {"rows": infinite}))
    return values, [*findings, *report_new_values(series, values, column)]


def _report(series: pl.Series, failing: pl.Series, column: Column) -> Finding:
    """Unreadable values as a finding, or as an error where they are the majority."""
    count, filled = len(failing), len(series) - series.null_count()
    examples = failing.unique(maintain_order=True).head(3).to_list()
    shown = ", ".join(repr(value) for value in examples)
    written = ", ".join(column.parsing.get("formats", ())[:3]) if column.kind is Kind.DATETIME else ""
    form = f" written as {written} or YYYY-MM-DD" if written else ""
    verb = "is" if count == 1 else "are"
    message = (
        f"{count} of {filled} value{'' if filled == 1 else 's'} of {column.name!r} {verb} not "
        f"{column.kind}{form} (for example {shown})"
    )
    if count > 0.5 * filled and not column.nullable:
        raise SchemaMismatch(f"{message}, as they were in training. Give the column in the form of training.")
    evidence = {"rows": count, "examples": examples}
    return Finding(
        "unreadable",
        "warning",
        f"{message}; {'it is' if count == 1 else 'they are'} treated as missing.",
        column.name,
        "",
        evidence,
    )


def conform_column(series: pl.Series, column: Column) -> tuple[pl.Series, pl.Series | None, int]:
    """One plain column in the type of training.

    Returns
    -------
    values : polars.Series
        Of the training type.
    failing : polars.Series of String, or None
        The values (as text) that are not missing and could not be read, if there are any.
    infinite : int
        Number of infinite values, which became missing.
    """
    if series.dtype == pl.Null:
        return series.cast(type_of(column)), None, 0
    # Polars takes a name like ^a.*$ for a pattern, even in methods of a series that bears it.
    name, series = series.name, series.alias("values")
    if column.kind is Kind.NUMERIC:
        values, failing, infinite = _as_numbers(series, column)
        return without_sentinels(values, column.parsing).alias(name), failing, infinite
    if column.kind is Kind.BOOLEAN:
        values = _as_booleans(series, column)
    elif column.kind is Kind.DATETIME:
        values = _as_dates(series, column)
    elif column.kind is Kind.LIST:
        return _as_lists(series, column).alias(name), None, 0
    elif column.kind is Kind.COORDINATES:
        values = _as_places(series, column)
    else:
        return _as_levels(series, column).alias(name), None, 0
    return values.alias(name), _failing(series, values, column), 0


def type_of(column: Column) -> pl.DataType:
    """The one polars type of a column of the schema."""
    if column.kind is Kind.NUMERIC:
        return pl.Int64() if column.parsing.get("dtype") == "int64" else pl.Float64()
    if column.kind is Kind.BOOLEAN:
        return pl.Boolean()
    if column.kind is Kind.LIST:
        return pl.List(pl.String)
    if column.kind is Kind.COORDINATES:
        return pl.List(pl.Float64)
    return pl.Datetime("us") if column.kind is Kind.DATETIME else pl.String()


def _text(series: pl.Series) -> pl.Series:
    text = series.cast(pl.String) if series.dtype == pl.Categorical else levels_as_text(series)
    return strip_text(text)


def _failing(series: pl.Series, values: pl.Series, column: Column) -> pl.Series | None:
    """The values that were there, were no missing token, and are gone."""
    if values.null_count() == series.null_count():
        return None
    lost = _text(series.filter(values.is_null() & series.is_not_null()))
    tokens = [*NUMERIC_MISSING, *(token.lower() for token in column.parsing.get("missing", ()))]
    lost = lost.filter(~lost.str.to_lowercase().is_in(tokens))
    return lost if len(lost) else None


def _as_numbers(series: pl.Series, column: Column) -> tuple[pl.Series, pl.Series | None, int]:
    wide = column.parsing.get("dtype") == "int64"
    if not wide and series.dtype == pl.Float64:
        return _three(*finite_numbers(series))
    plain = NumberFormat.from_dict(column.parsing).is_plain
    if not wide and series.dtype == pl.String and plain:
        # Text that is numbers all along, the usual case of a CSV file, need not be stripped or searched.
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count() == series.null_count():
            return _three(*finite_numbers(numbers))
    if series.dtype == pl.Int64:
        return (series if wide else series.cast(pl.Float64)), None, 0
    if series.dtype in (pl.Float64, pl.Boolean):
        values = series.cast(pl.Float64).fill_nan(None)
    elif series.dtype == pl.Datetime:
        values = pl.Series(series.name, [None] * len(series), pl.Float64)
    else:
        values = parse_text(_text(series), Kind.NUMERIC, column.parsing)
    if values.dtype == pl.Int64:
        return values, _failing(series, values, column), 0
    failing = None if series.dtype == pl.Float64 else _failing(series, values, column)
    values, infinite = finite_numbers(values)
    return (values.cast(pl.Int64, strict=False) if wide else values), failing, infinite


def _three(values: pl.Series, infinite: int) -> tuple[pl.Series, pl.Series | None, int]:
    return values, None, infinite


def _as_booleans(series: pl.Series, column: Column) -> pl.Series:
    if series.dtype == pl.Boolean:
        return series
    spelled = {word.lower(): True for word in column.parsing.get("true", ())}
    spelled |= {word.lower(): False for word in column.parsing.get("false", ())}
    known = {**_TRUE, **_FALSE, **spelled}
    folded = _text(series).str.to_lowercase()
    return folded.replace_strict(known, default=None, return_dtype=pl.Boolean)


def _as_dates(series: pl.Series, column: Column) -> pl.Series:
    if series.dtype == pl.Datetime:
        return series
    formats = column.parsing.get("formats", ())
    epoch = column.parsing.get("epoch")
    if epoch and (series.dtype in (pl.Int64, pl.Float64) or series.dtype == pl.String):
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count() < len(numbers) or not len(numbers):
            return epoch_moments(numbers, epoch)
    text = _text(series)
    if series.dtype in (pl.Int64, pl.Float64):
        # 1022018 is 01022018 to whoever keeps dates as numbers.
        text = text.str.zfill(8)
        return parse_dates(text, formats or ["%Y%m%d"])
    values = parse_dates(text, formats)
    if values.null_count() == text.null_count():
        return values
    # Value by value, and never in another order of day and month: a row must not depend on its neighbours.
    return parse_dates(text, accepted_formats(formats))


def _as_lists(series: pl.Series, column: Column) -> pl.Series:
    """Lists, from lists or from text as training saw it."""
    if isinstance(series.dtype, pl.List):
        return lists_of_text(series)
    return parse_text(_text(series), Kind.LIST, column.parsing)


def _as_places(series: pl.Series, column: Column) -> pl.Series:
    """Pairs of latitude and longitude, from lists of two numbers or from text."""
    if isinstance(series.dtype, pl.List):
        numbers = series.cast(pl.List(pl.Float64), strict=False)
        pairs = numbers.set(numbers.list.len() != 2, None)
        latitude, longitude = pairs.list.get(0, null_on_oob=True), pairs.list.get(1, null_on_oob=True)
        return pairs_in_range(latitude, longitude)
    return parse_text(_text(series), Kind.COORDINATES, column.parsing)


def _as_levels(series: pl.Series, column: Column) -> pl.Series:
    """Categories and text. Numbers print as the levels of training did."""
    if series.dtype == pl.String:
        text = series if "declared" in column.parsing else strip_text(series)
    elif series.dtype == pl.Categorical:
        text = series.cast(pl.String)
    else:
        text = levels_as_text(series)
        width = column.parsing.get("width")
        if width and series.dtype != pl.Boolean:
            text = text.str.zfill(width)
    levels = column.parsing.get("levels")
    if levels in ("int", "float") and series.dtype in (pl.String, pl.Categorical):
        text = text.str.strip_chars().str.replace(r"\.0+$", "")
    elif levels == "bool":
        text = text.str.to_titlecase()
    return fold_spellings(parse_text(text, column.kind, column.parsing), column)

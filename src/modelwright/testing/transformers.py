"""The contract of a transformer, as checks that any transformer can be put to.

Use `check_transformer` for a verdict in one call, or `TRANSFORMER_CHECKS` for one test a check.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import BundleError, SchemaMismatch, SparseBlock
from modelwright.features import Transformer
from modelwright.testing.violation import demand, global_random_state, naming

__all__ = ["TRANSFORMER_CHECKS", "check_transformer", "make_columns", "run_transformer_check"]

ROWS = 90
"""More than the handful of rows that a transformer may treat in a way of its own."""


def make_columns(kind: str, rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Two columns of one kind, a seventh of their values missing.

    Parameters
    ----------
    kind : str
        ``"numeric"``, ``"integer"``, ``"boolean"``, ``"categorical"``, ``"datetime"``, ``"text"``,
        ``"list"`` or ``"coordinates"``.
    rows, seed : int

    Examples
    --------
    >>> make_columns("boolean", rows=3).dtypes
    [Boolean, Boolean]
    """
    random = np.random.default_rng(seed)
    start = datetime(2024, 2, 27)
    makers: Mapping[str, Callable[[], list[Any]]] = {
        "numeric": lambda: (random.normal(1e6, 3.0, rows)).tolist(),
        "integer": lambda: random.integers(2**54, 2**60, rows).tolist(),
        "boolean": lambda: (random.random(rows) < 0.4).tolist(),
        "categorical": lambda: [f"level {number}" for number in random.integers(0, 15, rows)],
        "datetime": lambda: [start + timedelta(hours=int(hour)) for hour in random.integers(0, 9999, rows)],
        "text": lambda: random.choice(["Hello there!", "WHY 42?", "", "été,\nça va"], rows).tolist(),
        "list": lambda: [[*"abc"[:size], "a"] for size in random.integers(0, 4, rows)],
        "coordinates": lambda: random.uniform([-90, -180], [90, 180], (rows, 2)).tolist(),
    }
    types: Mapping[str, pl.DataType] = {
        "numeric": pl.Float64(),
        "integer": pl.Int64(),
        "boolean": pl.Boolean(),
        "datetime": pl.Datetime("us"),
        "list": pl.List(pl.String),
        "coordinates": pl.List(pl.Float64),
    }
    kept = types.get(kind, pl.String())
    columns = []
    # the second name is one that polars would read as a pattern
    for name in (kind, f"^{kind}.*$"):
        missing = random.random(rows) < 1 / 7
        values = [None if gone else value for gone, value in zip(missing, makers[kind]())]
        # named last: polars takes some names for patterns while it builds a column
        columns.append(pl.Series("values", values, kept).alias(name))
    return pl.DataFrame(columns)


KINDS = ("numeric", "integer", "boolean", "categorical", "datetime", "text", "list", "coordinates")


def check_transformer(transformer: type[Transformer], frame: pl.DataFrame | None = None) -> None:
    """Put a transformer to every check.

    Parameters
    ----------
    transformer : Transformer class
    frame : polars.DataFrame, optional
        Columns that it takes, 60 rows or more. By default numbers, flags, categories, dates, texts, lists
        and places are tried, and the checks are made with all that it does not refuse.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> from modelwright.features import TRANSFORMERS
    >>> check_transformer(TRANSFORMERS.load("boolean"))
    """
    for name in TRANSFORMER_CHECKS:
        run_transformer_check(name, transformer, frame)


def run_transformer_check(
    name: str, transformer: type[Transformer], frame: pl.DataFrame | None = None
) -> None:
    """Put a transformer to one check of `TRANSFORMER_CHECKS`; raises `ContractViolation` if it fails."""
    with naming(f"transformer {transformer.__name__!r}", name):
        for columns in [frame] if frame is not None else list(_accepted(transformer)):
            TRANSFORMER_CHECKS[name](transformer, columns)


def _accepted(transformer: type[Transformer]) -> Iterator[pl.DataFrame]:
    found = 0
    for kind in KINDS:
        frame = make_columns(kind)
        try:
            transformer.fit(frame, frame.columns)
        except SchemaMismatch:
            continue
        found += 1
        yield frame
    demand(found > 0, "it takes no kind of column; give a frame of those that it takes")


def _transform(fitted: Transformer, frame: pl.DataFrame) -> NDArray[Any]:
    """What is written for a frame, looked at for what any view must be; a sparse block beside it."""
    numeric = fitted.block == "numeric"
    shape = (frame.height, len(fitted.features))
    outs = []
    for filler in (77, 78):
        wide = np.full((shape[0], shape[1] + 2), filler, np.float32 if numeric else np.int32)
        # part of a wider block, as in a view: neighbours must stay as they are
        sparse = fitted.transform(frame, wide[:, 1:-1])
        demand(bool((wide[:, [0, -1]] == filler).all()), "it writes beside its part of the view")
        outs.append(np.hstack([wide[:, 1:-1], _unfolded(fitted, sparse, frame.height)]))
    demand(_same(*outs), "it does not fill every cell of its part of the view")
    if numeric:
        demand(not np.isinf(outs[0]).any(), "it writes infinities")
    else:
        levels = np.array([feature.levels for feature in fitted.features])
        codes = outs[0][:, : shape[1]]
        inside = bool(((codes >= 0) & (codes < levels)).all())
        demand(inside, "it writes codes outside of [0, levels)")
    return outs[0]


def _unfolded(fitted: Transformer, sparse: SparseBlock | None, rows: int) -> NDArray[Any]:
    """A sparse block as a plain array, shape (rows, its columns), after a look at its form."""
    width = sum(feature.levels for feature in fitted.sparse_features)
    if sparse is None:
        demand(width == 0, "it declares sparse features, but gives no sparse block")
        return np.zeros((rows, 0), np.float32)
    demand(
        (sparse.rows, sparse.columns) == (rows, width),
        f"its sparse block is of another shape than {rows, width}",
    )
    types = [str(each.dtype) for each in (sparse.data, sparse.indices, sparse.indptr)]
    demand(types == ["float32", "int32", "int64"], f"its sparse block is of the types {types}")
    demand(bool(np.isfinite(sparse.data).all()), "its sparse block has values that are not finite")
    row = np.repeat(np.arange(rows), np.diff(sparse.indptr))
    places = row * max(1, width) + sparse.indices
    demand(bool((np.diff(places) > 0).all()), "the columns of its sparse block do not ascend within a row")
    plain = np.zeros((rows, width), np.float32)
    plain[row, sparse.indices] = sparse.data
    return plain


def _same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return bool(np.array_equal(first, second, equal_nan=first.dtype.kind == "f"))


def _state(fitted: Transformer) -> str:
    return json.dumps(fitted.to_dict(), sort_keys=True)


def check_declares_itself(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """Its features have names of their own, and each source column has one."""
    fitted = transformer.fit(frame, frame.columns)
    demand(tuple(fitted.columns) == tuple(frame.columns), f"its columns are {fitted.columns}")
    demand(fitted.block in ("numeric", "categorical"), f"its block is {fitted.block!r}")
    names = [feature.name for feature in (*fitted.features, *fitted.sparse_features)]
    demand(len(set(names)) == len(names), f"its features repeat a name: {names}")
    sources = {feature.source for feature in (*fitted.features, *fitted.sparse_features)}
    # One that serves beside the transformer of its kind may have nothing to say of a column.
    whole = sources <= set(frame.columns) if transformer.kind else sources == set(frame.columns)
    demand(whole, f"its features come from {sorted(sources)}")
    for feature in fitted.features:
        levels = feature.levels > 0
        demand(levels == (fitted.block == "categorical"), f"{feature.name!r} has {feature.levels} levels")
    _transform(fitted, frame)


def check_round_trip(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """Its state goes through JSON and comes back the same, to the last bit of what it writes."""
    fitted = transformer.fit(frame, frame.columns)
    again = transformer.from_dict(json.loads(_state(fitted)))
    demand(_state(again) == _state(fitted), "its state changes on the way through JSON")
    demand(again.features == fitted.features, "its features change on the way through JSON")
    for rows in (frame, frame.head(3), frame.reverse()):
        demand(
            _same(_transform(again, rows), _transform(fitted, rows)), "after JSON it writes something else"
        )


def check_rows_are_independent(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """What is written for a row depends on that row alone: not on its place, nor on its neighbours."""
    fitted = transformer.fit(frame, frame.columns)
    whole = _transform(fitted, frame)
    order = np.random.default_rng(0).permutation(frame.height)
    mixed = _transform(fitted, frame[order.tolist()])
    demand(_same(mixed, whole[order]), "rows in another order become something else")
    for start, stop in ((0, 1), (7, 8), (5, 70)):
        part = _transform(fitted, frame[start:stop])
        demand(_same(part, whole[start:stop]), f"rows {start} to {stop} alone become something else")


def check_single_rows(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """A row of plain values gets what the row of a frame gets, to the last bit, or is left to the frame."""
    fitted = transformer.fit(frame, frame.columns)
    whole = _transform(fitted, frame)
    width = len(fitted.features)
    for position, row in enumerate(frame.head(20).iter_rows(named=True)):
        out = np.full(width, 77, whole.dtype if fitted.block == "numeric" else np.int32)
        told = fitted.transform_row(row, out)
        if told is False:
            continue
        sparse = told if isinstance(told, SparseBlock) else None
        written = np.hstack([out[None, :], _unfolded(fitted, sparse, 1)])
        demand(_same(written, whole[position : position + 1]), "a single row is transformed otherwise")


def check_finds_columns_by_name(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """Columns may come in any order, with others beside them; one that is absent is named."""
    fitted = transformer.fit(frame, frame.columns)
    others = pl.Series("one more column", [1.5] * frame.height)
    mixed = pl.DataFrame([others, *reversed(frame.get_columns())])
    demand(_same(_transform(fitted, mixed), _transform(fitted, frame)), "the order of columns matters")
    absent = frame.columns[0]
    try:
        _transform(fitted, pl.DataFrame(frame.get_columns()[1:]))
    except SchemaMismatch as error:
        demand(repr(absent) in str(error), f"the error does not name the absent column {absent!r}")
        return
    demand(False, "it does without a column, instead of raising SchemaMismatch")


def check_looks_at_fit_frame_only(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """Its state comes from the named columns of the frame it was fitted on, and never changes again."""
    half = frame.height // 2
    seen, unseen = frame.head(half), frame.tail(frame.height - half)
    first, second = frame.columns[:1], frame.columns[1:]
    random = global_random_state()
    fitted = transformer.fit(seen, frame.columns)
    state, written = _state(fitted), _transform(fitted, seen)
    transformer.fit(unseen, frame.columns)
    _transform(fitted, unseen)
    demand(_state(fitted) == state, "its state changes after the fit")
    demand(_same(_transform(fitted, seen), written), "what it writes depends on what it was given before")
    demand(_state(transformer.fit(seen, frame.columns)) == state, "two equal fits differ")
    demand(bool(np.array_equal(random, global_random_state())), "it uses numpy's global random state")
    if second:
        alone = _state(transformer.fit(seen, first))
        other = pl.DataFrame([seen.to_series(0), unseen.to_series(1).head(half)])
        complaint = "its state depends on a column that it was not told to look at"
        demand(_state(transformer.fit(other, first)) == alone, complaint)


def check_odd_input(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """No rows, nothing but missing values, values never seen and extreme ones are all right."""
    fitted = transformer.fit(frame.head(frame.height // 2), frame.columns)
    demand(len(_transform(fitted, frame.head(0))) == 0, "no rows become some")
    _transform(fitted, frame)
    for rows in (1, 5, ROWS):
        missing = _transform(fitted, _of_values(frame, [None] * rows, typed=False))
        typed = _transform(fitted, _of_values(frame, [None] * rows))
        demand(_same(missing, typed), "missing values without a type become something else")
        demand(_same(missing, np.repeat(missing[:1], rows, axis=0)), "missing values differ from row to row")
        if fitted.block == "categorical":
            demand(not missing.any(), "missing values do not have the code 0")
    for strange in _strange_values(frame):
        _transform(fitted, strange)


def _strange_values(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Frames of the same types with values that nobody would have thought of."""
    oddities: Mapping[pl.DataType | type[pl.DataType], list[Any]] = {
        pl.Float64: [1e300, -1e300, 5e-324, float(np.finfo(np.float32).max)],
        pl.Int64: [2**63 - 1, -(2**63), 0],
        pl.String: ["never seen", "", "\x00", "🦜" * 200, "NaN"],
        pl.Datetime: [datetime(1, 1, 1), datetime(9999, 12, 31), datetime(1970, 1, 1)],
        pl.List(pl.String): [["never seen", None], [], [None], ["", "a", "a"]],
        pl.List(pl.Float64): [
            [1e300, 5.0],
            [float("nan"), float("inf")],
            [],
            [1.0],
            [1.0, None],
            [1.0, 2.0, 3.0],
        ],
    }
    for kind, odd in oddities.items():
        if all(dtype == kind for dtype in frame.dtypes):
            for repeats in (1, ROWS):
                yield _of_values(frame, odd * repeats)


def _of_values(frame: pl.DataFrame, values: list[Any], typed: bool = True) -> pl.DataFrame:
    """The same values in each column, with the names (and types) of another frame."""
    # named last: polars takes some names for patterns while it builds or casts a column
    columns = [pl.Series("values", values, dtype if typed else None) for dtype in frame.dtypes]
    return pl.DataFrame([column.alias(name) for column, name in zip(columns, frame.columns)])


def check_odd_training(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """It can be fitted on no rows, one row, missing values only, or one value only."""
    known = pl.all_horizontal(~pl.nth(range(frame.width)).is_null())
    same = pl.concat([frame.filter(known).head(1)] * 20)
    for training in (frame.head(0), frame.head(1), _of_values(frame, [None] * 20), same):
        fitted = transformer.fit(training, frame.columns)
        _transform(fitted, frame)
        again = transformer.from_dict(json.loads(_state(fitted)))
        demand(
            _same(_transform(again, frame), _transform(fitted, frame)), "after JSON it writes other values"
        )


def check_distrusts_saved_state(transformer: type[Transformer], frame: pl.DataFrame) -> None:
    """State that is damaged is a `BundleError`, or does no harm; nothing else is raised."""
    state = json.loads(_state(transformer.fit(frame, frame.columns)))
    damaged: list[tuple[dict[str, Any], str]] = [({}, "an empty state")]
    junks: list[Any] = [None, "x", -1, [[]], {}]
    for key in state:
        damaged.append(({name: value for name, value in state.items() if name != key}, f"without {key!r}"))
        damaged += [({**state, key: junk}, f"with {junk!r} as {key!r}") for junk in junks]
    for record, what in damaged:
        try:
            transformer.from_dict(record)
        except BundleError:
            continue
        except Exception as error:
            complaint = (
                f"reading a state {what} raises {type(error).__name__} instead of BundleError: {error}"
            )
            demand(False, complaint)
        demand(bool(record), "it reads an empty state")


TRANSFORMER_CHECKS: Mapping[str, Callable[[type[Transformer], pl.DataFrame], None]] = {
    "declares_itself": check_declares_itself,
    "round_trip": check_round_trip,
    "rows_are_independent": check_rows_are_independent,
    "single_rows": check_single_rows,
    "finds_columns_by_name": check_finds_columns_by_name,
    "looks_at_fit_frame_only": check_looks_at_fit_frame_only,
    "odd_input": check_odd_input,
    "odd_training": check_odd_training,
    "distrusts_saved_state": check_distrusts_saved_state,
}
"""Name to check; each takes a transformer class and a frame and raises `ContractViolation`."""

"""Which pairs of columns work together: Friedman's H statistic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import DataError, Deadline, FloatArray, OptionError, generator
from modelwright.explanation.predictor import (
    Predictor,
    find_column,
    predict_changed,
    sampled_rows,
    shown_outputs,
)

__all__ = ["InteractionOptions", "Interactions", "PairInteraction", "changing_columns", "interactions"]

_FEWEST_ROWS = 20
_CHANGE_ROWS, _FEWEST_CHANGE_ROWS, _CHANGES = 300, 40, 30_000
"""Rows by which the columns are chosen that predictions change with: fewer of them where columns are many."""

_NOTHING = 1e-12


@dataclass(frozen=True)
class InteractionOptions:
    """How interactions are measured.

    Attributes
    ----------
    columns : int, default 6
        Most columns whose pairs are looked at, where none are named.
    rows : int, default 60
        Rows; a pair takes as many predictions as their square.
    seconds : float or None, default 60
        What it may take; with None no decision reads the clock.
    seed : int, default 0
    """

    columns: int = 6
    rows: int = 60
    seconds: float | None = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.columns < 2 or self.rows < _FEWEST_ROWS:
            raise OptionError(
                f"Interactions need 2 columns or more and {_FEWEST_ROWS} rows or more, but came with "
                f"{self.columns} and {self.rows}."
            )


@dataclass(frozen=True)
class PairInteraction:
    """How strongly two columns work together.

    Attributes
    ----------
    first, second : str
    strength : float
        Friedman's H, from 0 (their effects add up) to 1 (there is nothing but what they do together).
    size : float
        Standard deviation of what they do together beyond their sum, in the unit of the predictions. H
        of two columns that hardly matter may be large by chance; their size is not.
    """

    first: str
    second: str
    strength: float
    size: float


@dataclass(frozen=True)
class Interactions:
    """Pairs of columns, by the size of what they do together.

    Attributes
    ----------
    pairs : tuple of PairInteraction
        The largest first.
    columns : tuple of str
        Whose pairs were looked at.
    spread : float
        Standard deviation of the predictions themselves, to compare sizes with.
    rows, given : int
        Rows that were used, of those given.
    left_out : tuple of str
        What was not done, in sentences.
    """

    pairs: tuple[PairInteraction, ...]
    columns: tuple[str, ...]
    spread: float
    rows: int
    given: int
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)


def interactions(
    predictor: Predictor,
    frame: pl.DataFrame,
    columns: Sequence[str] = (),
    options: InteractionOptions | None = None,
) -> Interactions:
    """Friedman's H statistic of pairs of columns (Friedman and Popescu, 2008).

    The partial dependence on two columns is compared with the sum of those on each: what is left over is what
    they do together. H is the root of the share that this has in the pair's partial dependence. Of several
    outputs the squares are summed.

    Parameters
    ----------
    predictor : Predictor
    frame : polars.DataFrame
        Typed rows.
    columns : sequence of str, optional
        Whose pairs are looked at; by default those with which predictions change most (`changing_columns`).
    options : InteractionOptions, optional

    Raises
    ------
    UnknownName
        If the model looks at no such column.
    OptionError
        If only one column is named, or the model looks at rows together.
    DataError
        With fewer than 20 rows.

    Examples
    --------
    >>> from modelwright.explanation.predictor import FunctionPredictor, describe_columns
    >>> random = np.random.default_rng(0)
    >>> frame = pl.DataFrame({name: random.normal(size=100) for name in "abc"})
    >>> def product(rows):
    ...     return (rows["a"] * rows["b"] + rows["c"]).to_numpy()
    >>> found = interactions(FunctionPredictor(product, describe_columns(frame)), frame)
    >>> best = found.pairs[0]
    >>> sorted((best.first, best.second)), best.strength > 0.9, found.pairs[1].size < 1e-6
    (['a', 'b'], True, True)
    """
    chosen = options or InteractionOptions()
    if predictor.rows_together:
        raise OptionError(
            "Interactions change single rows, but this model looks at the rows of a group together "
            "(it was trained with group features). Look at single columns instead."
        )
    if frame.height < _FEWEST_ROWS:
        raise DataError(f"Interactions need {_FEWEST_ROWS} rows or more, but {frame.height} came. Give more.")
    deadline = Deadline.after(chosen.seconds)
    names = tuple(dict.fromkeys(find_column(predictor, name).name for name in columns))
    if len(names) == 1:
        raise OptionError(f"A pair has two columns, but only {names[0]!r} was named. Name another one.")
    names = names or changing_columns(predictor, frame, chosen.columns, chosen.seed)
    rows = sampled_rows(frame.height, chosen.rows, generator(chosen.seed, "interactions"))
    part = frame[rows]
    base = shown_outputs(predictor, predictor.predict(part))
    variance = float(base.var(axis=0).sum())
    floor = _NOTHING * variance
    alone: dict[tuple[str, ...], FloatArray] = {}
    pairs: list[PairInteraction] = []
    wanted = list(combinations(names, 2))
    done, cost = 0, 0.0
    for first, second in wanted:
        start = time.monotonic()
        if done and cost > deadline.remaining:
            break
        for unit in ((first,), (second,), (first, second)):
            if unit not in alone:
                alone[unit] = _partial(predictor, part, unit)
        pairs.append(_compared(first, second, alone, floor))
        del alone[(first, second)]
        done, cost = done + 1, max(cost, time.monotonic() - start)
    told = []
    if done < len(wanted):
        told.append(f"Time was up after {done} of {len(wanted)} pairs. Give more seconds, or fewer columns.")
    return Interactions(
        tuple(sorted(pairs, key=lambda pair: -pair.size)),
        names,
        float(np.sqrt(variance)),
        part.height,
        frame.height,
        tuple(told),
    )


def _partial(predictor: Predictor, frame: pl.DataFrame, columns: tuple[str, ...]) -> FloatArray:
    """Centred partial dependence on columns at the values of every row, shape (rows, outputs)."""
    changes = []
    for row in range(frame.height):
        same = np.full(frame.height, row, dtype=np.int64)
        changes.append({name: frame[name].gather(same) for name in columns})
    arrays = predict_changed(predictor, frame, changes)
    means = np.stack([shown_outputs(predictor, array).mean(axis=0) for array in arrays])
    centred: FloatArray = means - means.mean(axis=0)
    return centred


def _compared(
    first: str, second: str, partial: dict[tuple[str, ...], FloatArray], floor: float
) -> PairInteraction:
    both = partial[first, second]
    beyond = float(np.square(both - partial[first,] - partial[second,]).sum(axis=1).mean())
    whole = float(np.square(both).sum(axis=1).mean())
    share = beyond / whole if whole > floor else 0.0  # below it there is rounding alone
    return PairInteraction(first, second, float(np.sqrt(min(share, 1.0))), float(np.sqrt(beyond)))


def changing_columns(predictor: Predictor, frame: pl.DataFrame, most: int, seed: int = 0) -> tuple[str, ...]:
    """The columns with which predictions change most when their values are shuffled; no target is needed.

    Parameters
    ----------
    predictor : Predictor
    frame : polars.DataFrame
    most : int
        How many.
    seed : int, default 0

    Returns
    -------
    tuple of str
        The one that changes most first.
    """
    random = generator(seed, "changing columns")
    names = [column.name for column in predictor.columns]
    rows = min(_CHANGE_ROWS, max(_FEWEST_CHANGE_ROWS, _CHANGES // max(1, len(names))))
    part = frame[sampled_rows(frame.height, rows, random)]
    order = random.permutation(part.height)
    base = shown_outputs(predictor, predictor.predict(part))
    arrays = predict_changed(predictor, part, [{name: part[name].gather(order)} for name in names])
    changed = [float(np.square(shown_outputs(predictor, array) - base).mean()) for array in arrays]
    ranked = sorted(range(len(names)), key=lambda place: -changed[place])
    return tuple(names[place] for place in ranked[:most])

"""The levels that training saw: new spellings of them are folded, new levels are told."""

from __future__ import annotations

from typing import Any

import polars as pl

from modelwright.core import Column, Finding, Kind
from modelwright.data.spellings import spelling_key
from modelwright.data.typed_column import TypedColumn

__all__ = ["fold_spellings", "folded_levels", "known_levels", "report_new_values"]

MOST_KNOWN = 1000
"""Columns of more levels do not record them: new ones are the rule there."""

UNSEEN_SHARE = 0.01
UNSEEN_ROWS = 5


def known_levels(column: TypedColumn) -> dict[str, Any]:
    """The levels of a category, or the items of a list, sorted, for `Column.parsing`; empty if too many."""
    if column.kind is Kind.CATEGORICAL and column.levels is not None:
        levels = sorted(column.levels)
    elif column.kind in (Kind.CATEGORICAL, Kind.LIST):
        values = column.values.alias("values").drop_nulls()
        values = values.explode().drop_nulls() if column.kind is Kind.LIST else values
        levels = values.unique().sort().to_list()
    else:
        return {}
    return {"known": levels} if len(levels) <= MOST_KNOWN else {}


def fold_spellings(values: pl.Series, column: Column) -> pl.Series:
    """New spellings as the level of training that differs only in case, blanks, Unicode form or closing mark.

    Only where training merges spellings; a spelling of two known levels stays what it is.

    Examples
    --------
    >>> fuel = Column("fuel", Kind.CATEGORICAL, parsing={"folds": True, "known": ["Diesel", "Petrol"]})
    >>> fold_spellings(pl.Series(["DIESEL", "petrol.", "gas"]), fuel).to_list()
    ['Diesel', 'Petrol', 'gas']
    """
    known = column.parsing.get("known")
    if not known or not column.parsing.get("folds"):
        return values
    new = set(values.unique().drop_nulls().to_list()) - set(known)
    if not new:
        return values
    spelled = folded_levels(column)
    folded = {level: spelled[key] for level in new if (key := spelling_key(level)) in spelled}
    return values.replace(folded) if folded else values


def folded_levels(column: Column) -> dict[str, str]:
    """The levels of training that new spellings may stand for, by `spelling_key`; none that share a key.

    Examples
    --------
    >>> parsing = {"folds": True, "known": ["Gas", "GAS", "Oil"]}
    >>> folded_levels(Column("fuel", Kind.CATEGORICAL, parsing=parsing))
    {'oil': 'Oil'}
    """
    known = column.parsing.get("known")
    if not known or not column.parsing.get("folds"):
        return {}
    by_key: dict[str, list[str]] = {}
    for level in known:
        by_key.setdefault(spelling_key(level), []).append(level)
    return {key: levels[0] for key, levels in by_key.items() if len(levels) == 1}


def report_new_values(given: pl.Series, values: pl.Series, column: Column) -> list[Finding]:
    """Findings about values that can be read, but hardly mean what training learned.

    Levels never seen (more than 1% of the values and at least 5), lists of which no item is known, numbers
    without the percent sign that training had.

    Parameters
    ----------
    given : polars.Series
        As the new data has them.
    values : polars.Series
        In the type of training.
    column : Column
        Of the schema.
    """
    if column.kind is Kind.NUMERIC:
        return _without_percent(given.alias("values"), values.alias("values"), column)
    known = column.parsing.get("known")
    if not known or column.kind not in (Kind.CATEGORICAL, Kind.LIST):
        return []
    present = values.alias("values").drop_nulls()
    if column.kind is Kind.LIST:
        items = present.explode().drop_nulls()
        if not len(items) or items.is_in(known).any():
            return []
        examples = items.unique(maintain_order=True).head(3).to_list()
        message = (
            f"No item of the lists in {column.name!r} is known from training (for example "
            f"{', '.join(map(repr, examples))})."
        )
        action = f"Separate the items by {column.parsing.get('delimiter', ',')!r}, as in training."
        evidence = {"rows": len(present), "examples": examples}
        return [Finding("unseen_levels", "warning", message, column.name, action, evidence)]
    unseen = present.filter(~present.is_in(known))
    if len(unseen) < UNSEEN_ROWS or len(unseen) <= UNSEEN_SHARE * len(present):
        return []
    share, examples = len(unseen) / len(present), unseen.unique(maintain_order=True).head(3).to_list()
    message = (
        f"{len(unseen)} of {len(present)} values of {column.name!r} ({share:.1%}) are levels that training "
        f"never saw (for example {', '.join(map(repr, examples))})."
    )
    action = "They are treated as unknown; check their spelling, or train with such rows."
    evidence = {"rows": len(unseen), "share": share, "examples": examples}
    return [Finding("unseen_levels", "warning", message, column.name, action, evidence)]


def _without_percent(given: pl.Series, values: pl.Series, column: Column) -> list[Finding]:
    parsing = column.parsing
    if "%" not in parsing.get("symbols", "") and "%" not in parsing.get("factors", {}):
        return []
    filled = given.filter(values.is_not_null())
    if not len(filled) or (filled.dtype == pl.String and filled.str.contains("%", literal=True).any()):
        return []
    examples = [str(value) for value in filled.head(3).to_list()]
    message = (
        f"No value of {column.name!r} has a percent sign (for example {', '.join(map(repr, examples))}), but "
        "those of training had: '12%' is read as 12, and 0.12 as 0.12."
    )
    evidence = {"rows": len(filled), "examples": examples}
    action = "Give the column in percent, as in training."
    return [Finding("without_percent", "warning", message, column.name, action, evidence)]

"""What a caller says about the problem beside target and task, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core import Label, OptionError, nearest
from modelwright.ensemble import CONSTRAINTS

__all__ = [
    "WITHOUT",
    "as_costs",
    "as_mitigation",
    "as_monotonic",
    "as_names",
    "as_quantiles",
    "as_sensitive",
    "as_without",
    "check_target",
]

WITHOUT: Mapping[str, str] = {
    "messy_values": "reading numbers, durations, lists ... that hide in text, and codes for missing values",
    "text": "terms of texts (their statistics stay)",
    "target_encoding": "encodings of categories by the target, also among generated features",
    "generated_features": "configurations that learn from features made of several columns",
    "target_transform": "configurations that learn a transformed target",
    "class_weights": "configurations that weigh rare classes up",
    "copies": "keeping copies of a row together, where a table is mostly made of them",
    "ensemble": "several models together: the best one alone is delivered",
    "stacking": "a stacked model of the members in place of their weighted mean",
    "calibration": "calibration of probabilities",
    "thresholds": "thresholds tuned for the metric",
    "learned_order": "the order of configurations learned on many tables (the learners take turns instead)",
    "leak_guard": "leaving out columns that give the target away (they are reported all the same)",
}
"""Parts of the treatment that can be switched off, and what each is."""

_COSTS = "Costs are given by (actual class, predicted class), as in {('yes', 'no'): 10, ('no', 'yes'): 1}"

_DIRECTIONS = {"increasing": 1, "+": 1, "+1": 1, "1": 1, "decreasing": -1, "-": -1, "-1": -1}


def as_names(given: str | Sequence[str] | None, what: str) -> tuple[str, ...]:
    """Names in any usual form as a tuple.

    Raises
    ------
    OptionError
        If something else came.

    Examples
    --------
    >>> as_names(None, "column to keep"), as_names("a", "column to keep"), as_names(["a", "b"], "column")
    ((), ('a',), ('a', 'b'))
    """
    names = (given,) if isinstance(given, str) else tuple(given or ())
    for name in names:
        if not isinstance(name, str) or not name:
            raise OptionError(f"Expected the name of a {what} as text, but it came as {name!r}.")
    return names


def as_without(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Parts to switch off, sorted.

    Raises
    ------
    OptionError
        If there is no such part.

    Examples
    --------
    >>> as_without("text")
    ('text',)
    """
    names = tuple(name.replace("-", "_") for name in as_names(given, "part to go without"))
    for name in names:
        if name not in WITHOUT:
            raise OptionError(
                f"There is no part {name!r} to go without.{nearest(name, WITHOUT)} "
                f"Parts: {', '.join(WITHOUT)}."
            )
    return tuple(sorted(set(names)))


def as_quantiles(given: Any) -> tuple[float, ...]:
    """Quantiles in ascending order.

    Raises
    ------
    OptionError
        If one is not a number between 0 and 1, or stands twice.

    Examples
    --------
    >>> as_quantiles([0.9, 0.1]), as_quantiles("0.5")
    ((0.1, 0.9), (0.5,))
    """
    parts = given.replace(",", " ").split() if isinstance(given, str) else given
    parts = [parts] if isinstance(parts, (int, float)) else list(parts or ())
    try:
        quantiles = tuple(sorted(float(part) for part in parts))
    except (TypeError, ValueError) as error:
        raise OptionError(f"Quantiles are numbers between 0 and 1, but came as {given!r}.") from error
    if not all(0 < quantile < 1 for quantile in quantiles) or len(set(quantiles)) < len(quantiles):
        raise OptionError(
            f"Quantiles are different numbers between 0 and 1, but came as {given!r}. Try 0.1, 0.5, 0.9."
        )
    return quantiles


def as_costs(given: Any) -> tuple[tuple[Label, Label, float], ...]:
    """Costs of errors as (actual, predicted, cost), sorted.

    Parameters
    ----------
    given : mapping of (actual, predicted) to cost, or sequence of such triples, or None

    Raises
    ------
    OptionError
        If a cost is negative, not finite or no number, or stands on a right decision.

    Examples
    --------
    >>> as_costs({("yes", "no"): 10, ("no", "yes"): 1})
    (('no', 'yes', 1.0), ('yes', 'no', 10.0))
    """
    found: dict[tuple[Any, Any], float] = {}
    for actual, predicted, cost in _cost_entries(given):
        try:
            amount = float(cost)
        except (TypeError, ValueError) as error:
            raise OptionError(f"{_COSTS}, but the cost of {(actual, predicted)} came as {cost!r}.") from error
        if not 0 <= amount < float("inf"):
            raise OptionError(f"A cost must be a finite number of 0 or more, but came as {cost!r}.")
        if actual == predicted:
            raise OptionError(
                f"A right decision costs nothing, but a cost came for predicting {actual!r} rightly. "
                "Put what it costs on the errors."
            )
        if (actual, predicted) in found:
            raise OptionError(f"The cost of taking {actual!r} for {predicted!r} came twice. Give it once.")
        found[actual, predicted] = amount
    if found and not any(found.values()):
        raise OptionError("All costs are zero, so no decision is better than another. Give at least one.")
    triples = [(actual, predicted, cost) for (actual, predicted), cost in found.items()]
    return tuple(sorted(triples, key=lambda triple: (str(triple[0]), str(triple[1]))))


def _cost_entries(given: Any) -> list[tuple[Any, Any, Any]]:
    """Costs in any usual form as (actual, predicted, cost).

    Raises
    ------
    OptionError
        If one does not tell which class was taken for which.
    """
    if given is None:
        return []
    if isinstance(given, Mapping):
        for key, cost in given.items():
            if not isinstance(key, tuple) or len(key) != 2:
                raise OptionError(f"{_COSTS}, but came as {{{key!r}: {cost!r}}}.")
        return [(*key, cost) for key, cost in given.items()]
    entries = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    for entry in entries:
        if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) != 3:
            raise OptionError(f"{_COSTS}, but came as {entry!r}.")
    return [(actual, predicted, cost) for actual, predicted, cost in entries]


def check_target(target: Any) -> None:
    """Refuse a target that is no name: an array of values, as scikit-learn takes one.

    Raises
    ------
    OptionError
        If it is anything but a name or several.

    Examples
    --------
    >>> check_target("price")
    >>> check_target([1, 0, 1])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    modelwright.core.errors.OptionError: The target is named, not given: the values must be a column ...
    """
    names = [target] if isinstance(target, str) else target
    if names is None or (
        isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names[:1_000])
    ):
        return
    raise OptionError(
        "The target is named, not given: the values must be a column of the table, as in "
        f'train(table, target="price"), but a {type(target).__name__} came. For an array of values use '
        "AutoMLClassifier or AutoMLRegressor."
    )


def as_monotonic(given: Mapping[str, Any] | None) -> tuple[tuple[str, int], ...]:
    """Directions of columns as signs, sorted by column.

    Raises
    ------
    OptionError
        If a direction is neither increasing nor decreasing.

    Examples
    --------
    >>> as_monotonic({"age": "increasing", "price": -1})
    (('age', 1), ('price', -1))
    """
    if given is not None and not isinstance(given, Mapping):
        raise OptionError(f"Monotonic columns are a mapping of column to direction, but came as {given!r}.")
    found = []
    for column, direction in (given or {}).items():
        sign = _DIRECTIONS.get(str(direction).strip().lower())
        if sign is None:
            raise OptionError(
                f"A direction is 'increasing' or 'decreasing' (also + and -), but {column!r} came with "
                f"{direction!r}."
            )
        found.append((str(column), sign))
    return tuple(sorted(found))


def as_sensitive(given: Any) -> dict[str, tuple[float, ...]]:
    """Sensitive columns, each with the cuts between ranges of a number, ascending; none for the usual ones.

    Raises
    ------
    OptionError
        If it is no name, no list of names and no mapping of names to numbers.

    Examples
    --------
    >>> as_sensitive("sex"), as_sensitive({"sex": None, "age": [65, 40]})
    ({'sex': ()}, {'sex': (), 'age': (40.0, 65.0)})
    """
    if given is not None and not isinstance(given, (str, list, tuple, Mapping)):
        raise OptionError(f"Sensitive columns are given by name, but came as {given!r}.")
    if not isinstance(given, Mapping):
        return dict.fromkeys(as_names(given, "sensitive column"), ())
    found: dict[str, tuple[float, ...]] = {}
    for name, cuts in given.items():
        as_names([name], "sensitive column")
        several = [cuts] if isinstance(cuts, (int, float)) else list(cuts or ())
        numbers = [cut for cut in several if isinstance(cut, (int, float)) and not isinstance(cut, bool)]
        if len(numbers) < len(several) or any(not abs(cut) < float("inf") for cut in numbers):
            raise OptionError(f"Cuts of the sensitive column {name!r} must be numbers, but came as {cuts!r}.")
        found[name] = tuple(sorted({float(cut) for cut in numbers}))
    return found


def as_mitigation(given: str | None) -> tuple[str, str]:
    """What to do about gaps between groups, and what thresholds equalise.

    Raises
    ------
    OptionError
        If there is no such method.

    Examples
    --------
    >>> as_mitigation(None), as_mitigation("reweighting"), as_mitigation("thresholds:equal-opportunity")
    (('', ''), ('reweighting', ''), ('thresholds', 'equal_opportunity'))
    >>> as_mitigation("thresholds")
    ('thresholds', 'demographic_parity')
    """
    if given is None:
        return "", ""
    method, _, constraint = str(given).strip().lower().replace("-", "_").partition(":")
    if method == "reweighting" and not constraint:
        return method, ""
    if method == "thresholds" and (constraint or CONSTRAINTS[0]) in CONSTRAINTS:
        return method, constraint or CONSTRAINTS[0]
    known = ["reweighting", *(f"thresholds:{name}" for name in CONSTRAINTS)]
    raise OptionError(
        f"Gaps are mitigated by one of {', '.join(known)}, but it came as {given!r}."
        f"{nearest(str(given), known)}"
    )

"""Values of options that need a little reading before anybody else understands them."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core import OptionError

__all__ = ["parse_costs", "parse_holdout", "parse_monotonic", "parse_overrides", "parse_sensitive"]


def parse_overrides(settings: Sequence[str]) -> dict[str, str]:
    """Column treatments from the values of ``--set``.

    Parameters
    ----------
    settings : sequence of str
        Each ``COLUMN=KIND`` or ``COLUMN=ROLE``; the column's name may hold ``=`` itself.

    Raises
    ------
    OptionError
        If one is not of this form. Whether there is such a column and kind, the reader of the data says.

    Examples
    --------
    >>> parse_overrides(["zip=categorical", "a=b=ignored"])
    {'zip': 'categorical', 'a=b': 'ignored'}
    """
    overrides: dict[str, str] = {}
    for setting in settings:
        column, equals, treatment = setting.rpartition("=")
        if not equals or not column:
            raise OptionError(
                f"--set needs COLUMN=KIND_OR_ROLE, as in --set zip=categorical, but came as {setting!r}."
            )
        overrides[column] = treatment
    return overrides


def parse_holdout(value: str | None) -> str | float | None:
    """A fraction where it reads as a number, else a file.

    Examples
    --------
    >>> parse_holdout("0.2"), parse_holdout("later.csv")
    (0.2, 'later.csv')
    """
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return value


def parse_costs(settings: Sequence[str]) -> list[tuple[str, str, str]]:
    """Costs of errors from the values of ``--cost``; the numbers are read where all costs are checked.

    Raises
    ------
    OptionError
        If one is not ``ACTUAL:PREDICTED=COST``.

    Examples
    --------
    >>> parse_costs(["yes:no=10"])
    [('yes', 'no', '10')]
    """
    costs = []
    for setting in settings:
        labels, equals, cost = setting.rpartition("=")
        actual, colon, predicted = labels.partition(":")
        if not (equals and colon and actual and predicted):
            raise OptionError(
                f"--cost needs ACTUAL:PREDICTED=COST, as in --cost yes:no=10, but came as {setting!r}."
            )
        costs.append((actual, predicted, cost))
    return costs


def parse_monotonic(settings: Sequence[str]) -> dict[str, str]:
    """Directions of columns from the values of ``--monotonic``.

    Raises
    ------
    OptionError
        If one is not ``COLUMN=DIRECTION``.

    Examples
    --------
    >>> parse_monotonic(["age=increasing"])
    {'age': 'increasing'}
    """
    directions: dict[str, str] = {}
    for setting in settings:
        column, equals, direction = setting.rpartition("=")
        if not equals or not column:
            raise OptionError(
                "--monotonic needs COLUMN=DIRECTION, as in --monotonic age=increasing, but came as "
                f"{setting!r}."
            )
        directions[column] = direction
    return directions


def parse_sensitive(settings: Sequence[str]) -> dict[str, list[float]] | None:
    """Sensitive columns from the values of ``--sensitive``, with the cuts between ranges of a number.

    What follows ``=`` are cuts where all of it is numbers, else it belongs to the name.

    Examples
    --------
    >>> parse_sensitive(["sex", "age=40,65", "a=b"]), parse_sensitive([])
    ({'sex': [], 'age': [40.0, 65.0], 'a=b': []}, None)
    """
    found: dict[str, list[float]] = {}
    for setting in settings:
        name, equals, cuts = setting.rpartition("=")
        try:
            numbers = [float(cut) for cut in cuts.split(",")]
        except ValueError:
            numbers = []
        if equals and name and numbers:
            found[name] = numbers
        else:
            found[setting] = []
    return found or None

"""Class labels and their codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from modelwright.core import Column, Kind, Label, OptionError, Problem, nearest
from modelwright.data.frame_values import level_text

__all__ = ["class_labels", "find_label", "label_codes", "refuse_class_options", "with_classes"]


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


def find_label(given: Label, classes: Sequence[Label]) -> Label:
    """The class that a caller means, who may write ``"1"`` for the label 1.

    Raises
    ------
    OptionError
        If there is no such class.

    Examples
    --------
    >>> find_label("1", (0, 1)), find_label("yes", ("no", "yes"))
    (1, 'yes')
    """
    for label in classes:
        if type(label) is type(given) and label == given:
            return label
    texts = {level_text(label): label for label in classes}
    if level_text(given) in texts:
        return texts[level_text(given)]
    listed = ", ".join(repr(label) for label in list(classes)[:12])
    raise OptionError(f"There is no class {given!r}.{nearest(str(given), texts)} The classes are: {listed}.")


def with_classes(problem: Problem, classes: tuple[Label, ...], *, ordered: bool) -> Problem:
    """The problem with its classes; a positive class that was asked for is put last.

    Raises
    ------
    OptionError
        If the positive class, or one of the classes with costs, does not exist, or there are more than
        two classes to be positive among.

    Examples
    --------
    >>> asked = replace(Problem.of("y"), positive="ja")
    >>> with_classes(asked, ("ja", "nein"), ordered=False).classes
    ('nein', 'ja')
    """
    costs = tuple(
        (find_label(actual, classes), find_label(predicted, classes), cost)
        for actual, predicted, cost in problem.costs
    )
    if problem.positive is None:
        return replace(problem, classes=classes, costs=costs, ordered=ordered)
    positive = find_label(problem.positive, classes)
    if len(classes) != 2:
        raise OptionError(
            f"A positive class is for targets of two classes, but {problem.target!r} has {len(classes)}. "
            "Leave it out."
        )
    negative = classes[0] if classes[1] == positive else classes[1]
    return replace(problem, classes=(negative, positive), positive=positive, costs=costs, ordered=ordered)


def refuse_class_options(problem: Problem) -> None:
    """A positive class or costs of errors make no sense where no single class is predicted.

    Raises
    ------
    OptionError
        If the problem has one.
    """
    for name, given in (("A positive class", problem.positive), ("A cost of errors", problem.costs or None)):
        if given is not None:
            raise OptionError(
                f"{name} is for one target with classes, but {problem.target!r} is learned as "
                f"{problem.task}. Leave it out."
            )

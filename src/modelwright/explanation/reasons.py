"""Reasons for a prediction in words: the columns that speak for it and against it, with the row's values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modelwright.explanation.attributions import Attributions
from modelwright.explanation.predictor import plain_value, shown_value

__all__ = ["Reason", "RowReasons", "Wording", "row_reasons"]

_LONGEST = 60
"""Characters of a text that are shown."""

_LEAST = 1e-9
"""Share of all effects of a row below which a column is no reason."""


@dataclass(frozen=True)
class Reason:
    """One column of a row and what it did to the prediction.

    Attributes
    ----------
    column : str
        Source column.
    value : object
        What the row has there, as JSON knows it; None where missing.
    effect : float
        By how much it moved the prediction: a share of 1 for probabilities, else in the unit of the target.
    text : str
        In words.
    """

    column: str
    value: Any
    effect: float
    text: str


@dataclass(frozen=True)
class RowReasons:
    """Why a row got its prediction.

    Attributes
    ----------
    row : int
        Number of the row, from 0.
    output : str
        The class, label, quantile or target that is talked about.
    prediction : float
        Its probability, or the value.
    base : float
        What is predicted where nothing is known of a row.
    supports, against : tuple of Reason
        Columns that raised and that lowered it, the strongest first.
    others : float
        What all other columns added together.
    """

    row: int
    output: str
    prediction: float
    base: float
    supports: tuple[Reason, ...]
    against: tuple[Reason, ...]
    others: float

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.output}: {self.prediction:.4g} (base {self.base:.4g})"]
        lines += [f"  + {reason.text}" for reason in self.supports]
        lines += [f"  - {reason.text}" for reason in self.against]
        return "\n".join(lines)


@dataclass(frozen=True)
class Wording:
    """How reasons are put.

    Attributes
    ----------
    outputs : tuple of str
        Names of what is predicted; of two classes both.
    is_probability : bool
        Whether predictions are probabilities.
    cell : callable
        From the number of a row and the name of a column to the value there.
    outside : mapping of pair of int and str to str
        For a row and a column, why the value is outside of training.
    subjects : tuple of str
        What is raised or lowered, for each output, such as ``"the 0.9 quantile of price"``; by default the
        probability of the output, or the output itself.
    """

    outputs: tuple[str, ...]
    is_probability: bool
    cell: Callable[[int, str], Any]
    outside: dict[tuple[int, str], str]
    subjects: tuple[str, ...] = ()

    def text(self, row: int, column: str, effect: float, output: int) -> str:
        """What a column did to an output, in words."""
        value = self.cell(row, column)
        shown = f"{value[:_LONGEST]!r}" if isinstance(value, str) else shown_value(value)
        where = f"{column} is missing" if plain_value(value) is None else f"{column} = {shown}"
        name = self.outputs[output]
        what = f"the probability of {name!r}" if self.is_probability else name
        what = self.subjects[output] if self.subjects else what
        size = f"{100 * abs(effect):.3g} points" if self.is_probability else f"{abs(effect):.4g}"
        told = f"{where} {'raises' if effect > 0 else 'lowers'} {what} by {size}"
        return f"{told} (unlike training)" if (row, column) in self.outside else told


def row_reasons(found: Attributions, row: int, output: int, wording: Wording, most: int = 3) -> RowReasons:
    """The columns that moved one prediction most.

    Parameters
    ----------
    found : Attributions
    row : int
        Number of the row.
    output : int
        Place among `Wording.outputs`.
    wording : Wording
    most : int, default 3
        Reasons for it, and as many against it.

    Examples
    --------
    >>> effects = np.array([[[0.3], [-0.1], [0.0]]])
    >>> base, said = np.array([0.2]), np.array([[0.4]])
    >>> found = Attributions(("plan", "age", "id"), effects, base, said, effects, base, said, "log-odds")
    >>> wording = Wording(("no", "yes"), True, lambda row, column: {"plan": "pro", "age": 31.0}[column], {})
    >>> reasons = row_reasons(found, 0, 1, wording)
    >>> [reason.text for reason in (*reasons.supports, *reasons.against)]  # doctest: +NORMALIZE_WHITESPACE
    ["plan = 'pro' raises the probability of 'yes' by 30 points",
     "age = 31 lowers the probability of 'yes' by 10 points"]
    """
    # of two classes the second one is explained, and what speaks for it speaks against the first one
    one_sided = found.effects.shape[2] == 1 < len(wording.outputs)
    place, sign = (0, 1.0 if output else -1.0) if one_sided else (output, 1.0)
    effects = sign * found.effects[row, :, place]
    base, said = float(found.effect_base[place]), float(found.predictions[row, place])
    if one_sided and not output:
        base, said = 1.0 - base, 1.0 - said
    least = _LEAST * float(np.abs(effects).sum())
    order = np.argsort(-np.abs(effects), kind="stable").tolist()
    strong = [each for each in order if abs(effects[each]) > least]
    chosen = {
        rises: [each for each in strong if bool(effects[each] > 0) == rises][:most] for rises in (True, False)
    }

    def reasons(places: list[int]) -> tuple[Reason, ...]:
        return tuple(
            Reason(
                found.columns[each],
                plain_value(wording.cell(row, found.columns[each])),
                float(effects[each]),
                wording.text(row, found.columns[each], float(effects[each]), output),
            )
            for each in places
        )

    told = [*chosen[True], *chosen[False]]
    return RowReasons(
        row=row,
        output=wording.outputs[output],
        prediction=said,
        base=base,
        supports=reasons(chosen[True]),
        against=reasons(chosen[False]),
        others=float(effects.sum() - effects[told].sum()),
    )

"""Counterfactuals: the smallest changes of a row after which the model says something else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import (
    DataError,
    Deadline,
    FloatArray,
    Label,
    OptionError,
    generator,
)
from modelwright.explanation.adjustable import Adjustable, Cell, adjustable, changed_rows
from modelwright.explanation.predictor import (
    Predictor,
    find_column,
    plain_value,
    shown_cell,
    shown_value,
)
from modelwright.explanation.wishes import Goal, Wish, set_goal

__all__ = ["Change", "Counterfactual", "CounterfactualOptions", "Counterfactuals", "find_counterfactuals"]

_BATCH = 2_000
"""Candidates that are predicted at once."""

_BEAM = 8
_PER_COLUMNS = 2
"""States of the same columns that stay in the beam."""

_RESTARTS = 1_500
"""Random changes of several columns at once that are tried where the search step by step finds too little."""

_MOST_COLUMNS = 40
"""Columns that are changed together with others."""

_BRACKET, _ROUNDS = 16, 5
"""Values that are tried between a find and the present value at once, and how often."""

_POLISHED = 12
"""Finds that are made smaller in each depth of the search."""


@dataclass(frozen=True)
class CounterfactualOptions:
    """What may be changed, and how long is looked for it.

    Attributes
    ----------
    keep : tuple of str
        Columns that stay as they are.
    rising, falling : tuple of str
        Columns of numbers or dates that may only rise, or only fall.
    ranges : mapping of str to pair of float
        Limits of columns, instead of the range seen in training (dates: microseconds since 1970).
    answers : int, default 3
        How many are wanted.
    most_changes : int, default 4
        Columns that may change together.
    seconds : float or None, default 20
        What it may take; with None no decision reads the clock.
    seed : int, default 0
    """

    keep: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    answers: int = 3
    most_changes: int = 4
    seconds: float | None = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.answers < 1 or self.most_changes < 1:
            raise OptionError(
                f"At least 1 answer and 1 change must be allowed, but {self.answers} and {self.most_changes} "
                "came."
            )
        for name, (low, high) in self.ranges.items():
            if not low <= high:
                raise OptionError(f"The range of {name!r} ends ({high:g}) before it begins ({low:g}).")


@dataclass(frozen=True)
class Change:
    """One column that changes.

    Attributes
    ----------
    column : str
    before, after : object
        As JSON knows them; None for a missing value.
    words : str
        Such as ``"duration 24 -> 12"``.
    """

    column: str
    before: Any
    after: Any
    words: str


@dataclass(frozen=True)
class Counterfactual:
    """Changes of a row and what the model says of it then.

    Attributes
    ----------
    changes : tuple of Change
    distance : float
        Sum over the changes: numbers and dates in median absolute deviations of training, 1 for any other.
    outcome : label or float
        What the model says.
    chance : float or None
        The probability of the class that was wished for; None for values.
    fulfilled : bool
        Whether that is what was wished for.
    """

    changes: tuple[Change, ...]
    distance: float
    outcome: Label
    chance: float | None
    fulfilled: bool

    def __str__(self) -> str:
        said = shown_value(self.outcome)
        chance = "" if self.chance is None else f" ({self.chance:.3g})"
        return f"{', '.join(change.words for change in self.changes)}: {said}{chance}"


@dataclass(frozen=True)
class Counterfactuals:
    """What was found for one row.

    Attributes
    ----------
    wish : str
        In words.
    before : label or float
        What the model says of the row as it is.
    answers : tuple of Counterfactual
        Few changes first, then near ones; each was predicted by the model once more. Empty if none was found,
        or if the row is as wished already.
    closest : Counterfactual or None
        What came closest, where no answer was found.
    told : tuple of str
        In sentences: why there is none, what was left out.
    candidates : int
        Rows that the model predicted on the way.
    """

    wish: str
    before: Label
    answers: tuple[Counterfactual, ...]
    closest: Counterfactual | None
    told: tuple[str, ...]
    candidates: int

    @property
    def found(self) -> bool:
        """Whether there is an answer."""
        return bool(self.answers)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {**asdict(self), "found": self.found}


def find_counterfactuals(
    predictor: Predictor, row: pl.DataFrame, wish: Wish, options: CounterfactualOptions | None = None
) -> Counterfactuals:
    """The smallest changes of one row after which the model says what is wished (Wachter et al., 2018).

    Single columns are changed first, then the most promising changes are joined with others (a beam), then
    random ones (several at once). What fulfils the wish is made smaller: changes that are not needed go
    back, numbers move back as far as they can. Values stay in the range and among the levels that training
    saw; whole numbers stay whole, dates stay dates; a present value is never made missing.

    Parameters
    ----------
    predictor : Predictor
    row : polars.DataFrame of one row
        Typed.
    wish : Wish
    options : CounterfactualOptions, optional

    Raises
    ------
    UnknownName
        If a class or a column that is named does not exist.
    OptionError
        If the wish is no outcome of the model, nothing may be changed, or the model looks at rows together.
    DataError
        If there is not exactly one row.

    Examples
    --------
    >>> from modelwright.explanation.predictor import FunctionPredictor, describe_columns
    >>> frame = pl.DataFrame({"hours": np.arange(40.0), "age": [30.0, 40.0] * 20})
    >>> pay = FunctionPredictor(lambda rows: 10 * rows["hours"].to_numpy(), describe_columns(frame))
    >>> found = find_counterfactuals(pay, frame[:1], Wish(low=95.0))
    >>> print(found.answers[0])
    hours 0 -> 10: 100
    """
    chosen = options or CounterfactualOptions()
    if row.height != 1:
        raise DataError(f"Counterfactuals are for one row, but {row.height} came. Choose one.")
    if predictor.rows_together:
        raise OptionError(
            "Counterfactuals change single rows, but this model looks at the rows of a group together (it "
            "was trained with group features). Train one without them."
        )
    now = predictor.predict(row)
    goal = set_goal(predictor, wish, now)
    parts = _adjustables(predictor, row, chosen)
    before = goal.outcome(now)[0]
    if goal.judged(now)[1][0]:
        said = f"The model says {shown_value(before)} already: nothing has to change."
        return Counterfactuals(str(wish), before, (), None, (said,), 1)
    search = _Search(predictor, row, goal, parts, Deadline.after(chosen.seconds))
    search.run(chosen)
    answers = tuple(search.answer(state) for state in _diverse(search, chosen.answers))
    answers = tuple(answer for answer in answers if answer.fulfilled)
    closest = None if answers or search.nearest is None else search.answer(search.nearest)
    told = _told(goal, answers, closest, chosen)
    if search.out_of_time:
        told.append("Time was up before everything was tried. Give more seconds for smaller or more changes.")
    return Counterfactuals(str(wish), before, answers, closest, tuple(told), search.candidates)


def _adjustables(
    predictor: Predictor, row: pl.DataFrame, options: CounterfactualOptions
) -> dict[str, Adjustable]:
    for name in (*options.keep, *options.rising, *options.falling, *options.ranges):
        find_column(predictor, name)
    both = set(options.rising) & set(options.falling)
    if both:
        raise OptionError(f"{min(both)!r} cannot both rise only and fall only. Name it once.")
    parts: dict[str, Adjustable] = {}
    for column in predictor.columns:
        if column.name in options.keep:
            continue
        direction = int(column.name in options.rising) - int(column.name in options.falling)
        part = adjustable(column, row[column.name], direction, options.ranges.get(column.name))
        if part is not None and part.tries():
            parts[column.name] = part
    if not parts:
        raise OptionError(
            "No column is left that may change: all are kept, hold texts or lists, or had one value only in "
            "training. Keep fewer columns."
        )
    return parts


def _told(
    goal: Goal,
    answers: Sequence[Counterfactual],
    closest: Counterfactual | None,
    options: CounterfactualOptions,
) -> list[str]:
    if answers:
        if len(answers) < options.answers:
            return [f"Only {len(answers)} of {options.answers} answers that were asked for could be found."]
        return []
    most = options.most_changes
    columns = "one column" if most == 1 else f"up to {most} columns"
    sentence = f"No change of {columns} was found after which the model says {goal.wish}."
    return [sentence] if closest is None else [sentence, f"The closest: {closest}."]


State = dict[str, Cell]
"""Changes of a row: column to new value."""


@dataclass
class _Search:
    """Looks for changes of one row.

    Attributes
    ----------
    predictor : Predictor
    row : polars.DataFrame of one row
    goal : Goal
    parts : dict of str to Adjustable
        What may change.
    deadline : Deadline
    solutions : dict
        Changes that fulfil the wish, by their columns and directions.
    nearest, nearest_gap : dict or None, float
        The changes that came closest, and how close.
    active : list of str
        Columns that are looked at: after the first step those that lead towards the wish most.
    candidates : int
        Rows that were predicted.
    out_of_time : bool
    """

    predictor: Predictor
    row: pl.DataFrame
    goal: Goal
    parts: dict[str, Adjustable]
    deadline: Deadline
    solutions: dict[tuple[tuple[str, str], ...], State] = field(default_factory=dict)
    nearest: State | None = None
    nearest_gap: float = math.inf
    active: list[str] = field(default_factory=list)
    candidates: int = 0
    out_of_time: bool = False

    def run(self, options: CounterfactualOptions) -> None:
        """Single columns, then more of them, until there are enough answers."""
        self.active = list(self.parts)
        beam: list[State] = [{}]
        for _ in range(options.most_changes):
            beam = self._deeper(beam)
            if self._enough(options.answers) or not beam or self.out_of_time:
                break
        if not self._enough(options.answers) and options.most_changes > 1 and not self.out_of_time:
            self._restart(options)

    def answer(self, state: State) -> Counterfactual:
        """A state as the answer, predicted once more by itself."""
        frame = changed_rows(self.row, self.parts, [state])
        array = self.predictor.predict(frame)
        changes = []
        for name in sorted(state, key=lambda name: -self.parts[name].distance(state[name])):
            before, after = self.row[name].item(), frame[name].item()
            column = self.parts[name].column
            words = f"{name} {shown_cell(column, before)} -> {shown_cell(column, after)}"
            changes.append(Change(name, plain_value(before), plain_value(after), words))
        return Counterfactual(
            tuple(changes),
            self.distance(state),
            self.goal.outcome(array)[0],
            self.goal.chance(array)[0],
            bool(self.goal.judged(array)[1][0]),
        )

    def distance(self, state: Mapping[str, Cell]) -> float:
        """Of a state from the row."""
        return sum(self.parts[name].distance(value) for name, value in state.items())

    def _enough(self, answers: int) -> bool:
        return len({frozenset(name for name, _ in key) for key in self.solutions}) >= answers

    def _judged(self, states: Sequence[State]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """How far states are from the wish, and which fulfil it; what there is no time for does not."""
        gaps = np.full(len(states), np.inf)
        fulfilled = np.zeros(len(states), dtype=np.bool_)
        for start in range(0, len(states), _BATCH):
            if self.deadline.passed and self.candidates:
                self.out_of_time = True
                break
            batch = states[start : start + _BATCH]
            array = self.predictor.predict(changed_rows(self.row, self.parts, batch))
            self.candidates += len(batch)
            place = slice(start, start + len(batch))
            gaps[place], fulfilled[place] = self.goal.judged(array)
        if len(states):
            best = int(np.argmin(gaps))
            if gaps[best] < self.nearest_gap:
                self.nearest, self.nearest_gap = dict(states[best]), float(gaps[best])
        return gaps, fulfilled

    def _deeper(self, beam: Sequence[State]) -> list[State]:
        """Each state with one more change: finds are kept, the most promising others returned."""
        states = _distinct(
            {**state, name: value}
            for state in beam
            for name in self.active
            if name not in state
            for value in self.parts[name].tries()
        )
        gaps, fulfilled = self._judged(states)
        self._keep([states[place] for place in np.flatnonzero(fulfilled).tolist()])
        if len(self.active) > _MOST_COLUMNS:
            self._choose_columns(states, gaps)
        order = sorted(
            np.flatnonzero(~fulfilled & np.isfinite(gaps)).tolist(),
            key=lambda place: (gaps[place], self.distance(states[place])),
        )
        chosen: list[State] = []
        counts: dict[frozenset[str], int] = {}
        for place in order:
            columns = frozenset(states[place])
            if counts.get(columns, 0) < _PER_COLUMNS:
                counts[columns] = counts.get(columns, 0) + 1
                chosen.append(states[place])
                if len(chosen) == _BEAM:
                    break
        return chosen

    def _choose_columns(self, states: Sequence[State], gaps: FloatArray) -> None:
        """Of very many columns only those whose changes came closest are joined with others."""
        closest = dict.fromkeys(self.active, math.inf)
        for state, gap in zip(states, gaps.tolist(), strict=True):
            for name in state:
                closest[name] = min(closest[name], gap)
        self.active = sorted(self.active, key=closest.__getitem__)[:_MOST_COLUMNS]

    def _restart(self, options: CounterfactualOptions) -> None:
        """Random changes of several columns at once, for what no single change leads towards."""
        random = generator(options.seed, "counterfactuals")
        names, most = self.active, min(options.most_changes, len(self.active))
        if most < 2:
            return
        tries = {name: self.parts[name].tries() for name in names}
        states: list[State] = []
        for _ in range(_RESTARTS):
            chosen = random.permutation(len(names))[: int(random.integers(2, most + 1))]
            columns = [names[place] for place in chosen.tolist()]
            states.append({name: tries[name][int(random.integers(len(tries[name])))] for name in columns})
        _, fulfilled = self._judged(states)
        self._keep([states[place] for place in np.flatnonzero(fulfilled).tolist()])

    def _keep(self, finds: Sequence[State]) -> None:
        """The nearest finds of each set of columns and directions, made as small as can be."""
        nearest: dict[tuple[tuple[str, str], ...], State] = {}
        for state in sorted(finds, key=self.rank):
            nearest.setdefault(self._key(state), state)
        for state in list(nearest.values())[:_POLISHED]:
            small = self._refined(self._pruned(state))
            key = self._key(small)
            if key not in self.solutions or self.rank(small) < self.rank(self.solutions[key]):
                self.solutions[key] = small

    def rank(self, state: State) -> tuple[int, float, str]:
        """Few changes first, then small ones; the names decide between equals."""
        return len(state), round(self.distance(state), 9), repr(sorted(state.items()))

    def _key(self, state: State) -> tuple[tuple[str, str], ...]:
        """The columns with their directions, or levels: states that differ in it are different answers."""
        return tuple(sorted((name, self._direction(name, value)) for name, value in state.items()))

    def _direction(self, name: str, value: Cell) -> str:
        now = self.parts[name].now
        if isinstance(value, float) and isinstance(now, float):
            return "up" if not value < now else "down"
        return str(value)

    def _pruned(self, state: State) -> State:
        """Without the changes that are not needed."""
        while len(state) > 1:
            fewer = [{key: value for key, value in state.items() if key != name} for name in state]
            fulfilled = self._judged(fewer)[1]
            kept = [fewer[place] for place in np.flatnonzero(fulfilled).tolist()]
            if not kept:
                break
            state = min(kept, key=self.rank)
        return state

    def _refined(self, state: State) -> State:
        """With numbers and dates as near to the present ones as the wish allows."""
        found = dict(state)
        names = [name for name in found if self._is_movable(name)]
        for name in sorted(names, key=lambda name: -self.parts[name].distance(found[name])):
            found = self._nearer(found, name)
        return found

    def _is_movable(self, name: str) -> bool:
        now = self.parts[name].now
        return self.parts[name].is_ordered and isinstance(now, float) and math.isfinite(now)

    def _nearer(self, state: State, name: str) -> State:
        """One number moved back towards the present one: a bracket that narrows around the first find."""
        part = self.parts[name]
        inner, outer = float(part.now or 0.0), float(state[name] or 0.0)
        for _ in range(_ROUNDS):
            values = sorted(part.between(inner, outer, _BRACKET), key=part.distance)
            if not values:
                break
            fulfilled = self._judged([{**state, name: value} for value in values])[1]
            first = int(np.argmax(fulfilled)) if fulfilled.any() else len(values)
            if first < len(values):
                outer = float(values[first] or 0.0)
            if first > 0:
                inner = float(values[first - 1] or 0.0)
        return {**state, name: outer}


def _distinct(states: Iterator[State]) -> list[State]:
    """Each state once: the same changes may be reached in different orders."""
    return list({frozenset(state.items()): state for state in states}.values())


def _diverse(search: _Search, most: int) -> list[State]:
    """The best solutions that do not contain one another; where these are too few, more columns too.

    One of more columns has smaller changes of those it shares with another, or it would have lost some.
    """
    ranked = sorted(search.solutions.values(), key=search.rank)
    chosen: list[State] = []
    for state in ranked:
        if not any(set(other) <= set(state) for other in chosen):
            chosen.append(state)
    rest = [state for state in ranked if state not in chosen]
    return sorted([*chosen[:most], *rest[: max(0, most - len(chosen))]], key=search.rank)

"""What a delivered model is composed of: trials with weights, and which fitted models of each.

The out-of-fold error of a trial is that of single fold models. Three forms of a member share it: the bag of
all its fold models, which is somewhat better; one model refitted on all rows, which is faster and smaller;
one fold model alone, which is neither, but needs no time to make.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from modelwright.automl.choice import choose
from modelwright.automl.limits import Limits
from modelwright.core import Deadline
from modelwright.ensemble import ALL_ROWS, FoldResult
from modelwright.search import Prices, Selection, Trial, Trials

__all__ = ["Composition", "Costs", "compose"]

_REFIT, _SINGLE = 1.03, 1.05
"""How much more one model errs than a bag of fold models: fitted on all rows (3% with boosted trees on two
tables of 1,000 and 6,000 rows), fitted on the rows of one fold (3% and 7% there)."""

_SLACK = 0.98
"""Share of a limit that is planned for: measurements scatter."""


@dataclass(frozen=True)
class Composition:
    """The models that a bundle is made of.

    Attributes
    ----------
    selection : Selection
        Trials and their weights.
    models : mapping of int to tuple of int
        Each trial's folds whose models take part; ``(ALL_ROWS,)`` for one that was fitted on every row.
    """

    selection: Selection
    models: Mapping[int, tuple[int, ...]]

    @classmethod
    def bags(cls, trials: Trials, selection: Selection) -> Composition:
        """Every fold model of every member."""
        return cls(selection, {number: _bag(trials[number]) for number in selection.numbers})

    @property
    def refitted(self) -> tuple[int, ...]:
        """Members that are one model of every row."""
        return tuple(number for number, folds in self.models.items() if folds == (ALL_ROWS,))

    @property
    def count(self) -> int:
        """Fitted models in all."""
        return sum(len(folds) for folds in self.models.values())

    def with_models(self, number: int, folds: tuple[int, ...]) -> Composition:
        """The same with other models of one member."""
        return replace(self, models={**self.models, number: folds})

    def without_refits(self, trials: Trials, numbers: Collection[int]) -> Composition:
        """Bags in place of models that could not be fitted."""
        return replace(
            self,
            models={n: _bag(trials[n]) if n in numbers else folds for n, folds in self.models.items()},
        )


def _bag(trial: Trial) -> tuple[int, ...]:
    return tuple(sorted(trial.results))


@dataclass
class Costs:
    """What one prediction takes, and what a bundle weighs.

    Attributes
    ----------
    trials : Trials
    base_seconds : float
        One prediction without any model: reading the row, features, the answer.
    base_bytes, per_model : float
        A bundle without its models, and what each of them adds besides its own files.
    refits : dict of int to FoldResult
        Models of every row that are finished.
    scale : float
        By how much models are slower where they were measured last than while they were fitted.
    alone : bool
        Whether an ensemble has one member at most.
    merged : set of int
        Those of `refits` that are the mean of their fold models.
    """

    trials: Trials
    base_seconds: float = 0.0
    base_bytes: float = 0.0
    per_model: float = 0.0
    refits: dict[int, FoldResult] = field(default_factory=dict)
    scale: float = 1.0
    alone: bool = False
    merged: set[int] = field(default_factory=set)

    def places(self, number: int, folds: tuple[int, ...]) -> list[Path]:
        """Where the finished models of a member are."""
        results = self.trials[number].results
        return [(self.refits[number] if f == ALL_ROWS else results[f]).directory for f in folds]

    def models_seconds(self, number: int, folds: tuple[int, ...]) -> float:
        """Wall time of a member's prediction of one row."""
        known = self.refits.get(number) if folds == (ALL_ROWS,) else None
        one = known.row_seconds if known is not None else self.trials[number].row_seconds
        return self.scale * one * len(folds)

    def models_bytes(self, number: int, folds: tuple[int, ...]) -> float:
        """Size of a member; a model of every row is as large as those of folds before it exists."""
        results = {fold: float(result.size_bytes) for fold, result in self.trials[number].results.items()}
        refit = self.refits.get(number)
        results[ALL_ROWS] = float(np.mean(list(results.values()))) if refit is None else refit.size_bytes
        return sum(results[fold] + self.per_model for fold in folds)

    def of(self, composition: Composition) -> tuple[float, float]:
        """Seconds of one prediction and bytes of the bundle."""
        members = composition.models.items()
        seconds = sum(self.models_seconds(number, folds) for number, folds in members)
        size = sum(self.models_bytes(number, folds) for number, folds in members)
        return self.base_seconds + seconds, self.base_bytes + size

    def learn(self, composition: Composition, seconds: float) -> None:
        """Correct what is expected by what a composition was measured to take."""
        models = self.of(composition)[0] - self.base_seconds
        if models > 0 and seconds > self.base_seconds:
            self.scale *= (seconds - self.base_seconds) / models


def compose(
    costs: Costs,
    limits: Limits,
    *,
    refit: Collection[int] = (),
    bags: bool = True,
    deadline: Deadline | None = None,
    seed: int = 0,
) -> Composition:
    """The best composition that keeps the limits; the cheapest one where none does.

    Parameters
    ----------
    costs : Costs
        Of the trials to choose from.
    limits : Limits
    refit : collection of int
        Trials that may be refitted on all rows.
    bags : bool, default True
        Whether several fold models of a member may be delivered.
    deadline : Deadline, optional
        For the choice.
    seed : int
    """
    trials = costs.trials
    found: list[tuple[float, Composition]] = []
    forms = _forms(trials, refit)
    for premium, form in forms if bags or not refit else forms[1:]:
        prices = _prices(costs, limits, form)
        if not any((price <= 1.0).all() for price in prices.values()):
            continue
        selection = choose(trials, deadline, seed, prices)
        made = Composition(selection, {number: form[number] for number in selection.numbers})
        found.append((selection.error * premium, made))
    if not found:
        return _cheapest(costs, limits, refit)
    best = min(found, key=lambda pair: pair[0])[1]
    return _enlarged(best, costs, limits) if bags else best


_Form = dict[int, tuple[int, ...]]


def _forms(trials: Trials, refit: Collection[int]) -> list[tuple[float, _Form]]:
    """The models that each trial could take part with, and by how much such models err more than a bag."""
    usable = [trial for trial in trials.having(1) if trial.origin != "baseline"] or trials.having(1)
    forms: list[tuple[float, _Form]] = [(1.0, {trial.number: _bag(trial) for trial in usable})]
    if refit:
        forms.append((_REFIT, {t.number: (ALL_ROWS,) if t.number in refit else (0,) for t in usable}))
    forms.append((_SINGLE, {trial.number: (0,) for trial in usable}))
    return forms


def _prices(costs: Costs, limits: Limits, form: _Form) -> Prices:
    """The share of what limits leave for models that each trial takes; without a form it is infinite."""
    prices = {trial.number: np.array([np.inf]) for trial in costs.trials.all()}
    for number, folds in form.items():
        shares = [1.0] if costs.alone else []
        for limit, base, amount in (
            (limits.seconds, costs.base_seconds, costs.models_seconds(number, folds)),
            (limits.size_bytes, costs.base_bytes, costs.models_bytes(number, folds)),
        ):
            if limit is not None:
                room = _SLACK * limit - base
                shares.append(amount / room if room > 0 else np.inf)
        prices[number] = np.array(shares or [0.0])
    width = max(len(price) for price in prices.values())
    return {number: np.resize(price, width) for number, price in prices.items()}


def _cheapest(costs: Costs, limits: Limits, refit: Collection[int]) -> Composition:
    """The one model that breaks the limits least."""
    trials = costs.trials
    choices = [
        Composition(Selection(1, (number,), (1.0,), trials.error(number, 1)), {number: folds})
        for _, form in _forms(trials, refit)
        for number, folds in form.items()
    ]
    best = min(choices, key=lambda made: (round(limits.usage(*costs.of(made)), 3), made.selection.error))
    number = best.selection.numbers[0]
    folds = trials[number].prefix(trials.count)
    return replace(best, selection=Selection(folds, (number,), (1.0,), trials.error(number, folds)))


def _enlarged(made: Composition, costs: Costs, limits: Limits) -> Composition:
    """More fold models for the members, heaviest first, while the limits leave room."""
    room = Limits(
        None if limits.seconds is None else _SLACK * limits.seconds,
        None if limits.size_bytes is None else _SLACK * limits.size_bytes,
    )
    for number in made.selection.numbers:
        bag = _bag(costs.trials[number])
        single = made.models[number] == (0,)
        for count in range(len(bag), 1 if single else len(bag) - 1, -1):
            larger = made.with_models(number, bag[:count])
            if room.usage(*costs.of(larger)) <= 1.0:
                made = larger
                break
    return made

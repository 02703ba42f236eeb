"""Bayesian optimisation with Optuna's tree-structured Parzen estimator, seeded by the portfolio.

Source: Bergstra, Bardenet, Bengio, Kegl, "Algorithms for hyper-parameter optimization" (NeurIPS 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core import derive_seed, generator
from modelwright.learners import Choice, Float, Int, Parameter
from modelwright.search.suggestion import Observed, Space, Suggestion

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["BayesianSearch"]


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, Float):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    if isinstance(parameter, Int):
        return IntDistribution(parameter.low, parameter.high, log=parameter.log)
    if isinstance(parameter, Choice):
        return CategoricalDistribution(list(parameter.options))
    raise TypeError(f"A search space holds Float, Int and Choice, but not {type(parameter).__name__}.")


_HOPE = 0.002
"""Gain that is expected of the best learner's next configuration whatever its last ones brought."""

_LATEST = 4
"""Configurations of a learner whose gains are looked at."""

_QUICK = 0.05
"""Seconds below which one fold costs as good as nothing."""


def _recent_gain(items: Sequence[Observed]) -> float:
    latest = [min(item.gain, 0.05) for item in items[-_LATEST:]]
    return sum(latest) / len(latest)


def _typical_seconds(items: Sequence[Observed]) -> float:
    latest = [item.seconds for item in items[-_LATEST:]]
    return max(_QUICK, sum(latest) / len(latest))


class BayesianSearch:
    """Tunes the most promising learners: those that brought the ensemble most per second, more often.

    Each question is answered by a fresh Optuna study that is told the whole history and seeded by the
    number of the trial, so an answer depends on nothing but its arguments.

    Parameters
    ----------
    spaces : mapping of str to Space
        The learners that can be tuned.
    seed : int

    Examples
    --------
    >>> search = BayesianSearch({"ridge": {"alpha": Float(0.01, 100.0, log=True)}}, seed=0)
    >>> first = search.ask(1, [Observed(0, "ridge", {"alpha": 1.0}, error=0.3)])
    >>> first == search.ask(1, [Observed(0, "ridge", {"alpha": 1.0}, error=0.3)])
    True
    """

    def __init__(self, spaces: Mapping[str, Space], seed: int) -> None:
        self._spaces = {name: space for name, space in spaces.items() if space}
        self._seed = seed

    def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
        """What to try next; see `Searcher`."""
        if not self._spaces:
            return None
        learner = self._choose_learner(number, history)
        config = self._sample(learner, number, [item for item in history if item.learner == learner])
        return Suggestion(learner, config, "bayesian")

    def _choose_learner(self, number: int, history: Sequence[Observed]) -> str:
        """A draw by the gain per second that a learner's next configuration lets expect.

        Expected is the mean gain of its latest ones (as in the estimated cost for improvement of Wang, Wu,
        Weimer and Zhu, "FLAML", 2021), and a little for learners of a low error: 1, 1/2, 1/4 ... by rank.
        Where gains are not looked at, only the rank counts.
        """
        tried: dict[str, list[Observed]] = {}
        for item in history:
            if item.learner in self._spaces:
                tried.setdefault(item.learner, []).append(item)
        best = {name: min(item.error for item in items) for name, items in tried.items()}
        ranked = sorted(best, key=lambda name: (best[name], name)) or sorted(self._spaces)
        weights = [0.5**rank for rank in range(len(ranked))]
        if any(item.gain > 0 for item in history):
            weights = [
                (_HOPE * weight + _recent_gain(tried[name])) / _typical_seconds(tried[name])
                for name, weight in zip(ranked, weights, strict=True)
            ]
        draw = generator(self._seed, "learner", number).random() * sum(weights)
        for name, weight in zip(ranked, weights, strict=True):
            draw -= weight
            if draw < 0:
                return name
        return ranked[0]

    def _sample(self, learner: str, number: int, history: Sequence[Observed]) -> dict[str, Any]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        space = {name: _distribution(parameter) for name, parameter in self._spaces[learner].items()}
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=4, seed=derive_seed(self._seed, "suggestion", number)
        )
        study = optuna.create_study(direction="minimize", sampler=sampler)
        for item in history:
            known = {
                name: item.config[name]
                for name, parameter in self._spaces[learner].items()
                if name in item.config and parameter.contains(item.config[name])
            }
            study.add_trial(
                optuna.trial.create_trial(
                    params=known,
                    distributions={name: space[name] for name in known},
                    value=min(item.error, 1e300),
                )
            )
        return dict(study.ask(space).params)

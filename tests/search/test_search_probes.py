"""Racing on few rows, gains by trial, and ending when there are none any more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from search_simulation import Ever, Simulation, portfolio

from modelwright.learners import Float
from modelwright.search import AnytimeScheduler, Gains, Observed, Probes, Suggestion, Trial, Trials
from modelwright.search.bayesian import BayesianSearch
from modelwright.search.probes import PROBE_SHARE


class Growing:
    """A strategy whose every suggestion is worse than the one before."""

    def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
        return Suggestion("tuned", {"noise": 0.2 + 0.05 * number}, "bayesian")


def opened(simulation: Simulation, trials: Trials, number: int, learner: str) -> Trial:
    trial = Trial(number, learner, f"{learner} {number}", {}, "portfolio")
    trials.add(trial)
    trials.finish_fold(number, 0, simulation.result(trials, trial, 0))
    return trial


def racing(trials: Trials, probes: Probes, number: int, learner: str, error: float | None = None) -> Trial:
    trial = Trial(number, learner, f"{learner} {number}", {}, "bayesian", probe_error=error)
    trials.add(trial)
    probes.enter(trial)
    return trial


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path, {"tuned": 4.0}, {"tuned": 0.3}, rows=8_000)


def test_the_best_configuration_so_far_is_probed_before_the_first_suggestion(simulation: Simulation) -> None:
    trials = simulation.trials()
    probes = Probes(trials)
    champion = opened(simulation, trials, 1, "tuned")
    suggestion = racing(trials, probes, 2, "tuned")
    first = probes.next()
    assert first is not None
    assert (first.trial, first.share, first.is_probe) == (champion, PROBE_SHARE, True)
    champion.probing = True
    second = probes.next()
    assert second is not None
    assert second.trial is suggestion
    suggestion.probing = True
    assert probes.next() is None


@pytest.mark.parametrize(("error", "wins"), [(0.4, False), (0.2, True)])
def test_a_suggestion_gets_all_rows_only_if_its_probe_is_among_the_best(
    simulation: Simulation, error: float, wins: bool
) -> None:
    trials = simulation.trials()
    probes = Probes(trials)
    opened(simulation, trials, 1, "tuned").probe_error = 0.3
    trial = racing(trials, probes, 2, "tuned", error)
    work = probes.next()
    assert (work is not None) == wins
    assert trial.pruned != wins
    if work is not None:
        assert (work.trial, work.share) == (trial, 1.0)


def test_one_probe_in_three_is_promoted(simulation: Simulation) -> None:
    trials = simulation.trials()
    probes = Probes(trials)
    opened(simulation, trials, 1, "tuned").probe_error = 0.1
    for number, error in ((2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5)):
        racing(trials, probes, number, "tuned", error)
    first = probes.next()
    assert first is not None
    assert first.trial.number == 2
    assert probes.next() is None


def test_a_probe_whose_worker_failed_holds_nothing_up(simulation: Simulation) -> None:
    trials = simulation.trials()
    probes = Probes(trials)
    opened(simulation, trials, 1, "tuned").probe_error = float("inf")
    trial = racing(trials, probes, 2, "tuned", 0.5)
    work = probes.next()
    assert work is not None
    assert work.trial is trial
    racing(trials, probes, 3, "tuned").out_of_time = True
    assert probes.next() is None


def test_cheap_fits_and_small_tables_are_not_probed(tmp_path: Path, simulation: Simulation) -> None:
    probes = Probes(simulation.trials())
    assert probes.are_worthwhile(seconds=4.0, remaining=60.0)
    assert not probes.are_worthwhile(seconds=0.5, remaining=60.0)
    assert not Probes(Simulation(tmp_path, {}, {}).trials()).are_worthwhile(seconds=4.0, remaining=60.0)


def test_expensive_suggestions_are_probed_and_few_get_a_whole_fold(simulation: Simulation) -> None:
    trials = simulation.trials()
    simulation.baseline(trials)
    scheduler = AnytimeScheduler(
        trials,
        portfolio("tuned", seconds=4.0),
        Growing(),
        slots=2,
        remaining=lambda: 100.0 - simulation.now,
        fold_cap=30.0,
    )
    simulation.run(trials, scheduler, 100.0)
    suggested = [trial for trial in trials if trial.origin == "bayesian"]
    probed = [trial for trial in suggested if trial.probe_error is not None]
    whole = [trial for trial in suggested if trial.results]
    assert len(probed) >= 10
    assert len(whole) <= len(probed) / 3 + 1
    assert simulation.now <= 100.0


def test_a_run_ends_when_the_search_brings_nothing(tmp_path: Path) -> None:
    noise = {"quick": 0.3, "good": 0.2, "tuned": 9.0}
    simulation = Simulation(tmp_path, {}, noise)
    trials = simulation.trials()
    simulation.baseline(trials)
    scheduler = AnytimeScheduler(
        trials,
        portfolio("quick", "good"),
        Ever(),
        slots=2,
        remaining=lambda: 1000.0 - simulation.now,
        fold_cap=300.0,
        stop_when_flat=True,
    )
    simulation.run(trials, scheduler, 1000.0)
    assert scheduler.exhausted
    assert scheduler.is_flat
    assert simulation.now < 30
    assert len(trials[1].results) == len(trials[2].results) == trials.count


def test_gains_go_to_the_trials_that_joined() -> None:
    gains = Gains()
    trials = [Trial(number, "a", "a", {}, "bayesian") for number in range(4)]
    gains.note(trials[:1], 2.0, at=1.0)
    gains.note(trials[:3], 1.0, at=2.0)
    gains.note(trials, 0.9999, at=3.0)  # too little to count
    assert [trial.gain for trial in trials] == [0.0, 0.25, 0.25, 0.0]


def test_flat_needs_trials_and_time() -> None:
    gains = Gains()
    trials = [Trial(number, "a", "a", {}, "bayesian") for number in range(20)]
    gains.note(trials[:1], 2.0, at=0.0)
    gains.note(trials[:2], 1.0, at=10.0)
    gains.note(trials[:9], 1.0, at=20.0)
    assert not gains.is_flat(now=60.0)  # seven trials are too few
    gains.note(trials[:10], 1.0, at=21.0)
    assert gains.is_flat(now=60.0)
    assert not gains.is_flat(now=12.0)
    gains.note(trials[:11], 0.5, at=61.0)
    assert not gains.is_flat(now=100.0)


def test_the_search_prefers_what_gains_most_per_second() -> None:
    spaces = {name: {"x": Float(0.0, 1.0)} for name in ("slow", "fast")}
    search = BayesianSearch(spaces, seed=0)
    base = [Observed(0, "slow", {"x": 0.5}, 0.30, 20.0), Observed(1, "fast", {"x": 0.5}, 0.31, 1.0)]
    ranked = [search.ask(number, base) for number in range(2, 42)]
    gained = [*base, Observed(2, "fast", {"x": 0.2}, 0.305, 1.0, gain=0.01)]
    by_gain = [search.ask(number, gained) for number in range(3, 43)]
    slow = [
        sum(s is not None and s.learner == "slow" for s in suggestions) for suggestions in (ranked, by_gain)
    ]
    assert slow[0] > 20
    assert slow[1] < 5


def test_an_error_foreseen_from_a_probe_counts_in_the_history(simulation: Simulation) -> None:
    trials = simulation.trials()
    simulation.baseline(trials)
    seen: list[float] = []

    class Watching(Growing):
        def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
            seen[:] = [item.error for item in history]
            return super().ask(number, history)

    scheduler = AnytimeScheduler(
        trials,
        portfolio("tuned", seconds=4.0),
        Watching(),
        slots=1,
        remaining=lambda: 60.0 - simulation.now,
        fold_cap=30.0,
    )
    simulation.run(trials, scheduler, 60.0)
    assert len(seen) >= 4
    assert np.isfinite(seen[:-1]).sum() >= 3

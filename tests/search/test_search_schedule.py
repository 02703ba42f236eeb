"""Schedulers, driven by a simulated clock over real trials: what is fitted, when, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from search_simulation import FOLDS, Ever, Simulation, portfolio

from modelwright.search import (
    AnytimeScheduler,
    FixedScheduler,
    Observed,
    Planned,
    Suggestion,
    Trial,
    Trials,
    select,
)


def anytime(
    simulation: Simulation, trials: Trials, end: float, searcher: Ever | None = None
) -> AnytimeScheduler:
    return AnytimeScheduler(
        trials,
        portfolio("quick", "good", "slow", "bad"),
        searcher,
        slots=simulation.slots,
        remaining=lambda: end - simulation.now,
        fold_cap=end / 3,
    )


def test_every_fold_of_every_trial_is_fitted_once_in_order(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    simulation.baseline(trials)
    scheduler = FixedScheduler(trials, portfolio("a", "b"), Ever(), 3)
    simulation.run(trials, scheduler)
    assert scheduler.exhausted
    assert sorted(simulation.log) == [(trial, fold) for trial in (1, 2, 3) for fold in range(FOLDS)]
    assert [trial.origin for trial in trials.all()] == ["baseline", "portfolio", "portfolio", "bayesian"]


def test_a_suggestion_waits_for_every_result_before_it(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    seen: list[int] = []

    class Watching(Ever):
        def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
            seen.append(sum(np.isfinite(item.error) for item in history))
            return super().ask(number, history)

    simulation.run(trials, FixedScheduler(trials, portfolio("a", "b"), Watching(), 5))
    assert seen == [2, 3, 4]


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_the_number_of_slots_changes_no_trial(tmp_path: Path, slots: int) -> None:
    simulation = Simulation(tmp_path, {"a": 3.0, "b": 0.1}, {}, slots=slots)
    trials = simulation.trials()
    simulation.run(trials, FixedScheduler(trials, portfolio("a", "b"), Ever(), 4))
    assert [(trial.learner, dict(trial.config)) for trial in trials.all()] == [
        ("a", {}),
        ("b", {}),
        ("tuned", {"number": 2}),
        ("tuned", {"number": 3}),
    ]


def test_a_failed_trial_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    scheduler = FixedScheduler(trials, portfolio("a", "b"), None, 2)
    work = scheduler.next()
    assert work is not None
    work.trial.failure = "it crashed"
    simulation.run(trials, scheduler)
    assert scheduler.exhausted
    assert {number for number, _ in simulation.log} == {1}


def test_each_configuration_is_tried_on_one_fold_before_any_gets_more(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {"quick": 0.5, "good": 0.2, "slow": 0.3, "bad": 9.0})
    trials = simulation.trials()
    simulation.baseline(trials)
    simulation.run(trials, anytime(simulation, trials, 100.0), 100.0)
    assert [fold for _, fold in simulation.log[:4]] == [0, 0, 0, 0]


def test_a_hopeless_configuration_is_not_completed(tmp_path: Path) -> None:
    noise = {"quick": 0.21, "good": 0.2, "slow": 0.22, "bad": 9.0}
    simulation = Simulation(tmp_path, {"bad": 5.0}, noise)
    trials = simulation.trials()
    simulation.baseline(trials)
    scheduler = anytime(simulation, trials, 100.0)
    simulation.run(trials, scheduler, 100.0)
    finished = {trial.learner: len(trial.results) for trial in trials.all()}
    assert finished == {"constant": 4, "quick": 4, "good": 4, "slow": 4, "bad": 1}
    assert scheduler.exhausted


@pytest.mark.parametrize("end", [8.0, 15.0, 30.0, 60.0])
def test_when_the_time_ends_there_is_a_whole_model(tmp_path: Path, end: float) -> None:
    seconds = {"quick": 0.5, "good": 2.0, "slow": 3.0, "bad": 1.0, "tuned": 2.0}
    noise = {"quick": 0.6, "good": 0.3, "slow": 0.35, "bad": 9.0, "tuned": 0.3}
    simulation = Simulation(tmp_path, seconds, noise)
    trials = simulation.trials()
    simulation.baseline(trials)
    simulation.run(trials, anytime(simulation, trials, end, Ever()), end)
    complete = [trial for trial in trials.complete() if trial.origin != "baseline"]
    assert complete
    if end >= 15:
        best = min(trials.error(trial.number, 1) for trial in trials.having(1))
        assert min(trials.error(trial.number, FOLDS) for trial in complete) < 1.5 * best


def test_search_goes_on_while_there_is_time_and_no_longer(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {"tuned": 0.3, "good": 0.3})
    trials = simulation.trials()
    simulation.baseline(trials)
    simulation.run(trials, anytime(simulation, trials, 60.0, Ever()), 60.0)
    assert sum(trial.origin == "bayesian" for trial in trials.all()) >= 5
    assert simulation.now >= 50.0
    unfinished = [t for t in trials.all() if 0 < len(t.results) < FOLDS and not t.pruned]
    assert len(unfinished) <= 3


def test_an_entry_that_cannot_be_afforded_is_skipped_with_a_reason(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    simulation.baseline(trials)
    entries = [*portfolio("quick", "good"), Planned("huge", "huge one", {}, 500.0)]
    scheduler = AnytimeScheduler(
        trials, entries, None, slots=2, remaining=lambda: 20.0 - simulation.now, fold_cap=1000.0
    )
    simulation.run(trials, scheduler, 20.0)
    assert [entry.learner for entry, _ in scheduler.skipped] == ["huge"]
    assert "500" in scheduler.skipped[0][1]


def test_a_lost_first_fold_is_fitted_again(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    simulation.baseline(trials)
    scheduler = anytime(simulation, trials, 60.0)
    first = scheduler.next()
    assert first is not None
    first.trial.running.add(first.fold)
    scheduler.next()
    first.trial.running.discard(first.fold)  # its worker died
    again = scheduler.next()
    assert again is not None
    assert (again.trial.number, again.fold) == (first.trial.number, 0)


def test_a_long_portfolio_does_not_take_all_the_time_for_first_folds(tmp_path: Path) -> None:
    names = [f"learner{number}" for number in range(30)]
    noise = {name: 0.5 + 0.01 * number for number, name in enumerate(names)}
    simulation = Simulation(tmp_path, {}, noise)
    trials = simulation.trials()
    simulation.baseline(trials)
    end = 16.0  # with two slots, time for 32 folds: all first folds and hardly any other
    scheduler = AnytimeScheduler(
        trials, portfolio(*names), None, slots=2, remaining=lambda: end - simulation.now, fold_cap=end
    )
    simulation.run(trials, scheduler, end)
    real = [trial for trial in trials.all() if trial.number]
    assert sum(len(trial.results) == FOLDS for trial in real) >= 3
    assert len(simulation.log) >= 28


def test_what_may_be_luck_on_a_few_rows_is_no_reason_to_give_up(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {"lucky": 0.10, "near": 0.13, "hopeless": 0.9})
    trials = simulation.trials()
    simulation.baseline(trials)
    for number, name in ((1, "lucky"), (2, "near"), (3, "hopeless")):
        trial = Trial(number, name, name, {}, "portfolio")
        trials.add(trial)
        trials.finish_fold(number, 0, simulation.result(trials, trial, 0))
    assert trials.error(2, 1) > 1.25 * trials.error(1, 1)
    assert trials.clearly_worse(3)
    assert not trials.clearly_worse(1)
    clearly = trials.clearly_worse(2)
    rows = trials.data.folds.valid[0]
    losses = [(trials.predictions(number, 1) - trials.data.target[rows]) ** 2 for number in (1, 2)]
    gap = losses[1] - losses[0]
    assert clearly == (gap.mean() > 2 * gap.std() / np.sqrt(len(gap)))


def test_a_trial_that_repeats_another_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    scheduler = FixedScheduler(trials, portfolio("a", "b"), None, 2)
    work = scheduler.next()
    assert work is not None
    work.trial.pruned = True
    simulation.run(trials, scheduler)
    assert scheduler.exhausted
    assert simulation.log == [(1, fold) for fold in range(FOLDS)]


def test_a_learner_that_lost_begins_its_other_configurations_last(tmp_path: Path) -> None:
    noise = {"quick": 0.5, "bad": 9.0, "good": 0.3, "better": 0.2}
    simulation = Simulation(tmp_path, {"bad": 3.0}, noise, slots=1)
    trials = simulation.trials()
    simulation.baseline(trials)
    entries = [Planned(name, f"{name} {number}", {}, 1.0) for number in (1, 2) for name in noise]
    scheduler = AnytimeScheduler(
        trials, entries, None, slots=1, remaining=lambda: 60.0 - simulation.now, fold_cap=60.0
    )
    simulation.run(trials, scheduler, 60.0)
    begun = [trial.label for trial in trials.all() if trial.number]
    assert begun[:4] == ["quick 1", "bad 1", "good 1", "better 1"]
    assert begun[4:] == ["quick 2", "good 2", "better 2", "bad 2"]


def test_a_resumed_run_begins_no_entry_twice_and_misses_none(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {})
    trials = simulation.trials()
    simulation.baseline(trials)
    trials.add(Trial(1, "slow", "slow one", {}, "portfolio"))  # out of turn: others were left out or put off
    simulation.run(trials, anytime(simulation, trials, 100.0), 100.0)
    assert sorted(trial.label for trial in trials.all() if trial.number) == [
        "bad one",
        "good one",
        "quick one",
        "slow one",
    ]


def test_weights_chosen_by_a_sample_of_rows_are_scored_on_all(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, {}, {"good": 0.1, "bad": 3.0}, rows=800)
    trials = simulation.trials()
    for number, name in ((1, "bad"), (2, "good")):
        trials.add(trial := Trial(number, name, name, {}, "portfolio"))
        trials.finish_fold(number, 0, simulation.result(trials, trial, 0))
    whole, sampled = (select(trials, 1, cells=cells) for cells in (10_000, 40))
    assert whole is not None
    assert sampled is not None
    assert whole.numbers == sampled.numbers == (2,)
    assert whole.error == sampled.error == trials.error(2, 1)

"""What a run may try: the learners' own candidates, options around them, and the spaces to search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelwright.automl.learned_order import LearnedOrder, learned_order
from modelwright.core import BadInput, OptionError, Problem, Shape, format_bytes
from modelwright.ensemble import TargetFacts, option_space, option_variants
from modelwright.features import FEWEST_ROWS, MOST_CLASSES, search_seconds
from modelwright.learners import LEARNERS, Choice, Learner, Parameter
from modelwright.search import Planned

__all__ = ["Offer"]

_BASELINE = "constant"

_FIRST_WITH_FEATURES = ("lightgbm",)
"""Learners that begin the portfolio and are tried on generated features, too."""

_SEARCHED_WITH_FEATURES = ("lightgbm", "xgboost", "catboost")

_MOST_COLUMNS = 500
"""Columns up to which features made of the best of them are worth a search."""


@dataclass(frozen=True)
class Offer:
    """What can be tried for a problem.

    Attributes
    ----------
    problem : Problem
        Resolved.
    shape : Shape
        Rows that a fold trains on, and the columns of the view.
    facts : TargetFacts
        Of the target.
    learners : tuple of str
        The only ones to try; all if empty.
    without : tuple of str
        Parts that the caller goes without; see `problem_options.WITHOUT`.
    plain_text : bool
        Whether every model takes texts as the view has them.
    """

    problem: Problem
    shape: Shape
    facts: TargetFacts
    learners: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    plain_text: bool = False

    def portfolio(self, worker_bytes: int) -> tuple[tuple[Planned, ...], list[tuple[str, str]]]:
        """Configurations in the order in which they begin, and what was left out with the reason.

        Each learner says in which turn it joins (`Learner.turn`); in every turn it gives its next candidate.
        The first one keeps its place; others that were studied on many tables come in the order that was
        learned there (see `learned_order`). Options around learners (transformed targets, weights of classes,
        generated features) are tried after as many entries as the first turn has, on its candidates.

        Parameters
        ----------
        worker_bytes : int
            Memory that one fit may take.

        Raises
        ------
        OptionError
            If nothing is left to try.
        """
        turns: dict[int, list[Planned]] = {}
        left_out: list[tuple[str, str]] = []
        for name in LEARNERS:
            if name == _BASELINE or (self.learners and name not in self.learners):
                continue
            try:
                turn = LEARNERS.load(name).turn
                for entry in self._candidates(name, worker_bytes, left_out):
                    turns.setdefault(turn, []).append(entry)
                    turn += 1
            except Exception as error:
                if LEARNERS.package(name) is None:
                    raise
                # a learner of somebody else must not stop the others
                why = "" if isinstance(error, BadInput) else f"it fails with {type(error).__name__}: "
                left_out.append((name, f"{why}{error}"))
        ordered = [turns[turn] for turn in sorted(turns)]
        if not ordered:
            reasons = "; ".join(f"{label}: {why}" for label, why in left_out)
            raise OptionError(f"No learner can be used for this task on this data ({reasons}). Allow others.")
        first = ordered[0]
        # the first one is what the others are compared with: linear, wherever it may be tried
        baseline, *others = (entry for turn in ordered for entry in turn)
        entries = [baseline, *self._order().arranged(others)]
        entries[len(first) : len(first)] = self._variants(first)
        return tuple(self._alternating_text(entries, len(first))), left_out

    def space(self, name: str) -> dict[str, Parameter]:
        """The search space of a learner, with the options around it that are worth trying."""
        space = dict(LEARNERS.load(name)().space(self.problem.output(0), self.shape))
        found = space.get("categories")
        if "target_encoding" in self.without and isinstance(found, Choice):
            left = tuple(value for value in found.options if value != "target")
            del space["categories"]
            space |= {"categories": Choice(left)} if len(left) > 1 else {}
        options = option_space(self.problem, self.facts)
        if _models_another_scale(Planned(name, name, {}, 0.0)):
            options.pop("target_transform", None)
        if name in _SEARCHED_WITH_FEATURES and self._may_generate:
            options["features"] = Choice(("none", self._generated))
        if self._has_choice_of_text:
            options["text"] = Choice(("terms", "statistics"))
        return {**space, **{key: value for key, value in options.items() if key not in self.without}}

    @property
    def _may_generate(self) -> bool:
        """Whether there are columns to make features of, and rows to tell which of them help."""
        enough = self.shape.rows >= FEWEST_ROWS and 2 <= self.shape.columns <= _MOST_COLUMNS
        wanted = "generated_features" not in self.without
        return enough and wanted and not self.problem.task.has_outputs and self.shape.outputs <= MOST_CLASSES

    @property
    def _generated(self) -> str:
        """Which features are generated: without encodings by the target where these are not wanted."""
        return "untargeted" if "target_encoding" in self.without else "generated"

    def _alternating_text(self, entries: list[Planned], first: int) -> Iterator[Planned]:
        """Where there are terms of texts: the first configurations with them and without, then in turn."""
        if not self._has_choice_of_text:
            yield from entries
            return
        yield from entries[:first]
        for entry in entries[:first]:
            yield _on_statistics(entry)
        for number, entry in enumerate(entries[first:]):
            yield _on_statistics(entry) if number % 2 else entry

    @property
    def _has_choice_of_text(self) -> bool:
        """Whether models may do without terms, because there are some and other columns."""
        return self.shape.sparse > 0 and self.shape.columns > 0 and not self.plain_text

    def _order(self) -> LearnedOrder:
        """The order learned for problems like this one, unless the caller goes without it."""
        if "learned_order" in self.without:
            return LearnedOrder()
        return learned_order(self.problem, self.shape)

    def _candidates(self, name: str, worker_bytes: int, left_out: list[tuple[str, str]]) -> Iterator[Planned]:
        """One learner's candidates that a worker has the memory for."""
        learner: Learner = LEARNERS.load(name)()
        single = self.problem.output(0)
        reason = learner.supports(single, self.shape)
        if reason is not None:
            left_out.append((name, reason))
            return
        self.space(name)  # asked for again when the search begins: here it may fail
        candidates = (*learner.portfolio(single, self.shape), *self._order().new_candidates(name))
        for candidate in candidates:
            if "target_encoding" in self.without and candidate.config.get("categories") == "target":
                continue
            label = f"{name} ({candidate.label})" if candidate.label else name
            cost = learner.estimate(self.shape, candidate.config)
            if cost.bytes > worker_bytes:
                left_out.append((label, _too_large(cost.bytes, worker_bytes)))
                continue
            seconds = cost.seconds * (self.problem.outputs if self.problem.task.has_outputs else 1)
            yield Planned(name, label, candidate.config, seconds)

    def _variants(self, first: list[Planned]) -> Iterator[Planned]:
        """The options worth trying around the first candidates, the most promising option first."""
        for variant in option_variants(self.problem, self.facts):
            if any(name in self.without for name in variant.config):
                continue
            for entry in first:
                if "target_transform" in variant.config and _models_another_scale(entry):
                    continue
                config: Mapping[str, Any] = {**entry.config, **variant.config}
                label = f"{entry.learner} ({variant.label})"
                yield Planned(entry.learner, label, config, entry.estimated_seconds)
        for entry in first:
            if entry.learner in _FIRST_WITH_FEATURES and self._may_generate:
                label = f"{entry.learner} (generated features)"
                seconds = 1.5 * entry.estimated_seconds + search_seconds(self.shape)
                yield Planned(entry.learner, label, {**entry.config, "features": self._generated}, seconds)


def _models_another_scale(entry: Planned) -> bool:
    """Whether a candidate has a scale of its own (a logarithm of the mean) already."""
    learner: Learner = LEARNERS.load(entry.learner)()
    settings = {**learner.defaults, **entry.config}
    return any(settings.get(name) != value for name, value in learner.on_new_scale.items())


def _on_statistics(entry: Planned) -> Planned:
    """The same configuration without the terms of texts."""
    label = f"{entry.label[:-1]}, no terms)" if entry.label.endswith(")") else f"{entry.label} (no terms)"
    return replace(entry, label=label, config={**entry.config, "text": "statistics"})


def _too_large(needed: int, allowed: int) -> str:
    return (
        f"it would need about {format_bytes(needed)} of memory, and a worker may use {format_bytes(allowed)}"
    )

"""The part of the decision ledger that is about the search, the ensemble, and what is delivered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.automl.ledger_entry import Effect, LedgerEntry
from modelwright.automl.trace import TrialTrace

__all__ = ["SearchFacts", "search_entries"]

_BASELINE = "constant"
_ENSEMBLE = "ensemble"

_OUT_OF_FOLD = "out-of-fold rows"
_BEST_OF_SOME = "out-of-fold rows; the best of several configurations each, so the more tried the luckier"
_FITTED_THERE = (
    "out-of-fold rows, which the step was fitted to; it was taken because it also helped on halves of them "
    "that it was not fitted to"
)

_MOST_EXAMPLES = 5

_STEPS: Mapping[str, tuple[str, str, str]] = {
    "stacking": ("ensemble", "a stacked model combines the members", "the weighted mean of the members"),
    "calibration": ("answers", "probabilities are calibrated", "probabilities as the members give them"),
    "offsets": ("answers", "each quantile is moved by one number", "quantiles as the members give them"),
    "thresholds": ("answers", "thresholds are tuned for the metric", "the most probable class, or a half"),
}
"""Topic, choice and the other way, by step."""

_NOT_TAKEN: Mapping[str, str] = {
    "stacking": "the weighted mean of the members is as good on rows that a stacked model was not fitted to",
    "calibration": "probabilities mean what they say already, or rows are too few to tell",
    "offsets": "rows are too few to tell",
    "thresholds": "the most probable class is as good, or the metric looks at no decisions",
}

_NO_DECISIONS = ("regression", "quantile")
"""Tasks whose answers are values: there is nothing to decide from a threshold on."""

_PART_OF: Mapping[str, str] = {"offsets": "calibration"}
"""What `--without` calls a step, where its name differs."""

_OPTIONS: Mapping[str, tuple[str, str]] = {
    "target_transform": ("target_transform", "learning a transformed target"),
    "class_weights": ("class_weights", "weighing rare classes up"),
    "features": ("generated_features", "features made of several columns"),
}
"""Part of `--without` and words, by the reserved name of a configuration."""


@dataclass(frozen=True)
class SearchFacts:
    """What a bundle tells of its search.

    Attributes
    ----------
    manifest : mapping
    board : mapping
        The leaderboard's record; empty where it is not known.
    trials : tuple of TrialTrace
        Empty in bundles of older versions.
    """

    manifest: Mapping[str, Any]
    board: Mapping[str, Any]
    trials: tuple[TrialTrace, ...]

    @property
    def entries(self) -> Sequence[Mapping[str, Any]]:
        """Lines of the leaderboard."""
        return tuple(self.board.get("entries") or ())

    @property
    def request(self) -> Mapping[str, Any]:
        """What the caller asked for."""
        return self.manifest.get("request") or {}

    def effect(
        self, value: float | None, other: float | None, basis: str = _OUT_OF_FOLD, against: str = ""
    ) -> Effect | None:
        """An effect in the metric of the run."""
        score = self.manifest["score"]
        return Effect.of(score["metric"], bool(score["greater_is_better"]), value, other, basis, against)

    @property
    def tried(self) -> Sequence[Mapping[str, Any]]:
        """Lines of configurations that were tried: neither the ensemble nor the baseline."""
        return tuple(entry for entry in self.entries if entry["learner"] not in (_ENSEMBLE, _BASELINE))

    def best(self, scores: Sequence[float]) -> float | None:
        """The best of some scores."""
        if not scores:
            return None
        return max(scores) if self.manifest["score"]["greater_is_better"] else min(scores)


def search_entries(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """What was tried and what came of it, what predicts, and what is delivered.

    Parameters
    ----------
    facts : SearchFacts
    """
    yield from _left_out(facts)
    yield from _lost(facts)
    yield from _options(facts)
    yield from _members(facts)
    yield from _steps(facts)
    yield from _delivery(facts)
    yield from _budget(facts)


def _left_out(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """Learners, and configurations of them, that the plan left out."""
    for decision in facts.manifest["plan"].get("decisions", ()):
        what, why = decision["what"], decision["why"]
        if what.startswith("no "):
            label = what.removeprefix("no ")
            yield LedgerEntry(
                f"left_out:{label}",
                "learners",
                label,
                "left out",
                why,
                fixed="give more --memory" if "of memory" in why else "it cannot learn this task or data",
            )
    if "learned_order" not in (facts.request.get("without") or ()):
        first = [entry["label"] for entry in facts.manifest["plan"].get("portfolio", ())][:_MOST_EXAMPLES]
        yield LedgerEntry(
            "order",
            "learners",
            "",
            "configurations are tried in an order learned on many tables",
            f"first {', '.join(first)}",
            {"first": first},
            undo={"without": ["learned_order"]},
        )
    search = facts.manifest["plan"].get("search")
    if search:
        asked = facts.request.get("search", "bayesian") != "bayesian"
        yield LedgerEntry(
            "search",
            "learners",
            "",
            f"{search} search after the portfolio",
            "as asked" if asked else "it learns from every result of the run",
            {"configurations": dict(Counter(each.origin for each in facts.trials if each.number))},
            undo={"search": "bayesian" if asked else "random"},
        )


def _lost(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """Configurations that were not finished, by what became of them."""
    remedies = {
        "failed": "see the reasons; leave the learner out by naming the others with --learner",
        "pruned": "each would come out as another configuration did",
        "out of time": "give more time (--time)",
    }
    for status, remedy in remedies.items():
        lost = [entry for entry in facts.tried if entry["status"] == status]
        if not lost:
            continue
        shown = [f"{entry['label']}: {entry['note']}" for entry in lost[:_MOST_EXAMPLES]]
        undo = _unpruned(facts) if status == "pruned" else None
        yield LedgerEntry(
            f"trials:{status.replace(' ', '_')}",
            "learners",
            status,
            f"{len(lost)} of {len(facts.tried)} configurations {_became(status)}",
            "; ".join(shown),
            {"count": len(lost), "labels": [entry["label"] for entry in lost]},
            undo=undo,
            fixed="" if undo else remedy,
        )


def _unpruned(facts: SearchFacts) -> dict[str, Any] | None:
    """As many configurations on all folds, none given up; None where the number was given already."""
    if facts.manifest["plan"].get("reproducible"):
        return None
    flat = {"stop_when_flat": False} if facts.request.get("stop_when_flat") else {}
    return {"max_trials": len(facts.tried), **flat}


def _became(status: str) -> str:
    return {"failed": "failed", "pruned": "were given up for better ones"}.get(status, "ran out of time")


def _options(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """Options around learners: the best configuration with each against the best without."""
    scores = {entry["trial"]: entry["score"] for entry in facts.entries if entry["score"] is not None}
    weights = {entry["trial"]: entry["weight"] for entry in facts.entries}
    for name, (part, words) in _OPTIONS.items():
        with_it: list[TrialTrace] = []
        plain: list[TrialTrace] = []
        for trial in facts.trials:
            if trial.origin != "baseline" and trial.number in scores:
                taken = trial.config.get(name) not in (None, "none")
                (with_it if taken else plain).append(trial)
        if not with_it:
            continue
        used = [trial.label for trial in with_it if weights.get(trial.number)]
        yield LedgerEntry(
            f"option:{part}",
            "learners",
            part,
            f"{words}: {'in the ensemble' if used else 'tried, not in the ensemble'}",
            f"tried in {len(with_it)} of {len(with_it) + len(plain)} ranked configurations",
            {"tried": len(with_it), "members": used},
            facts.effect(
                facts.best([scores[trial.number] for trial in with_it]),
                facts.best([scores[trial.number] for trial in plain]),
                _BEST_OF_SOME,
                "the best configuration without it",
            ),
            undo={"without": [part]},
        )


def _members(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """Who takes part in the ensemble, and what the ensemble brings."""
    members = sorted((e for e in facts.entries if e["weight"]), key=lambda entry: -entry["weight"])
    if not members:
        return
    whole = next((entry for entry in facts.entries if entry["learner"] == _ENSEMBLE), None)
    ranked = [e["score"] for e in facts.entries if e["learner"] != _ENSEMBLE and e["score"] is not None]
    alone = facts.best(ranked)
    asked = facts.manifest["plan"].get("quality", "best") != "best"
    several = len(members) > 1
    yield LedgerEntry(
        "ensemble",
        "ensemble",
        "",
        f"{len(members)} configurations together" if several else f"{members[0]['label']} alone",
        "a greedy selection on out-of-fold rows (Caruana et al., 2004)"
        if not asked
        else "one model alone, as the quality asks for",
        {"members": {entry["label"]: entry["weight"] for entry in members}},
        facts.effect(whole["score"], alone, against="the best configuration alone")
        if several and whole is not None
        else None,
        undo={"without": ["ensemble"]} if several else None,
        fixed="" if several else "no other configuration added anything, or one alone was asked for",
    )
    tried = [entry["learner"] for entry in facts.tried]
    for learner in dict.fromkeys(entry["learner"] for entry in members):
        mine = [entry for entry in members if entry["learner"] == learner]
        others = [name for name in dict.fromkeys(tried) if name != learner]
        rivals = [e["score"] for e in facts.entries if e["learner"] in others and e["score"] is not None]
        yield LedgerEntry(
            f"learner:{learner}",
            "ensemble",
            learner,
            f"takes part with weight {sum(entry['weight'] for entry in mine):.2f}",
            ", ".join(f"{entry['label']} {entry['weight']:.2f}" for entry in mine[:_MOST_EXAMPLES]),
            {"weights": {entry["label"]: entry["weight"] for entry in mine}},
            facts.effect(
                facts.best([e["score"] for e in mine if e["score"] is not None]),
                facts.best(rivals),
                _BEST_OF_SOME,
                "the best configuration of another learner",
            ),
            undo={"learners": others} if others else None,
            fixed="" if others else "no other learner was tried",
        )


def _steps(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """Stacking, calibration, offsets and thresholds: taken or not, and what they bring."""
    for name, known in (facts.manifest.get("steps") or {}).items():
        if name not in _STEPS or (name == "thresholds" and facts.manifest["task"] in _NO_DECISIONS):
            continue
        topic, choice, against = _STEPS[name]
        used = bool(known.get("used"))
        numbers = {key: value for key, value in known.items() if key != "used" and value is not None}
        yield LedgerEntry(
            name,
            topic,
            "",
            choice if used else f"no {name}",
            "it proved better on halves of the out-of-fold rows, each judged by what the other half fitted"
            if used and name != "offsets"
            else "so that out-of-fold rows are covered as they should be"
            if used
            else _NOT_TAKEN[name],
            numbers,
            facts.effect(known.get("with"), known.get("without"), _FITTED_THERE, against) if used else None,
            undo={"without": [_PART_OF.get(name, name)]} if used else None,
            fixed="" if used else "it is looked at in every run, and taken where it proves better",
        )


def _delivery(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """Refits, limits and students."""
    delivered, request = facts.manifest.get("delivery") or {}, facts.request
    asked = request.get("refit", "auto") not in (None, "auto")
    refitted, merged = delivered.get("refitted") or [], delivered.get("merged") or []
    if refitted or merged:
        what = "members are refitted on all rows" if refitted else "one model is the mean of its fold models"
        why = "models of folds never saw the newest rows" if _is_temporal(facts) else "a limit asks for it"
    else:
        what, why = "every model of every fold predicts", "their mean is a little better than one model"
    yield LedgerEntry(
        "refit",
        "delivery",
        "",
        what,
        "as asked" if asked else why,
        {"refitted": refitted, "merged": merged},
        undo={"refit": not refitted},
    )
    student = next((each for each in facts.trials if each.origin == "distilled"), None)
    if request.get("distill"):
        taken = student is not None and any(
            entry["trial"] == student.number and entry["weight"] for entry in facts.entries
        )
        yield LedgerEntry(
            "distill",
            "delivery",
            "" if student is None else student.learner,
            "a student of the ensemble is delivered" if taken else "no student is delivered",
            "as asked" if taken else "it could not be taught in time, failed, or another one is better",
            undo={"distill": False},
        )
    for name, key, unit in (("max_latency_ms", "max_seconds", 1e3), ("max_model_mb", "max_bytes", 1e-6)):
        if delivered.get(key) is not None:
            yield LedgerEntry(
                f"limit:{name}",
                "delivery",
                name,
                f"at most {delivered[key] * unit:g} {'ms a row' if name.endswith('ms') else 'MB'}",
                "as asked; kept" if delivered.get("kept") else "as asked; no model keeps it",
                {"measured_seconds": delivered.get("seconds")},
                undo={name: None},
            )


def _is_temporal(facts: SearchFacts) -> bool:
    return facts.manifest["problem"].get("time_column") is not None


def _budget(facts: SearchFacts) -> Iterator[LedgerEntry]:
    """How the resources are split."""
    plan = facts.manifest["plan"]
    reasons = [each for each in plan.get("decisions", ()) if "worker processes" in each["what"]]
    yield LedgerEntry(
        "budget:workers",
        "budget",
        "workers",
        reasons[0]["what"] if reasons else f"{plan.get('slots')} worker processes",
        reasons[0]["why"] if reasons else "",
        {"slots": plan.get("slots"), "threads_per_slot": plan.get("threads_per_slot")},
        fixed="they follow --threads and --memory",
    )
    if plan.get("reproducible"):
        what, why = f"{plan.get('max_trials')} configurations on all folds", "no decision reads the clock"
    else:
        what = f"{float(plan.get('reserve') or 0):.1f} s are kept back for the end"
        why = "for choosing the ensemble and writing the model"
    yield LedgerEntry(
        "budget:time",
        "budget",
        "time",
        what,
        why,
        {"reserve": plan.get("reserve"), "fold_cap": plan.get("fold_cap")},
        fixed="it follows --time and --max-trials",
    )

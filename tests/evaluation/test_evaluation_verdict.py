"""The verdict: every rule speaks where its facts hold, and is silent where they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelwright.evaluation.verdict import Verdict, VerdictFacts, judge

PLAIN = VerdictFacts(
    "churn",
    "roc_auc",
    source="holdout",
    optimum=1.0,
    score=0.8,
    low=0.79,
    high=0.81,
    rows=2_000,
    constant=0.5,
    training_rows=2_000,
    grouped=True,
)
"""Facts at which hardly any rule has something to say."""


def rules(verdict: Verdict) -> set[str]:
    return {judgement.rule for judgement in (*verdict.strengths, *verdict.risks)}


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("strength", "gain", {"score": 0.95}),
    ("strength", "beats_baseline", {"baseline": 0.7, "ties_baseline": False}),
    ("strength", "honest_score", {"source": "holdout"}),
    ("strength", "many_rows", {"training_rows": 50_000, "source": "out-of-fold"}),
    ("strength", "calibrated", {"calibration": (0.01, 0.01), "source": "out-of-fold"}),
    ("strength", "covers", {"coverage": (0.9, 0.91), "source": "out-of-fold"}),
    ("strength", "even", {"slices": 400, "source": "out-of-fold"}),
    ("strength", "fair", {"fairness": (("sex", "no gap found", "equal"),)}),
    ("strength", "quick", {"row_seconds": 0.001, "source": "out-of-fold", "grouped": False}),
    ("strength", "leak_found", {"excluded": ("refund",), "source": "out-of-fold"}),
    ("strength", "in_time", {"grouped": True, "source": "out-of-fold"}),
    ("risk", "no_gain", {"score": 0.51}),
    ("risk", "leak", {"warnings": ("refund",)}),
    ("risk", "unfair", {"fairness": (("sex", "gap", "0.2 (0.1 to 0.3)"),)}),
    ("risk", "fairness_unknown", {"fairness": (("sex", "insufficient evidence", ""),)}),
    ("risk", "worst_slice", {"worst_slice": ("plan is 'basic'", "log loss", 0.9, 0.4, 120), "slices": 9}),
    ("risk", "few_rows", {"training_rows": 120}),
    ("risk", "miscalibrated", {"calibration": (0.2, 0.02)}),
    ("risk", "rare_class", {"rarest": ("yes", 12)}),
    ("risk", "ties_baseline", {"baseline": 0.79, "ties_baseline": True}),
    ("risk", "uncertain", {"low": 0.6, "high": 0.9}),
    ("risk", "undercovers", {"coverage": (0.9, 0.9), "worst_coverage": ("rows of Oslo", 0.7)}),
    ("risk", "optimistic", {"out_of_fold": 0.9}),
    ("risk", "one_column", {"top_column": ("age", 0.9)}),
    ("risk", "slow", {"row_seconds": 2.0}),
    ("risk", "cut_short", {"deadline_hit": True}),
    ("risk", "only_chosen", {"source": "out-of-fold"}),
    ("risk", "not_in_time", {"grouped": False}),
]


@pytest.mark.parametrize(("side", "rule", "facts"), CASES, ids=[case[1] for case in CASES])
def test_a_rule_speaks_where_its_facts_hold(side: str, rule: str, facts: dict[str, Any]) -> None:
    verdict = judge(replace(PLAIN, **facts))
    told = verdict.strengths if side == "strength" else verdict.risks
    found = {judgement.rule: judgement for judgement in told}
    assert rule in found
    assert found[rule].text.endswith(".")
    assert found[rule].evidence
    assert found[rule].section


@pytest.mark.parametrize("rule", [case[1] for case in CASES])
def test_a_rule_is_silent_where_nothing_is_known(rule: str) -> None:
    nothing = VerdictFacts("y", "rmse", source="unknown", grouped=rule != "in_time", ordered_in_time=False)
    silent = rules(judge(nothing))
    assert rule not in silent or rule in ("in_time", "not_in_time")


@pytest.mark.parametrize(
    ("rule", "facts"),
    [
        ("gain", {"score": 0.55}),
        ("beats_baseline", {"baseline": 0.79, "ties_baseline": True}),
        ("calibrated", {"calibration": (0.05, 0.04)}),
        ("calibrated", {"calibration": (0.01, 0.002)}),  # many rows: more than chance
        ("many_rows", {"training_rows": 50_000, "low": None, "high": None, "source": "out-of-fold"}),
        ("even", {"slices": 9, "training_rows": 100}),  # too few rows to find any
        ("miscalibrated", {"calibration": (0.1, 0.09)}),  # few rows: chance alone is as far off
        ("covers", {"coverage": (0.9, 0.8)}),
        ("even", {"slices": 9, "worst_slice": ("x", "loss", 2.0, 1.0, 50)}),
        ("fair", {"fairness": (("sex", "no gap found", ""), ("age", "insufficient evidence", ""))}),
        ("undercovers", {"coverage": (0.9, 0.9), "worst_coverage": ("rows of Oslo", 0.89)}),
        ("optimistic", {"out_of_fold": 0.81}),
        ("rare_class", {"rarest": ("yes", 500)}),
        ("one_column", {"top_column": ("age", 0.3)}),
    ],
)
def test_a_rule_is_silent_where_facts_speak_otherwise(rule: str, facts: dict[str, Any]) -> None:
    assert rule not in rules(judge(replace(PLAIN, **facts)))


def test_there_are_at_most_three_of_each_the_weightiest_first() -> None:
    every: dict[str, Any] = {}
    for side, _, facts in CASES:
        if side == "risk":
            every |= facts
    risks = judge(replace(PLAIN, **every)).risks
    assert len(risks) == 3
    assert [risk.weight for risk in risks] == sorted((risk.weight for risk in risks), reverse=True)
    assert risks[0].rule in ("no_gain", "leak")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "clearly better"),
        ({"score": 0.9}, "much better"),
        ({"compared": 0.6}, "somewhat better"),  # on the rows of the constant
        ({"score": 0.6}, "somewhat better"),
        ({"score": 0.53}, "only a little better"),
        ({"score": 0.5}, "do not use it"),
        ({"ties_constant": True}, "do not use it"),
        ({"score": None}, "not known"),
        ({"warnings": ("refund",)}, "give the answer away"),
        ({"optimum": float("inf")}, "not known for this metric"),
    ],
)
def test_the_headline_says_it_in_words(facts: dict[str, Any], words: str) -> None:
    assert words in judge(replace(PLAIN, **facts)).headline


def test_errors_count_the_other_way_round() -> None:
    facts = VerdictFacts("price", "rmse", greater_is_better=False, optimum=0.0, score=2.0, constant=10.0)
    assert facts.gain == pytest.approx(0.8)
    assert "much better" in judge(facts).headline


def test_a_verdict_is_jsonable() -> None:
    import json

    record = judge(replace(PLAIN, warnings=("a",))).to_dict()
    assert json.loads(json.dumps(record))["risks"][0]["rule"] == "leak"

"""What the searches for leaks found, as findings that say what was done and how to undo it."""

from __future__ import annotations

import shlex

import numpy as np

from modelwright.core import Finding
from modelwright.validation.leak_evidence import Judged, Suspicion
from modelwright.validation.leak_single import STRONG

__all__ = ["report"]

_MOST_FINDINGS = 30

_SUSPICIOUS = 0.95
"""Score of a column from which a class is predicted suspiciously well: honest columns come close to `STRONG`.
A Kendall's tau as high as that is rarer: values are then known within a few percent."""


def report(judged: Judged, suspicions: list[Suspicion], keep: frozenset[str]) -> list[Finding]:
    """A finding for each column that is left out, and for each that predicts suspiciously well.

    Parameters
    ----------
    judged : Judged
    suspicions : list of Suspicion
    keep : frozenset of str
        Columns that the caller insists on.
    """
    involved = {i for suspicion in suspicions for i in suspicion.members}
    others = [float(score) for i, score in enumerate(judged.scores) if i not in involved]
    excludes = bool(others) and max(others) > judged.noise
    findings = [
        _left_out(judged, suspicion, i, excludes, keep) for suspicion in suspicions for i in suspicion.exclude
    ]
    told = {i for suspicion in suspicions for i in suspicion.exclude}
    strong = [int(i) for i in np.argsort(-judged.scores, kind="stable") if judged.scores[i] > STRONG]
    strong = [i for i in strong if i not in told]
    findings += [_strong(judged, i) for i in strong[:_MOST_FINDINGS]]
    rest = strong[_MOST_FINDINGS:]
    if rest:
        findings.append(
            Finding(
                check="leak",
                severity="info",
                message=f"{len(rest)} more columns alone predict the target with a score above {STRONG}.",
                evidence={"columns": [judged.columns[i].name for i in rest[:100]]},
            )
        )
    return findings


def _left_out(
    judged: Judged, suspicion: Suspicion, position: int, excludes: bool, keep: frozenset[str]
) -> Finding:
    name = judged.columns[position].name
    message = " ".join(part for part in (suspicion.what, suspicion.why) if part)
    leave = f"--set {shlex.quote(name)}=ignored"
    if name in keep:
        severity, action = "warning", f"It is used, as asked. To leave it out: {leave}."
    elif not excludes:
        message += " No other column predicts the target, so it is kept."
        severity = "warning"
        action = f"It is used. If it is not known when predictions are made, leave it out: {leave}."
    else:
        severity = "excluded"
        action = (
            f"It is not used. If it is known when predictions are made, keep it: --keep {shlex.quote(name)}."
        )
    evidence = {
        "kind": suspicion.kind,
        "score": round(float(judged.scores[position]), 4),
        "columns": [judged.columns[i].name for i in suspicion.members],
        "target": judged.target,
        **suspicion.evidence,
    }
    return Finding("leak", severity, message, name, action, evidence)


def _strong(judged: Judged, position: int) -> Finding:
    name, score = judged.columns[position].name, float(judged.scores[position])
    measure = "Gini = 2 AUC - 1" if judged.sample.classes else "Kendall's tau"
    return Finding(
        "leak",
        "info" if judged.sample.classes and score <= _SUSPICIOUS else "warning",
        f"{name!r} alone predicts {judged.target!r} with {measure} = {score:.2f} (1 is perfect). Is it known "
        "when predictions are made?",
        name,
        f"It is used. If it is not known then: --set {shlex.quote(name)}=ignored.",
        {"kind": "strong", "score": round(score, 4), "columns": [name], "target": judged.target},
    )

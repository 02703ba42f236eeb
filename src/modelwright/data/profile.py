"""What a table looks like and what to look at before training on it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from modelwright.core import Column, Finding, Kind, Problem, Role, to_jsonable
from modelwright.data.table import SourceInfo, Table
from modelwright.data.target import resolve_target

__all__ = ["Profile", "profile_table"]

MOSTLY_MISSING = 0.5
HIGH_CARDINALITY = 100
_AFTERWARDS = ("total", "outcome", "result", "final", "after", "paid", "target", "label")


@dataclass(frozen=True)
class Profile:
    """A summary of a table.

    Attributes
    ----------
    source : SourceInfo
        Where it came from.
    rows, columns : int
        Size.
    duplicate_rows : int
        Rows that equal an earlier row in every column.
    details : tuple of dict
        One per column: name, kind, role, reason, and its statistics.
    target : dict or None
        Task, classes with their rows or quantiles, if a target was named.
    findings : tuple of Finding
        What to look at, the worst first.
    """

    source: SourceInfo
    rows: int
    columns: int
    duplicate_rows: int
    details: tuple[Mapping[str, Any], ...]
    target: Mapping[str, Any] | None
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record: dict[str, Any] = to_jsonable(
            {
                "source": self.source.to_dict(),
                "rows": self.rows,
                "columns": self.columns,
                "duplicate_rows": self.duplicate_rows,
                "details": [dict(detail) for detail in self.details],
                "target": dict(self.target) if self.target is not None else None,
                "findings": [finding.to_dict() for finding in self.findings],
            }
        )
        return record


def profile_table(table: Table, target: str | None = None) -> Profile:
    """Summarise a table.

    Parameters
    ----------
    table : Table
        What was read.
    target : str or None
        Name of the target column, to learn what task it would pose.

    Raises
    ------
    TargetError
        If there is no such column, or it cannot be learned.

    Examples
    --------
    >>> from modelwright.data.read import read_table
    >>> profile = profile_table(read_table({"a": [1, 1, 2], "b": ["x", "x", "x"]}))
    >>> profile.duplicate_rows, [finding.check for finding in profile.findings]
    (1, ['constant', 'duplicates'])
    """
    findings = list(table.findings)
    for column in table.schema:
        findings.extend(_column_findings(column, target))
    duplicates = table.rows - table.frame.n_unique() if table.frame.width else 0
    if duplicates:
        message = f"{duplicates} of {table.rows} rows equal an earlier row in every column."
        action = "Remove them if they are copies; they flatter a random split."
        findings.append(Finding("duplicates", "warning", message, None, action, {"rows": duplicates}))
    summary = None
    if target is not None:
        summary, noticed = _target_summary(table, target)
        findings.extend(noticed)
    order = {"excluded": 0, "warning": 1, "info": 2}
    findings.sort(key=lambda finding: order.get(finding.severity, 3))
    return Profile(
        source=table.source,
        rows=table.rows,
        columns=table.frame.width,
        duplicate_rows=duplicates,
        details=tuple(_detail(column) for column in table.schema),
        target=summary,
        findings=tuple(findings),
    )


def _detail(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": str(column.kind),
        "role": str(column.role),
        "reason": column.reason,
        **column.statistics,
    }


def _column_findings(column: Column, target: str | None) -> list[Finding]:
    facts, name = column.statistics, column.name
    found: list[Finding] = []
    if column.role not in (Role.FEATURE, Role.TIME, Role.SENSITIVE):
        return found
    rows, missing, distinct = facts["rows"], facts["missing"], facts["distinct"]
    if missing > MOSTLY_MISSING * rows:
        message = f"{missing / rows:.0%} of {name!r} is missing."
        found.append(Finding("mostly_missing", "warning", message, name, "", {"missing": missing}))
    if column.kind is Kind.CATEGORICAL and distinct > HIGH_CARDINALITY:
        message = f"{name!r} has {distinct} different values, {rows / distinct:.1f} rows each on average."
        quoted = shlex.quote(name)
        codes = not any(any(map(str.isalpha, str(value))) for value in facts["examples"])
        prose = "" if codes else f"If it is prose: --set {quoted}=text. "
        action = f"{prose}If it only names rows: --set {quoted}=id."
        found.append(Finding("high_cardinality", "info", message, name, action, {"distinct": distinct}))
    if column.kind is Kind.NUMERIC and facts.get("std"):
        # Pearson's second coefficient of skewness needs no third moment.
        skew = 3 * (facts["mean"] - facts["quantiles"][3]) / facts["std"]
        far = max(facts["maximum"] - facts["mean"], facts["mean"] - facts["minimum"]) / facts["std"]
        if far > 10 or (far > 5 and abs(skew) > 1):
            message = (
                f"{name!r} is very skewed: median {facts['quantiles'][3]:g}, maximum {facts['maximum']:g}."
            )
            found.append(Finding("skew", "info", message, name, "", {"skewness": skew}))
    words = name.lower().replace("-", "_").split("_")
    if target is not None and name != target and any(word in words for word in _AFTERWARDS):
        message = f"The name of {name!r} sounds as if it were known only after the target."
        action = (
            f"Ask whether it is known when a prediction is made; if not: --set {shlex.quote(name)}=ignored."
        )
        found.append(Finding("suspicious_name", "info", message, name, action))
    return found


def _target_summary(table: Table, target: str) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    resolved = resolve_target(table, Problem.of(target))
    task = resolved.problem.task
    summary: dict[str, Any] = {"name": target, "task": str(task), "rows": len(resolved.rows)}
    if not task.is_classification:
        summary["quantiles"] = table.schema[target].statistics.get("quantiles", [])
    else:
        counts = pl.Series(resolved.target).value_counts(sort=True)
        classes = resolved.problem.classes
        summary["classes"] = [[classes[code], count] for code, count in counts.head(50).iter_rows()]
    return summary, resolved.findings

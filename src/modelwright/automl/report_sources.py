"""Everything that a report is made from: each part is looked for once, and may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.automl.evidence import read_conformal, read_evidence
from modelwright.automl.fairness import FAIRNESS, recorded_fairness
from modelwright.automl.judged_rows import OUT_OF_FOLD, JudgedRows, judged_rows
from modelwright.automl.ledger import LedgerEntry, read_ledger
from modelwright.automl.performance import Performance, performance_on
from modelwright.automl.report_explanation import Explanation, explain_rows
from modelwright.automl.report_origin import rows_of_classes
from modelwright.automl.report_uncertainty import Covered, coverage_by, coverage_found, divisions
from modelwright.automl.reported import Part, Reported, attempt
from modelwright.automl.uncertainty import coverage_of
from modelwright.core import UnknownName
from modelwright.ensemble import Conformal
from modelwright.evaluation import CoverageRow, FairnessReport, Leaderboard
from modelwright.storage import Workspace
from modelwright.storage.location import parse_location

__all__ = ["ReportSources"]

_RECORDS = "records.db"
"""What a folder holds that is a workspace."""

_MOST_DIVIDING = 3
"""Columns by which coverage is told, besides the sensitive ones."""


@dataclass(frozen=True)
class ReportSources:
    """A model, and what there is to tell of it.

    Attributes
    ----------
    model : Reported
    data : table or None
        Rows with the target that the caller gives.
    seconds : float
        What explanations may take.
    workspace : str, Path or None
        Where the record of the run is looked up.
    """

    model: Reported
    data: Any = None
    seconds: float = 20.0
    workspace: str | Path | None = None

    @cached_property
    def board(self) -> Part[Leaderboard]:
        """The leaderboard of the run."""
        return attempt("The leaderboard", self.model.leaderboard)

    @cached_property
    def ledger(self) -> Part[tuple[LedgerEntry, ...]]:
        """Every automatic choice."""
        return attempt("The decision ledger", lambda: read_ledger(self.model))

    @cached_property
    def rows(self) -> Part[JudgedRows]:
        """The rows that the model is judged by. Rows that are given and cannot be used are refused."""
        also = tuple(attempt("", lambda: self.model.explained.also).value or ())
        if self.data is not None:
            return Part(judged_rows(self.model, self.data, also))
        fairness = self.fairness.value
        groups = () if fairness is None else tuple(column.name for column in fairness.columns)
        named = tuple(dict.fromkeys(name for name in (*also, *groups) if name in self.model.schema))
        return attempt("The rows to judge by", lambda: judged_rows(self.model, None, named))

    @cached_property
    def classes(self) -> list[tuple[str, int]]:
        """Rows of each class, the most frequent first; of many classes by their shares of the rows judged."""
        known, labels = rows_of_classes(self.model), self.model.problem.classes
        if known or not self.model.problem.task.is_classification or self.rows.value is None:
            return known
        codes = self.rows.value.target.astype(np.int64)
        learned = int((self.model.manifest.get("data") or {}).get("training_rows") or len(codes))
        counts = np.bincount(codes, minlength=len(labels)) * (learned / max(len(codes), 1))
        pairs = zip(map(str, labels), counts.round().astype(np.int64).tolist(), strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])

    @cached_property
    def performance(self) -> Part[Performance]:
        """Curves, calibration, confusion, thresholds, residuals, slices."""
        rows = self.rows.value
        if rows is None:
            return Part(None, self.rows.missing)
        return attempt("The performance", lambda: performance_on(self.model, rows))

    @cached_property
    def explained(self) -> Part[Explanation]:
        """Importance and dependence."""
        rows = self.rows.value
        if self.seconds <= 0:
            return Part(None, "It was left out, because no time was given for it.")
        if rows is None:
            return Part(None, self.rows.missing)
        if rows.frame is None:
            reason = " ".join(rows.notes) or "The columns of the rows are not at hand."
            return Part(None, f"{reason} Give DATA, rows with the target, to have the model explained.")
        return attempt("The explanation", lambda: explain_rows(self.model.explained, rows, self.seconds))

    @cached_property
    def conformal(self) -> Part[Conformal]:
        """What intervals and sets are made of."""
        return attempt("Uncertainty", lambda: read_conformal(self.model))

    @cached_property
    def covered(self) -> Part[Covered]:
        """How often intervals or sets hold the truth of rows that had no part in them."""
        rows = self.rows.value
        if rows is None:
            return Part(None, self.rows.missing)
        return attempt("The coverage", lambda: self._covered(rows), "The bundle has no out-of-fold rows.")

    def _covered(self, rows: JudgedRows) -> Covered | None:
        problem = self.model.problem
        divided = divisions(problem, rows, self._dividing())
        if rows.source == OUT_OF_FOLD:
            evidence = read_evidence(self.model)
            if evidence is None:
                return None
            return coverage_found(
                lambda asked, parts: coverage_by(problem, evidence, asked, parts), divided, rows.source
            )
        conformal = self.conformal.value
        if conformal is None:
            return None

        def judge(asked: float, parts: Sequence[str] | None) -> tuple[CoverageRow, ...]:
            return coverage_of(conformal, problem, rows.target, rows.predictions.array, asked, parts)

        return coverage_found(judge, divided, rows.source)

    def _dividing(self) -> list[str]:
        """Columns by which coverage is told: sensitive ones and those that matter most."""
        fairness = self.fairness.value
        sensitive = [] if fairness is None else [column.name for column in fairness.columns]
        explained = self.explained.value
        top = [] if explained is None else [entry.columns[0] for entry in explained.importance.columns]
        return list(dict.fromkeys([*sensitive, *top[:_MOST_DIVIDING]]))

    @cached_property
    def fairness(self) -> Part[FairnessReport]:
        """How groups are treated."""
        if FAIRNESS not in self.model.manifest.get("files", {}):
            return Part()
        if self.data is not None:
            found = attempt("Fairness", lambda: self.model.fairness(self.data))
            if found.value is not None:
                return found
        return attempt("Fairness", lambda: recorded_fairness(self.model.path, self.model.manifest))

    @cached_property
    def actual(self) -> Part[Mapping[str, Any]]:
        """What the run took, from the record of it in the workspace."""
        absent = "The record of the run was not found, so what the training took is not known here."
        return attempt("The record of the run", self._actual, absent)

    def _actual(self) -> Mapping[str, Any] | None:
        run = self.model.manifest.get("run")
        for place in self._workspaces() if run else ():
            with Workspace.open(place) as opened:
                try:
                    found = opened.runs.get(str(run)).summary.get("actual")
                except UnknownName:
                    continue
            if isinstance(found, Mapping):
                return found
        return None

    def _workspaces(self) -> list[str | Path | None]:
        """The workspace that was named, that which the bundle lies in, and the default one, if they exist."""
        if self.workspace is not None:
            return [self.workspace]
        home = self.model.path.parent.parent
        found: list[str | Path | None] = [home] if (home / _RECORDS).is_file() else []
        default = parse_location(None)
        return [*found, None] if default.url is not None or (default.root / _RECORDS).is_file() else found

"""Extremely randomised trees: scikit-learn grows them, we keep and walk them as flat arrays."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core import Problem, Shape
from modelwright.learners.base import Candidate
from modelwright.learners.rounds import column_shares
from modelwright.learners.tree_ensemble import ForestLearner

__all__ = ["ExtraTrees"]


class ExtraTrees(ForestLearner):
    """Averages of trees with random thresholds: quick, hard to overfit, unlike a booster.

    Source: Geurts, Ernst & Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006.
    """

    name = "extra_trees"
    turn = 0

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """AutoGluon's values: pure leaves, then smoother ones."""
        # on wide tables the share of columns decides the cost of a node
        share = 0.75 * column_shares(shape.columns, 0.05)[1]
        first, second = (1, 4) if problem.task.is_classification else (2, 5)
        # the first trees gain most, and each costs more than in proportion to its rows
        trees = 200 if shape.rows <= 10_000 else 100
        smooth = {"max_features": min(1.0, share * 4 / 3), "min_samples_leaf": second}
        return (
            Candidate("default", {"trees": trees, "max_features": share, "min_samples_leaf": first}),
            Candidate("smooth", {"trees": trees * 3 // 2, **smooth}),
        )

    def node_seconds(self, tried: float) -> float:
        """One pass over the rows for each column."""
        return 3e-8 + 6e-9 * tried

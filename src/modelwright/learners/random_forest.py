"""Random forests: trees on rows drawn with replacement, grown by scikit-learn, kept as flat arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from modelwright.core import Problem, Shape
from modelwright.learners.base import Candidate
from modelwright.learners.rounds import column_shares
from modelwright.learners.tree_ensemble import ForestLearner

__all__ = ["RandomForest"]


class RandomForest(ForestLearner):
    """Averages of trees with the best thresholds, each on a bootstrap of the rows and some columns a node.

    Source: Breiman, "Random forests", Machine Learning 45, 2001.
    """

    name = "random_forest"
    splitter = "best"
    bootstrap = True
    defaults: ClassVar[Mapping[str, Any]] = {**ForestLearner.defaults, "max_features": 0.4}

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """The root of the number of columns a node for classes, a third of them for values; then smoother."""
        columns = max(1, shape.columns)
        classes = problem.task.is_classification
        most = column_shares(columns, 0.05)[1]
        # on few columns the root leaves trees that know too little
        share = min(most, max(float(np.sqrt(columns)) / columns, 0.1) if classes else 0.4)
        trees = 200 if shape.rows <= 10_000 else 60
        smooth = {"max_features": min(most, 1.5 * share), "min_samples_leaf": 4 if classes else 8}
        return (
            Candidate(
                "default", {"trees": trees, "max_features": share, "min_samples_leaf": 1 + (not classes)}
            ),
            Candidate("smooth", {"trees": trees * 3 // 2, **smooth}),
        )

    def node_seconds(self, tried: float) -> float:
        """A sort of the rows for each column."""
        return 3e-8 + 3.5e-8 * tried

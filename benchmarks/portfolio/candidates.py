"""The configurations that the study compares: what the learners offer, and published ones that they do not.

A candidate is added by one line here, or by one in its learner's `portfolio`; a study that is run again fits
only what it has not.
"""

from __future__ import annotations

from typing import Any

from modelwright.automl.portfolio import Offer
from modelwright.core import Problem, Shape
from modelwright.ensemble import TargetFacts, split_config
from modelwright.learners import LEARNERS
from modelwright.search import Planned

EXTRA = {"extra_trees": True}
DEEP = {"min_child_weight": 0.6, "colsample_bytree": 0.69}


def lightgbm(
    rate: float, leaves: int, columns: float, rows: float, least: int, *penalties: float
) -> dict[str, Any]:
    """LightGBM's configuration, as portfolios are published: one value after the other."""
    return {
        "learning_rate": rate,
        "num_leaves": leaves,
        "feature_fraction": columns,
        "bagging_fraction": rows,
        "min_data_in_leaf": least,
        **dict(zip(("lambda_l1", "lambda_l2"), penalties)),
    }


PUBLISHED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    # pytabkit's tuned defaults (Holzmueller et al. 2024)
    ("lightgbm", "tuned", lightgbm(0.04, 50, 0.8, 0.75, 40)),
    ("catboost", "tuned", {"learning_rate": 0.08, "depth": 7, "l2_leaf_reg": 1e-5, "subsample": 0.9}),
    # AutoGluon's and TabRepo's portfolios (Erickson et al. 2020, Salinas and Erickson 2024)
    ("lightgbm", "few leaves", lightgbm(0.0398, 16, 0.58, 0.96, 1, 0.94, 0.99)),
    ("lightgbm", "regular extra trees", lightgbm(0.04, 64, 0.55, 0.99, 28, 0.91, 1.9) | EXTRA),
    ("catboost", "quick", {"learning_rate": 0.15, "depth": 5, "l2_leaf_reg": 3.0}),
    ("xgboost", "quick deep", {"learning_rate": 0.15, "max_depth": 8, **DEEP}),
    ("random_forest", "many columns", {"trees": 150, "max_features": 0.75, "min_samples_leaf": 1}),
    ("extra_trees", "few trees", {"trees": 60, "max_features": 0.75, "min_samples_leaf": 2}),
    ("nearest_neighbors", "few", {"neighbors": 5}),
    ("linear", "medium penalty", {"C": 0.1}),
    ("linear", "sparse", {"C": 0.1, "l1_ratio": 0.9}),
)
"""Learner, label and configuration."""


def candidates(problem: Problem, shape: Shape, facts: TargetFacts) -> list[Planned]:
    """What is compared on a task, in the order in which the learners take turns."""
    offer = Offer(problem, shape, facts, without=("learned_order",))
    offered, _ = offer.portfolio(2**40)
    found = [entry for entry in offered if split_config(entry.config)[0] == dict(entry.config)]
    for name, label, config in PUBLISHED:
        if LEARNERS.load(name)().supports(problem, shape) is None:
            found.append(Planned(name, f"{name} ({label})", config, 0.0))
    return found

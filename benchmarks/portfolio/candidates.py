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

PUBLISHED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    # pytabkit's tuned defaults (Holzmueller et al. 2024)
    ("lightgbm", "tuned", {"learning_rate": 0.04, "num_leaves": 50, "min_data_in_leaf": 40, "bagging_fraction": 0.75}),
    ("catboost", "tuned", {"learning_rate": 0.08, "depth": 7, "l2_leaf_reg": 1e-5, "subsample": 0.9}),
    # AutoGluon's and TabRepo's portfolios (Erickson et al. 2020, Salinas and Erickson 2024)
    ("lightgbm", "few leaves", {"learning_rate": 0.0398, "num_leaves": 16, "feature_fraction": 0.58, "bagging_fraction": 0.96, "min_data_in_leaf": 1, "lambda_l1": 0.94, "lambda_l2": 0.99}),
    ("lightgbm", "regular extra trees", {"learning_rate": 0.04, "num_leaves": 64, "feature_fraction": 0.55, "bagging_fraction": 0.99, "min_data_in_leaf": 28, "lambda_l1": 0.91, "lambda_l2": 1.9, "extra_trees": True}),
    ("catboost", "quick", {"learning_rate": 0.15, "depth": 5, "l2_leaf_reg": 3.0}),
    ("xgboost", "quick deep", {"learning_rate": 0.15, "max_depth": 8, "min_child_weight": 0.6, "colsample_bytree": 0.69}),
    ("random_forest", "many columns", {"trees": 150, "max_features": 0.75, "min_samples_leaf": 1}),
    ("extra_trees", "few trees", {"trees": 60, "max_features": 0.75, "min_samples_leaf": 2}),
    ("nearest_neighbors", "few", {"neighbors": 5}),
    ("linear", "medium penalty", {"C": 0.1}),
    ("linear", "sparse", {"C": 0.1, "l1_ratio": 0.9}),
)  # fmt: skip
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

"""The learners: adding one is one file and one line here (or an entry point elsewhere)."""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["LEARNERS"]

LEARNERS = Catalog(
    "learner",
    {
        "constant": "modelwright.learners.constant:Constant",
        "linear": "modelwright.learners.linear:Linear",
        "lightgbm": "modelwright.learners.lightgbm:LightGBM",
        "extra_trees": "modelwright.learners.extra_trees:ExtraTrees",
        "catboost": "modelwright.learners.catboost:CatBoost",
        "xgboost": "modelwright.learners.xgboost:XGBoost",
        "random_forest": "modelwright.learners.random_forest:RandomForest",
    },
)
"""Name to learner class; ``LEARNERS.load(name)()`` makes one."""

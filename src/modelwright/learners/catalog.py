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
        "hist_gradient_boosting": "modelwright.learners.hist_gradient_boosting:HistGradientBoosting",
        "decision_tree": "modelwright.learners.decision_tree:DecisionTree",
        "naive_bayes": "modelwright.learners.naive_bayes:NaiveBayes",
        "nearest_neighbors": "modelwright.learners.nearest_neighbors:NearestNeighbors",
        "linear_svm": "modelwright.learners.linear_svm:LinearSVM",
        "gaussian_process": "modelwright.learners.gaussian_process:GaussianProcess",
        "glm": "modelwright.learners.glm:GLM",
        "ordinal": "modelwright.learners.ordinal:Ordinal",
        "ordinal_boosting": "modelwright.learners.ordinal_boosting:OrdinalBoosting",
    },
)
"""Name to learner class; ``LEARNERS.load(name)()`` makes one."""

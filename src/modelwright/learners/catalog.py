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
        "hist_gradient_boosting": "modelwright.learners.hist_gradient_boosting:HistGradientBoosting",
        "random_forest": "modelwright.learners.random_forest:RandomForest",
        "additive_boosting": "modelwright.learners.additive_boosting:AdditiveBoosting",
        "ordinal": "modelwright.learners.ordinal:Ordinal",
        "ordinal_boosting": "modelwright.learners.ordinal_boosting:OrdinalBoosting",
        "glm": "modelwright.learners.glm:GLM",
        "nearest_neighbors": "modelwright.learners.nearest_neighbors:NearestNeighbors",
        "linear_svm": "modelwright.learners.linear_svm:LinearSVM",
        "naive_bayes": "modelwright.learners.naive_bayes:NaiveBayes",
        "gaussian_process": "modelwright.learners.gaussian_process:GaussianProcess",
        "decision_tree": "modelwright.learners.decision_tree:DecisionTree",
        "mlp": "modelwright.learners.mlp:MLP",
        "tabm": "modelwright.learners.tabm:TabM",
    },
)
"""Name to learner class; ``LEARNERS.load(name)()`` makes one."""

"""Score functions with their direction: higher or lower is better, and what they look at."""

from modelwright.metrics.base import Metric, Needs, Prepare, Scorer, weighted_mean
from modelwright.metrics.catalog import METRICS, default_metric, get_metric, metric_names, problem_metric
from modelwright.metrics.costs import cost_matrix
from modelwright.metrics.custom import custom_metric
from modelwright.metrics.quantiles import coverage
from modelwright.metrics.usable import check_usable

__all__ = [
    "METRICS",
    "Metric",
    "Needs",
    "Prepare",
    "Scorer",
    "check_usable",
    "cost_matrix",
    "coverage",
    "custom_metric",
    "default_metric",
    "get_metric",
    "metric_names",
    "problem_metric",
    "weighted_mean",
]

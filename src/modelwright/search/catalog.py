"""The search strategies by name."""

from modelwright.core import Catalog

__all__ = ["SEARCHERS"]

SEARCHERS = Catalog(
    "searcher",
    {
        "bayesian": "modelwright.search.bayesian:BayesianSearch",
        "random": "modelwright.search.enumerated:RandomSearch",
        "grid": "modelwright.search.enumerated:GridSearch",
    },
)

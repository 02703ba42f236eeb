"""Learners: one kind of model a file, all behind one contract."""

from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.catalog import LEARNERS
from modelwright.learners.spaces import Choice, Float, Int, Parameter

__all__ = [
    "LEARNERS",
    "Candidate",
    "Choice",
    "FitResult",
    "FittedLearner",
    "Float",
    "Int",
    "Learner",
    "Parameter",
]

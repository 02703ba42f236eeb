"""Fitted models, read from their files."""

from __future__ import annotations

from pathlib import Path

from modelwright.ensemble.outputs import FittedOutputs
from modelwright.ensemble.text_choice import load_on_chosen_text
from modelwright.learners import FittedLearner

__all__ = ["load_fitted", "load_outputs"]


def load_fitted(learner: str, directory: Path) -> FittedLearner:
    """A model, and what stands around it: other columns, generated features, another scale of the target.

    Parameters
    ----------
    learner : str
        What kind of model it is.
    directory : Path
        Where its files lie.

    Raises
    ------
    BundleError
        If a file is damaged.
    """
    return load_on_chosen_text(learner, directory)


def load_outputs(learner: str, directory: Path) -> FittedLearner:
    """The models of several labels or quantiles, which name their kinds themselves."""
    return FittedOutputs.load(directory)

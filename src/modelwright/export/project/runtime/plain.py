"""Fitted models without anything around them."""

from __future__ import annotations

from pathlib import Path

from modelwright.learners import LEARNERS, FittedLearner

__all__ = ["load_plain"]


def load_plain(learner: str, directory: Path) -> FittedLearner:
    """The model of a directory.

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
    model: FittedLearner = LEARNERS.load(learner)().load(directory)
    return model

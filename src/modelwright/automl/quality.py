"""What kind of model is wanted: the best there is, or one that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modelwright.core import BadInput, OptionError, nearest
from modelwright.learners import LEARNERS
from modelwright.search import Prices, Trials

__all__ = ["QUALITIES", "Quality", "quality_of"]


@dataclass(frozen=True)
class Quality:
    """What a run may try and deliver.

    Attributes
    ----------
    name : str
    readable : bool
        Whether only interpretable learners compete, and one model alone is delivered.
    without : tuple of str
        Parts of the treatment that are left out; see `problem_options.WITHOUT`.
    why : str
        For the plan; empty where there is nothing to tell.
    """

    name: str
    readable: bool = False
    without: tuple[str, ...] = ()
    why: str = ""

    def learners(self, given: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The learners that may compete; empty for all.

        Parameters
        ----------
        given : tuple of str
            The only ones that the caller wants tried; any, if empty.

        Raises
        ------
        OptionError
            If the caller wants one whose models nobody can read.

        Examples
        --------
        >>> "additive_boosting" in quality_of("interpretable").learners()
        True
        """
        if not self.readable:
            return given
        known = tuple(name for name in LEARNERS if name != "constant" and _is_interpretable(name))
        for name in given:
            if name not in known:
                raise OptionError(
                    f"The quality {self.name!r} leaves only models that people can read, but the learner "
                    f"{name!r} makes none. Readable: {', '.join(known)}. Name one of them, or take "
                    "the quality 'best'."
                )
        return given or known

    def prices(self, trials: Trials, alone: bool = False) -> Prices | None:
        """What each trial takes of the places in an ensemble, where there is one place alone."""
        return {trial.number: np.ones(1) for trial in trials.all()} if self.readable or alone else None


QUALITIES: Mapping[str, Quality] = {
    "best": Quality("best"),
    "interpretable": Quality(
        "interpretable",
        readable=True,
        without=(
            "calibration",
            "class_weights",
            "generated_features",
            "stacking",
            "target_encoding",
            "target_transform",
        ),
        why="only learners whose models people can read compete, and one model alone is delivered",
    ),
}
"""By the names that callers give."""


def quality_of(name: str) -> Quality:
    """The quality of a name.

    Raises
    ------
    OptionError
        If there is none.

    Examples
    --------
    >>> quality_of("best").readable
    False
    """
    if not isinstance(name, str) or name not in QUALITIES:
        raise OptionError(
            f"The quality must be one of {', '.join(QUALITIES)}, but came as {name!r}."
            f"{nearest(str(name), QUALITIES)}"
        )
    return QUALITIES[name]


def _is_interpretable(name: str) -> bool:
    try:
        return bool(LEARNERS.load(name).interpretable)
    except BadInput:  # of somebody else, and not installed here; the plan tells
        return False

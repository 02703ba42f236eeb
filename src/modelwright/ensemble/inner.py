"""A model that stands inside another one: which learner it is of, kept beside its own files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelwright.core import BundleError, UnknownName
from modelwright.learners import FittedLearner
from modelwright.learners.state import read_json, write_json

__all__ = ["read_inner", "write_inner"]


def write_inner(record: Path, learner: str, model: FittedLearner) -> None:
    """Write a model's own files, and beside them a record of the learner that can read them."""
    model.save(record.parent)
    write_json(record, {"learner": learner})


def read_inner(record: Path, load: Callable[[str, Path], FittedLearner]) -> tuple[str, FittedLearner]:
    """What `write_inner` wrote.

    Parameters
    ----------
    record : Path
    load : callable
        From a learner's name in the catalog and a directory to the model.

    Returns
    -------
    str, FittedLearner
        The learner's name, and its model.

    Raises
    ------
    BundleError
        If a file is missing or damaged.
    """
    learner = read_json(record).get("learner")
    try:
        if not isinstance(learner, str):
            raise UnknownName(f"no learner is named {learner!r}")
        return learner, load(learner, record.parent)
    except UnknownName as error:
        raise BundleError(
            f"{record.name} of a model is damaged ({error}). Copy the model again, or train it again."
        ) from error

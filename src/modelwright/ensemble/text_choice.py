"""Models that do without the terms of texts: where words tell nothing new, their columns are only noise.

Terms decide where a table is about its texts. Where a text merely stands beside better columns (a name, an
address), learners that look at some dozens of columns of terms find chance patterns in them. So both are
tried, and validation decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from modelwright.core import Contributions, FitTask, Predictions, View, ViewInfo
from modelwright.ensemble.fit_options import split_config
from modelwright.ensemble.generated_features import fit_with_features, load_with_features
from modelwright.ensemble.inner import read_inner, write_inner
from modelwright.learners import FitResult, FittedLearner, Learner
from modelwright.learners.kept import kept

__all__ = ["FittedWithoutTerms", "fit_on_chosen_text", "load_on_chosen_text", "without_terms"]

_RECORD = "without_terms.json"
_AXES = "axis"
"""What `features.text_terms` calls the numbers that it makes of terms."""


def without_terms(view: View) -> View:
    """A view without what was made of the terms of texts; lengths and counts stay.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((FeatureInfo("a", "a", "value"), FeatureInfo("t.axis_1", "t", "axis")), ())
    >>> view = View(np.array([[1, 2]], np.float32), np.zeros((1, 0), np.int32), info)
    >>> without_terms(view).numeric.tolist()
    [[1.0]]
    """
    kept, info = _kept(view.info)
    return View(np.ascontiguousarray(view.numeric[:, kept]), view.categorical, info)


def _kept(info: ViewInfo) -> tuple[list[int], ViewInfo]:
    """The numeric columns that stay, and what is said of them."""
    kept = [place for place, feature in enumerate(info.numeric) if feature.transform != _AXES]
    return kept, replace(info, numeric=tuple(info.numeric[place] for place in kept), sparse=())


@dataclass(eq=False)
class FittedWithoutTerms(FittedLearner):
    """A model of the columns that are no terms.

    Attributes
    ----------
    learner : str
        Name in the catalog.
    model : FittedLearner
    """

    learner: str
    model: FittedLearner
    _last: tuple[ViewInfo, list[int], ViewInfo] | None = field(default=None, init=False, repr=False)

    def predict(self, view: View) -> Predictions:
        """Predictions of the model for the narrower view."""
        self.model.threads = self.threads
        return self.model.predict(self._narrow(view)[0])

    def contributions(self, view: View) -> Contributions | None:
        """Of the model for the narrower view; terms add nothing."""
        self.model.threads = self.threads
        narrow, kept = self._narrow(view)
        found = self.model.contributions(narrow)
        if found is None:
            return None
        numbers, categories = view.numeric.shape[1], view.categorical.shape[1]
        places = np.array([*kept, *range(numbers, numbers + categories)], np.int64)
        return found.grouped(places, len(view.info.features))

    def _narrow(self, view: View) -> tuple[View, list[int]]:
        """The view without terms, and its numeric columns; which these are is found out once."""
        last = self._last
        if last is None or last[0] is not view.info:
            last = self._last = (view.info, *_kept(view.info))
        _, kept, info = last
        return View(np.ascontiguousarray(view.numeric[:, kept]), view.categorical, info), kept

    def save(self, directory: Path) -> None:
        """The model's own files, and a record that it does without terms."""
        write_inner(directory / _RECORD, self.learner, self.model)

    @classmethod
    def load(cls, directory: Path) -> FittedWithoutTerms:
        """Inverse of `save`.

        Raises
        ------
        BundleError
            If a file is missing or damaged.
        """
        return cls(*read_inner(directory / _RECORD, load_with_features))

    @property
    def size_bytes(self) -> int:
        """Bytes of the model and of the record."""
        return self.model.size_bytes + 50


def fit_on_chosen_text(learner: Learner, task: FitTask) -> FitResult:
    """Fit one model of one output, with or without terms as its configuration says.

    Raises
    ------
    TrialError
        If the learner fits no model.
    """
    if split_config(task.config)[1].text == "terms":
        return fit_with_features(learner, task)
    view = kept(task, ("without_terms",), lambda: without_terms(task.view), _bytes)
    key = f"statistics:{task.cache_key}" if task.cache_key else ""
    result = fit_with_features(learner, replace(task, view=view, cache_key=key))
    return replace(result, model=FittedWithoutTerms(learner.name, result.model))


def _bytes(view: View) -> int:
    return view.numeric.nbytes + view.categorical.nbytes


def load_on_chosen_text(learner: str, directory: Path) -> FittedLearner:
    """The model that `fit_on_chosen_text` left in a directory.

    Raises
    ------
    BundleError
        If a file is damaged.
    """
    if (directory / _RECORD).exists():
        return FittedWithoutTerms.load(directory)
    return load_with_features(learner, directory)

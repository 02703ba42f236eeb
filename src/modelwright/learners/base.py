"""What a learner is: the contract between the search and each kind of model.

Writing a learner means one file with a `Learner` and a `FittedLearner`, and one line in the catalog
(or an entry point in the group ``modelwright.learners``). `modelwright.testing.check_learner` tells
whether it keeps the contract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from modelwright.core import (
    Config,
    Contributions,
    Estimate,
    FitTask,
    FloatArray,
    OptionError,
    Predictions,
    Problem,
    Shape,
    View,
    nearest,
)
from modelwright.learners.spaces import Parameter

__all__ = ["Candidate", "FitResult", "FittedLearner", "Learner"]


@dataclass(frozen=True)
class Candidate:
    """A configuration worth trying, and what to call it in a leaderboard.

    Attributes
    ----------
    label : str
        A word or two that tell it from the learner's other candidates: ``"extra trees"``.
    config : mapping
        Hyperparameters; what is absent takes the learner's default.
    """

    label: str
    config: Config


class FittedLearner(ABC):
    """A fitted model. It holds no reference to the data it was fitted on.

    Attributes
    ----------
    threads : int
        Threads that `predict` may use; 1 unless the owner of the model sets it.
    """

    threads: int = 1

    @abstractmethod
    def predict(self, view: View) -> Predictions:
        """Probabilities of every class of the problem, or values, for each row of a view.

        The view has the columns of the view that the model was fitted on; it may be a read-only
        memory map and is never written to. Equal rows get equal predictions, whatever stands
        beside them.
        """

    def contributions(self, view: View) -> Contributions | None:
        """What each column of a view adds to the raw prediction of each row, where that can be told exactly.

        Parameters
        ----------
        view : View
            As for `predict`; at least one row.

        Returns
        -------
        Contributions or None
            Over the columns of the view in the order of `ViewInfo.features`. Base and additions make what
            `predict` says: the value itself, the probability, or its log odds. None, the default, where
            there is no exact way: explanations then try the model out.
        """
        return None

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the model into an existing, empty directory as data: text, JSON, npz, cbm. No pickle."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`; predictions are the same to the last bit.

        Raises
        ------
        BundleError
            If a file is missing, or says something that cannot be a model.
        """

    @classmethod
    def merged(
        cls, models: Sequence[FittedLearner], view: View, weights: FloatArray | None
    ) -> FittedLearner | None:
        """One model in place of several fold models, if there is one that a reader can follow like each.

        Parameters
        ----------
        models : sequence of FittedLearner
            Of equal configuration, each fitted on other rows.
        view : View
            All training rows.
        weights : float64 array, shape (rows,), or None
        """
        return None

    @classmethod
    def together(cls, models: Sequence[FittedLearner]) -> Callable[[View], Sequence[Predictions]] | None:
        """A way to predict one row with several models that is quicker than one after the other.

        Parameters
        ----------
        models : sequence of FittedLearner
            The fold models of a trial.

        Returns
        -------
        callable or None
            From a view of one row to what `predict` of each model says of it, in their order and to the last
            bit. None, the default, if there is no such way.
        """
        return None

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """Bytes that the model takes on disk, to within a few percent."""


@dataclass(frozen=True)
class FitResult:
    """What a fit returned.

    Attributes
    ----------
    model : FittedLearner
        The best model that was found.
    iterations : int or None
        Boosting rounds, trees or solver steps that the model holds; for a booster, the number to
        fit when all rows are used and nothing is left to stop early on. None where it means nothing.
    info : mapping
        What the record of the trial should say (JSON-able): learning rate used, reason of the stop.
    stopped_by_deadline : bool
        Whether more time could have given another model.
    valid_predictions : Predictions or None
        Of ``task.valid_rows``, by models that these rows did not stop; None where the model's own are honest.
    """

    model: FittedLearner
    iterations: int | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    stopped_by_deadline: bool = False
    valid_predictions: Predictions | None = None


class Learner(ABC):
    """One kind of model. Stateless: one instance serves any number of problems, in any order.

    The lifecycle, in the order of calls:

    1. `supports` is asked once per run, before anything else. A reason instead of None takes the
       learner out of the run, and the user reads the reason.
    2. `portfolio` and `space` are asked by the driver, which then chooses configurations. They are
       pure: equal arguments give equal answers.
    3. `estimate` is asked by the driver for each configuration before it is submitted, to see
       whether it fits into the time and memory left.
    4. `fit` is called in a worker process, once per fold. It may put binned data into ``task.cache``
       (keys begin with the learner's name) and nothing else outlives the call: it writes no file,
       prints nothing, changes no global state, and never writes to the view.
    5. The result's model predicts the validation rows in the worker, is saved to disk there, and is
       loaded with `load` in any other process, now or years later.
    """

    name: ClassVar[str]
    """The name in the catalog."""

    fitted: ClassVar[type[FittedLearner]]
    """What `fit` returns a model of."""

    engines: ClassVar[tuple[str, ...]] = ()
    """Heavy modules that `fit` and predictions import; the learner's own module must not. The driver
    of a run, which only asks for portfolios, then never pays for them, and a worker can import them
    ahead of its first task."""

    interpretable: ClassVar[bool] = False
    """Whether people can follow how a single model of it arrives at a prediction: a sum of a few tables, a
    list of coefficients, a small tree."""

    turn: ClassVar[int] = 1
    """In which round of the portfolio the first candidate comes: 0 for the few learners that are most often
    among the best, 1 for most, 2 for those that resemble one that came before."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Every hyperparameter that the learner knows, and the value it takes when it is absent."""

    on_new_scale: ClassVar[Mapping[str, Any]] = {}
    """Hyperparameters that are set to these values where the target comes transformed (its logarithm, its
    rank). Losses and links for counts and amounts mean nothing there: a logarithm would be taken twice."""

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """None if the learner can be used here, else the reason why not, in words a user reads."""
        return None

    @abstractmethod
    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """Configurations to start with, best gain per second first; the first one is quick."""

    @abstractmethod
    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """The hyperparameters worth searching; empty where there is nothing to tune."""

    @abstractmethod
    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """What a fit is expected to cost, on one thread, without a deadline."""

    @abstractmethod
    def fit(self, task: FitTask) -> FitResult:
        """Fit one model on one fold.

        Honours ``task.deadline`` by itself: stops shortly before and returns the best model so far.
        Equal tasks with equal seeds give equal models on any number of threads, unless the deadline
        ends the fit or ``task.adaptive`` allows it to look at the clock.

        Raises
        ------
        TrialError
            If no model could be fitted: the deadline has passed, memory would not suffice ...
        OptionError
            If the configuration has a name that the learner does not know.
        """

    def load(self, directory: Path) -> FittedLearner:
        """The model that a `fit` of this learner left in a directory."""
        return self.fitted.load(directory)

    def settings(self, config: Config) -> dict[str, Any]:
        """A configuration with the defaults filled in.

        Raises
        ------
        OptionError
            If it has a name that the learner does not know.
        """
        for name in config:
            if name not in self.defaults:
                known = ", ".join(sorted(self.defaults)) or "none"
                raise OptionError(
                    f"The learner {self.name!r} has no hyperparameter {name!r}."
                    f"{nearest(name, self.defaults)} Known: {known}."
                )
        return {**self.defaults, **config}

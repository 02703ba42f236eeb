"""What all networks share as learners: who may use them, what they cost, and how one is fitted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from modelwright.core import (
    Config,
    Estimate,
    FitTask,
    OptionError,
    OutOfTime,
    Problem,
    Shape,
    TrialError,
    derive_seed,
    format_bytes,
    generator,
)
from modelwright.learners.base import FitResult, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.linear_model import value_limits
from modelwright.learners.neural_columns import MOST_ONE_HOT, NeuralColumns
from modelwright.learners.neural_model import FittedNetwork
from modelwright.learners.neural_network import (
    ACTIVATIONS,
    EMBEDDED_NUMBER,
    EMBEDDING,
    PREDICTED_AT_ONCE,
    WAVES,
    Architecture,
    Network,
    initial_arrays,
)
from modelwright.learners.neural_recipe import Examples, Recipe
from modelwright.learners.neural_training import Conditions, train
from modelwright.learners.objectives import OBJECTIVES, Objective, choose_objective, prior_sums
from modelwright.metrics import problem_metric

__all__ = ["NeuralLearner", "default_batch", "link_of", "predicts_labels"]

_SAMPLE = 2_000
"""Training rows that the initial weights are scaled to."""


class NeuralLearner(Learner):
    """A network of some form; a subclass says which form and how it is trained.

    Its hyperparameters hold at least ``width``, ``depth``, ``activation``, ``periodic``, ``sigma``,
    ``objective``, ``epochs`` and ``batch``.
    """

    fitted = FittedNetwork
    on_new_scale: ClassVar[Mapping[str, Any]] = {"objective": "metric"}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Everything but directions."""
        if problem.monotonic:
            return "a neural network cannot promise to rise or fall with a column"
        return None

    @abstractmethod
    def form(self, settings: Mapping[str, Any], link: str, outputs: int, numbers: int) -> Architecture:
        """The form of the network for so many outputs and numeric columns."""

    @abstractmethod
    def recipe(self, settings: Mapping[str, Any], problem: Problem, rows: int) -> Recipe:
        """How it is trained on so many rows."""

    @abstractmethod
    def epochs(self, rows: int) -> int:
        """Passes over so many rows, where the configuration does not say."""

    def schedule(self, settings: Mapping[str, Any], rows: int) -> tuple[int, int]:
        """Epochs and rows of a step: what the configuration says, or what suits the rows."""
        return int(settings["epochs"] or self.epochs(rows)), int(settings["batch"] or default_batch(rows))

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Products of matrices, activations, and what a step costs however small it is."""
        settings = self.settings(config)
        sums = shape.outputs if shape.outputs > 2 else 1
        form = self.form(settings, "softmax", sums, shape.numeric)
        epochs, batch = self.schedule(settings, shape.rows)
        flags = shape.numeric * min(1.0, 3 * shape.missing) + min(
            shape.levels, MOST_ONE_HOT * shape.categorical
        )
        table = EMBEDDING * max(0, shape.levels - MOST_ONE_HOT * shape.categorical)
        codes = shape.categorical if table else 0
        waves = shape.numeric * WAVES if form.periodic else 0
        wide = shape.numeric * (1 + EMBEDDED_NUMBER * form.periodic) + flags + EMBEDDING * codes
        layers = wide * form.width + (form.depth - 1) * form.width**2 + form.width * sums
        weights = layers + table + form.members * form.depth * 4 * form.width
        touched = form.members * (wide + form.depth * form.width * (5 if form.adapters else 3)) + 3 * waves
        row_seconds = form.members * layers * _PRODUCT + touched * _TOUCH
        steps = epochs * -(-shape.rows // batch)
        seconds = epochs * shape.rows * row_seconds + steps * (_STEP + weights * _WEIGHT)
        stored = shape.rows * (4 * (shape.numeric + flags) + 8 * codes)
        memory = 1.5 * stored + 40 * weights + 12 * batch * touched * form.depth
        # what goes through the network at once for predictions
        memory += 2 * min(shape.rows, PREDICTED_AT_ONCE) * touched
        size = 10_000 + 4 * weights * (form.members if not form.adapters else 1)
        return Estimate(float(0.2 + seconds), int(memory), int(size), 8e-4)

    def fit(self, task: FitTask) -> FitResult:
        """Train until the schedule ends; adaptive fits shorten it to the time that is left."""
        settings = self.settings(task.config)
        for name, known in (("activation", (None, *ACTIVATIONS)), ("objective", OBJECTIVES)):
            if settings[name] not in known:
                names = ", ".join(each for each in known if each)
                raise OptionError(f"{name} must be one of {names}, but is {settings[name]!r}.")
        fold = Fold.of(task)
        columns = NeuralColumns.fit(task.view, fold.train_rows)
        if fold.coder.is_constant:
            model = FittedNetwork(fold.coder, columns, None)
            return FitResult(model, 0, {"stop": "nothing to learn"})
        objective, fold = choose_objective(task, fold, settings["objective"])
        _require_memory(task, fold, columns)
        link = link_of(objective)
        outputs = len(fold.coder.present) if link == "softmax" else 1
        form = self.form(settings, link, outputs, columns.numbers)
        recipe = self.recipe(settings, task.problem, len(fold.train_rows))
        rows = columns.encode(task.view, fold.train_rows)
        if task.deadline.passed:
            raise OutOfTime("The deadline passed while the columns were being encoded.")
        random = generator(task.seed, "initial weights")
        some = np.sort(random.permutation(len(fold.train_rows))[:_SAMPLE])
        start = initial_arrays(
            form,
            columns,
            columns.encode(task.view, fold.train_rows[some]),
            random,
            prior=prior_sums(objective, fold),
            sigma=settings["sigma"],
        )
        valid = Examples(columns.encode(task.view, fold.valid_rows), fold.valid_target, fold.valid_weights)
        # sums over threads differ in their last bits, and training makes other models of that
        threads = task.threads if task.adaptive else 1
        trained = train(
            Network(form, start),
            (Examples(rows, fold.train_target, fold.train_weights), valid),
            objective,
            recipe,
            Conditions(task.deadline, task.adaptive, threads, derive_seed(task.seed, "training")),
        )
        if not all(np.isfinite(array).all() for array in trained.weights.values()):
            raise TrialError("Training ended with weights that are no numbers. Try a lower learning rate.")
        low, high = value_limits(fold.train_target)
        limits = (0.0, 0.0) if fold.coder.is_classification else (low, high)
        if link == "log":
            # what counts and amounts are scored by takes the logarithm of a prediction
            limits = (1e-9, high)
        model = FittedNetwork(fold.coder, columns, Network(form, trained.weights), limits)
        info = {
            "epochs": trained.epochs,
            "steps": trained.steps,
            "stop": trained.reason,
            "objective": objective.name,
        }
        return FitResult(model, trained.best_epoch, info, trained.reason == "deadline")


_PRODUCT = 1.2e-10
"""Seconds a row takes in an epoch for each weight of a layer, on one thread."""

_TOUCH = 3e-9
"""The same for each number that is computed from others one by one."""

_STEP = 6e-4
"""Seconds of a step of a network without size."""

_WEIGHT = 3e-9
"""Seconds that a step takes for each weight that it changes."""


def link_of(objective: Objective) -> str:
    """What the sums of a network that minimises a loss say; see `neural_network.LINKS`."""
    if objective.name in ("logistic", "softmax"):
        return objective.name
    return "log" if objective.is_logarithmic else "values"


def _require_memory(task: FitTask, fold: Fold, columns: NeuralColumns) -> None:
    """Refuse a table whose encoded rows alone would not fit."""
    rows = len(fold.train_rows) + len(fold.valid_rows)
    needed = rows * (4 * (columns.numbers + columns.flags) + 8 * columns.codes)
    if task.memory_limit is not None and needed > 0.8 * task.memory_limit:
        raise TrialError(
            f"The encoded rows would take {format_bytes(needed)}, and the worker may use "
            f"{format_bytes(task.memory_limit)}. Allow more memory, or fewer workers at once."
        )


def predicts_labels(problem: Problem) -> bool:
    """Whether the metric looks at the most probable class alone."""
    return problem.task.is_classification and problem_metric(problem).needs == "labels"


def default_batch(rows: int) -> int:
    """Rows of a step: small tables need many steps, large ones cheap ones.

    Examples
    --------
    >>> [default_batch(rows) for rows in (100, 1_000, 10_000, 100_000, 1_000_000)]
    [32, 32, 128, 512, 1024]
    """
    for limit, batch in ((1_000, 32), (4_000, 64), (16_000, 128), (64_000, 256), (256_000, 512)):
        if rows <= limit:
            return batch
    return 1024

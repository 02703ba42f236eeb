"""A multilayer perceptron with the defaults of RealMLP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from modelwright.core import Problem, Shape
from modelwright.learners.base import Candidate
from modelwright.learners.neural_learner import NeuralLearner, predicts_labels
from modelwright.learners.neural_network import Architecture
from modelwright.learners.neural_recipe import Recipe
from modelwright.learners.spaces import Choice, Float, Parameter

__all__ = ["MLP"]

_MOST_PERIODIC = 100
"""Numbers that are embedded at most: the cosines of more would take most of the time."""


class MLP(NeuralLearner):
    """Three hidden layers, scaled inputs, embedded numbers, a cyclic learning rate.

    Source: Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", 2024 (RealMLP).
    """

    name = "mlp"
    turn = 1
    defaults: ClassVar[Mapping[str, Any]] = {
        "width": 256,
        "depth": 3,
        "activation": None,
        "parametric": True,
        "periodic": True,
        "sigma": 0.1,
        "learning_rate": None,
        "weight_decay": 0.02,
        "dropout": 0.15,
        "label_smoothing": None,
        "objective": "metric",
        "epochs": None,
        "batch": None,
        "patience": 20,
    }

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """The defaults."""
        return (Candidate("default", {}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Rates, penalties and form, around the defaults."""
        return {
            "learning_rate": Float(0.01, 0.3, log=True),
            "dropout": Choice((0.0, 0.15, 0.3)),
            "weight_decay": Choice((0.0, 0.02, 0.1)),
            "activation": Choice(("relu", "selu", "mish")),
            "width": Choice((128, 256)),
            "periodic": Choice((True, False)),
            "sigma": Float(0.05, 0.5, log=True),
        }

    def form(self, settings: Mapping[str, Any], link: str, outputs: int, numbers: int) -> Architecture:
        """One member; SELU for classes and Mish for values."""
        classes = link in ("logistic", "softmax")
        return Architecture(
            width=int(settings["width"]),
            depth=int(settings["depth"]),
            outputs=outputs,
            link=link,
            activation=settings["activation"] or ("selu" if classes else "mish"),
            parametric=bool(settings["parametric"]),
            periodic=bool(settings["periodic"]) and numbers <= _MOST_PERIODIC,
        )

    def recipe(self, settings: Mapping[str, Any], problem: Problem, rows: int) -> Recipe:
        """Adam with a rate of its own for each kind of weights; labels are smoothed where only they count."""
        epochs, batch = self.schedule(settings, rows)
        classes = problem.task.is_classification
        smoothing = settings["label_smoothing"]
        if smoothing is None:
            smoothing = 0.1 if predicts_labels(problem) else 0.0
        return Recipe(
            epochs=epochs,
            batch=batch,
            rate=settings["learning_rate"] or (0.04 if classes else 0.1),
            cycles=True,
            scaled_rates=True,
            decay=settings["weight_decay"],
            dropout=settings["dropout"],
            smoothing=smoothing,
            momentum=0.95,
            patience=int(settings["patience"]),
        )

    def epochs(self, rows: int) -> int:
        """Fewer of large tables.

        Examples
        --------
        >>> [MLP().epochs(rows) for rows in (1_000, 10_000, 100_000)]
        [100, 56, 32]
        """
        return int(min(128, max(16, 100 * (1_000 / max(1, rows)) ** 0.25)) + 0.5)

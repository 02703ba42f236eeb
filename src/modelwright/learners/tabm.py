"""TabM: an ensemble of multilayer perceptrons that share their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from modelwright.core import Problem, Shape
from modelwright.learners.base import Candidate
from modelwright.learners.neural_learner import NeuralLearner
from modelwright.learners.neural_network import Architecture
from modelwright.learners.neural_recipe import Recipe
from modelwright.learners.spaces import Choice, Float, Parameter

__all__ = ["TabM"]

_MOST_PERIODIC = 100
"""Numbers that are embedded at most: the cosines of more would take most of the time."""


class TabM(NeuralLearner):
    """Members share the matrices of their layers and have factors, biases and a last layer of their own.

    Each member is trained by its own loss; predictions are the mean over the members.

    Source: Gorishniy, Kotelnikov & Babenko, "TabM: advancing tabular deep learning with
    parameter-efficient ensembling", 2024; Wen, Tran & Ba, "BatchEnsemble", 2020.
    """

    name = "tabm"
    turn = 2
    defaults: ClassVar[Mapping[str, Any]] = {
        "members": 8,
        "width": 128,
        "depth": 2,
        "activation": None,
        "periodic": True,
        "sigma": 0.1,
        "learning_rate": 0.003,
        "weight_decay": 3e-4,
        "dropout": 0.1,
        "objective": "metric",
        "epochs": None,
        "batch": None,
        "patience": 16,
    }

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """The defaults."""
        return (Candidate("default", {}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Rates, penalties and form, around the defaults."""
        return {
            "learning_rate": Float(3e-4, 0.01, log=True),
            "dropout": Choice((0.0, 0.1, 0.25)),
            "weight_decay": Float(1e-4, 0.1, log=True),
            "members": Choice((8, 16)),
            "width": Choice((64, 128, 256)),
            "depth": Choice((2, 3)),
            "periodic": Choice((True, False)),
            "sigma": Float(0.05, 0.5, log=True),
        }

    def form(self, settings: Mapping[str, Any], link: str, outputs: int, numbers: int) -> Architecture:
        """Every layer with factors of each member."""
        return Architecture(
            width=int(settings["width"]),
            depth=int(settings["depth"]),
            outputs=outputs,
            link=link,
            activation=settings["activation"] or "relu",
            members=int(settings["members"]),
            adapters=True,
            periodic=bool(settings["periodic"]) and numbers <= _MOST_PERIODIC,
        )

    def recipe(self, settings: Mapping[str, Any], problem: Problem, rows: int) -> Recipe:
        """AdamW on a rate that rises once and falls as a cosine."""
        epochs, batch = self.schedule(settings, rows)
        return Recipe(
            epochs=epochs,
            batch=batch,
            rate=settings["learning_rate"],
            cycles=False,
            scaled_rates=False,
            decay=settings["weight_decay"],
            dropout=settings["dropout"],
            smoothing=0.0,
            momentum=0.999,
            patience=int(settings["patience"]),
        )

    def epochs(self, rows: int) -> int:
        """Fewer of large tables.

        Examples
        --------
        >>> [TabM().epochs(rows) for rows in (1_000, 10_000, 100_000)]
        [60, 34, 19]
        """
        return int(min(80, max(12, 60 * (1_000 / max(1, rows)) ** 0.25)) + 0.5)

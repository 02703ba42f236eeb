"""Steps of training in single precision, in plain numpy.

Small networks on tables spend their time in products of matrices, which numpy leaves to the same kind of
library as torch does: a step takes no longer, and nothing more must be installed. Gradients are written out
by hand (Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986), and
held against those of torch in the tests; steps are those of AdamW (Loshchilov & Hutter, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import generator
from modelwright.learners.neural_activations import ACTIVATE
from modelwright.learners.neural_columns import NeuralRows
from modelwright.learners.neural_network import EMBEDDING, Architecture, Network, combine
from modelwright.learners.neural_recipe import Examples, Recipe, weight_treatment
from modelwright.learners.objectives import Objective, validation_loss

__all__ = ["Run", "loss_gradient"]

Floats = NDArray[np.float32]

_POOL = 1_000_000
"""Draws for dropout, at least."""

_ROWS_AT_ONCE = 4_096
"""Rows of the validation set that go through a network together."""

_FIRST, _TINY = 0.9, 1e-8
"""Momentum of the gradients, and what keeps a step finite (AdamW)."""


@dataclass(frozen=True)
class _Group:
    """Weights of one learning rate and decay, with their gradient and its moments."""

    factor: float
    decay: float
    weights: Floats
    gradient: Floats
    first: Floats
    second: Floats


class _Weights:
    """All weights in one vector, with a view of each by its name and of its gradient."""

    def __init__(self, arrays: Mapping[str, Floats], recipe: Recipe) -> None:
        kinds = {name: weight_treatment(name, array.shape, recipe) for name, array in arrays.items()}
        self._shapes = {name: arrays[name].shape for name in sorted(arrays, key=lambda name: kinds[name])}
        self.vector = np.concatenate([arrays[name].ravel() for name in self._shapes]).astype(np.float32)
        gradient = np.zeros_like(self.vector)
        self.views, self.gradients = self._split(self.vector), self._split(gradient)
        sizes = dict.fromkeys(sorted(set(kinds.values())), 0)
        for name, shape in self._shapes.items():
            sizes[kinds[name]] += math.prod(shape)
        self._groups, start = [], 0
        for (factor, decay), size in sizes.items():
            part = slice(start, start + size)
            moments = np.zeros(size, np.float32), np.zeros(size, np.float32)
            self._groups.append(_Group(factor, decay, self.vector[part], gradient[part], *moments))
            start += size
        self._momentum, self._steps = recipe.momentum, 0

    def _split(self, vector: Floats) -> dict[str, Floats]:
        found, start = {}, 0
        for name, shape in self._shapes.items():
            size = math.prod(shape)
            found[name] = vector[start : start + size].reshape(shape)
            start += size
        return found

    def step(self, rate: float) -> None:
        """One step of AdamW from the gradients."""
        self._steps += 1
        grown = 1 - _FIRST**self._steps, 1 - self._momentum**self._steps
        for group in self._groups:
            weights, gradient, first, second = group.weights, group.gradient, group.first, group.second
            if group.decay:
                weights *= np.float32(1 - rate * group.decay)
            first += np.float32(1 - _FIRST) * (gradient - first)
            second *= np.float32(self._momentum)
            second += np.float32(1 - self._momentum) * np.square(gradient)
            change = np.sqrt(second)
            change *= np.float32(1 / math.sqrt(grown[1]))
            change += np.float32(_TINY)
            np.divide(first, change, out=change)
            change *= np.float32(rate * group.factor / grown[0])
            weights -= change

    def arrays(self, vector: Floats) -> dict[str, Floats]:
        """Copies of a vector's parts by name."""
        return {name: part.copy() for name, part in self._split(vector).items()}


@dataclass
class _Layer:
    """What a layer's forward pass leaves for its backward pass."""

    given: Floats
    entered: Floats
    products: Floats
    sums: Floats
    active: Floats
    slope: Floats
    kept: Floats | None


class Run:
    """One training: a network, its data, its loss and its optimiser.

    Parameters
    ----------
    network : Network
        As it begins.
    examples, valid : Examples
        To learn from, and to be scored on; the second may be empty.
    objective : Objective
    recipe : Recipe
    seed : int
        Of the order of rows and of dropout.
    """

    def __init__(
        self,
        network: Network,
        examples: Examples,
        valid: Examples,
        objective: Objective,
        recipe: Recipe,
        seed: int,
    ) -> None:
        self._form = network.form
        self._weights = _Weights(network.weights, recipe)
        self._examples, self._valid = examples, valid
        self._objective, self._recipe = objective, recipe
        self._random = generator(seed, "steps")
        self._scale: Floats | None = None
        if examples.weights is not None and len(examples.target):
            self._scale = (examples.weights / examples.weights.mean()).astype(np.float32)
        longest = network.form.members * recipe.batch * network.form.width
        share, self._places = recipe.dropout, _POOL + longest
        drawn = self._random.random(self._places + longest if share else 0, np.float32)
        self._pool = (drawn >= share).astype(np.float32) / np.float32(1 - share)

    def batches(self, count: int) -> list[NDArray[np.int64]]:
        """All rows in a random order, in so many parts of equal size."""
        return list(np.array_split(self._random.permutation(len(self._examples.target)), count))

    def copy(self) -> Floats:
        """All weights as they are now."""
        return self._weights.vector.copy()

    def arrays(self, copied: Floats) -> dict[str, Floats]:
        """Weights that `copy` gave, by name."""
        return self._weights.arrays(copied)

    def learn(self, which: NDArray[np.int64], rate: float) -> bool:
        """One step on some rows; False, with nothing changed, if the loss is no number."""
        rows = _taken(self._examples.rows, which)
        scale = None if self._scale is None else self._scale[which]
        with np.errstate(all="ignore"):
            entrance = _Entrance(self._form, self._weights.views, rows)
            layers: list[_Layer] = []
            hidden = entrance.said
            for layer in range(self._form.depth):
                layers.append(self._layer(hidden, layer))
                hidden = self._leave(layers[-1], layer)
            views = self._weights.views
            sums = views["prior"][:, None] + hidden @ views["head"]
            target = np.asarray(self._examples.target)[which]
            slope = loss_gradient(self._objective, sums, target, self._recipe.smoothing, scale)
            if not np.isfinite(slope).all() or not np.isfinite(sums).all():
                return False
            self._backward(slope, hidden, layers, entrance)
            self._weights.step(rate)
        return True

    def look(self) -> float:
        """The loss on the validation rows; infinite where there are none or it is no number."""
        given = self._valid
        if not len(given.target):
            return math.inf
        found = np.empty((self._form.members, len(given.target), self._form.outputs))
        with np.errstate(all="ignore"):
            for start in range(0, found.shape[1], _ROWS_AT_ONCE):
                part = slice(start, start + _ROWS_AT_ONCE)
                found[:, part] = self._sums(_taken(given.rows, part))
        loss = validation_loss(self._objective, combine(self._form.link, found), given.target, given.weights)
        return loss if math.isfinite(loss) else math.inf

    def _sums(self, rows: NeuralRows) -> Floats:
        """Sums of every member without dropout, shape (members, rows, outputs)."""
        views = self._weights.views
        hidden = _Entrance(self._form, views, rows).said
        for layer in range(self._form.depth):
            passed = self._layer(hidden, layer, learning=False)
            hidden = self._leave(passed, layer)
        return np.asarray(views["prior"][:, None] + hidden @ views["head"])

    def _layer(self, hidden: Floats, layer: int, *, learning: bool = True) -> _Layer:
        views, enter = self._weights.views, f"enter.{layer}"
        entered = hidden * views[enter][:, None] if enter in views else hidden
        products: Floats = np.matmul(entered, views[f"weight.{layer}"])
        leave = views.get(f"leave.{layer}")
        sums: Floats = products if leave is None else products * leave[:, None]
        sums = sums + views[f"bias.{layer}"][:, None]
        active, slope = ACTIVATE[self._form.activation](sums, learning)
        kept = None
        if learning and self._recipe.dropout:
            start = int(self._random.integers(self._places))
            kept = self._pool[start : start + active.size].reshape(active.shape)
        return _Layer(hidden, entered, products, sums, active, slope, kept)

    def _leave(self, passed: _Layer, layer: int) -> Floats:
        """What a layer hands on."""
        hidden = passed.active
        if self._form.parametric:
            mix = self._weights.views[f"mix.{layer}"][:, None]
            hidden = passed.sums + mix * (passed.active - passed.sums)
        return hidden if passed.kept is None else hidden * passed.kept

    def _backward(self, slope: Floats, hidden: Floats, layers: list[_Layer], entrance: _Entrance) -> None:
        """Gradients of all weights from those of the last sums."""
        views, found = self._weights.views, self._weights.gradients
        found["head"][:] = hidden.transpose(0, 2, 1) @ slope
        found["prior"][:] = slope.sum(axis=1)
        back = slope @ views["head"].transpose(0, 2, 1)
        for layer in reversed(range(self._form.depth)):
            passed = layers[layer]
            if passed.kept is not None:
                back = back * passed.kept
            if self._form.parametric:
                mix = views[f"mix.{layer}"][:, None]
                found[f"mix.{layer}"][:] = (back * (passed.active - passed.sums)).sum(axis=1)
                back = back * (1 + mix * (passed.slope - 1))
            else:
                back = back * passed.slope
            found[f"bias.{layer}"][:] = back.sum(axis=1)
            if f"leave.{layer}" in views:
                found[f"leave.{layer}"][:] = (back * passed.products).sum(axis=1)
                back = back * views[f"leave.{layer}"][:, None]
            weight = views[f"weight.{layer}"]
            flat = passed.entered.reshape(-1, weight.shape[0])
            found[f"weight.{layer}"][:] = flat.T @ back.reshape(-1, weight.shape[1])
            back = back @ weight.T
            if f"enter.{layer}" in views:
                found[f"enter.{layer}"][:] = (back * passed.given).sum(axis=1)
                back = back * views[f"enter.{layer}"][:, None]
            if len(passed.given) < len(back):
                back = back.sum(axis=0, keepdims=True)
        entrance.backward(back[0], found)


class _Entrance:
    """What the first layer reads: numbers, their cosines, flags, embedded levels."""

    def __init__(self, form: Architecture, views: Mapping[str, Floats], rows: NeuralRows) -> None:
        self._rows, self._views = rows, views
        parts = [rows.numbers, rows.flags]
        self._angles: Floats | None = None
        if "frequency" in views:
            self._angles = rows.numbers[:, :, None] * views["frequency"] + views["phase"]
            # numbers first: one small product for each
            self._waves = np.cos(self._angles).transpose(1, 0, 2)
            mixed = (self._waves @ views["mixture"]).transpose(1, 0, 2) + views["shift"]
            parts.insert(1, mixed.reshape(len(rows.numbers), -1))
        if "levels" in views:
            parts.append(views["levels"][rows.codes].reshape(len(rows.codes), -1))
        self.said: Floats = np.concatenate(parts, axis=1)[None]

    def backward(self, back: Floats, found: dict[str, Floats]) -> None:
        """Gradients of the embeddings from those of what the first layer reads."""
        numbers, flags = self._rows.numbers, self._rows.flags
        start = numbers.shape[1]
        if self._angles is not None:
            views = self._views
            width = views["shift"].size
            mixed = back[:, start : start + width].reshape(len(back), *views["shift"].shape)
            by_number = mixed.transpose(1, 0, 2)
            found["shift"][:] = mixed.sum(axis=0)
            found["mixture"][:] = self._waves.transpose(0, 2, 1) @ by_number
            waves = (by_number @ views["mixture"].transpose(0, 2, 1)).transpose(1, 0, 2)
            angles = -np.sin(self._angles) * waves
            found["phase"][:] = angles.sum(axis=0)
            found["frequency"][:] = (angles * numbers[:, :, None]).sum(axis=0)
            start += width
        if "levels" in self._views:
            from scipy.sparse import csr_array

            parts = back[:, start + flags.shape[1] :].reshape(-1, EMBEDDING)
            codes = self._rows.codes.ravel()
            ends = np.arange(len(codes) + 1)
            shown = csr_array(
                (np.ones(len(codes), np.float32), codes, ends), shape=(len(codes), len(self._views["levels"]))
            )
            found["levels"][:] = shown.T @ parts


def _taken(rows: NeuralRows, which: Any) -> NeuralRows:
    return NeuralRows(rows.numbers[which], rows.flags[which], rows.codes[which])


def loss_gradient(
    objective: Objective,
    sums: Floats,
    target: NDArray[Any],
    smoothing: float,
    scale: Floats | None,
) -> Floats:
    """The gradient of the mean loss of rows and members with respect to the sums.

    Parameters
    ----------
    objective : Objective
    sums : float32 array, shape (members, rows, outputs)
    target : array, shape (rows,)
        Class positions or values on the fitted scale.
    smoothing : float
        Share of the label that is spread over all classes.
    scale : float32 array, shape (rows,), or None
        Row weights.

    Returns
    -------
    float32 array of the shape of ``sums``
    """
    members, rows, outputs = sums.shape
    share = np.float32(1 / (members * rows))
    weights = share if scale is None else share * scale[:, None]
    name = objective.name
    if name == "softmax":
        raised = np.exp(sums - sums.max(axis=2, keepdims=True))
        raised /= raised.sum(axis=2, keepdims=True)
        raised -= np.float32(smoothing / outputs)
        raised[:, np.arange(rows), target.astype(np.int64)] -= np.float32(1 - smoothing)
        return np.asarray(raised * weights, np.float32)
    first, wanted = sums[:, :, 0], target.astype(np.float32)
    if name == "logistic":
        slope = 1 / (1 + np.exp(-first)) - (wanted * np.float32(1 - smoothing) + np.float32(0.5 * smoothing))
    elif name == "squared":
        slope = 2 * (first - wanted)
    elif name in ("absolute", "quantile"):
        slope = np.where(first > wanted, 1 - objective.level, -objective.level)
    else:
        inside, logs = first <= 50.0, np.minimum(first, np.float32(50.0))
        if name == "poisson":
            slope = np.exp(logs) - wanted
        elif name == "gamma":
            slope = 1 - wanted * np.exp(-logs)
        else:
            slope = np.exp(logs / 2) - wanted * np.exp(-logs / 2)
        slope = slope * inside
    return np.asarray(slope[:, :, None] * weights, np.float32)

"""Networks in torch, whose gradients are not written by hand: what training in numpy is held against."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.neural_columns import NeuralRows
from modelwright.learners.neural_network import Architecture, Network, combine
from modelwright.learners.neural_recipe import Examples, Recipe, weight_treatment
from modelwright.learners.objectives import Objective, validation_loss

_POOL = 1_000_000
"""Draws for dropout, at least."""

_ROWS_AT_ONCE = 4_096
"""Rows of the validation set that go through a network together."""


@dataclass(frozen=True)
class _Group:
    """Weights of one learning rate and decay, with their gradient and its moments."""

    factor: float
    decay: float
    weights: Any
    gradient: Any
    first: Any
    second: Any


class _Weights:
    """All weights in one vector, with a view of each by its name, and an optimiser of its parts.

    Weights of one learning rate and decay lie side by side: the optimiser goes through each such part at
    once, which takes a third of the time that going through many small arrays does.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]], recipe: Recipe) -> None:
        import torch

        kinds = {name: weight_treatment(name, array.shape, recipe) for name, array in arrays.items()}
        self._shapes = {name: arrays[name].shape for name in sorted(arrays, key=lambda name: kinds[name])}
        flat = [arrays[name].ravel() for name in self._shapes]
        self.vector = torch.from_numpy(np.concatenate(flat))
        self._gradient = torch.zeros_like(self.vector)
        self.views = {name: part.detach().requires_grad_() for name, part in self._split(self.vector).items()}
        for name, part in self._split(self._gradient).items():
            self.views[name].grad = part
        sizes = dict.fromkeys(sorted(set(kinds.values())), 0)
        for name, shape in self._shapes.items():
            sizes[kinds[name]] += math.prod(shape)
        lengths = list(sizes.values())
        self._groups = [
            _Group(factor, decay / factor, part, gradient, torch.zeros_like(part), torch.zeros_like(part))
            for (factor, decay), part, gradient in zip(
                sizes, self.vector.split(lengths), self._gradient.split(lengths)
            )
        ]
        self._momentum, self._steps = recipe.momentum, torch.zeros(())

    def _split(self, vector: Any) -> dict[str, Any]:
        parts = vector.split([math.prod(shape) for shape in self._shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts)}

    def step(self, rate: float) -> None:
        """One step of AdamW (Loshchilov & Hutter, 2019) from the gradient, which is cleared.

        The kernel is the one of ``torch.optim.AdamW(fused=True)``, whose first step imports torch's compiler
        for some seconds.
        """
        import torch

        self._steps += 1
        for group in self._groups:
            torch._fused_adamw_(
                [group.weights],
                [group.gradient],
                [group.first],
                [group.second],
                [],
                [self._steps],
                lr=rate * group.factor,
                beta1=0.9,
                beta2=self._momentum,
                weight_decay=group.decay,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
            )
        self._gradient.zero_()

    def arrays(self, vector: Any) -> dict[str, NDArray[np.float32]]:
        """Copies of a vector's parts by name."""
        return {name: part.numpy().copy() for name, part in self._split(vector).items()}


@contextmanager
def torch_state(seed: int, threads: int) -> Iterator[None]:
    """Torch with a seed and a number of threads, and afterwards as it was."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class _Tensors:
    """Examples as tensors."""

    numbers: Any
    flags: Any
    codes: Any
    target: Any
    weights: Any
    given: Examples

    @classmethod
    def of(cls, examples: Examples) -> _Tensors:
        import torch

        rows, target = examples.rows, np.asarray(examples.target)
        weights = None
        if examples.weights is not None and len(target):
            weights = torch.from_numpy((examples.weights / examples.weights.mean()).astype(np.float32))
        kind = np.int64 if target.dtype.kind in "iu" else np.float32
        return cls(
            torch.from_numpy(rows.numbers),
            torch.from_numpy(rows.flags),
            torch.from_numpy(rows.codes),
            torch.from_numpy(target.astype(kind)),
            weights,
            examples,
        )

    def rows(self, which: Any) -> tuple[Any, Any, Any]:
        """The three blocks of some rows."""
        return self.numbers[which], self.flags[which], self.codes[which]


class _Dropout:
    """Masks of hidden neurons, cut at random places from one long draw.

    Drawing anew for each step costs as much as a layer.

    Parameters
    ----------
    share : float
        Of the neurons that are left out.
    longest : int
        Neurons of a layer in all rows of a step.
    """

    def __init__(self, share: float, longest: int) -> None:
        import torch

        self.share = share
        self._places = _POOL + longest
        length = self._places + longest if share else 0
        self._pool = torch.empty(length).bernoulli_(1 - share).div_(1 - share)

    def __call__(self, hidden: Any) -> Any:
        """Neurons with some of them left out and the others made larger."""
        import torch

        start = int(torch.randint(self._places, (1,)))
        return hidden * self._pool[start : start + hidden.numel()].view(hidden.shape)


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
    """

    def __init__(
        self, network: Network, examples: Examples, valid: Examples, objective: Objective, recipe: Recipe
    ) -> None:
        self._form = network.form
        self._weights = _Weights(network.weights, recipe)
        self._examples, self._valid = _Tensors.of(examples), _Tensors.of(valid)
        self._objective, self._recipe = objective, recipe
        self._dropout = _Dropout(recipe.dropout, network.form.members * recipe.batch * network.form.width)

    def batches(self, count: int) -> list[Any]:
        """All rows in a random order, in so many parts of equal size."""
        import torch

        return list(torch.tensor_split(torch.randperm(len(self._examples.target)), count))

    def copy(self) -> Any:
        """All weights as they are now."""
        return self._weights.vector.clone()

    def arrays(self, copied: Any) -> dict[str, NDArray[np.float32]]:
        """Weights that `copy` gave, by name."""
        return self._weights.arrays(copied)

    def learn(self, which: Any, rate: float) -> bool:
        """One step on some rows; False, with nothing changed, if the loss is no number."""
        sums = _forward(self._form, self._weights.views, self._examples.rows(which), self._dropout)
        losses = _losses(self._objective, sums, self._examples.target[which], self._recipe.smoothing)
        if self._examples.weights is not None:
            losses = losses * self._examples.weights[which]
        loss = losses.mean()
        if not math.isfinite(loss.item()):
            return False
        loss.backward()
        self._weights.step(rate)
        return True

    def look(self) -> float:
        """The loss on the validation rows; infinite where there are none or it is no number."""
        given = self._valid.given
        if not len(given.target):
            return math.inf
        sums = _all_sums(self._form, self._weights.views, self._valid)
        loss = validation_loss(self._objective, combine(self._form.link, sums), given.target, given.weights)
        return loss if math.isfinite(loss) else math.inf


def torch_sums(network: Network, rows: NeuralRows) -> FloatArray:
    """The combined sums as torch computes them in single precision: what `Network.sums` must agree with."""
    import torch

    views = {name: torch.from_numpy(array) for name, array in network.weights.items()}
    nothing = Examples(rows, np.zeros(len(rows.numbers)), None)
    return combine(network.form.link, _all_sums(network.form, views, _Tensors.of(nothing)))


def _all_sums(form: Architecture, views: Mapping[str, Any], tensors: _Tensors) -> FloatArray:
    """Sums of every member for all rows, float64, shape (members, rows, outputs)."""
    import torch

    found = np.empty((form.members, len(tensors.target), form.outputs))
    with torch.no_grad():
        for start in range(0, found.shape[1], _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            found[:, part] = _forward(form, views, tensors.rows(part)).numpy()
    return found


def _forward(
    form: Architecture,
    views: Mapping[str, Any],
    rows: tuple[Any, ...],
    dropout: _Dropout | None = None,
) -> Any:
    """Sums, shape (members, rows, outputs)."""
    import torch
    from torch.nn import functional

    numbers, flags, codes = rows
    parts = [numbers, flags]
    if "frequency" in views:
        waves = torch.cos(torch.addcmul(views["phase"], numbers.unsqueeze(2), views["frequency"]))
        mixed = torch.bmm(waves.transpose(0, 1), views["mixture"]).transpose(0, 1) + views["shift"]
        parts.insert(1, mixed.flatten(1))
    if "levels" in views:
        parts.append(functional.embedding(codes, views["levels"]).flatten(1))
    hidden = torch.cat(parts, 1).unsqueeze(0)
    activate = {"relu": torch.relu, "selu": functional.selu, "mish": functional.mish}[form.activation]
    for layer in range(form.depth):
        if f"enter.{layer}" in views:
            hidden = hidden * views[f"enter.{layer}"].unsqueeze(1)
        bias = views[f"bias.{layer}"].unsqueeze(1)
        sums = hidden @ views[f"weight.{layer}"]
        if f"leave.{layer}" in views:
            sums = torch.addcmul(bias, sums, views[f"leave.{layer}"].unsqueeze(1))
        else:
            sums = sums + bias
        hidden = activate(sums)
        if form.parametric:
            hidden = torch.lerp(sums, hidden, views[f"mix.{layer}"].unsqueeze(1))
        if dropout is not None and dropout.share:
            hidden = dropout(hidden)
    return torch.baddbmm(views["prior"].unsqueeze(1), hidden, views["head"])


def _losses(objective: Objective, sums: Any, target: Any, smoothing: float) -> Any:
    """The loss of every row, the mean over the members."""
    import torch
    from torch.nn import functional

    name = objective.name
    if name == "softmax":
        members, rows, classes = sums.shape
        losses = functional.cross_entropy(
            sums.reshape(-1, classes), target.repeat(members), reduction="none", label_smoothing=smoothing
        )
        return losses.view(members, rows).mean(0)
    first = sums[:, :, 0]
    wanted = target.to(first.dtype).expand_as(first)
    if name == "logistic":
        smooth = wanted * (1 - smoothing) + 0.5 * smoothing
        return functional.binary_cross_entropy_with_logits(first, smooth, reduction="none").mean(0)
    if name == "squared":
        return (first - wanted).square().mean(0)
    if name in ("absolute", "quantile"):
        over = first - wanted
        return torch.maximum((1 - objective.level) * over, -objective.level * over).mean(0)
    logs = first.clamp(max=50.0)
    if name == "poisson":
        return (logs.exp() - wanted * logs).mean(0)
    if name == "gamma":
        return (logs + wanted * (-logs).exp()).mean(0)
    return (2 * ((logs / 2).exp() + wanted * (-logs / 2).exp())).mean(0)

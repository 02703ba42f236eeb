"""Networks as named arrays: what is in one, how it begins, and what it says, in plain numpy.

A network is an ensemble of members that share most of their weights; a multilayer perceptron is one of
one member. How one is trained is in `neural_training`; predictions need nothing but this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.linear_model import sigmoid, softmax
from modelwright.learners.neural_activations import ACTIVATE
from modelwright.learners.neural_columns import NeuralColumns, NeuralRows

__all__ = ["ACTIVATIONS", "LINKS", "Architecture", "Network", "combine", "initial_arrays"]

ACTIVATIONS = tuple(ACTIVATE)
LINKS = ("values", "log", "logistic", "softmax")
"""What the sums of the last layer say: values, their logarithms, log odds of the second of two classes,
logarithms of shares of more."""

EMBEDDING = 8
"""Numbers that stand for a level of a large category."""

WAVES = 16
"""Cosines of a number that is embedded."""

EMBEDDED_NUMBER = 3
"""Linear combinations of these cosines that are put beside the number."""

PREDICTED_AT_ONCE = 4_096
"""Rows predicted at once."""

_MOST = 1_000_000
_SAMPLE = 1_000
"""Rows that tell how large the sums of a layer are when training begins."""


@dataclass(frozen=True)
class Architecture:
    """The form of a network.

    Attributes
    ----------
    width, depth : int
        Of the hidden layers.
    outputs : int
        Sums of the last layer: one a class, or one for values and for two classes.
    link : str
        One of `LINKS`.
    activation : str
        One of `ACTIVATIONS`.
    members : int
        Networks of the ensemble.
    adapters : bool
        Whether each member multiplies the inputs and the outputs of every layer by factors of its own
        (BatchEnsemble), not only the inputs of the first.
    parametric : bool
        Whether each neuron learns how much of its activation it takes: ``z + a * (f(z) - z)``.
    periodic : bool
        Whether numbers are embedded by cosines.
    """

    width: int
    depth: int
    outputs: int
    link: str
    activation: str = "relu"
    members: int = 1
    adapters: bool = False
    parametric: bool = False
    periodic: bool = False

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Architecture:
        """Inverse of `to_dict`; raises ValueError for anything else."""
        kinds = {"int": int, "str": str, "bool": bool}
        names = {field.name: kinds[str(field.type)] for field in fields(cls)}
        if not isinstance(record, dict) or set(record) != set(names):
            raise ValueError("it does not describe its network")
        for name, kind in names.items():
            if type(record[name]) is not kind or (kind is int and not 0 < record[name] <= _MOST):
                raise ValueError(f"its network has the {name} {record[name]!r:.40}")
        found = cls(**record)
        if found.link not in LINKS or found.activation not in ACTIVATIONS or found.depth > 30:
            raise ValueError("it describes a network that is not known here")
        return found

    def inputs(self, columns: NeuralColumns) -> int:
        """Width of the first layer's inputs."""
        numbers = columns.numbers * (1 + (EMBEDDED_NUMBER if self.periodic else 0))
        return numbers + columns.flags + EMBEDDING * columns.codes

    def shapes(self, columns: NeuralColumns) -> dict[str, tuple[int, ...]]:
        """The shape of every array of the network, by name, in the order of use."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.periodic and columns.numbers:
            shapes["frequency"] = shapes["phase"] = (columns.numbers, WAVES)
            shapes["mixture"] = (columns.numbers, WAVES, EMBEDDED_NUMBER)
            shapes["shift"] = (columns.numbers, EMBEDDED_NUMBER)
        if columns.codes:
            shapes["levels"] = (columns.table_rows, EMBEDDING)
        before = self.inputs(columns)
        for layer in range(self.depth):
            if self.adapters or not layer:
                shapes[f"enter.{layer}"] = (self.members, before)
            shapes[f"weight.{layer}"] = (before, self.width)
            if self.adapters:
                shapes[f"leave.{layer}"] = (self.members, self.width)
            shapes[f"bias.{layer}"] = (self.members, self.width)
            if self.parametric:
                shapes[f"mix.{layer}"] = (self.members, self.width)
            before = self.width
        shapes["head"] = (self.members, before, self.outputs)
        shapes["prior"] = (self.members, self.outputs)
        return shapes


@dataclass(frozen=True, eq=False)
class Network:
    """A network.

    Attributes
    ----------
    form : Architecture
    weights : mapping of str to float32 array
        See `Architecture.shapes`.
    """

    form: Architecture
    weights: Mapping[str, NDArray[np.float32]]

    def sums(self, rows: NeuralRows) -> FloatArray:
        """The combined sums of the members, shape (rows, outputs).

        In double precision: the sums of a row are then the same, up to the last digits, whatever
        stands beside it.
        """
        weights = self._doubles
        parts = [np.zeros((0, self.form.outputs))]
        size = max(1, PREDICTED_AT_ONCE // self.form.members)
        for start in range(0, len(rows.numbers), size):
            part = slice(start, start + size)
            chunk = NeuralRows(rows.numbers[part], rows.flags[part], rows.codes[part])
            parts.append(combine(self.form.link, self._members(inputs(weights, chunk), weights)))
        return np.concatenate(parts)

    @cached_property
    def _doubles(self) -> dict[str, FloatArray]:
        return {name: np.asarray(array, np.float64) for name, array in self.weights.items()}

    def _members(self, matrix: FloatArray, weights: Mapping[str, FloatArray]) -> FloatArray:
        """The sums of every member, shape (members, rows, outputs)."""
        hidden = matrix[None]
        for layer in range(self.form.depth):
            hidden, _ = _through(self.form, weights, hidden, layer)
        return np.asarray(np.matmul(hidden, weights["head"]) + weights["prior"][:, None])

    def complaint(self, columns: NeuralColumns, outputs: int) -> str:
        """What is wrong with a network that was read, or nothing."""
        shapes = self.form.shapes(columns)
        if self.form.outputs != outputs or set(self.weights) != set(shapes):
            return "does not fit its record of the columns and the target"
        for name, shape in shapes.items():
            array = self.weights[name]
            if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
                return f"holds an array {name!r} that cannot be"
        return ""


def combine(link: str, sums: FloatArray) -> FloatArray:
    """The mean of the predictions of members, as sums again.

    Parameters
    ----------
    link : str
        One of `LINKS`.
    sums : float64 array, shape (members, rows, outputs)

    Examples
    --------
    >>> combine("values", np.array([[[2.0]], [[-1.0]]])).tolist()
    [[0.5]]
    """
    if len(sums) == 1:
        return np.asarray(sums[0])
    if link == "logistic":
        share = np.clip(sigmoid(sums).mean(axis=0), 1e-15, 1 - 1e-15)
        return np.asarray(np.log(share) - np.log1p(-share))
    if link == "softmax":
        shares = np.mean([softmax(member) for member in sums], axis=0)
        return np.asarray(np.log(np.maximum(shares, 1e-300)))
    if link == "log":
        return np.asarray(np.logaddexp.reduce(sums, axis=0) - np.log(len(sums)))
    return np.asarray(sums.mean(axis=0))


def inputs(weights: Mapping[str, FloatArray], rows: NeuralRows) -> FloatArray:
    """What the first layer reads, shape (rows, inputs): numbers, their cosines, flags, embedded levels."""
    numbers = rows.numbers.astype(np.float64)
    parts = [numbers, rows.flags.astype(np.float64)]
    if "frequency" in weights:
        waves = np.cos(numbers[:, :, None] * weights["frequency"] + weights["phase"])
        # one small product a number
        mixed = np.matmul(waves.transpose(1, 0, 2), weights["mixture"]).transpose(1, 0, 2) + weights["shift"]
        parts.insert(1, mixed.reshape(len(numbers), -1))
    if "levels" in weights:
        parts.append(weights["levels"][rows.codes].reshape(len(numbers), -1))
    return np.concatenate(parts, axis=1)


def _through(
    form: Architecture, weights: Mapping[str, FloatArray], hidden: FloatArray, layer: int
) -> tuple[FloatArray, FloatArray]:
    """What the members' layer makes of its inputs, and the sums before the activation.

    Inputs have the shape (members, rows, inputs), or (1, rows, inputs) where all members read the same. One
    product serves all members: for few rows, calls cost more than numbers.
    """
    if f"enter.{layer}" in weights:
        hidden = hidden * weights[f"enter.{layer}"][:, None]
    weight = weights[f"weight.{layer}"]
    sums = (hidden.reshape(-1, len(weight)) @ weight).reshape(*hidden.shape[:2], form.width)
    if f"leave.{layer}" in weights:
        sums *= weights[f"leave.{layer}"][:, None]
    sums += weights[f"bias.{layer}"][:, None]
    active, _ = ACTIVATE[form.activation](sums, False)
    if form.parametric:
        active = sums + weights[f"mix.{layer}"][:, None] * (active - sums)
    return active, sums


def initial_arrays(
    form: Architecture,
    columns: NeuralColumns,
    sample: NeuralRows,
    random: np.random.Generator,
    *,
    prior: FloatArray,
    sigma: float,
) -> dict[str, NDArray[np.float32]]:
    """The arrays of a network before training.

    Parameters
    ----------
    form : Architecture
    columns : NeuralColumns
    sample : NeuralRows
        Some training rows: without adapters, the sums of each neuron begin with a standard deviation
        of 1 over them, and each is bent at one of them.
    random : numpy Generator
    prior : float64 array, shape (outputs,)
        What the network says at first about any row.
    sigma : float
        Standard deviation of the frequencies of the cosines.
    """
    arrays: dict[str, FloatArray] = {}
    for name, shape in form.shapes(columns).items():
        kind = name.partition(".")[0]
        if kind == "frequency":
            arrays[name] = random.normal(scale=2 * np.pi * sigma, size=shape)
        elif kind == "phase":
            arrays[name] = random.uniform(-np.pi, np.pi, shape)
        elif kind in ("mixture", "shift"):
            arrays[name] = random.uniform(-1, 1, shape) / np.sqrt(WAVES)
        elif kind == "levels":
            arrays[name] = random.normal(size=shape)
            # what no training row shows must not be a random number
            arrays[name][_missing_rows(columns)] = 0.0
        elif name == "enter.0" and form.members > 1:
            # members differ from the start: each sees every input with a sign of its own
            arrays[name] = random.choice([-1.0, 1.0], shape)
        elif kind in ("weight", "head"):
            arrays[name] = random.uniform(-1, 1, shape) / np.sqrt(max(1, shape[-2]))
        elif kind == "bias":
            arrays[name] = random.uniform(-1, 1, shape) / np.sqrt(shape[-1])
        else:
            arrays[name] = np.ones(shape)
    arrays["prior"] = np.tile(prior, (form.members, 1))
    if not form.adapters:
        arrays["head"] *= 0.0
        _scale_to(form, arrays, sample, random)
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def _scale_to(
    form: Architecture, arrays: dict[str, FloatArray], sample: NeuralRows, random: np.random.Generator
) -> None:
    """Scale the weights of each layer to the sample, and bend every neuron at one of its rows."""
    few = slice(0, _SAMPLE)
    hidden = inputs(arrays, NeuralRows(sample.numbers[few], sample.flags[few], sample.codes[few]))[None]
    for layer in range(form.depth):
        arrays[f"bias.{layer}"][:] = 0.0
        shape = arrays[f"weight.{layer}"].shape
        arrays[f"weight.{layer}"] = random.normal(size=shape) / np.sqrt(max(1, shape[0]))
        _, sums = _through(form, arrays, hidden, layer)
        spread = sums.std(axis=(0, 1))
        arrays[f"weight.{layer}"] /= np.where(spread > 1e-3, spread, 1.0)
        _, sums = _through(form, arrays, hidden, layer)
        if sums.size:
            row = random.integers(0, sums.shape[1], form.width)
            arrays[f"bias.{layer}"][:] = -sums[0, row, np.arange(form.width)]
        hidden, _ = _through(form, arrays, hidden, layer)


def _missing_rows(columns: NeuralColumns) -> NDArray[np.int64]:
    """Rows of the embedding table that stand for missing levels."""
    starts = columns.levels.table.starts[columns.embedded]
    return columns.places[starts]

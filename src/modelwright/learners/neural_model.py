"""A fitted network of any form: columns, weights, and the way back to predictions. It needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from modelwright.core import BundleError, FloatArray, Predictions, View
from modelwright.learners.base import FittedLearner
from modelwright.learners.linear_model import sigmoid, softmax
from modelwright.learners.neural_columns import NeuralColumns
from modelwright.learners.neural_network import Architecture, Network
from modelwright.learners.state import (
    check_state,
    read_arrays,
    read_json,
    read_state,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder

__all__ = ["FittedNetwork"]

_CHUNK = 65_536
"""Rows encoded at once for predictions."""


class FittedNetwork(FittedLearner):
    """A network and what turns a view into its inputs.

    Parameters
    ----------
    coder : TargetCoder
    columns : NeuralColumns
    network : Network or None
        None where there was one class or value to learn.
    limits : (float, float)
        Between which values are kept: a row far from all others must not get a prediction far from
        all targets.
    """

    def __init__(
        self,
        coder: TargetCoder,
        columns: NeuralColumns,
        network: Network | None,
        limits: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.coder = coder
        self.columns = columns
        self.network = network
        self.limits = limits

    def predict(self, view: View) -> Predictions:
        """Probabilities or values."""
        if self.network is None:
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros((0, self.network.form.outputs))]
        for start in range(0, view.rows, _CHUNK):
            rows = self.columns.encode(view.take(slice(start, start + _CHUNK)))
            parts.append(self.network.sums(rows))
        return self._respond(np.concatenate(parts), self.network.form.link)

    def _respond(self, sums: FloatArray, link: str) -> Predictions:
        if link == "logistic":
            return self.coder.decode(sigmoid(sums[:, 0]))
        if link == "softmax":
            return self.coder.decode(softmax(sums))
        # exp of an extrapolated logarithm must not overflow
        values = np.exp(np.minimum(sums[:, 0], 700.0)) if link == "log" else sums[:, 0]
        return self.coder.decode(np.clip(values, *self.limits))

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``columns.npz`` and ``network.npz``."""
        record: dict[str, Any] = {
            "target": self.coder.to_dict(),
            "limits": [float(limit) for limit in self.limits],
            "network": None if self.network is None else self.network.form.to_dict(),
        }
        write_json(directory / "model.json", record)
        write_arrays(directory / "columns.npz", self.columns.arrays())
        write_arrays(directory / "network.npz", {} if self.network is None else dict(self.network.weights))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "model.json"
        record = read_json(path)
        coder = TargetCoder.from_dict(record.get("target", {}))
        columns = read_state(directory / "columns.npz", NeuralColumns.from_arrays)
        limits = _limits(record.get("limits"), path)
        check_state((record.get("network") is None) == coder.is_constant, path, "lacks its network")
        if coder.is_constant:
            read_arrays(directory / "network.npz", ())
            return cls(coder, columns, None, limits)
        try:
            form = Architecture.from_dict(record["network"])
        except ValueError as error:
            raise BundleError(
                f"The model file {path.name!r} could not be read ({error}). Copy the model again, or "
                "train it again."
            ) from error
        classes = len(coder.present)
        links = (("logistic",) if classes == 2 else ("softmax",)) if classes else ("values", "log")
        check_state(form.link in links, path, "names a kind of sum that its target cannot have")
        network = Network(form, read_arrays(directory / "network.npz"))
        complaint = network.complaint(columns, classes if classes > 2 else 1)
        check_state(not complaint, directory / "network.npz", complaint)
        return cls(coder, columns, network, limits)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        weights = () if self.network is None else self.network.weights.values()
        arrays = (*self.columns.arrays().values(), *weights)
        return 8_000 + sum(int(array.nbytes) for array in arrays)


def _limits(found: Any, path: Path) -> tuple[float, float]:
    numbers = isinstance(found, list) and len(found) == 2
    numbers = numbers and all(type(each) in (int, float) for each in found)
    check_state(numbers, path, "lacks the limits of predictions")
    low, high = (float(each) for each in found)
    check_state(bool(np.isfinite([low, high]).all()) and low <= high, path, "has limits that cannot be")
    return low, high

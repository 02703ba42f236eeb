"""Every golden row gets what the model said of it when the project was written.

Run it with pytest, or alone: ``python tests/test_parity.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

__all__ = ["TOLERANCE", "main", "test_every_golden_row_agrees"]

TOLERANCE = 1e-6
"""Of a probability, or of a value in proportion to its size where that is more than 1."""


def _check(folder: Path) -> str:
    """Compare; what came out, in words."""
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
    from modelwright.export.project.runtime.score import Scorer, answers

    expected = json.loads((folder / "golden.json").read_bytes())
    scorer = Scorer(folder.parent)
    predictions, _ = scorer.raw(folder / expected["rows"])
    values = np.asarray(expected["values"], np.float64).reshape(predictions.array.shape)
    apart = np.abs(predictions.array - values) / np.maximum(1.0, np.abs(values))
    worst = float(apart.max(initial=0.0))
    assert worst <= TOLERANCE, f"a prediction is {worst:.3g} from what the model said"
    said = answers(scorer.contract, predictions)
    if scorer.contract.classes or scorer.contract.labels:
        labels = [[str(value) for value in column.to_list()] for column in said.get_columns()]
        assert labels == expected["labels"], "a label is not what the model said"
    return f"{len(values)} golden rows agree; the largest difference is {worst:.3g}"


def test_every_golden_row_agrees() -> None:
    """Probabilities or values to 1e-6, and labels exactly."""
    _check(Path(__file__).resolve().parent)


def main() -> int:
    """The same without pytest."""
    sys.stdout.write(_check(Path(__file__).resolve().parent) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

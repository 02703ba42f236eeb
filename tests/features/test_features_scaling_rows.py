"""Numbers of one row are scaled as in a table, to the last bit."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from modelwright.features.scaling import NumericScaler


@pytest.mark.parametrize("scale", [True, False, "normal"])
def test_a_row_is_scaled_as_in_a_table(scale: bool | Literal["normal"]) -> None:
    rng = np.random.default_rng(0)
    skewed = rng.lognormal(0, 2, (300, 3))
    block = np.column_stack([rng.normal(size=(300, 2)), skewed, rng.integers(0, 3, (300, 2)) ** 4])
    block = block.astype(np.float32)
    block[rng.random(block.shape) < 0.1] = np.nan
    scaler = NumericScaler.fit(block, slice(0, 200), scale=scale, max_columns=100)
    assert len(scaler.skewed) or not scale
    ends = np.float32(3.4e38)
    odd = np.tile([[ends], [-ends], [0.0], [np.nan]], (1, block.shape[1])).astype(np.float32)
    edges = scaler.knots[: 4 * (len(scaler.knots) // 4)].astype(np.float32)[:200]
    knots = np.tile(edges[:, None], (1, block.shape[1]))
    rows = np.concatenate([block, odd, knots])
    whole = np.zeros((len(rows), scaler.outputs))
    scaler.write(rows, whole)
    for position in range(len(rows)):
        alone = np.zeros((1, scaler.outputs))
        scaler.write(rows[position : position + 1], alone)
        assert np.array_equal(alone[0], whole[position]), position

"""From the folds of a trial to the configuration that fits it on all rows, with nothing left to stop on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core import Config
from modelwright.ensemble.crossfit import FoldResult
from modelwright.learners import LEARNERS

__all__ = ["refit_config"]

_GROWTH = 0.5
"""More rows bear more rounds, but fewer than in proportion: the power of the ratio of rows."""


def refit_config(
    learner: str, config: Config, folds: Sequence[FoldResult], fold_rows: Sequence[int], rows: int
) -> dict[str, Any]:
    """The configuration of a trial for a fit on all rows.

    Boosters take as many rounds as its folds found best: their mean, scaled by the square root of the ratio
    of rows, at the learning rate that the folds ended up with (which a clock may have raised). Other learners
    take the configuration as it is.

    Parameters
    ----------
    learner : str
        Name in the catalog.
    config : mapping
        Of the trial.
    folds : sequence of FoldResult
        Its finished folds.
    fold_rows : sequence of int
        Rows that each of them learned from.
    rows : int
        Rows to learn from now.

    Examples
    --------
    >>> from pathlib import Path
    >>> paths = [{"iterations": 90, "learning_rate": 0.1}, {"iterations": 110, "learning_rate": 0.1}]
    >>> folds = [FoldResult(Path(), 1.0, 0.1, 10, False, path) for path in paths]
    >>> refit_config("lightgbm", {"num_leaves": 7}, folds, [100, 100], 121)
    {'num_leaves': 7, 'learning_rate': 0.1, 'rounds': 110}
    """
    known = LEARNERS.load(learner)().defaults
    if "rounds" not in known:
        return dict(config)
    paths = [
        (float(fold.info["iterations"]), _rate(fold.info), count)
        for fold, count in zip(folds, fold_rows, strict=True)
        if fold.info.get("iterations")
    ]
    if not paths:
        return dict(config)
    rates = [rate for _, rate, _ in paths if rate is not None]
    # a rate that was raised takes fewer rounds: what counts is how far the folds went
    rate = float(np.median(rates)) if len(rates) == len(paths) and "learning_rate" in known else None
    length = np.mean(
        [
            rounds * (1.0 if rate is None or own is None else own / rate) * (rows / count) ** _GROWTH
            for rounds, own, count in paths
        ]
    )
    found = dict(config) | ({} if rate is None else {"learning_rate": rate})
    return found | {"rounds": max(1, round(float(length)))}


def _rate(info: Mapping[str, Any]) -> float | None:
    """The learning rate of a fold; of several outputs their mean."""
    parts = info.get("outputs") or [info]
    rates = [part["learning_rate"] for part in parts if isinstance(part.get("learning_rate"), (int, float))]
    return float(np.mean(rates)) if rates else None

"""Do the 95% intervals cover? Synthetic draws, each trained on a small table, judged on a large fresh one.

usage: intervals.py RESULTS.csv [--draws 200] [--trials 2]

The truth of a draw is the score of its final model on 20,000 fresh rows of the same distribution.
"""

from __future__ import annotations

import argparse
import csv
import logging
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import modelwright as mw

FRESH = 20_000


def table(
    rng: np.random.Generator, rows: int, task: str, coefficients: np.ndarray, noise: float
) -> pl.DataFrame:
    """A non-linear signal of five columns and a category, two columns of noise."""
    x = rng.normal(size=(rows, 7))
    level = rng.integers(0, 4, rows)
    signal = x[:, :5] @ coefficients[:5] + coefficients[5] * x[:, 0] * x[:, 1]
    signal += coefficients[6] * np.abs(x[:, 2]) + coefficients[7] * (level == 2)
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(7)})
    frame = frame.with_columns(pl.Series("level", [f"level {value}" for value in level]))
    if task == "regression":
        heavy = rng.standard_t(4, rows)
        return frame.with_columns(pl.Series("y", signal + noise * heavy))
    if task == "binary":
        draw = rng.random(rows) < 1 / (1 + np.exp(-(signal - 0.5) / noise))
        return frame.with_columns(pl.Series("y", np.where(draw, "yes", "no")))
    cut = np.digitize(signal + noise * rng.logistic(size=rows), [-1.0, 1.0])
    return frame.with_columns(pl.Series("y", [f"class {value}" for value in cut]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--trials", type=int, default=2)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    rows = []
    for draw in range(options.draws):
        rng = np.random.default_rng(draw)
        task = ("binary", "multiclass", "regression")[draw % 3]
        size = int(rng.choice([200, 400, 800, 1500]))
        noise = float(rng.uniform(0.5, 2.0))
        coefficients = rng.normal(size=8)
        train = table(rng, size, task, coefficients, noise)
        fresh = table(rng, FRESH, task, coefficients, noise)
        with tempfile.TemporaryDirectory() as place:
            model = mw.train(
                train,
                "y",
                task=task,
                max_trials=options.trials,
                time_limit="10m",
                threads=1,
                seed=draw,
                workspace=place,
            )
            score = model.manifest["score"]
            truth = next(iter(model.evaluate(fresh).values()))["score"]
        low, high = score["interval"]
        rows.append(
            {
                "draw": draw,
                "task": task,
                "rows": size,
                "metric": score["metric"],
                "score": score["value"],
                "low": low,
                "high": high,
                "truth": truth,
                "covered": int(low <= truth <= high),
                "side": "in" if low <= truth <= high else ("above" if truth > high else "below"),
            }
        )
        print(rows[-1], f"covered so far {np.mean([row['covered'] for row in rows]):.3f}", flush=True)
        with options.results.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()

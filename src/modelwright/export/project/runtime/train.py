"""Fit models like those of this project once more, with their libraries alone.

    python train.py DATA.csv [-o OUT_OF_FOLD.csv]

`training.json` says which configurations, with which seed and how many folds. Each is fitted on all folds but
one and predicts that one, so that every row is predicted by models that have not seen it; the members'
weights blend these predictions. What is simpler here than it was in training, so that scores come out
similar, not equal:

- The feature steps are taken as they were fitted (`features.json`), of texts the few columns that their terms
  were condensed to. Features generated inside of folds, encodings and transforms of the target, weights of
  rows and of classes, and directions that predictions had to keep are left out.
- Folds are those of scikit-learn with the same number and seed: other rows stand together.
- Losses are the libraries' usual ones; early stopping looks at the rows that are predicted, uncorrected.
- Kinds of models without a counterpart in their library are left out, and told.
- Calibration, stacking, thresholds and moved quantiles are not fitted again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, DataError, ModelwrightError
from modelwright.data.conform import conform_column
from modelwright.data.labels import label_codes
from modelwright.export.project.runtime.contract import column_of, read_contract
from modelwright.export.project.runtime.features import read_features
from modelwright.export.project.runtime.fitters import FITTERS
from modelwright.export.project.runtime.fitting import Fold, Goal, predict_later
from modelwright.export.project.runtime.reading import read_raw

__all__ = ["main", "train"]

HERE = Path(__file__).resolve().parent
_QUANTILES = ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting")
"""Kinds that learn quantiles here."""


def train(data: Any, directory: Path = HERE) -> pl.DataFrame:
    """Out-of-fold predictions of every row that has a target.

    Parameters
    ----------
    data : path, polars or pandas data frame
        With the target.
    directory : Path
        Of the project.

    Returns
    -------
    polars.DataFrame
        Row number; for each output the fold, the target (a class as its position), and what the blend says.
        Null where the target of an output is not known.
    """
    plan = json.loads((directory / "training.json").read_bytes())
    frame, _ = read_contract(directory / "contract.json").check(data)
    view = read_features(directory / "features.json").transform(frame)
    matrix = np.hstack([view.numeric, view.categorical.astype(np.float32)])
    found: dict[str, Any] = {"row": np.arange(len(matrix))}
    predicted = np.zeros(len(matrix), np.bool_)
    for output in plan["outputs"]:
        name, goal = output["name"], Goal(len(output["classes"]), output["level"])
        target, known = _target(data, output)
        array, fold = _out_of_fold(plan, goal, matrix, target, _folds(plan, data, target, known))
        rows = fold >= 0
        predicted |= rows
        sys.stdout.write(f"{name}: {_judged(goal, target[rows], array[rows])}\n")
        columns = {"fold": fold, "class" if goal.classes else "value": target}
        columns |= {f"predicted {position}": array[:, position] for position in range(array.shape[1])}
        for column, values in columns.items():
            found[f"{name} {column}"] = pl.Series(values).set(pl.Series(~rows), None)
    return pl.DataFrame(found).filter(pl.Series(predicted))


def _read(data: Any, entry: Mapping[str, Any]) -> tuple[pl.Series, Column]:
    """A column of the table in the type of training."""
    raw = read_raw(data, [entry["name"]]).frame
    if not raw.width:
        raise DataError(f"The table lacks the column {entry['name']!r}. Give the training table.")
    column = column_of(entry)
    return conform_column(raw.to_series(0), column)[0].alias("values"), column


def _target(data: Any, output: Mapping[str, Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The target as codes of classes or values, and where it is known."""
    values, column = _read(data, output["column"])
    if output["classes"]:
        values = label_codes(values, column, tuple(output["classes"]))
    known = values.is_not_null().to_numpy()
    if not known.any():
        raise DataError(f"No row has a usable target {column.name!r}. Give the training table.")
    filled = values.cast(pl.Float64).fill_null(0.0).to_numpy()
    return (filled.astype(np.int64) if output["classes"] else filled), known


def _folds(
    plan: Mapping[str, Any], data: Any, target: NDArray[Any], known: NDArray[np.bool_]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit and rows to predict, fold by fold."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

    rows, count = np.flatnonzero(known), int(plan["folds"])
    split: Any = KFold(count, shuffle=True, random_state=plan["seed"])
    groups = None
    if plan["group"] is not None:
        values, _ = _read(data, plan["group"])
        groups = values.cast(pl.String).fill_null("").rank("dense").to_numpy()[rows]
        split = GroupKFold(count)
    elif plan["time"] is not None:
        moments, _ = _read(data, plan["time"])
        rows = rows[np.argsort(moments.rank("ordinal").fill_null(0).to_numpy()[rows], kind="stable")]
        split = TimeSeriesSplit(count)
    elif plan["scheme"] == "stratified":
        split = StratifiedKFold(count, shuffle=True, random_state=plan["seed"])
    return [(rows[here], rows[there]) for here, there in split.split(rows, target[rows], groups)]


def _out_of_fold(
    plan: Mapping[str, Any],
    goal: Goal,
    matrix: NDArray[np.float32],
    target: NDArray[Any],
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What the blend says of each row, and the fold that predicted it (-1: none)."""
    total = np.zeros((len(target), goal.classes or 1))
    fold_of, weights = np.full(len(target), -1), 0.0
    for member in plan["members"]:
        learner = member["learner"]
        if learner not in FITTERS or (goal.level is not None and learner not in _QUANTILES):
            sys.stdout.write(f"  {member['label']}: left out, as {learner} has no counterpart here\n")
            continue
        for number, (here, there) in enumerate(parts):
            fold = Fold(matrix[here], target[here], matrix[there], target[there], plan["numbers"])
            said = predict_later(FITTERS.load(learner), member["settings"], goal, fold, plan["seed"])
            total[there] += member["weight"] * said
            fold_of[there] = number
        weights += member["weight"]
        sys.stdout.write(f"  {member['label']}: {len(parts)} models fitted\n")
    if not weights:
        raise DataError("None of the members can be fitted with its library alone.")
    return total / weights, fold_of


def _judged(goal: Goal, target: NDArray[Any], array: NDArray[np.float64]) -> str:
    """A score of the out-of-fold predictions in words."""
    if goal.classes:
        shares = np.clip(array[np.arange(len(target)), target], 1e-15, 1.0)
        share = float(np.mean(array.argmax(axis=1) == target))
        return f"log loss {-np.log(shares).mean():.4f}, accuracy {share:.4f} out of fold"
    errors = target - array[:, 0]
    if goal.level is not None:
        lost = np.maximum(goal.level * errors, (goal.level - 1) * errors).mean()
        return f"pinball loss {lost:.6g} out of fold"
    return f"root mean squared error {np.sqrt((errors**2).mean()):.6g} out of fold"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and judge: 0 if all is well, 2 if something that was given cannot be used."""
    parser = argparse.ArgumentParser(description="Fit models like those of this project once more.")
    parser.add_argument("data", metavar="DATA", help="the training table: a CSV or Parquet file")
    parser.add_argument("-o", "--output", metavar="OUT", help="where out-of-fold predictions go: OUT.csv")
    given = parser.parse_args(arguments)
    try:
        found = train(given.data)
        if given.output:
            found.write_csv(given.output)
    except (ModelwrightError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

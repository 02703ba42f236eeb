"""Predict the rows of a table.

Six steps: read the table, check the contract, make the features, ask the members, combine what they say, and
turn it into labels or values. On the command line::

    python score.py DATA.csv -o OUT.csv
    python score.py DATA.parquet -o OUT.parquet --proba

and in Python: ``from score import predict; predict(frame)``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import ModelwrightError, Predictions, Task
from modelwright.export.project.runtime.blend import read_blend
from modelwright.export.project.runtime.contract import Contract, read_contract
from modelwright.export.project.runtime.features import read_features

__all__ = ["Scorer", "answers", "main", "predict"]

HERE = Path(__file__).resolve().parent
_log = logging.getLogger("score")


class Scorer:
    """The whole way from a table to predictions.

    Parameters
    ----------
    directory : Path
        Holds `contract.json`, `features.json`, `blend.json` and the models.
    """

    def __init__(self, directory: Path = HERE) -> None:
        self.contract = read_contract(directory / "contract.json")
        self.features = read_features(directory / "features.json")
        self.blend = read_blend(directory / "blend.json")

    def raw(self, data: Any) -> tuple[Predictions, list[str]]:
        """Probabilities or values of every row, and what has to be told about the table.

        Parameters
        ----------
        data : path of a CSV or Parquet file, polars or pandas data frame

        Raises
        ------
        DataError, SchemaMismatch
            If the table cannot be used.
        """
        frame, told = self.contract.check(data)
        view = self.features.transform(frame)
        return self.blend.predict(view), told

    def predict(self, data: Any, *, proba: bool = False) -> pl.DataFrame:
        """Labels or values in the order of the rows; see `answers`."""
        predictions, told = self.raw(data)
        for message in told:
            _log.warning("%s", message)
        return answers(self.contract, predictions, proba=proba)


def answers(contract: Contract, predictions: Predictions, *, proba: bool = False) -> pl.DataFrame:
    """Predictions as a table.

    Parameters
    ----------
    contract : Contract
    predictions : Predictions
    proba : bool
        Whether to add a column ``p_LABEL`` for each class or target.

    Returns
    -------
    polars.DataFrame
        A column ``prediction``, or ``prediction_NAME`` for each of several targets or quantiles.
    """
    array = predictions.array
    columns: list[pl.Series] = []
    if contract.task is Task.MULTILABEL:
        pairs = zip(contract.labels, contract.label_classes, predictions.label_codes.T.tolist(), strict=True)
        for name, classes, codes in pairs:
            columns.append(pl.Series(f"prediction_{name}", [classes[code] for code in codes]))
    elif contract.task is Task.QUANTILE:
        for position, level in enumerate(contract.quantiles):
            columns.append(pl.Series(f"prediction_{level}", array[:, position]))
    elif contract.task.is_classification:
        chosen = [contract.classes[code] for code in predictions.codes.tolist()]
        columns.append(pl.Series("prediction", chosen))
    else:
        columns.append(pl.Series("prediction", array))
    if proba and contract.task is not Task.QUANTILE and array.ndim == 2:
        names = contract.labels or contract.classes
        columns += [pl.Series(f"p_{name}", array[:, position]) for position, name in enumerate(names)]
    return pl.DataFrame(columns)


@lru_cache(maxsize=1)
def _here() -> Scorer:
    return Scorer()


def predict(data: Any, *, proba: bool = False) -> pl.DataFrame:
    """Predict with the model of this project; see `Scorer`."""
    return _here().predict(data, proba=proba)


def main(arguments: Sequence[str] | None = None) -> int:
    """Score a file: 0 if all is well, 2 if something that was given cannot be used."""
    parser = argparse.ArgumentParser(description="Predict the rows of a table.")
    parser.add_argument("data", metavar="DATA", help="a CSV or Parquet file")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="OUT.csv or OUT.parquet")
    parser.add_argument("--proba", action="store_true", help="also write probabilities, as p_LABEL")
    given = parser.parse_args(arguments)
    try:
        found = predict(given.data, proba=given.proba)
        output = Path(given.output)
        if output.suffix == ".parquet":
            found.write_parquet(output)
        else:
            found.write_csv(output)
    except (ModelwrightError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    sys.stdout.write(f"{found.height:,} predictions written to {output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

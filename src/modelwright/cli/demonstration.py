"""The steps of the demo: a table as a user would have it, a training, predictions of rows kept back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.automl import TrainOutcome, TrainRequest, execute
from modelwright.cli.predict import scored
from modelwright.cli.progress import Progress, showing_progress
from modelwright.core import BadInput, Interrupted, UnknownName, generator, nearest
from modelwright.data import write_frame
from modelwright.data.demo import BUNDLED_TABLES, CUSTOMERS_TARGET, make_customers, write_bundled_table

__all__ = ["DemoTable", "Demonstration", "demonstrate", "prepare_tables"]

CUSTOMERS = "customers"
KEPT_BACK = 0.2


@dataclass(frozen=True)
class DemoTable:
    """One example table on disk.

    Attributes
    ----------
    name, target : str
        What it is called, and the column to predict.
    directory : Path
        Where everything about it is.
    """

    name: str
    target: str
    directory: Path

    @property
    def known(self) -> Path:
        """The rows to train on."""
        return self.directory / f"{self.name}.csv"

    @property
    def new(self) -> Path:
        """The rows kept back."""
        return self.directory / f"{self.name}_new.csv"

    @property
    def scored(self) -> Path:
        """The predictions of the rows kept back."""
        return self.directory / f"{self.name}_scored.csv"


@dataclass(frozen=True)
class Demonstration:
    """What came out for one table.

    Attributes
    ----------
    table : DemoTable
    outcome : TrainOutcome
    rows : int
        Rows that were kept back.
    score, low, high : float or None
        The metric on them, with its 95% interval.
    """

    table: DemoTable
    outcome: TrainOutcome
    rows: int
    score: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints of it."""
        return {
            "data": self.table.name,
            "target": self.table.target,
            "table": str(self.table.known),
            "new_rows": str(self.table.new),
            "scored": str(self.table.scored),
            "new_score": {"rows": self.rows, "score": self.score, "low": self.low, "high": self.high},
            **self.outcome.summary,
        }


def prepare_tables(names: Sequence[str], directory: str) -> list[DemoTable]:
    """Write the tables.

    Parameters
    ----------
    names : sequence of str
        ``"customers"`` or the name of a table that scikit-learn brings.
    directory : str
        Where to; made if need be.

    Raises
    ------
    UnknownName
        If there is no such table; nothing is written then.
    """
    known = (CUSTOMERS, *BUNDLED_TABLES)
    for name in names:
        if name not in known:
            raise UnknownName(
                f"There is no example table {name!r}.{nearest(name, known)} Known: {', '.join(known)}."
            )
    place = Path(directory).expanduser()
    if place.exists() and not place.is_dir():
        raise BadInput(f"--output-dir needs a directory, but '{directory}' is a file. Give another name.")
    place.mkdir(parents=True, exist_ok=True)
    return [_write(name, place) for name in dict.fromkeys(names)]


def _write(name: str, directory: Path) -> DemoTable:
    if name == CUSTOMERS:
        # The customers come in the order of time: those kept back are the latest ones, as in real life.
        table, frame = DemoTable(name, CUSTOMERS_TARGET, directory), make_customers()
    else:
        table = DemoTable(name, BUNDLED_TABLES[name], directory)
        write_bundled_table(name, table.known)
        frame = pl.read_csv(table.known)
        # These come sorted by class.
        frame = frame[generator(0, "demo", name).permutation(frame.height).tolist()]
    kept = round(KEPT_BACK * frame.height)
    write_frame(frame.head(frame.height - kept), table.known)
    write_frame(frame.tail(kept), table.new)
    return table


def demonstrate(table: DemoTable, time_limit: str, quiet: bool) -> Demonstration:
    """Train on a table, judge the model on the rows kept back and score them.

    Raises
    ------
    Interrupted
        If the user stops; the model trained so far stays.
    """
    request = TrainRequest(
        data=str(table.known),
        target=table.target,
        time_limit=time_limit,
        name=table.name.replace("_", "-"),
        workspace=str(table.directory / ".modelwright"),
        output=str(table.directory / f"{table.name}.mw"),
        started=time.monotonic(),
    )
    progress = Progress()
    with showing_progress(progress, quiet) as listener:
        outcome = execute(request, [listener])
    if outcome.interrupted:
        raise Interrupted(f"Stopped by you. The best model so far is {outcome.summary['model']}.")
    frame = scored(outcome.model, str(table.new), outcome.model.problem.task.is_classification)
    write_frame(frame, table.scored)
    found = outcome.model.evaluate(str(table.new))[outcome.summary["metric"]]
    return Demonstration(table, outcome, frame.height, found["score"], found["low"], found["high"])

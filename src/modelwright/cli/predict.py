"""``modelwright predict``: a table scored by a saved model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import DataArgument, JsonOption, ModelArgument, QueryOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from modelwright.automl import Model

__all__ = ["predict", "scored"]


def scored(
    model: Model, data: Any, proba: bool, *, coverage: float | None = None, abstain: float | None = None
) -> pl.DataFrame:
    """The predictions of a table, then probabilities and bounds or sets of labels, if asked for.

    Parameters
    ----------
    model, data
    proba : bool
        Whether to add one ``p_LABEL`` for each class.
    coverage : float, optional
        Of intervals (``low``, ``high``), or of sets (``set``: labels with a bar between them).
    abstain : float, optional
        Least probability of the predicted label, below which nothing is predicted.

    Raises
    ------
    OptionError
        If something is asked for that the model does not have.
    """
    import polars as pl

    from modelwright.core import OptionError

    if proba and not (model.problem.task.is_classification or model.problem.labels):
        raise OptionError(
            f"The model {model.name!r} predicts numbers ({model.problem.task}), which have no probabilities. "
            "Leave out --proba."
        )
    if proba:
        answers, probabilities = model.predict_both(data)
        extra = [probabilities[label].alias(f"p_{label}") for label in probabilities.columns]
    else:
        answers, extra = model.predict(data), []
    if isinstance(answers, pl.DataFrame):  # one column for each target, or each quantile
        columns = [column.alias(f"prediction_{column.name}") for column in answers.get_columns()]
    else:
        columns = [answers.alias("prediction")]
    if abstain is not None:
        columns = [model.predict_or_abstain(data, abstain).alias("prediction")]
    if coverage is not None:
        extra += uncertain(model, data, coverage)
    return pl.DataFrame([*columns, *extra])


def uncertain(model: Model, data: Any, coverage: float) -> list[pl.Series]:
    """Columns with the bounds, or the sets of labels, of a table.

    Raises
    ------
    OptionError
        If so much coverage cannot be had.
    """
    import polars as pl

    if not (model.problem.task.is_classification or model.problem.labels):
        bounds = model.predict_interval(data, coverage)
        return [bounds[name] for name in bounds.columns]
    found = model.predict_set(data, coverage)
    sets = found.get_columns() if isinstance(found, pl.DataFrame) else [found.alias("")]
    return [
        pl.Series(
            f"set_{each.name}" if each.name else "set",
            ["|".join(str(label) for label in labels) for labels in each.to_list()],
        )
        for each in sets
    ]


def predict(
    model: ModelArgument,
    data: DataArgument,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="OUT", help="File to write: OUT.csv, OUT.tsv or OUT.parquet."),
    ],
    proba: Annotated[
        bool, typer.Option("--proba", help="Also write the probability of each class, as p_LABEL.")
    ] = False,
    coverage: Annotated[
        float | None,
        typer.Option(
            help="Also write bounds (low, high), or the labels that cannot be excluded (set), that hold the "
            "truth in this share of rows: 0.9."
        ),
    ] = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(help="Predict nothing where the label would be less probable than this: 0.8."),
    ] = None,
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Score a table with a saved model.

    The file has the column `prediction` (one `prediction_NAME` for each of several targets or quantiles)
    and, with --proba, one `p_LABEL` for each class; its rows are those of DATA in the same order.
    """
    from modelwright.automl import load_model
    from modelwright.cli.tables import table_of
    from modelwright.data import check_output, shown_source, write_frame

    path = check_output(output)  # before any work is done
    table = table_of(data, query)
    loaded = load_model(model, workspace)
    with collected_warnings() as warnings:
        frame = scored(loaded, table, proba, coverage=coverage, abstain=abstain_below)
    write_frame(frame, path)
    payload = {
        "model": str(loaded.path),
        "data": shown_source(data),
        "output": str(path),
        "rows": frame.height,
        "columns": frame.columns,
        "warnings": warnings,
    }

    def render(console: Console) -> None:
        console.print(f"{frame.height:,} predictions written to {path}", soft_wrap=True)

    return Answer(payload, render, as_json)

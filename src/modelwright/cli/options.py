"""Options and arguments that several commands share, so that they mean the same everywhere."""

from typing import Annotated

import typer

__all__ = [
    "DataArgument",
    "GroupOption",
    "HoldoutOption",
    "JsonOption",
    "MaxTrialsOption",
    "MemoryOption",
    "MetricOption",
    "ModelArgument",
    "NameOption",
    "OptionalDataArgument",
    "OutputOption",
    "QuietOption",
    "ResumeOption",
    "SearchOption",
    "SeedOption",
    "SetOption",
    "TargetOption",
    "TaskOption",
    "ThreadsOption",
    "TimeColumnOption",
    "TimeOption",
    "WeightsOption",
    "WorkspaceOption",
]

DataArgument = Annotated[
    str,
    typer.Argument(metavar="DATA", help="CSV file (also .gz or .zst) or Parquet file.", show_default=False),
]

OptionalDataArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="CSV file (also .gz or .zst) or Parquet file. May be left out with --resume.",
        show_default=False,
    ),
]

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model bundle's path, or the name of a model in the workspace.",
        show_default=False,
    ),
]

WorkspaceOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR_OR_URL",
        help="Where runs and models are recorded: a directory or a database URL. [default: .modelwright]",
        show_default=False,
    ),
]

JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print exactly one JSON object on standard output."),
]

QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Show no progress."),
]

TargetOption = Annotated[
    str | None, typer.Option(metavar="COL", help="The column to predict.", show_default=False)
]

TimeOption = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Time limit: 90s, 1.5m, 1h. With --resume: what is left. [default: 60s]",
        show_default=False,
    ),
]

MemoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Memory limit of all processes together: 4GB, 512MB. [default: 80% of what is free]",
        show_default=False,
    ),
]

ThreadsOption = Annotated[
    int | None, typer.Option(metavar="N", help="Threads to use. [default: all available]", show_default=False)
]

MetricOption = Annotated[
    str, typer.Option(metavar="M", help="What to optimise, for example roc_auc, log_loss, f1_macro, rmse.")
]

TaskOption = Annotated[str, typer.Option(metavar="T", help="auto, binary, multiclass or regression.")]

SearchOption = Annotated[
    str, typer.Option(metavar="S", help="How to look for configurations: bayesian, random or grid.")
]

GroupOption = Annotated[
    str | None,
    typer.Option(
        metavar="COL", help="Rows with equal values here stay together in validation.", show_default=False
    ),
]

TimeColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="COL", help="Validate on rows that are later than those trained on.", show_default=False
    ),
]

WeightsOption = Annotated[
    str | None, typer.Option(metavar="COL", help="A column of row weights.", show_default=False)
]

HoldoutOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE_OR_FRACTION",
        help="Rows that judge the final model alone: a file, or a share such as 0.2.",
        show_default=False,
    ),
]

SeedOption = Annotated[int, typer.Option(metavar="N", help="Seed of every random decision.")]

MaxTrialsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Number of trials; equal seeds then give equal models.", show_default=False
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="COLUMN=KIND_OR_ROLE",
        help="What a column is: numeric, categorical, boolean, datetime, text, id, ignored ... Repeatable.",
        show_default=False,
    ),
]

NameOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Name of the model in the workspace.", show_default=False)
]

OutputOption = Annotated[
    str | None,
    typer.Option(
        metavar="BUNDLE", help="Where to write the model. [default: in the workspace]", show_default=False
    ),
]

ResumeOption = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Go on with an unfinished run (or 'last'): no finished fold is fitted again.",
        show_default=False,
    ),
]

"""Options and arguments that several commands share, so that they mean the same everywhere."""

from typing import Annotated

import typer

__all__ = [
    "CostOption",
    "CountryOption",
    "DataArgument",
    "DistillOption",
    "DryRunOption",
    "FoldsOption",
    "GroupFeaturesOption",
    "GroupOption",
    "HoldoutOption",
    "JsonOption",
    "KeepOption",
    "LatencyOption",
    "LearnerOption",
    "LikeOption",
    "MaxTrialsOption",
    "MemoryOption",
    "MetricOption",
    "MitigateOption",
    "ModelArgument",
    "MonotonicOption",
    "NameOption",
    "OptionalDataArgument",
    "OutputOption",
    "ParetoOption",
    "PositiveOption",
    "QualityOption",
    "QuantilesOption",
    "QueryOption",
    "QuietOption",
    "RefitOption",
    "ResumeOption",
    "SearchOption",
    "SeedOption",
    "SensitiveOption",
    "SetOption",
    "SizeOption",
    "StopWhenFlatOption",
    "StudentOption",
    "TargetOption",
    "TaskOption",
    "TermsOption",
    "ThreadsOption",
    "TimeColumnOption",
    "TimeOption",
    "UndoOption",
    "WeightsOption",
    "WithoutOption",
    "WorkspaceOption",
]

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, JSON, Parquet, Arrow or Excel file, a folder or pattern of files, or a database with "
        "?table=NAME.",
        show_default=False,
    ),
]

OptionalDataArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="CSV, JSON, Parquet, Arrow or Excel file, a folder or pattern of files, or the address of a "
        "database. May be left out with --resume.",
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

TermsOption = Annotated[
    bool,
    typer.Option("--terms", help="Show what an interpretable model consists of: its terms, or its rules."),
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
    list[str] | None,
    typer.Option(
        metavar="COL",
        help="The column to predict. Repeat it for several yes-or-no columns (multilabel).",
        show_default=False,
    ),
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

TaskOption = Annotated[
    str, typer.Option(metavar="T", help="auto, binary, multiclass, regression or quantile.")
]

SearchOption = Annotated[
    str, typer.Option(metavar="S", help="How to look for configurations: bayesian, random or grid.")
]

StopWhenFlatOption = Annotated[
    bool,
    typer.Option("--stop-when-flat", help="End early when the search has brought nothing for long enough."),
]

DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the plan and what it will take; fit nothing, write nothing."),
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
        help="What a column is: numeric, categorical, boolean, datetime, text, list, coordinates, id, "
        "ignored ... Repeatable.",
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

QueryOption = Annotated[
    str | None,
    typer.Option(
        metavar="SQL", help="What to select, where DATA is the address of a database.", show_default=False
    ),
]

PositiveOption = Annotated[
    str | None,
    typer.Option(
        metavar="LABEL", help="The positive class of two. [default: the last in order]", show_default=False
    ),
]

CostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cost",
        metavar="ACTUAL:PREDICTED=COST",
        help="What an error costs; decisions then cost least. Repeatable.",
        show_default=False,
    ),
]

QuantilesOption = Annotated[
    str | None,
    typer.Option(
        metavar="Q,Q,...", help="Predict these quantiles of a number: 0.1,0.5,0.9.", show_default=False
    ),
]

MonotonicOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=DIRECTION",
        help="Predictions may only rise (increasing) or fall (decreasing) with it. Repeatable.",
        show_default=False,
    ),
]

KeepOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL",
        help="Use a column even though it gives the target away. Repeatable.",
        show_default=False,
    ),
]

LearnerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--learner",
        metavar="NAME",
        help="Try only this learner. Repeatable. [default: all]",
        show_default=False,
    ),
]

WithoutOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PART",
        help="Go without a part of the treatment: messy_values, text, target_encoding, "
        "generated_features, target_transform, class_weights, copies, ensemble, calibration, stacking, "
        "thresholds, learned_order or leak_guard. Repeatable.",
        show_default=False,
    ),
]

GroupFeaturesOption = Annotated[
    bool,
    typer.Option(
        "--group-features",
        help="Add means, spreads ... of each row's group; predictions then need whole groups.",
    ),
]

LatencyOption = Annotated[
    float | None,
    typer.Option(
        "--max-latency-ms",
        metavar="MS",
        help="Milliseconds that the model may take for one row.",
        show_default=False,
    ),
]

SizeOption = Annotated[
    float | None,
    typer.Option(
        "--max-model-mb", metavar="MB", help="Megabytes that the model may take on disk.", show_default=False
    ),
]

RefitOption = Annotated[
    bool | None,
    typer.Option(
        "--refit/--no-refit",
        help="Deliver one model of all rows for each member instead of one for each fold. [default: with "
        "--time-column, and where a limit asks for it]",
        show_default=False,
    ),
]

QualityOption = Annotated[
    str,
    typer.Option(
        metavar="QUALITY",
        help="What kind of model: best, or interpretable (one model alone that people can read).",
    ),
]

DistillOption = Annotated[
    bool,
    typer.Option("--distill", help="Teach one small model what the ensemble says, and deliver it."),
]

StudentOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Learner of the small model; implies --distill: lightgbm, linear, decision_tree ... "
        "[default: lightgbm]",
        show_default=False,
    ),
]

ParetoOption = Annotated[
    bool,
    typer.Option("--pareto", help="Show what else could have been delivered, by error, time and size."),
]

CountryOption = Annotated[
    str | None,
    typer.Option(
        metavar="CODE", help="Mark the public holidays of a country (DE, US ...).", show_default=False
    ),
]

FoldsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Folds that every configuration is validated on. [default: by the number of rows]",
        show_default=False,
    ),
]

LikeOption = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL_OR_RUN",
        help="Ask for what was asked for there, but for the options given here; DATA may be left out.",
        show_default=False,
    ),
]

UndoOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        help="Reverse an automatic choice of the model named with --like, else of the last model of this "
        "name; see 'modelwright decisions MODEL'. Repeatable.",
        show_default=False,
    ),
]

SensitiveOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL[=CUT,CUT...]",
        help="Judge fairness by the groups of this column (numbers: by ranges). Training does not learn from "
        "it unless --set COL=feature. Repeatable.",
        show_default=False,
    ),
]

MitigateOption = Annotated[
    str | None,
    typer.Option(
        metavar="METHOD",
        help="Lessen gaps between the groups: reweighting, or thresholds[:CONSTRAINT] of their own for each "
        "(demographic_parity, equal_opportunity, equalized_odds).",
        show_default=False,
    ),
]

"""The vocabulary that every room shares: facts, contracts, errors. Needs numpy and nothing else."""

from modelwright.core.budget import (
    Budget,
    format_bytes,
    format_seconds,
    parse_duration,
    parse_size,
)
from modelwright.core.catalog import Catalog
from modelwright.core.contributions import Contributions
from modelwright.core.errors import (
    BadInput,
    BudgetTooSmall,
    BundleError,
    DataError,
    Interrupted,
    MissingExtra,
    ModelwrightError,
    OptionError,
    OutOfTime,
    SchemaMismatch,
    StorageError,
    TargetError,
    TrialError,
    UnknownName,
    nearest,
)
from modelwright.core.findings import Finding
from modelwright.core.fitting import Config, Deadline, Estimate, FitTask
from modelwright.core.hashing import canonical_json, hash_file, hash_json, to_jsonable
from modelwright.core.machine import available_memory, available_threads
from modelwright.core.optional import require
from modelwright.core.predictions import FloatArray, IntArray, Predictions
from modelwright.core.problem import Label, Problem, Task
from modelwright.core.schema import Column, Kind, Role, Schema
from modelwright.core.seeds import derive_seed, generator
from modelwright.core.stopwatch import Stopwatch
from modelwright.core.tasks import Executor, Outcome, TaskReport, TaskSpec
from modelwright.core.view import FeatureInfo, Shape, SparseBlock, View, ViewInfo

__all__ = [
    "BadInput",
    "Budget",
    "BudgetTooSmall",
    "BundleError",
    "Catalog",
    "Column",
    "Config",
    "Contributions",
    "DataError",
    "Deadline",
    "Estimate",
    "Executor",
    "FeatureInfo",
    "Finding",
    "FitTask",
    "FloatArray",
    "IntArray",
    "Interrupted",
    "Kind",
    "Label",
    "MissingExtra",
    "ModelwrightError",
    "OptionError",
    "OutOfTime",
    "Outcome",
    "Predictions",
    "Problem",
    "Role",
    "Schema",
    "SchemaMismatch",
    "Shape",
    "SparseBlock",
    "Stopwatch",
    "StorageError",
    "TargetError",
    "Task",
    "TaskReport",
    "TaskSpec",
    "TrialError",
    "UnknownName",
    "View",
    "ViewInfo",
    "available_memory",
    "available_threads",
    "canonical_json",
    "derive_seed",
    "format_bytes",
    "format_seconds",
    "generator",
    "hash_file",
    "hash_json",
    "nearest",
    "parse_duration",
    "parse_size",
    "require",
    "to_jsonable",
]

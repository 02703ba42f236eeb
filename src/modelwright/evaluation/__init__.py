"""How good models are, how sure that is, and how they compare."""

from modelwright.evaluation.bootstrap import bootstrap_scores, score_interval
from modelwright.evaluation.comparison import PairedComparison, PairedTest, compare_predictions
from modelwright.evaluation.confusion import ClassRates, ConfusedPair, ConfusionMatrix, confusion_matrix
from modelwright.evaluation.coverage import CoverageRow, coverage_rows, wilson_interval
from modelwright.evaluation.curves import (
    ClassCurves,
    CurvePoint,
    GainStep,
    PrecisionRecallCurve,
    RocCurve,
    class_curves,
)
from modelwright.evaluation.fairness import fairness_report
from modelwright.evaluation.fairness_records import (
    Criterion,
    FairnessReport,
    FairnessView,
    FourFifths,
    GroupComparison,
    GroupFigures,
    Mitigation,
)
from modelwright.evaluation.leaderboard import (
    Entrant,
    HoldoutResult,
    Leaderboard,
    LeaderboardEntry,
    build_leaderboard,
)
from modelwright.evaluation.learning_curve import CurveFit, LearningCurve, MeasuredError, fit_learning_curve
from modelwright.evaluation.one_against_rest import OneAgainstRest, one_against_rest
from modelwright.evaluation.pareto import ParetoPoint, ParetoTable, pareto_table
from modelwright.evaluation.rates import Figure
from modelwright.evaluation.reliability import CalibrationBin, CalibrationCurve, calibration_curves
from modelwright.evaluation.resampling import Resampling
from modelwright.evaluation.residuals import HeavyError, ResidualBin, Residuals, residuals_of
from modelwright.evaluation.sensitive_groups import (
    SensitiveColumn,
    SensitiveRows,
    require_few,
    require_groups,
    sensitive_column,
    sensitive_rows,
)
from modelwright.evaluation.slices import SliceReport, WeakSlice, find_slices
from modelwright.evaluation.thresholds import (
    CellValues,
    ThresholdPoint,
    ThresholdReference,
    ThresholdTable,
    WrongValue,
    decision_threshold,
    threshold_table,
)
from modelwright.evaluation.verdict import Judgement, Verdict, VerdictFacts, judge

__all__ = [
    "CalibrationBin",
    "CalibrationCurve",
    "CellValues",
    "ClassCurves",
    "ClassRates",
    "GroupComparison",
    "ConfusedPair",
    "ConfusionMatrix",
    "CoverageRow",
    "Criterion",
    "CurveFit",
    "CurvePoint",
    "Entrant",
    "FairnessReport",
    "FairnessView",
    "Figure",
    "FourFifths",
    "GainStep",
    "GroupFigures",
    "HeavyError",
    "HoldoutResult",
    "Judgement",
    "Leaderboard",
    "LeaderboardEntry",
    "LearningCurve",
    "MeasuredError",
    "Mitigation",
    "OneAgainstRest",
    "PairedComparison",
    "PairedTest",
    "ParetoPoint",
    "ParetoTable",
    "PrecisionRecallCurve",
    "Resampling",
    "ResidualBin",
    "Residuals",
    "RocCurve",
    "SensitiveColumn",
    "SensitiveRows",
    "SliceReport",
    "ThresholdPoint",
    "ThresholdReference",
    "ThresholdTable",
    "Verdict",
    "VerdictFacts",
    "WeakSlice",
    "WrongValue",
    "bootstrap_scores",
    "build_leaderboard",
    "calibration_curves",
    "class_curves",
    "compare_predictions",
    "confusion_matrix",
    "coverage_rows",
    "decision_threshold",
    "fairness_report",
    "find_slices",
    "fit_learning_curve",
    "judge",
    "one_against_rest",
    "pareto_table",
    "require_few",
    "require_groups",
    "residuals_of",
    "score_interval",
    "sensitive_column",
    "sensitive_rows",
    "threshold_table",
    "wilson_interval",
]

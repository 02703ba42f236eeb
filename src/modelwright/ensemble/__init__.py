"""Ensembles: cross-fitted folds, their bags, and the greedy selection of who takes part."""

from modelwright.ensemble.bag import PREDICT_ENTRY, Ensemble, Member
from modelwright.ensemble.calibration import Calibration, fit_calibration
from modelwright.ensemble.conformal import Conformal, fit_conformal
from modelwright.ensemble.crossfit import ALL_ROWS, ENTRY, FoldJob, FoldResult, fit_fold, read_fold
from modelwright.ensemble.decision import decided_error, fit_decision, quick_decision, quickly_decided
from modelwright.ensemble.fit_options import FitOptions, split_config
from modelwright.ensemble.fit_variants import TargetFacts, option_space, option_variants
from modelwright.ensemble.fold_data import FoldData, open_fold_data, write_fold_data
from modelwright.ensemble.group_thresholds import (
    CONSTRAINTS,
    crossed_decisions,
    decide_by_group,
    fit_group_thresholds,
)
from modelwright.ensemble.latency import median_seconds
from modelwright.ensemble.merging import merge_folds
from modelwright.ensemble.outputs import FittedOutputs
from modelwright.ensemble.quantile_offsets import fit_offsets, moved
from modelwright.ensemble.refitting import refit_config
from modelwright.ensemble.selection import select_weights
from modelwright.ensemble.soft_targets import TEACH_ENTRY
from modelwright.ensemble.stacking import Stacker, fit_stacker

__all__ = [
    "ALL_ROWS",
    "CONSTRAINTS",
    "ENTRY",
    "PREDICT_ENTRY",
    "TEACH_ENTRY",
    "Calibration",
    "Conformal",
    "Ensemble",
    "FitOptions",
    "FittedOutputs",
    "FoldData",
    "FoldJob",
    "FoldResult",
    "Member",
    "Stacker",
    "TargetFacts",
    "crossed_decisions",
    "decide_by_group",
    "decided_error",
    "fit_calibration",
    "fit_conformal",
    "fit_decision",
    "fit_fold",
    "fit_group_thresholds",
    "fit_offsets",
    "fit_stacker",
    "median_seconds",
    "merge_folds",
    "moved",
    "open_fold_data",
    "option_space",
    "option_variants",
    "quick_decision",
    "quickly_decided",
    "read_fold",
    "refit_config",
    "select_weights",
    "split_config",
    "write_fold_data",
]

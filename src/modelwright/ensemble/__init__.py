"""Ensembles: cross-fitted folds, their bags, and the greedy selection of who takes part."""

from modelwright.ensemble.bag import PREDICT_ENTRY, Ensemble, Member
from modelwright.ensemble.calibration import Calibration, fit_calibration
from modelwright.ensemble.crossfit import ENTRY, FoldJob, FoldResult, fit_fold, read_fold
from modelwright.ensemble.decision import fit_decision, quick_decision
from modelwright.ensemble.fold_data import FoldData, open_fold_data, write_fold_data
from modelwright.ensemble.selection import select_weights

__all__ = [
    "ENTRY",
    "PREDICT_ENTRY",
    "Calibration",
    "Ensemble",
    "FoldData",
    "FoldJob",
    "FoldResult",
    "Member",
    "fit_calibration",
    "fit_decision",
    "fit_fold",
    "open_fold_data",
    "quick_decision",
    "read_fold",
    "select_weights",
    "write_fold_data",
]

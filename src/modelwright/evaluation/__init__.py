"""How good models are, how sure that is, and how they compare."""

from modelwright.evaluation.bootstrap import bootstrap_scores, score_interval
from modelwright.evaluation.leaderboard import (
    Entrant,
    HoldoutResult,
    Leaderboard,
    LeaderboardEntry,
    build_leaderboard,
)
from modelwright.evaluation.pareto import ParetoPoint, ParetoTable, pareto_table

__all__ = [
    "Entrant",
    "HoldoutResult",
    "Leaderboard",
    "LeaderboardEntry",
    "ParetoPoint",
    "ParetoTable",
    "bootstrap_scores",
    "build_leaderboard",
    "pareto_table",
    "score_interval",
]

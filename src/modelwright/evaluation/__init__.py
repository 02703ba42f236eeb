"""How good models are, how sure that is, and how they compare."""

from modelwright.evaluation.bootstrap import bootstrap_scores, score_interval
from modelwright.evaluation.leaderboard import (
    Entrant,
    HoldoutResult,
    Leaderboard,
    LeaderboardEntry,
    build_leaderboard,
)

__all__ = [
    "Entrant",
    "HoldoutResult",
    "Leaderboard",
    "LeaderboardEntry",
    "bootstrap_scores",
    "build_leaderboard",
    "score_interval",
]

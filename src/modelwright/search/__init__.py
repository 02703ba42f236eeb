"""Search: what to fit next inside the budget, and which trials make the ensemble."""

from modelwright.search.anytime import AnytimeScheduler
from modelwright.search.catalog import SEARCHERS
from modelwright.search.fixed import FixedScheduler
from modelwright.search.gains import Gains
from modelwright.search.probes import Probes
from modelwright.search.schedule import Planned, Scheduler, Work
from modelwright.search.selecting import Prices, Selection, candidate_limit, select, strongest
from modelwright.search.suggestion import Observed, Searcher, Space, Suggestion
from modelwright.search.trials import Trial, Trials

__all__ = [
    "SEARCHERS",
    "AnytimeScheduler",
    "FixedScheduler",
    "Gains",
    "Observed",
    "Planned",
    "Prices",
    "Probes",
    "Scheduler",
    "Searcher",
    "Selection",
    "Space",
    "Suggestion",
    "Trial",
    "Trials",
    "Work",
    "candidate_limit",
    "select",
    "strongest",
]

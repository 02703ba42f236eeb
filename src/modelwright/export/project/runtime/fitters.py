"""What fits a model of each kind with its library; a project has those of its own members only."""

from __future__ import annotations

from modelwright.export.project.runtime import fitting
from modelwright.export.project.runtime.kinds import Kinds

__all__ = ["FITTERS"]

FITTERS = Kinds(
    {name.removeprefix("fit_"): getattr(fitting, name) for name in fitting.__all__ if name.startswith("fit_")}
)
"""Name of a learner to a function of settings, goal, fold and seed."""

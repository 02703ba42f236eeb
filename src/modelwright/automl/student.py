"""The student of a distillation: which learner, with which few trees."""

from __future__ import annotations

from typing import Any

from modelwright.core import OptionError, Problem, Shape
from modelwright.learners import LEARNERS, Learner

__all__ = ["check_student", "student_config", "student_seconds"]

_ROUNDS, _RATE = 200, 0.1


def check_student(name: str, problem: Problem, shape: Shape) -> None:
    """Refuse a distillation that cannot be done.

    Parameters
    ----------
    name : str
        Of the student's learner; empty for no distillation.
    problem : Problem
        Resolved.
    shape : Shape

    Raises
    ------
    OptionError
        If the task has several outputs, or the learner cannot be used for it.
    """
    if not name:
        return
    if problem.task.has_outputs:
        raise OptionError(
            f"Distillation is for classes and numbers, not for the task {str(problem.task)!r}. Leave it out "
            "(--distill)."
        )
    learner: Learner = LEARNERS.load(name)()
    reason = "it learns nothing" if name == "constant" else learner.supports(problem, shape)
    if reason is not None:
        raise OptionError(f"The learner {name!r} cannot be the student here: {reason}. Choose another one.")


def student_config(name: str, problem: Problem, shape: Shape) -> dict[str, Any]:
    """Hyperparameters of a student: the learner's first candidate, with few rounds where it boosts.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> student_config("lightgbm", problem, Shape(900, 5, 0, 0, 1))["rounds"]
    200
    """
    learner: Learner = LEARNERS.load(name)()
    config = dict(learner.portfolio(problem, shape)[0].config)
    if "rounds" in learner.defaults:
        config["rounds"] = _ROUNDS
        if "learning_rate" in learner.defaults:
            config["learning_rate"] = _RATE
    return config


def student_seconds(name: str, problem: Problem, shape: Shape) -> float:
    """What one fit of a student should take, on one thread."""
    learner: Learner = LEARNERS.load(name)()
    return learner.estimate(shape, student_config(name, problem, shape)).seconds

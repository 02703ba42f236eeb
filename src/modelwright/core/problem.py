"""What is to be learned: the target, the task, the metric, and the columns with a special part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from modelwright.core.errors import OptionError, nearest

__all__ = ["Label", "Problem", "Task"]

_NOT_A_NAME = "The {name} must be a column name (text), but came as {given!r}."

Label = str | int | float | bool
"""A class label as the caller knows it; always a JSON scalar."""


class Task(StrEnum):
    """The kind of prediction. ``auto`` is replaced by a real one once the table has been read."""

    AUTO = "auto"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class label."""
        return self in (Task.BINARY, Task.MULTICLASS)


@dataclass(frozen=True)
class Problem:
    """What is to be learned. Frozen: `resolved` gives the version that knows the data.

    Attributes
    ----------
    target : str
        Name of the target column.
    task : Task
        ``auto`` until the table has been read.
    metric : str
        Name of the metric that is optimised; ``"auto"`` until the task is known.
    group, time_column, weights : str or None
        Columns that keep rows together in validation, order them in time, and weigh them.
    classes : tuple of labels
        The class labels, sorted; code ``i`` of the target stands for ``classes[i]``. For a binary
        task the positive class is ``classes[1]``. Empty for regression.
    metric_function : callable or None
        A caller's own metric; never written to a bundle.
    """

    target: str
    task: Task = Task.AUTO
    metric: str = "auto"
    group: str | None = None
    time_column: str | None = None
    weights: str | None = None
    classes: tuple[Label, ...] = ()
    metric_function: Callable[..., float] | None = None

    @classmethod
    def of(
        cls,
        target: str,
        task: str = "auto",
        metric: str | Callable[..., float] = "auto",
        group: str | None = None,
        time_column: str | None = None,
        weights: str | None = None,
    ) -> Problem:
        """Check the arguments of a training call and make a `Problem` of them.

        Raises
        ------
        OptionError
            If the task is unknown, a column name is not text, or one column has two parts to play.

        Examples
        --------
        >>> Problem.of("churn", task="binary").task
        <Task.BINARY: 'binary'>
        >>> Problem.of("churn", task="binry")
        Traceback (most recent call last):
            ...
        modelwright.core.errors.OptionError: The task must be one of auto, binary, multiclass, \
regression, but came as 'binry'. Did you mean 'binary'?
        """
        names = [str(item) for item in Task]
        if task not in names:
            raise OptionError(
                f"The task must be one of {', '.join(names)}, but came as {task!r}."
                f"{nearest(str(task), names)}"
            )
        special = {"target": target, "group": group, "time column": time_column, "weights": weights}
        seen: dict[str, str] = {}
        for part, column in special.items():
            if column is None and part != "target":
                continue
            if not isinstance(column, str) or not column:
                raise OptionError(_NOT_A_NAME.format(name=part, given=column))
            if column in seen:
                raise OptionError(
                    f"The column {column!r} is named as {seen[column]} and as {part}; one column can "
                    "play only one of these parts. Name another column for one of them."
                )
            seen[column] = part
        if callable(metric):
            name = getattr(metric, "__name__", "custom")
            return cls(target, Task(task), name, group, time_column, weights, (), metric)
        return cls(target, Task(task), metric, group, time_column, weights)

    def resolved(self, task: Task, metric: str, classes: tuple[Label, ...]) -> Problem:
        """The same problem, now that the table has shown its task, metric and classes."""
        return replace(self, task=task, metric=metric, classes=classes)

    @property
    def outputs(self) -> int:
        """Columns of a raw prediction: the number of classes, or 1 for regression."""
        return len(self.classes) if self.task.is_classification else 1

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; a caller's own metric leaves only its name."""
        record = asdict(replace(self, metric_function=None))
        record.pop("metric_function")
        record["task"] = str(self.task)
        record["classes"] = list(self.classes)
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Problem:
        """Inverse of `to_dict`.

        Examples
        --------
        >>> problem = Problem.of("y", task="binary").resolved(Task.BINARY, "roc_auc", (0, 1))
        >>> Problem.from_dict(problem.to_dict()) == problem
        True
        """
        known = dict(record)
        known["task"] = Task(known["task"])
        known["classes"] = tuple(known["classes"])
        return cls(**known)

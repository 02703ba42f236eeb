"""What is to be learned: the target, the task, the metric, and the columns with a special part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from modelwright.core.errors import OptionError, nearest
from modelwright.core.hashing import to_jsonable

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
    MULTILABEL = "multilabel"
    QUANTILE = "quantile"

    @property
    def is_classification(self) -> bool:
        """Whether the target is one class label."""
        return self in (Task.BINARY, Task.MULTICLASS)

    @property
    def has_outputs(self) -> bool:
        """Whether each row has several answers, each learned by a model of its own."""
        return self in (Task.MULTILABEL, Task.QUANTILE)


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
        The class labels, sorted (a positive class that was asked for comes last); code ``i`` of the target
        stands for ``classes[i]``. For a binary task the positive class is ``classes[1]``. Empty for
        tasks that predict no class.
    metric_function : callable or None
        A caller's own metric; never written to a bundle.
    labels : tuple of str
        The target columns of a multilabel task; `target` is the first of them. Empty otherwise.
    label_classes : tuple of pairs of labels
        The negative and the positive class of each of `labels`.
    quantiles : tuple of float
        What a quantile task predicts, ascending, each between 0 and 1. Empty otherwise.
    positive : label or None
        The positive class that the caller asked for.
    costs : tuple of (actual, predicted, cost)
        What errors cost, where the caller said so.
    monotonic : tuple of (column, sign)
        Columns in which predictions may only rise (1) or only fall (-1): values, or the probability
        of the positive class.
    ordered : bool
        Whether the classes have an order that means something (grades, stars).
    """

    target: str
    task: Task = Task.AUTO
    metric: str = "auto"
    group: str | None = None
    time_column: str | None = None
    weights: str | None = None
    classes: tuple[Label, ...] = ()
    metric_function: Callable[..., float] | None = None
    labels: tuple[str, ...] = ()
    label_classes: tuple[tuple[Label, Label], ...] = ()
    quantiles: tuple[float, ...] = ()
    positive: Label | None = None
    costs: tuple[tuple[Label, Label, float], ...] = ()
    monotonic: tuple[tuple[str, int], ...] = ()
    ordered: bool = False

    @classmethod
    def of(
        cls,
        target: str | Sequence[str],
        task: str = "auto",
        metric: str | Callable[..., float] = "auto",
        group: str | None = None,
        time_column: str | None = None,
        weights: str | None = None,
    ) -> Problem:
        """Check the arguments of a training call and make a `Problem` of them.

        Several target columns make a multilabel task.

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
regression, multilabel, quantile, but came as 'binry'. Did you mean 'binary'?
        """
        names = [str(item) for item in Task]
        if task not in names:
            raise OptionError(
                f"The task must be one of {', '.join(names)}, but came as {task!r}."
                f"{nearest(str(task), names)}"
            )
        labels = () if isinstance(target, str) else _several(target, task)
        targets = labels or (target if isinstance(target, str) else next(iter(target)),)
        special = [("group", group), ("time column", time_column), ("weights", weights)]
        seen: dict[str, str] = {}
        for part, column in [*(("target", each) for each in targets), *special]:
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
        function = metric if callable(metric) else None
        name = getattr(metric, "__name__", "custom") if callable(metric) else metric
        known = Task.MULTILABEL if labels else Task(task)
        return cls(str(targets[0]), known, name, group, time_column, weights, (), function, labels)

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target column: one, or the labels of a multilabel task."""
        return self.labels or (self.target,)

    def resolved(self, task: Task, metric: str, classes: tuple[Label, ...]) -> Problem:
        """The same problem, now that the table has shown its task, metric and classes."""
        return replace(self, task=task, metric=metric, classes=classes)

    @property
    def outputs(self) -> int:
        """Columns of a raw prediction: classes, labels or quantiles; 1 for regression."""
        if self.task is Task.MULTILABEL:
            return len(self.labels)
        if self.task is Task.QUANTILE:
            return len(self.quantiles)
        return len(self.classes) if self.task.is_classification else 1

    def output(self, position: int) -> Problem:
        """The problem of one output: a binary one for each label, a single quantile for each quantile.

        Any other problem is its own only output.

        Examples
        --------
        >>> several = replace(Problem.of("a"), task=Task.QUANTILE, quantiles=(0.1, 0.9))
        >>> several.output(1).quantiles
        (0.9,)
        """
        if self.task is Task.MULTILABEL:
            return replace(
                self,
                target=self.labels[position],
                task=Task.BINARY,
                metric="log_loss",
                metric_function=None,
                classes=self.label_classes[position],
                labels=(),
                label_classes=(),
            )
        if self.task is Task.QUANTILE:
            return replace(self, quantiles=(self.quantiles[position],))
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; a caller's own metric leaves only its name."""
        record = asdict(replace(self, metric_function=None))
        record.pop("metric_function")
        record["task"] = str(self.task)
        jsonable: dict[str, Any] = to_jsonable(record)
        return jsonable

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Problem:
        """Inverse of `to_dict`.

        Raises
        ------
        LookupError, TypeError, ValueError
            If the record is anything else.

        Examples
        --------
        >>> problem = Problem.of("y", task="binary").resolved(Task.BINARY, "roc_auc", (0, 1))
        >>> Problem.from_dict(problem.to_dict()) == problem
        True
        """
        known = dict(record)
        known["task"] = Task(known["task"])
        for name in ("classes", "labels", "quantiles"):
            known[name] = tuple(known.get(name, ()))
        for name in ("label_classes", "costs", "monotonic"):
            known[name] = tuple(tuple(entry) for entry in known.get(name, ()))
        problem = cls(**known)
        problem._check_types()
        return problem

    def _check_types(self) -> None:
        """Refuse parts of a record that are not what the attributes must be."""
        roles = (self.group, self.time_column, self.weights)
        checks = {
            "target": isinstance(self.target, str),
            "metric": isinstance(self.metric, str) and self.metric_function is None,
            "group, time_column or weights": all(isinstance(role, str | None) for role in roles),
            "classes": _are_distinct_labels(self.classes),
            "labels": all(isinstance(label, str) for label in self.labels),
            "label_classes": all(
                len(pair) == 2 and _are_distinct_labels(pair) for pair in self.label_classes
            ),
            "quantiles": all(isinstance(level, float) and 0 < level < 1 for level in self.quantiles),
            "positive": self.positive is None or isinstance(self.positive, Label),
            "costs": all(_is_cost(cost) for cost in self.costs),
            "monotonic": all(
                len(rule) == 2 and isinstance(rule[0], str) and rule[1] in (-1, 1) for rule in self.monotonic
            ),
            "ordered": isinstance(self.ordered, bool),
        }
        for name, holds in checks.items():
            if not holds:
                raise TypeError(f"a problem cannot have these {name}")


def _are_distinct_labels(labels: tuple[Any, ...]) -> bool:
    return all(isinstance(label, Label) for label in labels) and len(set(labels)) == len(labels)


def _is_cost(cost: tuple[Any, ...]) -> bool:
    labels, numbers = cost[:2], cost[2:]
    return (
        _are_distinct_labels(labels[:1])
        and _are_distinct_labels(labels[1:])
        and len(cost) == 3
        and (isinstance(numbers[0], (int, float)) and not isinstance(numbers[0], bool))
    )


def _several(targets: Sequence[str], task: str) -> tuple[str, ...]:
    """The target columns of a multilabel task; one column in a list is an ordinary target."""
    labels = tuple(targets) if isinstance(targets, (list, tuple)) else ()
    if not labels:
        raise OptionError(_NOT_A_NAME.format(name="target", given=targets))
    if len(labels) == 1:
        return ()
    if task not in (Task.AUTO, Task.MULTILABEL):
        raise OptionError(
            f"Several target columns are learned as a multilabel task, but the task came as {task!r}. Leave "
            "it at 'auto', or name one target."
        )
    return labels

"""Classes that are lists of labels (``action|comedy``): then several targets are meant, not one."""

from __future__ import annotations

from collections import Counter

from modelwright.core import Finding, Problem, Task

__all__ = ["find_combined_classes"]

_SEPARATORS = (";", "|", ",")
_FEWEST_LISTS = 3
_SHARE_OF_LISTS = 0.3


def find_combined_classes(problem: Problem) -> list[Finding]:
    """Suggest several targets where the classes are combinations of a few labels.

    Classes are taken for lists if at least 3 of them, and 30%, hold a separator; if they differ in length;
    and if there are fewer labels than classes, most of them in several classes. Names such as "Paris, France"
    are all of one length.

    Parameters
    ----------
    problem : Problem
        Resolved.

    Returns
    -------
    list of Finding
        At most one, check ``"combined_classes"``; evidence: ``separator``, ``labels``.

    Examples
    --------
    >>> problem = Problem.of("genre").resolved(
    ...     Task.MULTICLASS, "log_loss", ("action", "action|comedy", "action|drama", "comedy|drama", "drama")
    ... )
    >>> find_combined_classes(problem)[0].evidence["labels"]
    ['action', 'comedy', 'drama']
    """
    classes = [label for label in problem.classes if isinstance(label, str)]
    if problem.task is not Task.MULTICLASS or len(classes) < len(problem.classes):
        return []
    for separator in _SEPARATORS:
        split = [[part.strip() for part in label.split(separator)] for label in classes]
        lists = sum(len(parts) > 1 for parts in split)
        if lists < max(_FEWEST_LISTS, _SHARE_OF_LISTS * len(classes)) or len({len(p) for p in split}) < 2:
            continue
        counts = Counter(part for parts in split for part in set(parts))
        shared = sum(count > 1 for count in counts.values())
        if len(counts) >= len(classes) or 2 * shared < len(counts) or "" in counts:
            continue
        return [_finding(problem, separator, sorted(counts))]
    return []


def _finding(problem: Problem, separator: str, labels: list[str]) -> Finding:
    listed = ", ".join(repr(label) for label in labels[:3]) + (" ..." if len(labels) > 3 else "")
    return Finding(
        check="combined_classes",
        severity="warning",
        message=f"The {len(problem.classes)} classes of {problem.target!r} look like lists of {len(labels)} "
        f"labels ({listed}), joined by {separator!r}. Each combination is learned as a class of its own, and "
        "one that does not occur here is never predicted.",
        column=problem.target,
        action="To learn each label by itself, make a column of yes and no for each, and name them all as "
        "targets (--target once for each).",
        evidence={"separator": separator, "labels": labels[:50]},
    )

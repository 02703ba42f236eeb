"""How the trade-off of error, time and size is drawn: the least error first, what nobody beats told apart."""

from __future__ import annotations

from rich.console import Console

from modelwright.cli.text import clean, number, table
from modelwright.evaluation import ParetoPoint, ParetoTable

__all__ = ["print_pareto"]

_MOST_SHOWN = 20


def print_pareto(console: Console, pareto: ParetoTable) -> None:
    """Print what could be delivered: models that no other one beats, and the one that was.

    Parameters
    ----------
    console : Console
    pareto : ParetoTable
    """
    shown = [point for point in pareto.points if point.best or point.delivered]
    headings = ["model", "form", "models", pareto.metric, "ms a row", "MB", ""]
    drawn = table(headings, [], numeric=headings[2:6], whole=["model", "form"])
    for point in shown[:_MOST_SHOWN]:
        drawn.add_row(
            clean(point.label),
            point.form,
            str(point.models),
            number(point.score) + ("*" if point.note else ""),
            number(None if point.seconds is None else 1e3 * point.seconds, 3),
            number(point.size_bytes / 1e6, 3),
            _remark(point, pareto),
            style="bold green" if point.delivered else "",
        )
    console.print(drawn)
    if any(point.note for point in shown[:_MOST_SHOWN]):
        console.print(
            "* the score of its folds' models: one model of all rows is usually a little worse than a bag.",
            style="dim",
            soft_wrap=True,
        )
    better = "higher" if pareto.greater_is_better else "lower"
    asked = [
        f"at most {1e3 * pareto.limit_seconds:g} ms a row" if pareto.limit_seconds is not None else "",
        f"at most {pareto.limit_bytes / 1e6:g} MB" if pareto.limit_bytes is not None else "",
    ]
    limits = " and ".join(words for words in asked if words)
    console.print(
        f"{pareto.metric}: {better} is better, out-of-fold. Each model shown is the best of its time and size"
        f"{f'; asked for was {limits}' if limits else ''}.",
        style="dim",
        soft_wrap=True,
    )


def _remark(point: ParetoPoint, pareto: ParetoTable) -> str:
    """Whether it is the one, and whether it would keep the limits."""
    slow = pareto.limit_seconds is not None and (point.seconds or 0.0) > pareto.limit_seconds
    large = pareto.limit_bytes is not None and point.size_bytes > pareto.limit_bytes
    over = " and ".join(word for word, is_so in (("too slow", slow), ("too large", large)) if is_so)
    delivered = ("delivered, measured" if point.measured else "delivered") if point.delivered else ""
    return "; ".join(words for words in (delivered, over) if words)

"""The sections of a report on scores: how good the model is, the leaderboard, what it all took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.automl.report_words import metric_meaning, metric_reading, metric_words
from modelwright.automl.reported import Reported
from modelwright.core import format_bytes, format_seconds
from modelwright.evaluation import Leaderboard, LeaderboardEntry
from modelwright.evaluation.report import (
    Block,
    Cell,
    Dots,
    Paragraph,
    Section,
    Table,
    plural,
    share,
    shortened,
    significant,
)

__all__ = [
    "baseline_entry",
    "constant_entry",
    "delivered_entry",
    "leaderboard_section",
    "metric_optimum",
    "resources_section",
    "score_section",
    "tied_entries",
]

SOURCES: Mapping[str, str] = {
    "holdout": "on a sealed holdout, which was scored once and had no part in anything else",
    "cross-fitted": "out of fold, where the choice of the models was judged on rows that had no part in it",
    "out-of-fold": "out of fold, on the same rows by which the models were chosen",
}

_ENSEMBLE = "ensemble"
_MOST_LINES, _MOST_DRAWN = 60, 15


def delivered_entry(board: Leaderboard) -> LeaderboardEntry | None:
    """The line of the model that was delivered."""
    by_label = next((entry for entry in board.entries if entry.label == _ENSEMBLE), None)
    return by_label or next((entry for entry in board.entries if entry.weight > 0), None)


def constant_entry(board: Leaderboard) -> LeaderboardEntry | None:
    """The line of always answering the same."""
    return _baseline(board, "constant")


def baseline_entry(board: Leaderboard) -> LeaderboardEntry | None:
    """The line of the linear baseline; None where it is what was delivered."""
    found, delivered = _baseline(board, "linear"), delivered_entry(board)
    same = found is not None and delivered is not None and found.trial == delivered.trial
    return None if same and delivered is not None and delivered.label != _ENSEMBLE else found


def _baseline(board: Leaderboard, learner: str) -> LeaderboardEntry | None:
    return next((e for e in board.entries if e.is_baseline and e.learner == learner and e.rank), None)


def tied_entries(first: LeaderboardEntry | None, second: LeaderboardEntry | None) -> bool | None:
    """Whether two lines cannot be told apart; None where one of them was not ranked."""
    if first is None or second is None or first.tie_group is None or second.tie_group is None:
        return None
    return first.tie_group == second.tie_group


def metric_optimum(model: Reported) -> float | None:
    """The best score of the model's metric; None where nobody knows it."""
    metric = model.metric
    return None if metric is None else float(metric.optimum)


def score_section(model: Reported, board: Leaderboard | None) -> Section:
    """The score, what it means, and what it is to be compared with."""
    score = model.manifest.get("score") or {}
    metric, value = str(score.get("metric", model.problem.metric)), score.get("value")
    name = metric_words(metric)
    blocks: list[Block] = []
    if value is None:
        blocks.append(Paragraph("The metric is undefined on the rows that were kept for it.", "missing"))
    else:
        low, high = [*(score.get("interval") or []), None, None][:2]
        known = low is not None and high is not None
        interval = f" (95% interval {significant(low)} to {significant(high)})" if known else ""
        where = SOURCES.get(str(score.get("source")), str(score.get("source")))
        rows = plural(int(score.get("rows") or 0), "row")
        reading = metric_reading(metric, value)
        said = f" In words: {reading}." if reading else ""
        blocks.append(
            Paragraph(f"{_capital(name)} is {significant(value)}{interval} on {rows}, {where}.{said}")
        )
    meaning = metric_meaning(metric)
    direction = "More is better." if score.get("greater_is_better", True) else "Less is better."
    blocks.append(Paragraph(f"{_capital(name)} is {meaning}. {direction}" if meaning else direction))
    if board is None:
        text = "The leaderboard of this bundle cannot be read, so there is nothing to compare with."
        blocks.append(Paragraph(text, "missing"))
        return Section("score", "How good it is", tuple(blocks))
    blocks += _compared(model, board)
    return Section("score", "How good it is", tuple(blocks))


def _capital(words: str) -> str:
    """With a large first letter, as sentences begin."""
    return words[:1].upper() + words[1:]


def _compared(model: Reported, board: Leaderboard) -> list[Block]:
    """The delivered model beside simple ones, all on the same rows."""
    lines = [("this model", delivered_entry(board)), ("linear baseline", baseline_entry(board))]
    lines.append(("always the same answer", constant_entry(board)))
    known = [(name, entry) for name, entry in lines if entry is not None and entry.score is not None]
    blocks: list[Block] = []
    delivered, linear, constant = (entry for _, entry in lines)
    for other, words in ((constant, "always giving the same answer"), (linear, "a plain linear model")):
        sentence = _against(model, delivered, other, words)
        if sentence:
            blocks.append(Paragraph(sentence))
    if len(known) > 1:
        blocks.append(
            Dots(
                f"{_capital(metric_words(board.metric))} beside simple models",
                f"Scores on the same {board.rows:,} out-of-fold rows with 95% intervals; "
                f"{'more' if board.greater_is_better else 'less'} is better.",
                "model",
                metric_words(board.metric),
                tuple(name for name, _ in known),
                tuple(entry.score for _, entry in known),
                tuple(entry.low for _, entry in known),
                tuple(entry.high for _, entry in known),
            )
        )
    return blocks


def _against(
    model: Reported, delivered: LeaderboardEntry | None, other: LeaderboardEntry | None, words: str
) -> str:
    if delivered is None or other is None or delivered.score is None or other.score is None:
        return ""
    shown = f"{significant(delivered.score)} against {significant(other.score)}"
    optimum = metric_optimum(model)
    if tied_entries(delivered, other):
        return f"On these rows chance could explain its distance from {words} ({shown})."
    if optimum is None or abs(optimum) == float("inf") or other.score == optimum:
        return f"Compared with {words}: {shown}."
    taken = 1 - abs(optimum - delivered.score) / abs(optimum - other.score)
    if taken < 0:
        return f"It is worse than {words} ({shown})."
    return f"It takes away {share(taken)} of the error of {words} ({shown})."


def leaderboard_section(board: Leaderboard | None, missing: str = "") -> Section:
    """Every model of the run."""
    title = "Leaderboard"
    if board is None:
        return Section("leaderboard", title, (Paragraph(missing or "There is no leaderboard.", "missing"),))
    ranked = [entry for entry in board.entries if entry.rank is not None]
    ties = sum(entry.tied for entry in ranked)
    blocks: list[Block] = [
        Paragraph(
            f"{plural(len(ranked), 'model')} were scored on the same {board.rows:,} {board.source} rows"
            + (f"; {plural(ties, 'model')} cannot be told from the best." if ties > 1 else ".")
        )
    ]
    shown = [entry for entry in ranked if entry.learner != "constant"][:_MOST_DRAWN]
    constant = constant_entry(board)
    if len(shown) > 1:
        blocks.append(
            Dots(
                "The best models",
                "95% intervals; models that the data cannot tell apart share a tie group in the table below.",
                "model",
                metric_words(board.metric),
                tuple(entry.label for entry in shown),
                tuple(entry.score for entry in shown),
                tuple(entry.low for entry in shown),
                tuple(entry.high for entry in shown),
                None if constant is None else constant.score,
                "always the same answer",
            )
        )
    metric = metric_words(board.metric)
    headings = ["model", "rank", "tie group", "learner", metric, "from", "to", "weight", "fit", "size"]
    rows: list[list[Cell]] = [
        [
            entry.label,
            entry.rank,
            entry.tie_group,
            entry.learner,
            entry.score,
            entry.low,
            entry.high,
            entry.weight or None,
            format_seconds(entry.fit_seconds),
            _size(entry.size_bytes),
            _note(entry),
        ]
        for entry in board.entries
    ]
    blocks.append(Table.bounded("Models of the run", [*headings, "note"], rows, most=_MOST_LINES))
    return Section("leaderboard", title, tuple(blocks))


def _size(size: float) -> str:
    return format_bytes(size) if size >= 2**20 else f"{size / 1e3:.0f} kB"


def _note(entry: LeaderboardEntry) -> str:
    words = ["baseline" if entry.is_baseline else "", entry.status, entry.note]
    return shortened("; ".join(word for word in words if word and word != "finished"), 200)


_FIGURES = {
    "seconds": "time of the training",
    "memory_bytes": "peak memory",
    "model_bytes": "size of the model",
    "row_seconds": "one row",
    "rows_per_second": "rows a second, in a batch",
    "trials": "trials",
    "fits": "fits",
}


def resources_section(model: Reported, actual: Mapping[str, Any] | None, missing: str) -> Section:
    """What the run was expected to take, and what it took."""
    forecast = (model.manifest.get("plan") or {}).get("forecast")
    blocks: list[Block] = []
    if actual is None and missing:
        blocks.append(Paragraph(missing, "missing"))
    if isinstance(forecast, Mapping) or actual:
        rows = [_figure(name, words, forecast or {}, actual or {}) for name, words in _FIGURES.items()]
        headings = ["figure", "expected", "from", "to", "actual", "judged"]
        blocks.append(Table.bounded("Forecast and actual figures", headings, rows))
    else:
        blocks.append(Paragraph("This bundle holds no forecast.", "missing"))
    size = sum(int(facts.get("bytes", 0)) for facts in model.manifest.get("files", {}).values())
    blocks.append(Paragraph(f"The bundle takes {amount('model_bytes', size)} on disk."))
    delivery = model.manifest.get("delivery") or {}
    if delivery.get("max_seconds") is not None or delivery.get("max_bytes") is not None:
        kept = "are kept" if delivery.get("kept") else "are not kept"
        blocks.append(Paragraph(f"The limits that were asked of the model {kept}."))
    return Section("resources", "What it took", tuple(blocks))


def _figure(name: str, words: str, forecast: Mapping[str, Any], actual: Mapping[str, Any]) -> list[Cell]:
    found, value = forecast.get(name), actual.get(name)
    expected: list[Cell] = [None, None, None]
    judged = None
    if isinstance(found, Mapping):
        expected = [amount(name, found.get(each)) for each in ("expected", "low", "high")]
        if value is not None:
            judged = "less" if value < found["low"] else "more" if value > found["high"] else "within"
    return [words, *expected, amount(name, value), judged]


def amount(name: str, value: float | None) -> str | None:
    """A figure with its unit.

    Examples
    --------
    >>> amount("seconds", 90.0), amount("row_seconds", 0.0025), amount("trials", 12), amount("fits", None)
    ('1 min 30 s', '2.5 ms', '12', None)
    """
    if value is None:
        return None
    if name == "seconds":
        return format_seconds(value)
    if name == "memory_bytes":
        return format_bytes(value)
    if name == "model_bytes":
        return f"{value / 1e6:,.2f} MB" if value < 1e7 else f"{value / 1e6:,.0f} MB"
    if name == "row_seconds":
        return f"{significant(1000 * value, 2)} ms"
    return f"{value:,.0f}"

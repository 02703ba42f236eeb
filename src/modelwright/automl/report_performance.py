"""The section of a report on performance: curves, calibration, confusion, thresholds, residuals, slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from modelwright.automl.performance import Performance
from modelwright.automl.report_words import metric_words
from modelwright.automl.reported import Part, Reported
from modelwright.evaluation import (
    CalibrationCurve,
    ClassCurves,
    ConfusionMatrix,
    Residuals,
    SliceReport,
    ThresholdTable,
)
from modelwright.evaluation.curves import CurvePoint
from modelwright.evaluation.report import (
    Block,
    Cell,
    Curves,
    Heading,
    Heat,
    Paragraph,
    Section,
    Series,
    Table,
    plural,
    share,
    shortened,
    significant,
)
from modelwright.evaluation.thresholds import ThresholdPoint

__all__ = ["performance_section"]

Labelled = TypeVar("Labelled", CalibrationCurve, ThresholdTable)

_MOST_CLASSES, _MOST_LABELS, _MOST_ROWS, _MOST_SLICES = 6, 4, 30, 15
_SOURCES = {
    "out-of-fold": "on out-of-fold rows: each was predicted by models that had not seen it. They chose the "
    "model, which flatters a little",
    "given": "on the rows that were given",
}


def performance_section(model: Reported, part: Part[Performance]) -> Section:
    """How the model performs, in every respect that its task has.

    Parameters
    ----------
    model : Reported
    part : Part of Performance
    """
    title = "Performance"
    if part.value is None:
        missing = part.missing or "There are no rows to judge it by."
        return Section("performance", title, (Paragraph(missing, "missing"),))
    found = part.value
    interval = "" if found.low is None else f" ({significant(found.low)} to {significant(found.high)})"
    score = f" There the {metric_words(found.metric)} is {significant(found.score)}{interval}."
    score = "" if found.score is None else score
    where = _SOURCES.get(found.source, found.source)
    blocks: list[Block] = [Paragraph(f"Judged on {plural(found.rows, 'row')}, {where}.{score}")]
    blocks += [Paragraph(note, "note") for note in found.notes]
    blocks += _curves(found.curves, max(len(model.problem.classes), len(model.problem.labels)))
    blocks += _calibration(found.calibration)
    for matrix in found.confusion[:_MOST_LABELS]:
        blocks += _confusion(matrix)
    for table in found.thresholds[:_MOST_LABELS]:
        blocks += _threshold(table)
    if found.residuals is not None:
        blocks += _residuals(found.residuals)
    blocks += _slices(found.slices)
    if not model.problem.task.is_classification and not found.curves:
        text = "The model predicts values, not probabilities: there are no curves of ranking or calibration."
        blocks.append(Paragraph(text, "note"))
    return Section("performance", title, tuple(blocks))


def _curves(curves: Sequence[ClassCurves], classes: int) -> Iterator[Block]:
    if not curves:
        return
    yield Heading("Ranking")
    rows: list[list[Cell]] = [
        [
            shortened(each.label),
            share(each.base_rate),
            each.roc.area,
            each.roc.low,
            each.roc.high,
            each.precision_recall.average_precision,
            each.precision_recall.low,
            each.precision_recall.high,
        ]
        for each in curves
    ]
    headings = ["class", "share of rows", "ROC AUC", "from", "to", "average precision", "from", "to"]
    several = 1 < len(curves) < classes
    note = f"Of {classes:,} classes those with the most rows; each against all others." if several else ""
    title = "Areas under the curves, with 95% intervals"
    yield Table.bounded(title, headings, rows, note=note, most=_MOST_ROWS)
    drawn = curves[:_MOST_CLASSES]
    more = f" {len(drawn)} of {classes:,} classes are drawn." if len(curves) > len(drawn) else ""
    roc = [_line(each.label, each.roc.false_positive_rate, each.roc.true_positive_rate) for each in drawn]
    if len(drawn) == 1:
        roc.append(_band(drawn[0].roc.band))
    yield Curves(
        "ROC curve",
        f"How many rows of the class are found for how many false alarms; chance is the dotted line.{more}",
        "false positive rate",
        "true positive rate",
        (*roc, Series("chance", (0.0, 1.0), (0.0, 1.0), is_reference=True)),
    )
    both = [(each.label, each.precision_recall) for each in drawn]
    precision = [_line(label, curve.recall, curve.precision) for label, curve in both]
    if len(drawn) == 1:
        base = drawn[0].base_rate
        precision += [_band(drawn[0].precision_recall.band)]
        precision += [Series("flagging every row", (0.0, 1.0), (base, base), is_reference=True)]
    yield Curves(
        "Precision and recall",
        f"How many flagged rows are right, for each share of the class that is found.{more}",
        "recall",
        "precision",
        tuple(precision),
    )
    yield from _gains(drawn, more)


def _line(label: object, x: Sequence[float], y: Sequence[float]) -> Series:
    return Series(shortened(label, 40), tuple(x), tuple(y))


def _band(points: Sequence[CurvePoint]) -> Series:
    """The intervals of some points of a curve."""
    return Series(
        "95% interval",
        tuple(point.at for point in points),
        tuple(point.value for point in points),
        tuple(point.low for point in points),
        tuple(point.high for point in points),
        "band",
    )


def _gains(curves: Sequence[ClassCurves], more: str) -> Iterator[Block]:
    yield Curves(
        "Cumulative gain",
        f"The share of a class among the rows of its highest probabilities; blind picking is dotted.{more}",
        "share of the rows",
        "share of the class found",
        (
            *(
                Series(
                    shortened(each.label, 40),
                    (0.0, *(step.share for step in each.gains)),
                    (0.0, *(step.gain for step in each.gains)),
                    (0.0, *(step.low for step in each.gains)),
                    (0.0, *(step.high for step in each.gains)),
                )
                for each in curves
            ),
            Series("blind picking", (0.0, 1.0), (0.0, 1.0), is_reference=True),
        ),
    )
    first = curves[0]
    rows: list[list[Cell]] = [
        [share(step.share), step.gain, step.low, step.high, step.lift, step.rate, step.threshold]
        for step in first.gains
    ]
    headings = ["top of the rows", "found", "from", "to", "lift", "rate in this tenth", "lowest probability"]
    yield Table.bounded(f"Gain and lift of {shortened(first.label)}", headings, rows, folded=True)


def _calibration(curves: Sequence[CalibrationCurve]) -> Iterator[Block]:
    if not curves:
        return
    yield Heading("Calibration")
    if len(curves) == 1:
        yield Paragraph(_named(curves[0]).sentence)
    else:
        off = sorted((curve for curve in curves if curve.is_off), key=lambda curve: -curve.error)
        several = plural(len(curves), "class", "classes")
        right = f"{len(curves) - len(off):,} of {several}" if off else f"all {several}"
        worst = f" Furthest off: {_named(off[0]).sentence}" if off else ""
        yield Paragraph(f"Probabilities of {right} can be taken at their word.{worst}")
    drawn = curves[:1] if len(curves) == 1 else curves[:_MOST_CLASSES]
    series = [Series("perfect", (0.0, 1.0), (0.0, 1.0), is_reference=True)]
    for curve in drawn:
        bands = len(drawn) == 1
        series.append(
            Series(
                shortened(curve.label, 40),
                tuple(part.predicted for part in curve.bins),
                tuple(part.observed for part in curve.bins),
                tuple(part.low for part in curve.bins) if bands else (),
                tuple(part.high for part in curve.bins) if bands else (),
            )
        )
    yield Curves(
        "Predicted and observed",
        "How often the class came up where so much was predicted; perfect is the dotted line.",
        "mean predicted probability",
        "observed share",
        tuple(series),
    )
    rows: list[list[Cell]] = [
        [shortened(curve.label), curve.error, curve.error_by_chance, curve.predicted, curve.observed]
        for curve in curves
    ]
    headings = ["class", "calibration error", "by chance alone", "mean predicted", "observed"]
    yield Table.bounded("Expected calibration error", headings, rows, most=_MOST_ROWS)


def _named(found: Labelled) -> Labelled:
    """With a label that is no longer than a sentence can bear."""
    label = found.label
    return replace(found, label=shortened(label, 40)) if isinstance(label, str) else found


def _confusion(matrix: ConfusionMatrix) -> Iterator[Block]:
    labels = tuple(shortened(label, 40) for label in matrix.labels)
    yield Heading("Decisions")
    yield Heat(
        "Confusion matrix",
        f"Rows by their true class and the class decided for: {share(matrix.accuracy)} are decided rightly. "
        "A cell is the darker the more of its row it holds.",
        "true class",
        "decided",
        labels,
        labels,
        matrix.counts,
        by_row=True,
    )
    weakest_first = len(matrix.classes) > _MOST_CLASSES
    ordered = sorted(matrix.classes, key=lambda each: each.f1) if weakest_first else matrix.classes
    rows: list[list[Cell]] = [
        [
            shortened(each.label, 60),
            each.rows,
            each.recall,
            each.recall_low,
            each.recall_high,
            each.precision,
            each.precision_low,
            each.precision_high,
            each.f1,
        ]
        for each in ordered
    ]
    headings = ["class", "rows", "recall", "from", "to", "precision", "from", "to", "F1"]
    title = f"Recall and precision of each class{', the weakest first' if weakest_first else ''}"
    yield Table.bounded(title, headings, rows, most=_MOST_ROWS)
    if len(matrix.labels) > 2 and matrix.pairs:
        pairs: list[list[Cell]] = [
            [shortened(each.actual, 60), shortened(each.predicted, 60), each.count, share(each.share)]
            for each in matrix.pairs
        ]
        heads = ["true class", "taken for", "rows", "share of the class"]
        yield Table.bounded("What is confused most", heads, pairs, most=10, folded=True)


def _threshold(table: ThresholdTable) -> Iterator[Block]:
    yield Heading(f"Threshold for {shortened(table.label)}")
    yield Paragraph(_named(table).sentence)
    points = table.points
    x = tuple(point.threshold for point in points)
    yield Curves(
        "Rates at every threshold",
        "Rows of at least this probability are flagged.",
        "threshold",
        "rate",
        (
            Series("precision", x, tuple(point.precision for point in points)),
            Series("recall", x, tuple(point.recall for point in points)),
            Series("F1", x, tuple(point.f1 for point in points)),
            Series("flagged", x, tuple(point.flagged for point in points)),
        ),
    )
    if any(point.value is not None for point in points):
        worth = tuple(float("nan") if point.value is None else point.value for point in points)
        yield Curves(
            "Value at every threshold",
            "Mean value of a row, by what errors cost and hits bring.",
            "threshold",
            "value of a row",
            (Series("value", x, worth),),
        )
    kept: list[tuple[str, ThresholdPoint, float | None, float | None, float | None]]
    kept = [("recommended", table.recommended, None, None, None)]
    kept += [(each.name, each.point, each.better_by, each.low, each.high) for each in table.references]
    rows: list[list[Cell]] = [
        [
            shortened(name),
            point.threshold,
            point.flagged,
            point.precision,
            point.recall,
            point.f1,
            point.value,
            better,
            low,
            high,
        ]
        for name, point, better, low, high in kept
    ]
    headings = ["threshold", "at", "flagged", "precision", "recall", "F1", "value"]
    headings = [*headings, "recommended better by", "from", "to"]
    yield Table.bounded("Thresholds compared", headings, rows, spare=True)


def _residuals(residuals: Residuals) -> Iterator[Block]:
    yield Heading("Errors")
    side = "too low" if residuals.mean > 0 else "too high"
    yield Paragraph(
        f"Predictions are {significant(abs(residuals.mean), 3)} {side} on average and miss by "
        f"{significant(residuals.mean_absolute, 3)}; the worst 1% of the rows hold "
        f"{share(residuals.share_of_heaviest)} of all squared error."
    )
    bins = residuals.bins
    x = tuple(part.predicted for part in bins)
    predicted = tuple(value for value, _ in residuals.points)
    yield Curves(
        "Errors by predicted value",
        "Actual less predicted values of some rows, and the mean of similar ones with its 95% interval.",
        "predicted",
        "actual less predicted",
        (
            Series("rows", predicted, tuple(error for _, error in residuals.points), style="points"),
            Series(
                "mean",
                x,
                tuple(part.mean for part in bins),
                tuple(part.low for part in bins),
                tuple(part.high for part in bins),
            ),
            Series("no error", (x[0], x[-1]) if x else (), (0.0, 0.0) if x else (), is_reference=True),
        ),
    )
    normal = tuple(level for level, _ in residuals.normal)
    yield Curves(
        "Shape of the errors",
        "Quantiles of standardised errors beside normal ones (the dotted line): heavy tails bend away.",
        "normal",
        "standardised error",
        (
            Series("errors", normal, tuple(error for _, error in residuals.normal), style="points"),
            Series("normal", normal, normal, is_reference=True),
        ),
    )
    levels: list[list[Cell]] = [[share(level), value] for level, value in residuals.quantiles]
    yield Table.bounded("Quantiles of the errors", ["level", "actual less predicted"], levels, folded=True)
    rows: list[list[Cell]] = [
        [str(each.row), each.actual, each.predicted, each.residual] for each in residuals.heaviest
    ]
    headings = ["row", "actual", "predicted", "error"]
    note = "Rows are counted from 0 in the table that they come from."
    yield Table.bounded("The rows that are furthest off", headings, rows, note=note, folded=True)


def _slices(report: SliceReport | None) -> Iterator[Block]:
    yield Heading("Where it is worst")
    if report is None:
        text = "Slices need the columns of the rows, which are not at hand. Give DATA, rows with the target."
        yield Paragraph(text, "missing")
        return
    if not report.tested:
        yield Paragraph("The rows are too few to compare parts of them.", "missing")
        return
    yield Paragraph(report.sentence)
    rows: list[list[Cell]] = [
        [
            shortened(each.words, 160),
            each.rows,
            share(each.share),
            each.loss,
            each.low,
            each.high,
            each.elsewhere,
            share(each.excess),
            each.p,
        ]
        for each in report.slices
    ]
    headings = ["rows where", "rows", "share", report.loss_name, "from", "to", "elsewhere", "excess", "p"]
    note = (
        f"Excess: of all loss, what the slice has more than the rest. {report.tested:,} slices were looked "
        "at; p is adjusted for all of them, and intervals for the choice of the worst."
    )
    if rows:
        yield Table.bounded("Weakest slices", headings, rows, note=note, most=_MOST_SLICES)

"""What reports call things: metrics by the names that people know, and a list of the words they may not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from modelwright.evaluation.report import (
    Block,
    Heading,
    Items,
    Paragraph,
    Section,
    Table,
    share,
    shortened,
    significant,
)

__all__ = ["metric_meaning", "metric_reading", "metric_words", "words_section"]

_NAMES: Mapping[str, str] = {
    "roc_auc": "ROC AUC",
    "brier": "Brier score",
    "f1": "F1",
    "f_beta": "F-beta",
    "mcc": "Matthews correlation",
    "quadratic_kappa": "quadratic kappa",
    "ordinal_mae": "mean distance of classes",
    "cost": "mean cost",
    "rmse": "RMSE",
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "mape": "MAPE",
    "rmsle": "RMSLE",
    "r2": "R²",
    "quantile": "pinball loss",
    "pinball": "pinball loss",
    "hamming_loss": "Hamming loss",
}

_MEANINGS: Mapping[str, str] = {
    "roc_auc": "how often a row of the class gets a higher probability than a row of another: 0.5 is chance, "
    "1 is perfect",
    "log_loss": "how surprised one must be by the truth after hearing the probabilities: 0 is perfect",
    "brier": "the mean squared distance of probabilities from what happened: 0 is perfect",
    "average_precision": "the precision averaged over all recalls: 1 is perfect, the share of rows of the "
    "class is chance",
    "accuracy": "the share of rows whose class is decided rightly",
    "balanced_accuracy": "the share of rows decided rightly, averaged over the classes",
    "precision": "the share of the flagged rows that are right",
    "recall": "the share of the rows of the class that are found",
    "f1": "the harmonic mean of precision and recall: 1 is perfect",
    "f_beta": "a mean of precision and recall that counts one of them for more: 1 is perfect",
    "mcc": "the correlation of decided and actual classes: 0 is chance, 1 is perfect",
    "quadratic_kappa": "how well ordered classes agree, far misses counting more: 0 is chance, 1 is perfect",
    "ordinal_mae": "by how many classes it misses on average: 0 is perfect",
    "cost": "what errors cost on average, by the costs that you gave",
    "rmse": "the square root of the mean squared error, in the unit of the target: large misses count most",
    "mse": "the mean squared error: large misses count most",
    "mae": "the mean distance of predictions from the truth, in the unit of the target",
    "median_absolute_error": "half of the predictions are closer to the truth than this",
    "r2": "the part of the target's variance that is explained: 0 for always the mean, 1 is perfect",
    "mape": "the mean error in parts of the true value",
    "rmsle": "the root mean squared error of logarithms: misses count by their ratio",
    "quantile": "the mean distance from the truth, where being above and below count as the quantile says",
    "pinball": "the mean distance from the truth, where being above and below count as the quantile says",
    "hamming_loss": "the share of labels that are decided wrongly",
}
"""What scores mean, by the metric's name."""

_AVERAGES: Mapping[str, str] = {
    "_ovr_weighted": "averaged over the classes by their rows",
    "_ovr": "averaged over the classes",
    "_macro": "averaged over the classes",
    "_micro": "of all decisions together",
    "_weighted": "averaged over the classes by their rows",
    "_samples": "averaged over the rows",
}


def _parts(name: str) -> tuple[str, str]:
    """A metric's name without its average, and the average."""
    plain = name.rpartition("/")[2].partition(":")[0]
    ending = next((each for each in _AVERAGES if plain.endswith(each)), "")
    return plain.removesuffix(ending), ending


def metric_words(name: object) -> str:
    """A metric's name as people write it.

    Examples
    --------
    >>> metric_words("roc_auc"), metric_words("f1_macro"), metric_words("log_loss"), metric_words("my_score")
    ('ROC AUC', 'F1 (macro)', 'log loss', 'my_score')
    """
    plain, ending = _parts(str(name))
    known = _NAMES.get(plain) or (plain.replace("_", " ") if plain in _MEANINGS else "")
    if not known:
        return shortened(name)
    average = ending.strip("_").replace("_", " ")
    return f"{known} ({average})" if average else known


def metric_meaning(name: object) -> str:
    """What a metric's score says, in words; empty for one that nobody knows here.

    Examples
    --------
    >>> metric_meaning("recall_macro")
    'the share of the rows of the class that are found, averaged over the classes'
    """
    plain, ending = _parts(str(name))
    known = _MEANINGS.get(plain, "")
    return f"{known}, {_AVERAGES[ending]}" if known and ending else known


def metric_reading(name: object, value: float | None) -> str:
    """What this very score says, in words; empty where the number says it itself.

    Examples
    --------
    >>> metric_reading("roc_auc", 0.912)
    'of 100 pairs of a row of the class and another row, it puts 91 in the right order'
    >>> metric_reading("log_loss", 0.5)
    'the true answer of a typical row gets 60.7%'
    """
    if value is None or not math.isfinite(value):
        return ""
    plain, _ = _parts(str(name))
    if plain == "roc_auc":
        right = f"it puts {100 * value:.0f} in the right order"
        return f"of 100 pairs of a row of the class and another row, {right}"
    if plain == "log_loss" and value >= 0:
        return f"the true answer of a typical row gets {share(math.exp(-value))}"
    if plain in ("accuracy", "balanced_accuracy"):
        return f"{share(value)} are decided rightly"
    if plain == "r2":
        return f"it explains {share(value)} of the variance" if value > 0 else "it explains nothing"
    if plain in ("mae", "median_absolute_error"):
        return f"it misses by about {significant(value, 3)}"
    if plain == "mape":
        return f"it misses by about {share(value)} of the true value"
    return ""


_WORDS: Mapping[str, str] = {
    "95% interval": "where the number would lie in 95 of 100 cases if other rows of the same kind had been "
    "drawn. A wide one says: too few rows to know it well.",
    "out of fold": "the table is divided into folds; each fold is predicted by models that learned from the "
    "others only. So every row is judged by models that had never seen it.",
    "holdout": "rows that were put aside before training and judged once, at the end.",
    "cross-fitted": "judged on rows that had no part in choosing the models either.",
    "linear model": "a simple model whose answer is a weighted sum of the columns: what more has to beat.",
    "always the same answer": "a rule that looks at no column: the most frequent class or the mean value.",
    "positive class": "of two classes the one that is looked for.",
    "ROC AUC": "how well rows are put in order: 0.5 is chance, 1 is perfect.",
    "precision": "of the rows that are flagged, the share that is right.",
    "recall": "of the rows of the class, the share that is found.",
    "F1": "one number for precision and recall together; it is low if one of them is.",
    "threshold": "the probability from which on a row is flagged.",
    "lift": "how many times more rows of the class there are among the flagged ones than among all.",
    "calibration": "whether 70% means that it happens in 70 of 100 such cases.",
    "Brier": "the mean squared distance of probabilities from what happened.",
    "slice": "a part of the rows that is told by one or two columns, as: plan is basic.",
    "quantile": "the value below which so many of all lie: half below the 50% quantile, the median.",
    "permutation": "a column's values are shuffled among the rows; if predictions become much worse, the "
    "model needs the column.",
    "partial dependence": "the mean prediction when every row gets the same value of a column.",
    "local effect": "how predictions change with a column between similar rows; right even where columns "
    "move together.",
    "conformal": "a way to draw intervals, or sets of labels, as wide as past errors say they must be.",
    "tie group": "models that these rows cannot tell apart.",
    "ensemble": "several models that predict together.",
    "trial": "one model with one setting that was tried.",
    "SHA-256": "a fingerprint of a file: equal ones mean equal content.",
}
"""Words that a reader who writes no code may not know, in the order in which they come up."""


def words_section(sections: Iterable[Section]) -> Section:
    """What the words mean that came up.

    Parameters
    ----------
    sections : iterable of Section
        Those that use them.
    """
    said = " ".join(text for section in sections for block in section.blocks for text in _texts(block))
    folded = _folded(said)
    rows = [(word, meaning) for word, meaning in _WORDS.items() if f" {_folded(word)}" in f" {folded}"]
    table = Table.bounded("What words mean here", ["word", "meaning"], rows)
    return Section("words", "Words used here", (table,))


def _folded(text: str) -> str:
    """Lower case, with one space wherever something else than a letter, digit or % stands."""
    return re.sub(r"[^\w%]+", " ", text).casefold()


def _texts(block: Block) -> Iterable[str]:
    """What a block says, without the cells of its tables."""
    if isinstance(block, (Paragraph, Heading)):
        return [block.text]
    if isinstance(block, Items):
        return [f"{item.text} {item.detail}" for item in block.items]
    title, text = getattr(block, "title", ""), getattr(block, "text", "")
    return [title, text, *getattr(block, "headings", ()), *_named(block)]


def _named(block: Block) -> Iterable[str]:
    names = ("x_label", "y_label", "value_label", "note", "reference_label")
    return [str(getattr(block, name, "")) for name in names]

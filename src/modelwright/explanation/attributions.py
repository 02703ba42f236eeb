"""What each source column adds to the predictions of an ensemble: the weighted sum over its members.

Members are explained where they are blended, on the scale of predictions (probabilities, values), so that the
sum over members is the prediction itself. What comes behind the blend, a stacked model, a calibration or a
change of scale, multiplies the additions of a row by the slope of the chord between the base and the
prediction (see `core.Contributions`): whatever scale is asked for, base and additions make up its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from modelwright.core import Contributions, FeatureInfo, FloatArray, IntArray, Task, View, ViewInfo
from modelwright.ensemble import Calibration, Ensemble, Member, Stacker
from modelwright.explanation.shapley import sampled_contributions
from modelwright.learners import FittedLearner

__all__ = ["SMALLEST_SHARE", "Attributions", "as_outputs", "attribute", "raw_numbers"]

SMALLEST_SHARE = 1e-12
"""Probabilities nearer to 0 or 1 are taken for this where their logarithm is needed."""

_OF_VALUES = (Task.REGRESSION, Task.QUANTILE)

_STACKED_FLOOR = 1e-5
"""As `ensemble.Stacker` takes probabilities that are smaller."""

_CELLS = 4_000_000
"""Rows times columns times outputs that are explained at once."""


@dataclass(frozen=True, eq=False)
class Attributions:
    """Additions of source columns to predictions, on two scales.

    Attributes
    ----------
    columns : tuple of str
        Source columns.
    values : float64 array, shape (rows, columns, outputs)
        On the raw scale: values for regression and quantiles; log odds for two classes (of the second one)
        and for labels; logarithms of probabilities for several classes.
    base : float64 array, shape (outputs,)
    raw : float64 array, shape (rows, outputs)
        ``base + values.sum(axis=1)``: the delivered prediction on the raw scale. Probabilities nearer than
        1e-12 to 0 or 1 count as that.
    effects : float64 array, shape (rows, columns, outputs)
        The same on the scale of predictions: values, or probabilities (of two classes the second one's).
    effect_base : float64 array, shape (outputs,)
    predictions : float64 array, shape (rows, outputs)
        ``effect_base + effects.sum(axis=1)``: what the model delivers.
    scale : str
        ``"value"``, ``"log-odds"`` or ``"log-probability"``.
    sampled : tuple of str
        Labels of the members whose additions were estimated by trying them out; those of others are exact.
    """

    columns: tuple[str, ...]
    values: FloatArray
    base: FloatArray
    raw: FloatArray
    effects: FloatArray
    effect_base: FloatArray
    predictions: FloatArray
    scale: str
    sampled: tuple[str, ...] = ()

    @property
    def importance(self) -> dict[str, float]:
        """Mean absolute addition of each column on the raw scale over rows and outputs, largest first."""
        if not len(self.values):
            return dict.fromkeys(self.columns, 0.0)
        means = np.abs(self.values).mean(axis=(0, 2))
        order = np.argsort(-means, kind="stable").tolist()
        return {self.columns[place]: float(means[place]) for place in order}


@dataclass(frozen=True)
class _Question:
    """What is asked of every model."""

    task: Task
    view: View
    background: Callable[[], View]
    owners: IntArray
    players: int
    seed: int


def attribute(
    ensemble: Ensemble,
    view: View,
    *,
    columns: Sequence[str] | None = None,
    background: Callable[[], View] | None = None,
    seed: int = 0,
) -> Attributions:
    """Explain the predictions of an ensemble for the rows of a view.

    Parameters
    ----------
    ensemble : Ensemble
    view : View
    columns : sequence of str, optional
        Source columns of the result; by default those of the view in its order. A column that the view has
        nothing of adds nothing.
    background : callable, optional
        Without arguments: a view of rows to compare with, for members that cannot be explained exactly; by
        default it is the view itself.
    seed : int, default 0
        For these members.
    """
    names, owners, pairs = _players(view.info, () if columns is None else columns)
    players = len(names) + len(pairs)
    delivered = as_outputs(ensemble.task, ensemble.predict(view).array)
    others = background if background is not None else lambda: view
    step = max(1, _CELLS // max(1, len(owners) * delivered.shape[1]))
    parts: list[tuple[Contributions, Contributions]] = []
    sampled: tuple[str, ...] = ()
    for start in range(0, view.rows, step):
        rows = slice(start, start + step)
        question = _Question(ensemble.task, view.take(rows), others, owners, players, seed)
        found, sampled = _blended(ensemble, question)
        effects = _divided(found, pairs).closed(delivered[rows])
        raw = effects
        if ensemble.task not in _OF_VALUES:
            raw = effects.mapped(lambda part: raw_numbers(ensemble.task, part), "log-odds")
        # near 0 and 1 a logarithm shows what rounding did
        parts.append((effects, raw.closed(raw_numbers(ensemble.task, delivered[rows]))))
    return _joined(ensemble.task, names, parts, delivered, sampled)


def _players(
    info: ViewInfo, columns: Sequence[str]
) -> tuple[tuple[str, ...], IntArray, list[tuple[int, int]]]:
    """Source columns, the player of each column of a view, and of players behind the columns both columns."""
    known = dict.fromkeys([*columns, *(feature.source for feature in info.features)])
    place = {name: number for number, name in enumerate(known)}
    owners: list[int] = []
    pairs: list[tuple[int, int]] = []
    for feature in info.features:
        owner, second = place[feature.source], _second_source(feature)
        if second in place:
            owner, pairs = len(place) + len(pairs), [*pairs, (owner, place[second])]
        owners.append(owner)
    return tuple(known), np.array(owners, np.int64), pairs


def _second_source(feature: FeatureInfo) -> str | None:
    """The other column that the time between two dates comes from; None for all else."""
    start = f"{feature.source} → "  # as `features.DateGaps` names it
    is_gap = feature.transform == "days_between" and feature.name.startswith(start)
    return feature.name.removeprefix(start) if is_gap else None


def _divided(found: Contributions, pairs: Sequence[tuple[int, int]]) -> Contributions:
    """With what the last players add divided equally between the two columns that each is made of."""
    if not pairs:
        return found
    count = found.columns - len(pairs)
    values = found.values[:, :count].copy()
    for number, pair in enumerate(pairs, count):
        for column in pair:
            values[:, column] += found.values[:, number] / 2
    return replace(found, values=values)


def as_outputs(task: Task, array: FloatArray) -> FloatArray:
    """Predictions as columns: one of values, one (the second class) of two classes, else as they are."""
    if array.ndim == 1:
        return array[:, None]
    return array[:, 1:] if task is Task.BINARY else array


def raw_numbers(task: Task, array: FloatArray) -> FloatArray:
    """Predictions, as `as_outputs` gives them, on the raw scale of a task; see `Attributions`.

    Examples
    --------
    >>> raw_numbers(Task.BINARY, np.array([[0.5], [0.0]])).round(2).tolist()
    [[0.0], [-27.63]]
    """
    if task is Task.MULTICLASS:
        return np.asarray(np.log(np.maximum(array, SMALLEST_SHARE)))
    if task in (Task.BINARY, Task.MULTILABEL):
        return _log_odds(array, SMALLEST_SHARE)
    return array


def _log_odds(shares: FloatArray, floor: float) -> FloatArray:
    one, other = np.maximum(shares, floor), np.maximum(1.0 - shares, floor)
    return np.asarray(np.log(one) - np.log(other))


def _blended(ensemble: Ensemble, question: _Question) -> tuple[Contributions, tuple[str, ...]]:
    """Additions to what the ensemble delivers, but for rounding, and the members that were sampled."""
    members = [_of_member(member, question) for member in ensemble.members]
    sampled = tuple(
        member.label for member, (_, exact) in zip(ensemble.members, members, strict=True) if not exact
    )
    parts = [found for found, _ in members]
    if ensemble.stacker is None:
        found = _sum(parts, [member.weight for member in ensemble.members])
    else:
        found = _stacked(ensemble.task, parts, ensemble.stacker)
    if ensemble.offsets:
        found = replace(found, base=found.base + np.asarray(ensemble.offsets))
    if ensemble.calibration is not None and ensemble.task.is_classification:
        found = _calibrated(found, ensemble.calibration)
    return found, sampled


def _of_member(member: Member, question: _Question) -> tuple[Contributions, bool]:
    """Additions to the mean of the fold models' predictions, and whether all are exact."""
    count = len(member.models)
    found = [_of_model(model, question, (number, count)) for number, model in enumerate(member.models)]
    return _sum([part for part, _ in found], [1 / count] * count), all(exact for _, exact in found)


def _of_model(
    model: FittedLearner, question: _Question, place: tuple[int, int]
) -> tuple[Contributions, bool]:
    """Additions of source columns to a model's predictions; ``place`` is that of `sampled_contributions`."""

    def predict(view: View) -> FloatArray:
        return as_outputs(question.task, model.predict(view).array)

    said, found = predict(question.view), model.contributions(question.view)
    if found is not None:
        shares = found.grouped(question.owners, question.players).probabilities()
        if shares.values.shape[2] == 1 < said.shape[1]:
            # several classes of which there are two
            both = np.concatenate([-shares.values, shares.values], axis=2)
            shares = replace(shares, values=both, base=np.concatenate([1.0 - shares.base, shares.base]))
        return shares.closed(said), True
    background, seed = question.background(), question.seed
    sampled = sampled_contributions(
        predict, question.view, background, question.owners, question.players, seed, place
    )
    link = "identity" if question.task in _OF_VALUES else "probability"
    return replace(sampled.closed(said), link=link), False


def _sum(parts: Sequence[Contributions], weights: Sequence[float]) -> Contributions:
    """The weighted sum of several models."""
    pairs = list(zip(parts, weights, strict=True))
    values = reduce(np.add, [weight * part.values for part, weight in pairs])
    base = reduce(np.add, [weight * part.base for part, weight in pairs])
    return Contributions(values, base, parts[0].link)


def _stacked(task: Task, parts: Sequence[Contributions], stacker: Stacker) -> Contributions:
    """Additions to what a stacked model makes of its members' predictions."""
    constants = np.asarray(stacker.constants)
    if task is Task.REGRESSION:
        found = _sum(parts, stacker.slopes)
        return replace(found, base=found.base + constants)
    if task is Task.BINARY:
        scores = [part.mapped(lambda each: _log_odds(each, _STACKED_FLOOR), "log-odds") for part in parts]
        found = _sum(scores, stacker.slopes)
        return replace(found, base=found.base + constants[1:] - constants[:1]).probabilities()
    scores = [
        part.mapped(lambda each: np.log(np.maximum(each, _STACKED_FLOOR)), "log-odds") for part in parts
    ]
    found = _sum(scores, stacker.slopes)
    return replace(found, base=found.base + constants).probabilities()


def _calibrated(found: Contributions, calibration: Calibration) -> Contributions:
    """Additions to calibrated probabilities."""
    if found.values.shape[2] == 1:
        return found.mapped(
            lambda part: calibration.apply(np.hstack([1.0 - part, part]))[:, 1:], "probability"
        )
    scores = found.mapped(
        lambda part: calibration.slope * np.log(np.maximum(part, SMALLEST_SHARE)), "log-odds"
    )
    shares = scores.probabilities()
    if not calibration.curves:
        return shares

    def curved(part: FloatArray) -> FloatArray:
        pairs = zip(calibration.curves, part.T, strict=True)
        return np.maximum(np.column_stack([curve.apply(column) for curve, column in pairs]), SMALLEST_SHARE)

    return shares.mapped(curved, "probability").normalised()


def _joined(
    task: Task,
    columns: tuple[str, ...],
    parts: Sequence[tuple[Contributions, Contributions]],
    delivered: FloatArray,
    sampled: tuple[str, ...],
) -> Attributions:
    """The rows of all parts, one after the other."""
    outputs = delivered.shape[1]
    scale = "value"
    if task is Task.MULTICLASS:
        scale = "log-probability"
    elif task in (Task.BINARY, Task.MULTILABEL):
        scale = "log-odds"
    if not parts:
        nothing, base = np.zeros((0, len(columns), outputs)), np.zeros(outputs)
        return Attributions(columns, nothing, base, delivered, nothing, base, delivered, scale, sampled)
    # without any column each row has a base of its own, which is the same
    base, effect_base = (np.atleast_2d(each.base)[0] for each in parts[0][::-1])
    raw = [each for _, each in parts]
    values = np.concatenate([each.values for each in raw])
    effects = np.concatenate([each.values for each, _ in parts])
    return Attributions(
        columns=columns,
        values=values,
        base=base,
        raw=raw_numbers(task, delivered),
        effects=effects,
        effect_base=effect_base,
        predictions=delivered,
        scale=scale,
        sampled=sampled,
    )

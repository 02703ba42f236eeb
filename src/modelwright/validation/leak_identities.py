"""Arithmetic that gives a numeric target away: parts that add up to it, a total that contains it, a product.

A sparse linear solve: from the matrix of correlations every pair of columns is judged at once, the best
pairs are tried with every third column, and what fits is verified on rows that the search did not see.
Products and quotients of several columns are the same search over logarithms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.validation.leak_evidence import Judged, Suspicion, example_rows, unexplained

__all__ = ["find_identities"]

_MOST_UNEXPLAINED = 1e-4
_MOST_COLUMNS = 200
_PAIRS_TRIED = 30
_FEWEST_ROWS = 50
_NEAR = 0.05
"""How far a row may be off, in quarter ranges of the target, to count as met by an identity."""
_SHARE_NEAR = 0.95
_SHARE_CONSTANTS = 0.99
_FEWEST_VALUES = 40
_FEWER = 4.0
_SHARE_OF_GRID = 0.1
_MOST_LEFT = 0.05
_NEARLY_ONE = 0.3
_MOST_MULTIPLIED = 60


@dataclass(frozen=True)
class _Rows:
    """One space in which a linear identity is looked for: values as they are, or their logarithms.

    ``values`` (columns, rows) and ``target`` (rows,) cover all sampled rows; ``learn`` and ``judge`` are
    row numbers.
    """

    values: FloatArray
    target: FloatArray
    learn: NDArray[np.int64]
    judge: NDArray[np.int64]
    logs: bool


@dataclass(frozen=True)
class _Identity:
    columns: tuple[int, ...]
    weights: FloatArray
    intercept: float
    unexplained: float
    met: float
    constants: int = 0
    logs: bool = False


def find_identities(judged: Judged, skip: frozenset[int]) -> list[Suspicion]:
    """Two or three numeric columns whose sum, difference, product or ratio is the target.

    An identity is exact when it explains all but 1e-4 of the variance on unseen rows and meets nearly every
    one of them. A sum with weights of plus or minus one may also leave a remainder of a few constants (a
    total that adds one of some fixed fees). What is left out is as little as possible: every part of a
    whole, since each is known only with the target; else the column that contains the target; else the
    strongest one.

    Parameters
    ----------
    judged : Judged
        Of a numeric target.
    skip : frozenset of int
        Positions that are left out already.
    """
    positions = _candidates(judged, skip)
    if len(positions) < 2 or judged.sample.size < _FEWEST_ROWS:
        return []
    found: list[Suspicion] = []
    gone: set[int] = set()
    for _ in range(3):  # a total in two currencies is two identities
        left = [i for i in positions if i not in gone]
        suspicion = _first(judged, left) if len(left) > 1 else None
        if suspicion is None:
            break
        found.append(suspicion)
        gone.update(suspicion.exclude)
    return found


def _candidates(judged: Judged, skip: frozenset[int]) -> list[int]:
    """Numeric columns, mostly known; of very many those that go with the target at all."""
    numeric = [i for i in judged.numeric if i not in skip]
    if len(numeric) > _MOST_COLUMNS:
        numeric = sorted(sorted(numeric, key=lambda i: -float(judged.scores[i]))[:_MOST_COLUMNS])
    if not numeric:
        return []
    values = judged.numbers(numeric)
    known = ~np.isnan(values)
    varied = np.array([len(np.unique(row[:1000][np.isfinite(row[:1000])])) > 2 for row in values])
    return [i for i, good in zip(numeric, varied & (known.mean(axis=1) >= 0.8)) if good]


def _first(judged: Judged, positions: list[int]) -> Suspicion | None:
    values, target = judged.numbers(positions), judged.sample.target
    order = np.arange(judged.sample.size)
    half = judged.sample.half
    learn, judge = order[half == 0][: judged.searched // 2], order[half == 1][: judged.searched]
    plain = _Rows(values, target, learn, judge, False)
    candidates = list(_linear(plain))
    for columns in candidates:
        identity = _exact(plain, columns)
        if identity:
            return _suspicion(judged, positions, identity)
    near = [found for columns in candidates if (found := _with_constants(plain, columns))]
    if near:
        return _suspicion(judged, positions, min(near, key=lambda found: found[0])[1])
    logs = _logarithms(plain)
    if logs is not None:
        for columns in _linear(logs):
            identity = _exact(logs, columns)
            if identity and _simple_powers(identity):
                return _suspicion(judged, positions, identity)
    return _product(judged, positions, plain)


def _standard(matrix: FloatArray) -> FloatArray:
    """Rows with mean 0 and length 1; missing values become the mean."""
    known = ~np.isnan(matrix)
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    filled = np.where(known, matrix, 0.0)
    centred = np.where(known, filled - filled.sum(axis=1, keepdims=True) / counts, 0.0)
    scale = np.abs(centred).max(axis=1, keepdims=True)
    centred /= np.where(scale > 0, scale, 1.0)  # squares of huge values would overflow
    length = np.sqrt(np.square(centred).sum(axis=1, keepdims=True))
    return np.asarray(centred / np.where(length > 0, length, 1.0))


def _linear(rows: _Rows) -> Iterator[tuple[int, ...]]:
    """Sets of columns that might explain the target exactly: the best single, pairs, then triples."""
    matrix = _standard(rows.values[:, rows.learn])
    target = _standard(rows.target[None, rows.learn])[0]
    own = matrix @ target
    between = matrix @ matrix.T
    if not rows.logs:
        yield from ((int(i),) for i in np.argsort(-np.abs(own))[:5])
    first, second = np.triu_indices(len(matrix), 1)
    r = between[first, second]
    left = 1 - np.square(r)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = (own[first] ** 2 + own[second] ** 2 - 2 * own[first] * own[second] * r) / left
    explained[left < 1e-9] = -1.0
    pairs = [(int(first[i]), int(second[i])) for i in np.argsort(-explained)[:_PAIRS_TRIED]]
    yield from pairs
    for pair in pairs:
        basis = np.linalg.qr(matrix[list(pair)].T)[0]
        rest = target - basis @ (basis.T @ target)
        columns = matrix - (matrix @ basis) @ basis.T
        length = np.square(columns).sum(axis=1)
        gain = np.square(columns @ rest) / np.where(length > 1e-9, length, np.inf)
        for third in np.argsort(-gain)[:2]:
            if int(third) not in pair and length[third] > 1e-9:
                yield tuple(sorted((*pair, int(third))))


def _complete(rows: _Rows, columns: tuple[int, ...], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    known = ~np.isnan(rows.values[list(columns)][:, chosen]).any(axis=0) & ~np.isnan(rows.target[chosen])
    return chosen[known] if known.mean() >= 0.5 else chosen[:0]


def _exact(rows: _Rows, columns: tuple[int, ...]) -> _Identity | None:
    """The columns' least squares identity, if it holds on unseen rows."""
    learn, judge = _complete(rows, columns, rows.learn), _complete(rows, columns, rows.judge)
    if min(len(learn), len(judge)) < _FEWEST_ROWS // 2:
        return None
    design, target = rows.values[list(columns)][:, learn], rows.target[learn]
    fitted = _least_squares(design, target)
    if fitted is None:
        return None
    off = np.abs(target - fitted[0] @ design - fitted[1])
    fitted = _least_squares(*(part[..., off <= np.quantile(off, 0.99)] for part in (design, target)))
    if fitted is None:
        return None
    guess = fitted[0] @ rows.values[list(columns)][:, judge] + fitted[1]
    return _verified(rows, columns, *fitted, guess, judge)


def _least_squares(design: FloatArray, target: FloatArray) -> tuple[FloatArray, float] | None:
    """Weights and intercept, or None if a column does not vary. Called again without the rows met worst."""
    middle, scale = design.mean(axis=1, keepdims=True), design.std(axis=1, keepdims=True)
    if not (scale > 0).all() or not np.isfinite(scale).all():
        return None
    weights = np.linalg.lstsq(((design - middle) / scale).T, target - target.mean(), rcond=None)[0]
    weights = weights / scale[:, 0]
    return weights, float(target.mean() - weights @ middle[:, 0])


def _verified(
    rows: _Rows,
    columns: tuple[int, ...],
    weights: FloatArray,
    intercept: float,
    guess: FloatArray,
    judge: NDArray[np.int64],
) -> _Identity | None:
    """The identity, if its guess on unseen rows is exact, and not only for a few huge values."""
    target = rows.target[judge]
    if rows.logs:
        guess, target = np.exp(np.minimum(guess, 700.0)), np.exp(target)
    left = unexplained(target - guess, target - target.mean())
    low, high = np.quantile(target, [0.25, 0.75])
    near = _NEAR * (high - low if high > low else target.std())
    met = float((np.abs(target - guess) <= near).mean())
    if left > _MOST_UNEXPLAINED or met < _SHARE_NEAR:
        return None
    return _Identity(columns, weights, intercept, left, met, 0, rows.logs)


def _spread(values: FloatArray) -> float:
    """Effective number of values: two to the power of their entropy in bits."""
    shares = np.unique(values, return_counts=True)[1] / max(len(values), 1)
    return float(2 ** -(shares * np.log2(shares)).sum())


def _with_constants(rows: _Rows, columns: tuple[int, ...]) -> tuple[float, _Identity] | None:
    """Target minus columns with weights of plus or minus one, if only a few constants remain.

    The target takes several times as many values as what remains, the remainders of one half of the rows
    are those of the other, and they are few on the finest grid that a column has: cents that cancel to a
    handful of fees are arithmetic, whole numbers that differ by a few are not.

    Returns
    -------
    (float, _Identity) or None
        The effective number of remainders comes first: the fewer, the better.
    """
    learn, judge = _complete(rows, columns, rows.learn), _complete(rows, columns, rows.judge)
    if min(len(learn), len(judge)) < _FEWEST_ROWS * 2:
        return None
    design, target = rows.values[list(columns)][:, learn], rows.target[learn]
    centred = design - design.mean(axis=1, keepdims=True)
    fitted = np.linalg.lstsq(centred.T, target - target.mean(), rcond=None)[0]
    weights = np.sign(fitted)
    grain = float(target.std()) * 1e-6
    if not weights.all() or (np.abs(fitted - weights) > _NEARLY_ONE).any() or not grain > 0:
        return None
    unseen_design, unseen_target = rows.values[list(columns)][:, judge], rows.target[judge]
    known, unseen = (
        np.round((values - weights @ part) / grain)
        for values, part in ((target, design), (unseen_target, unseen_design))
    )
    left = float(np.square((unseen - unseen.mean()) * grain).mean()) / float(unseen_target.var() or np.inf)
    values, remainders = _spread(np.round(target / grain)), max(_spread(known), _spread(unseen))
    same = float(np.isin(unseen, np.unique(known)).mean())
    low, high = np.quantile(known, [0.005, 0.995])
    common = np.unique(known[(known >= low) & (known <= high)])
    step = min(_step(np.round(row / grain)) for row in [*design, target])
    sparse = len(common) * step <= _SHARE_OF_GRID * (high - low) or len(common) == 1
    if left > _MOST_LEFT or values < _FEWEST_VALUES or remainders * _FEWER > values:
        return None
    if same < _SHARE_CONSTANTS or not sparse:
        return None
    middle = float(known.mean() * grain)
    return remainders, _Identity(columns, weights, middle, left, same, len(np.unique(known)))


def _step(values: FloatArray) -> float:
    """The finest step between values that occur, but for a few."""
    gaps = np.diff(np.unique(values))
    return float(np.quantile(gaps, 0.05)) if len(gaps) else 1.0


def _logarithms(rows: _Rows) -> _Rows | None:
    """The same search over logarithms, if target and columns are positive."""
    if float((rows.target > 0).mean()) < 0.95:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(np.where(rows.values > 0, rows.values, np.nan))
        target = np.log(np.where(rows.target > 0, rows.target, np.nan))
    values[np.isnan(values).mean(axis=1) > 0.1] = np.nan
    known = ~np.isnan(target)
    learn, judge = (part[known[part]] for part in (rows.learn, rows.judge))
    return _Rows(values, target, learn, judge, True)


def _simple_powers(identity: _Identity) -> bool:
    """Whether the exponents are whole or half numbers other than 0: a formula, not a fit."""
    twice = 2 * identity.weights
    return bool((np.abs(twice - np.round(twice)) < 0.02).all() and (np.abs(np.round(twice)) >= 1).all())


def _product(judged: Judged, positions: list[int], rows: _Rows) -> Suspicion | None:
    """Products and quotients of two columns of any sign, with any offset."""
    order = np.argsort(-judged.scores[positions], kind="stable")[:_MOST_MULTIPLIED]
    chosen = sorted(int(i) for i in order)
    values = rows.values[chosen]
    target = _standard(rows.target[None, rows.learn])[0]
    found: list[tuple[float, int, int, bool]] = []
    for i, mine in enumerate(values[:, rows.learn]):
        others = values[:, rows.learn]
        with np.errstate(all="ignore"):
            made = np.concatenate([mine * others, mine / others])
        made[~np.isfinite(made)] = np.nan
        fit = np.abs(_standard(made) @ target)
        hits = [int(hit) for hit in np.flatnonzero(fit > 0.999)]
        found += [(-float(fit[hit]), i, hit % len(chosen), hit >= len(chosen)) for hit in hits]
    for _, i, j, divided in sorted(found)[:_PAIRS_TRIED]:
        if i == j:
            continue
        with np.errstate(all="ignore"):
            made = values[i] / values[j] if divided else values[i] * values[j]
        made = np.where(np.isfinite(made), made, np.nan)
        alone = _Rows(made[None], rows.target, rows.learn, rows.judge, False)
        exact = _exact(alone, (0,))
        if exact:
            weights = np.array([1.0, -1.0 if divided else 1.0])
            pair = (chosen[i], chosen[j])
            product = _Identity(pair, weights, exact.intercept, exact.unexplained, exact.met, 0, True)
            return _suspicion(judged, positions, product)
    return None


def _suspicion(judged: Judged, positions: list[int], identity: _Identity) -> Suspicion:
    members = tuple(positions[i] for i in identity.columns)
    exclude, why = _least(judged, members, identity)
    formula = _formula(judged, members, identity)
    remainder = f", up to one of {identity.constants} constants," if identity.constants > 1 else ""
    return Suspicion(
        kind="identity",
        members=members,
        exclude=exclude,
        what=f"{formula}{remainder} in {identity.met:.1%} of the rows that were looked at.",
        why=why,
        evidence={
            "formula": formula,
            "r2": round(1 - identity.unexplained, 6),
            "constants": identity.constants,
            "examples": example_rows(judged, members),
        },
    )


def _formula(judged: Judged, members: tuple[int, ...], identity: _Identity) -> str:
    names = [repr(judged.columns[i].name) for i in members]
    text = ""
    for name, weight in sorted(zip(names, identity.weights), key=lambda part: part[1] < 0):
        size = abs(float(weight))
        if identity.logs:
            sign = (" * " if text else "") if weight > 0 else (" / " if text else "1 / ")
            power = round(2 * size) / 2
            text += f"{sign}{name}" + ("" if power == 1 else f"^{power:g}")
        else:
            sign = (" + " if text else "") if weight > 0 else (" - " if text else "-")
            text += f"{sign}{name}" if abs(size - 1) < 0.005 else f"{sign}{size:.4g} * {name}"
    return f"{judged.target!r} {'goes with' if identity.logs else '='} {text}"


def _least(judged: Judged, members: tuple[int, ...], identity: _Identity) -> tuple[tuple[int, ...], str]:
    """Which columns to leave out, and why these."""
    values, target = judged.numbers(members), judged.sample.target
    strongest = max(members, key=lambda i: float(judged.scores[i]))
    name = repr(judged.columns[strongest].name)
    if len(members) == 1:
        return members, ""
    if identity.logs:
        return (strongest,), f"{name} says most about the target; without it the formula gives nothing away."
    units = bool((np.abs(np.abs(identity.weights) - 1) < 0.02).all())
    positive = identity.weights > 0
    with np.errstate(invalid="ignore"):
        inside = ((values >= 0) & (values <= target)) | np.isnan(values)
    if units and positive.all() and float(inside.mean()) > 0.99:
        return members, "Each is a part of the target, known only together with it."
    if units and int(positive.sum()) == 1:
        whole = members[int(np.flatnonzero(positive)[0])]
        return (whole,), f"{judged.columns[whole].name!r} contains the target; the others alone do not."
    spreads = np.abs(identity.weights) * np.nanstd(values, axis=1)
    largest = members[int(spreads.argmax())]
    return (largest,), f"{judged.columns[largest].name!r} has the largest part in it."

"""The contract of encoders that see the target, as checks that try to make them leak.

Use `check_target_encoder` for a verdict in one call, or `TARGET_ENCODER_CHECKS` for one test a check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.features import TargetEncoder
from modelwright.testing.violation import demand, global_random_state, naming

__all__ = ["TARGET_ENCODER_CHECKS", "check_target_encoder"]

ROWS = 3_000
TRAINING = 2_000


@dataclass(frozen=True, eq=False)
class EncodingCase:
    """A view with two categorical columns, and a target for a task.

    The first column has 400 levels, five training rows each; the second has six levels. With a signal,
    both say something about the target; without, none does.
    """

    view: View
    target: NDArray[Any]
    problem: Problem
    numbers: NDArray[np.float64]

    @classmethod
    def of(cls, task: Task, signal: float, seed: int = 0) -> EncodingCase:
        """Random codes and a target that depends on them as strongly as ``signal`` says."""
        random = np.random.default_rng(seed)
        codes = np.stack([random.integers(1, 401, ROWS), random.integers(1, 7, ROWS)], axis=1)
        effects = [random.normal(size=401), random.normal(size=7)]
        numbers = signal * (effects[0][codes[:, 0]] + effects[1][codes[:, 1]]) + random.normal(size=ROWS)
        labels: tuple[Any, ...] = ()
        target: NDArray[Any] = numbers
        if task is Task.BINARY:
            target, labels = (numbers > 0).astype(np.int64), ("no", "yes")
        elif task is Task.MULTICLASS:
            target, labels = np.digitize(numbers, [-0.7, 0.7]).astype(np.int64), ("a", "b", "c")
        metric = "rmse" if task is Task.REGRESSION else "log_loss"
        info = ViewInfo(
            (), (FeatureInfo("many", "many", "codes", 401), FeatureInfo("few", "few", "codes", 7))
        )
        view = View(np.zeros((ROWS, 0), np.float32), codes.astype(np.int32), info)
        return cls(view, target, Problem.of("y").resolved(task, metric, labels), numbers)


def _cases(signal: float) -> Iterator[EncodingCase]:
    for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION):
        yield EncodingCase.of(task, signal)


Encoder = type[TargetEncoder]
_TRAIN = np.arange(TRAINING)
_VALID = np.arange(TRAINING, ROWS)


def check_target_encoder(encoder: Encoder) -> None:
    """Put an encoder with the methods of `TargetEncoder` to every check.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> check_target_encoder(TargetEncoder)
    """
    for name, check in TARGET_ENCODER_CHECKS.items():
        with naming(f"encoder {encoder.__name__!r}", name):
            check(encoder)


def _fitted(encoder: Encoder, case: EncodingCase, target: NDArray[Any] | None = None) -> tuple[Any, Any]:
    used = case.target if target is None else target
    return encoder.fit_transform(case.view, _TRAIN, used, case.problem, seed=3)


def _strength(matrix: NDArray[np.float32], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absolute correlation of each column with the numbers behind the target."""
    centred = matrix.astype(np.float64) - matrix.mean(axis=0)
    other = numbers - numbers.mean()
    length = np.sqrt((centred**2).sum(axis=0) * (other**2).sum())
    return np.asarray(np.abs(centred.T @ other) / np.where(length > 1e-9, length, np.inf))


def check_shapes(encoder: Encoder) -> None:
    """Training and other rows get the same finite columns, each with a name and a source."""
    for case in _cases(1.0):
        fitted, train = _fitted(encoder, case)
        other = fitted.transform(case.view, _VALID)
        demand(train.shape == (TRAINING, fitted.width), f"training rows become {train.shape}")
        demand(other.shape == (len(_VALID), fitted.width), f"other rows become {other.shape}")
        demand(train.dtype == other.dtype == np.float32, "it does not give float32")
        demand(bool(np.isfinite(train).all() and np.isfinite(other).all()), "it gives numbers that are none")
        columns = fitted.columns(case.view.info)
        names = {column.name for column in columns}
        demand(len(names) == len(columns) == fitted.width, "its columns do not have names of their own")
        demand({column.source for column in columns} == {"many", "few"}, "its columns have other sources")


def check_finds_signal(encoder: Encoder) -> None:
    """Where levels say something of the target, other rows show it."""
    for case in _cases(1.0):
        fitted, _ = _fitted(encoder, case)
        strength = _strength(fitted.transform(case.view, _VALID), case.numbers[_VALID])
        demand(float(strength.max()) > 0.3, f"the best column has a correlation of {strength.max():.2f}")


def check_noise_stays_noise(encoder: Encoder) -> None:
    """A column of 400 levels that means nothing must not look as if it did, to the training rows least."""
    for case in _cases(0.0):
        _, train = _fitted(encoder, case)
        strength = float(_strength(train, case.numbers[_TRAIN]).max())
        bound = 4.5 / np.sqrt(TRAINING)
        demand(strength < bound, f"noise has a correlation of {strength:.2f} with the training targets")


def check_training_rows_promise_no_more(encoder: Encoder) -> None:
    """A column is no better on the training rows than on rows that it has never seen."""
    for case in _cases(0.5):
        fitted, train = _fitted(encoder, case)
        seen = _strength(train, case.numbers[_TRAIN])
        unseen = _strength(fitted.transform(case.view, _VALID), case.numbers[_VALID])
        gap = float((seen - unseen).max())
        demand(gap < 0.12, f"a column is better by {gap:.2f} (correlation) on the rows that it was fitted on")


def check_own_target_is_not_used(encoder: Encoder) -> None:
    """The value of a training row stays what it is when its own target changes; of others some change."""
    for case in _cases(1.0):
        _, before = _fitted(encoder, case)
        changed = False
        for row in (0, 7, 1_234):
            target = case.target.copy()
            target[row] = (target[row] + 1) % len(case.problem.classes) if case.problem.classes else 9.5
            _, after = _fitted(encoder, case, target)
            own = np.allclose(after[row], before[row], rtol=1e-5, atol=1e-6)
            demand(own, f"the value of training row {row} depends on its own target")
            changed = changed or not np.allclose(after, before, rtol=1e-5, atol=1e-6)
        demand(changed, "no target changes any value: it does not look at the target")


def check_other_targets_do_not_matter(encoder: Encoder) -> None:
    """Targets of rows that are not training rows change nothing at all, nor does the order of those rows."""
    for case in _cases(1.0):
        fitted, train = _fitted(encoder, case)
        target = case.target.copy()
        target[_VALID] = target[_VALID][::-1]
        other, again = _fitted(encoder, case, target)
        demand(bool(np.array_equal(train, again)), "targets of other rows change the training rows' values")
        same = all(np.array_equal(array, other.arrays()[name]) for name, array in fitted.arrays().items())
        demand(same, "targets of other rows change the state")


def check_rows_are_independent(encoder: Encoder) -> None:
    """What is written for a row depends on that row alone; codes never seen count as code 0."""
    for case in _cases(1.0):
        fitted, _ = _fitted(encoder, case)
        whole = fitted.transform(case.view)
        part = fitted.transform(case.view, np.array([2_500, 3]))
        demand(bool(np.array_equal(part, whole[[2_500, 3]])), "a row alone becomes something else")
        codes = np.array([[0, 0], [9_999, -1]], np.int32)
        strange = fitted.transform(View(np.zeros((2, 0), np.float32), codes, case.view.info))
        demand(bool(np.array_equal(strange[0], strange[1])), "codes out of range differ from code 0")
        few = [column.source == "few" for column in fitted.columns(case.view.info)]
        demand(bool((strange[:, few] == 0).all()), "a level that no training row has does not become 0")


def check_repeats(encoder: Encoder) -> None:
    """Equal fits are equal, `fit` gives the same encoder, and the state survives."""
    random = global_random_state()
    for case in _cases(1.0):
        fitted, train = _fitted(encoder, case)
        demand(bool(np.array_equal(train, _fitted(encoder, case)[1])), "two equal fits differ")
        plain = encoder.fit(case.view, _TRAIN, case.target, case.problem)
        again = encoder.from_arrays(fitted.arrays())
        whole = fitted.transform(case.view)
        demand(bool(np.array_equal(plain.transform(case.view), whole)), "fit gives another encoder")
        demand(bool(np.array_equal(again.transform(case.view), whole)), "its state does not survive")
        for name, array in fitted.arrays().items():
            for damaged in (
                array[:-1],
                array.astype(np.complex128),
                np.full(len(array) + 1, -7, array.dtype),
            ):
                try:
                    encoder.from_arrays({**fitted.arrays(), name: damaged})
                except BundleError:
                    continue
                except Exception as error:
                    demand(False, f"a damaged {name!r} raises {type(error).__name__}: {error}")
    demand(bool(np.array_equal(random, global_random_state())), "it uses numpy's global random state")


TARGET_ENCODER_CHECKS: Mapping[str, Callable[[Encoder], None]] = {
    "shapes": check_shapes,
    "finds_signal": check_finds_signal,
    "noise_stays_noise": check_noise_stays_noise,
    "training_rows_promise_no_more": check_training_rows_promise_no_more,
    "own_target_is_not_used": check_own_target_is_not_used,
    "other_targets_do_not_matter": check_other_targets_do_not_matter,
    "rows_are_independent": check_rows_are_independent,
    "repeats": check_repeats,
}
"""Name to check; each takes a class with the methods of `TargetEncoder` and raises `ContractViolation`."""

"""The tasks of the study: data sets of a folder, scikit-learn's bundled ones, and made ones.

Nothing is fetched. A made table is a pure function of its number, and varies what decides between learners:
rows (200 to 50,000), numbers and categories, cardinality, missing values, noise, skewness, imbalance,
classes, and what the target depends on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

KINDS = ("binary", "multiclass", "regression")
LEFT_OUT = ("drop", "id_columns", "leak_columns")
TARGET = "target"


@dataclass(frozen=True)
class StudyTask:
    """A table to learn from, and what is asked of it."""

    name: str
    origin: str  # "folder", "scikit-learn" or "made"
    kind: str
    target: str
    rows: int
    columns: int
    load: Callable[[], pd.DataFrame]


def all_tasks(folder: Path, made: int) -> list[StudyTask]:
    """Every task, without its data."""
    return [*of_folder(folder), *of_sklearn(), *(made_task(number) for number in range(made))]


def of_folder(folder: Path) -> Iterator[StudyTask]:
    """The tables that a ``manifest.json`` lists, without their ids and leaks."""
    for entry in json.loads((folder / "manifest.json").read_text()):

        def load(entry: dict[str, Any] = entry) -> pd.DataFrame:
            frame = pd.read_csv(folder / entry["file"], low_memory=False)
            drop = {name for field in LEFT_OUT for name in entry.get(field) or () if name in frame}
            frame = frame.drop(columns=sorted(drop))
            return frame[frame[entry["target"]].notna()]

        sizes = entry["rows"], entry["columns"] - 1
        yield StudyTask(entry["name"], "folder", entry["task"], entry["target"], *sizes, load)


def of_sklearn() -> Iterator[StudyTask]:
    """The five tables that scikit-learn brings along."""
    for name in ("iris", "wine", "breast_cancer", "diabetes", "digits"):
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = bunch.data.assign(target=bunch.target)
        classes = 0 if name == "diabetes" else frame[TARGET].nunique()
        kind = "regression" if not classes else KINDS[classes > 2]
        yield StudyTask(name, "scikit-learn", kind, TARGET, *bunch.data.shape, lambda frame=frame: frame)


@dataclass(frozen=True)
class Recipe:
    """What a made table is like."""

    kind: str
    rows: int
    numeric: int
    levels: tuple[int, ...]  # of each categorical column
    effects: int
    noise: float  # standard deviation, in those of the signal
    missing: float
    rarest: float  # share of the rarest class
    classes: int
    skewed: bool


def recipe(number: int) -> tuple[Recipe, np.random.Generator]:
    """What the table of a number is like, and the generator that draws the rest of it."""
    rng = np.random.default_rng([20_26, number])
    return (
        Recipe(
            kind=KINDS[number % 3],
            rows=round(10 ** rng.uniform(2.3, 4.7)),
            numeric=int(rng.integers(2, 25)),
            levels=tuple(round(10 ** rng.uniform(0.4, 2.4)) for _ in range(max(0, rng.integers(-4, 8)))),
            effects=int(rng.integers(3, 13)),
            noise=float(10 ** rng.uniform(-1.2, 0.3)),
            missing=float(rng.choice([0.0, 0.0, 0.05, 0.2])),
            rarest=float(rng.uniform(0.05, 0.5)),
            classes=int(rng.integers(3, 9)),
            skewed=bool(rng.random() < 0.3),
        ),
        rng,
    )


def made_task(number: int) -> StudyTask:
    """The made table of a number."""
    made, _ = recipe(number)
    columns = made.numeric + len(made.levels)
    return StudyTask(
        f"made-{number:02}", "made", made.kind, TARGET, made.rows, columns, lambda: made_frame(number)
    )


def made_frame(number: int) -> pd.DataFrame:
    """Draw a made table: correlated, partly skewed numbers, categories of uneven levels, and a target."""
    made, rng = recipe(number)
    factors = rng.normal(size=(made.rows, 3))
    numbers = factors @ rng.normal(size=(3, made.numeric)) + rng.normal(size=(made.rows, made.numeric)) * 1.5
    numbers /= numbers.std(axis=0)
    codes = np.column_stack(
        [np.zeros((made.rows, 0), int)] + [_levels(rng, made.rows, count) for count in made.levels]
    )
    target = _target(made, rng, numbers, codes)
    shown = np.where(rng.random(made.numeric) < 0.3, np.exp(numbers), numbers)
    frame = pd.DataFrame({f"n{place}": shown[:, place] for place in range(made.numeric)}).round(4)
    for place in range(len(made.levels)):
        frame[f"c{place}"] = np.char.add("level_", codes[:, place].astype(str))
    if made.missing:
        frame = frame.mask(rng.random(frame.shape) < made.missing * rng.random(frame.shape[1]) * 2)
    return frame.assign(**{TARGET: target})


def _levels(rng: np.random.Generator, rows: int, count: int) -> np.ndarray:
    """Codes of levels whose frequencies fall off as those of words do."""
    shares = 1 / np.arange(1, count + 1) ** rng.uniform(0, 1.2)
    return rng.choice(count, rows, p=shares / shares.sum())


def _signal(made: Recipe, rng: np.random.Generator, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """A sum of effects: straight, by steps, of two columns together, periodic, of groups."""
    total = np.zeros(made.rows)
    for _ in range(made.effects):
        first, second = numbers[:, rng.integers(made.numeric, size=2)].T
        kinds = ["linear", "threshold", "interaction", "periodic"] + ["group"] * 2 * bool(made.levels)
        match rng.choice(kinds):
            case "linear":
                effect = first
            case "threshold":
                effect = np.digitize(first, np.sort(rng.normal(size=2))) * 1.0
            case "interaction":
                effect = first * second if rng.random() < 0.5 else (first > 0) ^ (second > 0)
            case "periodic":
                effect = np.sin(rng.uniform(1, 6) * first)
            case _:
                column = rng.integers(len(made.levels))
                effect = rng.normal(size=made.levels[column])[codes[:, column]]
                if rng.random() < 0.3:
                    effect = effect * first
        effect = np.asarray(effect, float)
        total += rng.lognormal(0, 0.5) * (effect - effect.mean()) / (effect.std() + 1e-9)
    return total / (total.std() + 1e-9)


def _target(made: Recipe, rng: np.random.Generator, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Values, or the class whose noisy signal is largest."""
    if made.kind != "multiclass":
        value = _signal(made, rng, numbers, codes) + made.noise * rng.normal(size=made.rows)
        if made.kind == "binary":
            return np.where(value > np.quantile(value, 1 - made.rarest), "yes", "no")
        return (np.exp(value) if made.skewed else value).round(5)
    signals = np.column_stack([_signal(made, rng, numbers, codes) for _ in range(made.classes)])
    signals += made.noise * rng.normal(size=signals.shape) + np.linspace(0, made.rarest, made.classes)
    return np.char.add("class_", signals.argmax(axis=1).astype(str))

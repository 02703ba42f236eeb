"""Tables that make training fail, run late or mislead: made up here, each judged on fresh rows.

usage: hard_cases.py RESULTS.csv [--time 20] [--threads 1] [--memory 4GB] [--only a,b]

Each case is trained by the command line as a user would. Its error on fresh rows (1 - AUC, log loss, RMSE)
stands next to that of a constant and of two plain models on one-hot columns: LightGBM's defaults and a
logistic or ridge regression. Wall time is that of the whole process, memory the peak summed PSS of its tree.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from process_tree import PeakMemory

import modelwright as mw

TARGET = "y"


@dataclass(frozen=True)
class Case:
    """A table of so many rows to learn from, and fresh rows of the same kind."""

    task: str
    rows: int
    fresh: int
    make: Callable[[np.random.Generator, int], pl.DataFrame]
    spoil: Callable[[np.random.Generator, pl.DataFrame], pl.DataFrame] | None = None
    """What is done to the rows to learn from only: copies, wrong labels."""


def numbers(rng: np.random.Generator, rows: int, columns: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    return x, {f"x{i}": x[:, i] for i in range(columns)}


def signal(x: np.ndarray) -> np.ndarray:
    """A smooth non-linear function of the first six columns, about of unit spread."""
    return np.asarray(
        0.6 * x[:, 0]
        - 0.5 * x[:, 1]
        + 0.5 * x[:, 2] * x[:, 3]
        + 0.5 * np.sin(2 * x[:, 4])
        + 0.3 * np.abs(x[:, 5])
    )


def binary(columns: int, shift: float = 0.0, sharpness: float = 2.0) -> Callable[..., pl.DataFrame]:
    def make(rng: np.random.Generator, rows: int) -> pl.DataFrame:
        x, named = numbers(rng, rows, columns)
        chance = 1 / (1 + np.exp(-(sharpness * signal(x) + shift)))
        return pl.DataFrame({**named, TARGET: np.where(rng.random(rows) < chance, "yes", "no")})

    return make


def values(
    columns: int, of: Callable[[np.random.Generator, np.ndarray], np.ndarray]
) -> Callable[..., pl.DataFrame]:
    def make(rng: np.random.Generator, rows: int) -> pl.DataFrame:
        x, named = numbers(rng, rows, columns)
        return pl.DataFrame({**named, TARGET: of(rng, signal(x) + 0.3 * rng.normal(size=rows))})

    return make


def classes(count: int, weights: np.ndarray | None = None) -> Callable[..., pl.DataFrame]:
    centres = np.random.default_rng(count).normal(size=(count, 16))

    def make(rng: np.random.Generator, rows: int) -> pl.DataFrame:
        code = rng.choice(count, rows, p=weights)
        x = centres[code] + 1.2 * rng.normal(size=(rows, 16))
        return pl.DataFrame(
            {**{f"x{i}": x[:, i] for i in range(16)}, TARGET: [f"class {c:02d}" for c in code]}
        )

    return make


def small(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    x, named = numbers(rng, rows, 6)
    level = rng.integers(0, 4, rows)
    chance = 1 / (1 + np.exp(-2 * (signal(x) + (level == 1) - (level == 2))))
    columns = {
        **named,
        "level": [f"level {c}" for c in level],
        "noise": [f"n{c}" for c in rng.integers(0, 9, rows)],
    }
    return pl.DataFrame({**columns, TARGET: np.where(rng.random(rows) < chance, "yes", "no")})


def wide(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    y = rng.integers(0, 2, rows)
    x = rng.normal(size=(rows, 5_000)).astype(np.float32)
    x[:, :40] += 0.7 * (2 * y[:, None] - 1)
    return pl.DataFrame({**{f"g{i}": x[:, i] for i in range(5_000)}, TARGET: np.where(y == 1, "ill", "well")})


def many_levels(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    effects = np.random.default_rng(7).normal(size=(2, 20_000))
    first, second = (np.minimum(rng.zipf(1.15, rows), 20_000) - 1 for _ in range(2))
    second = rng.integers(0, 20_000, rows)
    x, named = numbers(rng, rows, 6)
    score = 1.2 * effects[0, first] + effects[1, second] + signal(x)
    chance = 1 / (1 + np.exp(-score))
    named = {**named, "city": [f"city {c}" for c in first], "shop": [f"shop-{c}" for c in second]}
    return pl.DataFrame({**named, TARGET: np.where(rng.random(rows) < chance, 1, 0)})


def texts(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    stock = np.random.default_rng(3)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(stock.choice(letters, stock.integers(3, 10))) for _ in range(4_000)])
    code = rng.integers(0, 4, rows)
    frequency = 1 / np.arange(1, 4_001)
    frequency /= frequency.sum()

    def written(length: int) -> list[str]:
        drawn = rng.choice(4_000, (rows, length), p=frequency)
        told = rng.random((rows, length)) < 0.06
        drawn[told] = (
            np.repeat(code, length).reshape(rows, length)[told] * 50 + rng.integers(0, 50, told.sum())
        ) + 300
        return [" ".join(words[row]) for row in drawn]

    return pl.DataFrame(
        {
            "title": written(6),
            "body": written(40),
            "price": rng.gamma(2, 10, rows),
            TARGET: [f"c{c}" for c in code],
        }
    )


def nearly_missing(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    x, _ = numbers(rng, rows, 12)
    chance = 1 / (1 + np.exp(-4 * signal(x)))
    y = np.where(rng.random(rows) < chance, "yes", "no")
    holes = np.where(rng.random(x.shape) < 0.95, np.nan, x)
    frame = pl.DataFrame({f"x{i}": holes[:, i] for i in range(12)}).fill_nan(None)
    return frame.with_columns(pl.Series(TARGET, y))


def wrong_labels(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    wrong = pl.Series(rng.random(frame.height) < 0.2)
    other = pl.when(pl.col(TARGET) == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return frame.with_columns(pl.when(wrong).then(other).otherwise(pl.col(TARGET)).alias(TARGET))


def copies(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame] * 5)[rng.permutation(5 * frame.height)]


def two_of_a_class(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    rare = frame.filter(pl.col(TARGET) == "class 03").head(2)
    return pl.concat([frame.filter(pl.col(TARGET) != "class 03"), rare]).sample(
        fraction=1.0, shuffle=True, seed=1
    )


def outliers(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    return np.exp(1.5 * y) * np.where(rng.random(len(y)) < 0.002, 50.0, 1.0)


CASES: dict[str, Case] = {
    "rows_30": Case("binary", 30, 5_000, small),
    "rows_30_values": Case("regression", 30, 5_000, values(6, lambda rng, y: y)),
    "rows_150": Case("binary", 150, 5_000, small),
    "rows_150_values": Case("regression", 150, 5_000, values(6, lambda rng, y: y)),
    "positives_0.2%": Case("binary", 20_000, 60_000, binary(12, -11.2, 3.0)),
    "positives_12_of_2000": Case("binary", 2_000, 60_000, binary(12, -10.1, 3.0)),
    "classes_30": Case("multiclass", 6_000, 6_000, classes(30)),
    "classes_100": Case("multiclass", 6_000, 6_000, classes(100)),
    "wide_60x5000": Case("binary", 60, 1_000, wide),
    "copies_x5": Case("binary", 300, 10_000, binary(8), copies),
    "copies_x5_values": Case("regression", 300, 10_000, values(8, lambda rng, y: y), copies),
    "labels_20%_wrong": Case("binary", 3_000, 10_000, binary(10, 0, 5.0), wrong_labels),
    "levels_20k": Case("binary", 60_000, 20_000, many_levels),
    "texts": Case("multiclass", 4_000, 4_000, texts),
    "class_of_two_rows": Case(
        "multiclass", 600, 4_000, classes(4, np.array([0.33, 0.33, 0.33, 0.01])), two_of_a_class
    ),
    "heavy_tail": Case("regression", 5_000, 20_000, values(10, outliers)),
    "target_98%_zero": Case(
        "regression", 6_000, 20_000, values(10, lambda rng, y: np.where(y > 2.6, y, 0.0))
    ),
    "target_1e6±0.01": Case("regression", 2_000, 10_000, values(10, lambda rng, y: 1e6 + 0.01 * y)),
    "nearly_missing": Case("binary", 6_000, 10_000, nearly_missing),
    "million_x12": Case("binary", 1_000_000, 100_000, binary(12)),
    "million_x30_values": Case("regression", 1_000_000, 100_000, values(30, lambda rng, y: y)),
}


def error(task: str, labels: list[Any], y: np.ndarray, p: np.ndarray) -> float:
    """1 - ROC AUC of the second class, log loss, or RMSE."""
    from sklearn.metrics import roc_auc_score

    if task == "regression":
        return float(np.sqrt(np.mean((y.astype(float) - p) ** 2)))
    if task == "binary":
        return 1 - float(roc_auc_score(y == labels[1], p[:, 1]))
    place = {label: i for i, label in enumerate(labels)}
    chosen = p[np.arange(len(y)), [place[label] for label in y]]
    return float(-np.log(np.clip(chosen / p.sum(axis=1), 1e-15, 1)).mean())


def constant(task: str, y: np.ndarray, fresh: np.ndarray) -> float:
    if task == "regression":
        return error(task, [], fresh, np.full(len(fresh), y.astype(float).mean()))
    labels, counts = np.unique(y, return_counts=True)
    return error(task, list(labels), fresh, np.tile(counts / counts.sum(), (len(fresh), 1)))


def references(case: Case, train: pl.DataFrame, fresh: pl.DataFrame) -> tuple[float, float]:
    """Errors of LightGBM's defaults and of a linear model, on numbers, ordinal codes and TF-IDF."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows = train.head(200_000) if case.rows > 200_000 else train  # for the linear model
    plain, linear, fresh_plain, fresh_linear, measured = [], [], [], [], []
    for name in train.columns:
        if name == TARGET:
            continue
        if train[name].dtype == pl.String:
            if train[name].str.count_matches(" ").mean() > 3:
                terms = TfidfVectorizer(min_df=2).fit(train[name].to_list())
                linear.append(terms.transform(rows[name].to_list()))
                fresh_linear.append(terms.transform(fresh[name].to_list()))
                continue
            codes = {level: i for i, level in enumerate(train[name].unique().sort())}
            plain.append(train[name].replace_strict(codes, default=-1).to_numpy().astype(float))
            fresh_plain.append(fresh[name].replace_strict(codes, default=-1).to_numpy().astype(float))
            encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=2).fit(rows[[name]].to_numpy())
            linear.append(encoder.transform(rows[[name]].to_numpy()))
            fresh_linear.append(encoder.transform(fresh[[name]].to_numpy()))
            continue
        measured.append(name)
    if measured:
        plain.append(train[measured].cast(pl.Float64).fill_null(np.nan).to_numpy())
        fresh_plain.append(fresh[measured].cast(pl.Float64).fill_null(np.nan).to_numpy())
        scale = StandardScaler().fit(rows[measured].to_numpy())
        linear.append(sparse.csr_matrix(np.nan_to_num(scale.transform(rows[measured].to_numpy()))))
        fresh_linear.append(sparse.csr_matrix(np.nan_to_num(scale.transform(fresh[measured].to_numpy()))))
    y, y_fresh = train[TARGET].to_numpy(), fresh[TARGET].to_numpy()
    results = []
    for model, x, x_fresh, target in (
        (
            (LGBMRegressor if case.task == "regression" else LGBMClassifier)(n_jobs=1, verbose=-1),
            np.column_stack(plain),
            np.column_stack(fresh_plain),
            y,
        ),
        (
            RidgeCV() if case.task == "regression" else LogisticRegression(max_iter=200),
            sparse.hstack(linear).tocsr(),
            sparse.hstack(fresh_linear).tocsr(),
            y[: rows.height],
        ),
    ):
        if isinstance(model, RidgeCV):
            x, x_fresh = x.toarray(), x_fresh.toarray()
        model.fit(x, target)
        p = model.predict(x_fresh) if case.task == "regression" else model.predict_proba(x_fresh)
        results.append(error(case.task, list(getattr(model, "classes_", [])), y_fresh, p))
    return results[0], results[1]


def predicted(case: Case, model: Any, fresh: pl.DataFrame) -> float:
    x, y = fresh.drop(TARGET), fresh[TARGET].to_numpy()
    if case.task == "regression":
        return error(case.task, [], y, np.asarray(model.predict(x), dtype=float))
    p = model.predict_proba(x)
    return error(case.task, list(p.columns), y, p.to_numpy())


def cpu_seconds() -> float:
    """Of processes that were started and have ended; tells what a busy machine withheld."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(name: str, case: Case, options: argparse.Namespace) -> dict[str, object]:
    rng = np.random.default_rng(11)
    train, fresh = case.make(rng, case.rows), case.make(rng, case.fresh)
    train = train if case.spoil is None else case.spoil(rng, train)
    if case.task == "multiclass":
        fresh = fresh.filter(pl.col(TARGET).is_in(train[TARGET].unique().to_list()))
    with tempfile.TemporaryDirectory() as place:
        table, errors = Path(place) / "table.parquet", Path(place) / "errors"
        train.write_parquet(table)
        command = [sys.executable, "-m", "modelwright", "train", str(table), "--target", TARGET, "--json"]
        command += ["--task", case.task, "--time", f"{options.time}s", "--threads", str(options.threads)]
        command += ["--memory", options.memory, "--workspace", str(Path(place) / "workspace")]
        started, spent = time.monotonic(), cpu_seconds()
        with errors.open("w") as handle:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=handle, text=True)
            memory = PeakMemory(process.pid)
            output, _ = process.communicate(timeout=options.time * 4 + 120)
        wall, peak, told = time.monotonic() - started, memory.stop(), errors.read_text()
        row: dict[str, object] = {"case": name, "budget_s": options.time, "exit": process.returncode}
        row |= {"wall_s": round(wall, 1), "cpu_s": round(cpu_seconds() - spent, 1)}
        row["peak_mb"] = round(peak / 2**20)
        answer = json.loads(output) if process.returncode == 0 else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lightgbm, linear = references(case, train, fresh)
            row["error"] = round(predicted(case, mw.load(answer["model"]), fresh), 5) if answer else None
        row |= {"lightgbm": round(lightgbm, 5), "linear": round(linear, 5)}
        row["constant"] = round(constant(case.task, train[TARGET].to_numpy(), fresh[TARGET].to_numpy()), 5)
        row |= {key: answer.get(key) for key in ("score", "interval", "trials", "failed_trials")}
        row["first_model_s"] = round(answer.get("first_model_seconds") or -1, 1)
        row["told"] = told.strip().replace("\n", " | ")[-1500:]
        if answer and options.leaderboard:
            for entry in answer["leaderboard"]:
                print(
                    "   ",
                    {
                        k: entry.get(k)
                        for k in ("label", "score", "folds", "fit_seconds", "weight", "status", "note")
                    },
                )
        return row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--time", type=float, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--only", default="")
    parser.add_argument("--leaderboard", action="store_true", help="print each leaderboard")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name, case in CASES.items():
        if options.only and name not in options.only.split(","):
            continue
        rows.append(measure(name, case, options))
        print({key: value for key, value in rows[-1].items() if key != "told"}, flush=True)
        print("   ", rows[-1]["told"], flush=True)
        with options.results.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()

"""Generated features around a learner: fitted on training rows alone, made again for predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core import (
    BundleError,
    Deadline,
    FeatureInfo,
    FitTask,
    OptionError,
    OutOfTime,
    Problem,
    Shape,
    Task,
    View,
    ViewInfo,
)
from modelwright.ensemble import FoldData, FoldJob, fit_fold, read_fold, split_config, write_fold_data
from modelwright.ensemble.fit_options import FittedWithOptions
from modelwright.ensemble.generated_features import FittedWithFeatures, NothingGenerated, fit_with_features
from modelwright.ensemble.outputs import fit_outputs, load_model
from modelwright.execution.entries import WorkerContext
from modelwright.features import search_seconds
from modelwright.learners import LEARNERS
from modelwright.metrics import problem_metric
from modelwright.validation import make_folds

ROWS = 1_800
REGRESSION = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
BINARY = Problem.of("y").resolved(Task.BINARY, "log_loss", ("no", "yes"))
LABELS = replace(
    Problem.of(["a", "b"]).resolved(Task.MULTILABEL, "log_loss", ()), label_classes=(("no", "yes"),) * 2
)
CONFIG = {"learning_rate": 0.1, "rounds": 60, "num_leaves": 12}


def ratio(rows: int = ROWS) -> tuple[View, np.ndarray]:
    """Three positive numbers, and a target that grows with the quotient of two."""
    random = np.random.default_rng(0)
    numbers = np.exp(random.normal(size=(rows, 3))).astype(np.float32)
    info = ViewInfo(tuple(FeatureInfo(f"x{i}", f"x{i}", "value") for i in range(3)), ())
    target = np.log(numbers[:, 0] / numbers[:, 1]) + 0.2 * random.normal(size=rows)
    return View(numbers, np.zeros((rows, 0), np.int32), info), target.astype(np.float64)


def task(problem: Problem = REGRESSION, **config: Any) -> FitTask:
    view, target = ratio()
    if problem is BINARY:
        target = (target > 0).astype(np.int64)
    if problem is LABELS:
        noise = np.random.default_rng(1).integers(0, 2, ROWS)
        target = np.column_stack([target > 0, noise]).astype(np.int64)
    rows = np.arange(ROWS)
    settings = {**CONFIG, "features": "generated", **config}
    return FitTask(view, target, rows[:1_500], rows[1_500:], problem, config=settings)


def noise(problem: Problem = REGRESSION) -> FitTask:
    fit = task(problem)
    return replace(fit, target=np.random.default_rng(5).permutation(fit.target))


def lightgbm() -> Any:
    return LEARNERS.load("lightgbm")()


@pytest.mark.parametrize("problem", [REGRESSION, BINARY], ids=["regression", "binary"])
def test_a_planted_quotient_makes_better_predictions(problem: Problem) -> None:
    fit = task(problem)
    errors = []
    for features in ("none", "generated"):
        result = fit_outputs(lightgbm(), replace(fit, config={**CONFIG, "features": features}))
        said = result.model.predict(fit.view.take(fit.valid_rows))
        errors.append(problem_metric(problem).error(fit.target[fit.valid_rows], said))
    assert isinstance(result.model, FittedWithFeatures)
    assert result.info["generated_features"] == len(result.model.features.features)
    assert errors[1] < 0.95 * errors[0]


def test_features_without_encodings_are_a_choice_of_their_own() -> None:
    result = fit_outputs(lightgbm(), task(features="untargeted"))
    assert isinstance(result.model, FittedWithFeatures)
    with pytest.raises(OptionError, match="untargeted"):
        split_config({"features": "untargetted"})


def test_only_training_rows_are_looked_at() -> None:
    fit = task()
    numbers, target = fit.view.numeric.copy(), fit.target.copy()
    target[fit.valid_rows] *= -1_000
    numbers[fit.valid_rows] = 1.0
    changed = replace(fit, view=replace(fit.view, numeric=numbers), target=target)
    # rounds are fixed and bins are shared: what is chosen and remembered is compared
    first, second = (fit_outputs(lightgbm(), each).model for each in (fit, changed))
    assert isinstance(first, FittedWithFeatures)
    assert isinstance(second, FittedWithFeatures)
    before, after = first.features.arrays(), second.features.arrays()
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])


@pytest.mark.parametrize("learner", ["lightgbm", "linear"])
def test_the_model_comes_back_with_its_features(tmp_path: Path, learner: str) -> None:
    fit = task(**({} if learner == "lightgbm" else {"target_transform": "quantile"}))
    config = (
        fit.config if learner == "lightgbm" else {"features": "generated", "target_transform": "quantile"}
    )
    model = fit_outputs(LEARNERS.load(learner)(), replace(fit, config=config)).model
    assert isinstance(model, FittedWithFeatures)
    assert isinstance(model.model, FittedWithOptions) == (learner == "linear")
    model.save(tmp_path)
    again = load_model(learner, Task.REGRESSION, tmp_path, 1)
    np.testing.assert_array_equal(again.predict(fit.view).array, model.predict(fit.view).array)
    assert again.predict(fit.view.take(np.arange(0))).array.shape == (0,)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert model.size_bytes == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize("file", ["generated.json", "generated.npz"])
@pytest.mark.parametrize("content", [b"", b"{}", b'{"learner": "nobody"}', b'{"learner": 3}'])
def test_damaged_files_are_refused(tmp_path: Path, file: str, content: bytes) -> None:
    fit_outputs(lightgbm(), task()).model.save(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(BundleError):
        load_model("lightgbm", Task.REGRESSION, tmp_path, 1)


def test_a_worker_searches_once_and_equal_tasks_get_equal_models() -> None:
    fit = task()
    alone = fit_outputs(lightgbm(), fit).model.predict(fit.view).array
    cached = replace(fit, cache_key="view")
    first = fit_outputs(lightgbm(), cached)
    kept = [key for key in cached.cache if key.startswith("generated:")]
    assert len(kept) == 1
    again = fit_outputs(lightgbm(), replace(cached, seed=1))
    assert [key for key in cached.cache if key.startswith("generated:")] == kept
    other = replace(cached, target=-cached.target)
    fit_outputs(lightgbm(), other)
    assert len([key for key in cached.cache if key.startswith("generated:")]) == 2
    np.testing.assert_array_equal(first.model.predict(fit.view).array, alone)
    assert again.info["generated"] == first.info["generated"]


def test_where_nothing_helps_nothing_is_fitted() -> None:
    with pytest.raises(NothingGenerated, match="No generated feature helps"):
        fit_outputs(lightgbm(), noise())
    with pytest.raises(NothingGenerated, match="memory"):
        fit_outputs(lightgbm(), replace(task(), memory_limit=1_000_000))
    with pytest.raises(OutOfTime):
        fit_with_features(lightgbm(), replace(task(), deadline=Deadline.after(0.0)))


def test_outputs_of_which_one_is_noise_share_no_features() -> None:
    model = fit_outputs(lightgbm(), task(LABELS)).model
    assert [isinstance(each, FittedWithFeatures) for each in model.models] == [True, False]


def test_a_first_fold_without_features_says_that_it_repeats_another(tmp_path: Path) -> None:
    fit = noise()
    folds = make_folds(REGRESSION, fit.target, count=3, seed=0)
    write_fold_data(FoldData(REGRESSION, fit.view, fit.target, None, folds, "id"), tmp_path / "data")
    reports = {}
    for fold in (0, 1):
        output = tmp_path / str(fold)
        job = FoldJob(str(tmp_path / "data"), "id", str(output), "lightgbm", fit.config, fold, 0, False)
        reports[fold] = fit_fold(job.to_dict(), WorkerContext(Deadline(None)))
        assert (read_fold(output, job.identity) is None) == (fold == 0)
    assert "No generated feature helps" in reports[0]["repeats"]
    assert "repeats" not in reports[1]


def test_the_name_is_reserved_and_its_values_are_known() -> None:
    assert split_config({"features": "generated", "alpha": 1})[0] == {"alpha": 1}
    with pytest.raises(OptionError, match="generated"):
        split_config({"features": "generatd"})


def test_larger_searches_are_expected_to_take_longer() -> None:
    small = Shape(rows=2_000, numeric=5, categorical=0, levels=0, outputs=1)
    assert search_seconds(small) < search_seconds(replace(small, rows=9_000, numeric=30)) < 10

"""Bundles rewritten by somebody who knows the format: every hash fits, and the parts do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl.bundle import MANIFEST, seal_bundle
from modelwright.automl.execute import _check_disk
from modelwright.core import BadInput, BundleError, SparseBlock, View, ViewInfo
from modelwright.storage import Workspace

_SEALED = ("files", "digest", "format", "format_version")


def rewritten(model: mw.Model, place: Path, name: str, edit: Callable[[Any], object]) -> Path:
    """A copy in which one JSON file was changed, and every hash after it."""
    copy = model.save(place / "copy.mw")
    file = copy / name
    record = json.loads(file.read_bytes())
    edit(record)
    file.write_text(json.dumps(record))
    manifest = json.loads((copy / MANIFEST).read_bytes())
    (copy / MANIFEST).unlink()
    seal_bundle(copy, {key: value for key, value in manifest.items() if key not in _SEALED})
    return copy


def test_a_rewritten_copy_without_a_change_is_a_model(binary: mw.Model, tmp_path: Path) -> None:
    frame = without(table(seed=5, rows=20))
    copy = rewritten(binary, tmp_path, "ensemble.json", lambda record: None)
    assert mw.load(copy).predict(frame).to_list() == binary.predict(frame).to_list()


def column(**changes: Any) -> Callable[[Any], object]:
    return lambda record: record["schema"]["columns"][0].update(changes)


def problem(**changes: Any) -> Callable[[Any], object]:
    return lambda record: record["problem"].update(changes)


def member(**changes: Any) -> Callable[[Any], object]:
    return lambda record: record["members"][0].update(changes)


EDITS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "a column without a name": (MANIFEST, column(name=None)),
    "a column named by a list": (MANIFEST, column(name=["age"])),
    "a column that is not there": (MANIFEST, column(name="other")),
    "a column twice": (MANIFEST, column(name="plan")),
    "parsing that is a list": (MANIFEST, column(parsing=[])),
    "statistics that are text": (MANIFEST, column(statistics="x")),
    "nullable by a number": (MANIFEST, column(nullable=2)),
    "a column that is no feature": (MANIFEST, column(role="id")),
    "a class too many": (MANIFEST, problem(classes=["a", "b", "c"])),
    "no class": (MANIFEST, problem(classes=[])),
    "classes that are lists": (MANIFEST, problem(classes=[["a"], ["b"]])),
    "a class twice": (MANIFEST, problem(classes=["a", "a"])),
    "another task": (MANIFEST, problem(task="regression", classes=[])),
    "no task": (MANIFEST, problem(task="auto")),
    "a target that is a list": (MANIFEST, problem(target=["churn"])),
    "weights that are a number": (MANIFEST, problem(weights=3)),
    "quantiles out of range": (MANIFEST, problem(quantiles=[2.0])),
    "costs without a cost": (MANIFEST, problem(costs=[["yes", "no"]])),
    "directions that cannot be": (MANIFEST, problem(monotonic=[["age", 7]])),
    "an unknown learner": ("ensemble.json", member(learner="nobody")),
    "a learner that is a number": ("ensemble.json", member(learner=3)),
    "a weight without bound": ("ensemble.json", member(weight=1e999)),
    "models that are numbers": ("ensemble.json", member(models=[1])),
    "models elsewhere": ("ensemble.json", member(models=["../elsewhere"])),
}


@pytest.mark.parametrize("edit", EDITS)
def test_parts_that_do_not_belong_together_are_refused(binary: mw.Model, tmp_path: Path, edit: str) -> None:
    copy = rewritten(binary, tmp_path, *EDITS[edit])
    with pytest.raises(BundleError):
        mw.load(copy)


def deep(record: dict[str, Any]) -> None:
    inner: list[Any] = []
    for _ in range(900):
        inner = [inner]
    record["transformers"] = inner


def test_features_that_nest_are_refused(binary: mw.Model, tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        mw.load(rewritten(binary, tmp_path, "features.json", deep))


def test_fewer_features_than_a_model_knows_are_refused(binary: mw.Model, tmp_path: Path) -> None:
    copy = rewritten(binary, tmp_path, "features.json", lambda record: record.update(transformers=[]))
    with pytest.raises(BundleError, match="belong together"):
        mw.load(copy).predict(without(table(seed=5, rows=20)))


@pytest.mark.parametrize("outputs", [3, 9_999, 2**31, 10**30, True, "2"])
def test_a_model_does_not_say_how_much_it_predicts(binary: mw.Model, tmp_path: Path, outputs: object) -> None:
    name = next(iter(sorted((binary.path / "members").rglob("model.json"))))
    copy = rewritten(
        binary,
        tmp_path,
        name.relative_to(binary.path).as_posix(),
        lambda record: record["target"].update(outputs=outputs),
    )
    with pytest.raises(BundleError):
        mw.load(copy).predict(without(table(seed=5, rows=20)))


def test_a_model_of_values_is_no_model_of_classes(binary: mw.Model, tmp_path: Path) -> None:
    values = {"constant": None, "outputs": 0, "present": [], "center": 0.0, "scale": 1.0, "logarithm": False}
    name = next(iter(sorted((binary.path / "members").rglob("model.json"))))
    copy = rewritten(
        binary,
        tmp_path,
        name.relative_to(binary.path).as_posix(),
        lambda record: record.update(target=values),
    )
    with pytest.raises(BundleError):
        mw.load(copy).predict(without(table(seed=5, rows=20)))


def test_a_damaged_leaderboard_is_told_of(binary: mw.Model, tmp_path: Path) -> None:
    copy = rewritten(binary, tmp_path, "leaderboard.json", lambda record: record.update(entries=[{"x": 1}]))
    with pytest.raises(BundleError, match="leaderboard"):
        mw.load(copy).leaderboard()


def test_terms_count_as_disk_that_a_run_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, values = 10, 20 * 2**20
    block = SparseBlock(
        np.broadcast_to(np.float32(1), values),
        np.broadcast_to(np.int32(0), values),
        np.linspace(0, values, rows + 1).astype(np.int64),
        1,
    )
    view = View(np.zeros((rows, 0), np.float32), np.zeros((rows, 0), np.int32), ViewInfo((), ()), None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=200 * 2**20))
    with Workspace.open(tmp_path / "w") as workspace:
        _check_disk(workspace, SimpleNamespace(data=SimpleNamespace(view=view)))
        wide = SimpleNamespace(numeric=view.numeric, categorical=view.categorical, sparse=block)
        with pytest.raises(BadInput, match="free disk"):
            _check_disk(workspace, SimpleNamespace(data=SimpleNamespace(view=wide)))

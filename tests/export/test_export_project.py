"""A model as a project: it runs without Modelwright, says the same, and has in it what it should."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from export_bundles import FEATURES, Part, largest_difference, make_model, run, table

import modelwright as mw
from modelwright.automl.bundle import MANIFEST, seal_bundle
from modelwright.automl.group_decisions import GROUP_THRESHOLDS
from modelwright.core import OptionError, SchemaMismatch, UnknownName
from modelwright.ensemble.calibration import Calibration
from modelwright.ensemble.stacking import Stacker
from modelwright.export import Exported
from modelwright.export.project.contract_file import needed_columns
from modelwright.export.project.made_rows import make_rows
from modelwright.features import FeatureOptions

FRESH = table(rows=150, seed=1).select(FEATURES)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> mw.Model:
    parts = [
        Part("lightgbm", {"rounds": 20}),
        Part("linear", {"class_weights": "balanced", "text": "statistics"}, 2.0),
        Part("extra_trees", {"trees": 20}),
    ]
    last = {"calibration": Calibration(0.8, 0.1), "utility": np.diag([0.3, 0.7])}
    return make_model(tmp_path_factory.mktemp("binary"), "churn", parts, last=last)


@pytest.fixture(scope="module")
def project(model: mw.Model) -> Exported:
    return mw.export(model, to="project", output=model.path.parent / "project")


def test_it_predicts_without_modelwright_what_the_model_predicts(model: mw.Model, project: Exported) -> None:
    assert largest_difference(model, project.path, FRESH) <= 1e-6
    assert project.largest_difference <= 1e-6
    assert project.golden_rows == 200


def test_its_own_test_passes_and_can_fail(project: Exported) -> None:
    done = run(project.path, "tests/test_parity.py")
    assert done.returncode == 0, done.stderr
    golden = project.path / "tests" / "golden.json"
    before = golden.read_text()
    record = json.loads(before)
    record["values"][3][0] += 1e-4
    golden.write_text(json.dumps(record))
    try:
        done = run(project.path, "tests/test_parity.py")
        assert done.returncode != 0
        assert "from what the model said" in done.stderr
    finally:
        golden.write_text(before)


def test_no_file_imports_modelwright_or_names_a_place_of_this_machine(project: Exported) -> None:
    folder = str(project.path.parent).encode()
    for path in project.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert folder not in content, path
            if path.suffix == ".py":
                assert not re.search(rb"^\s*(import|from) modelwright", content, re.MULTILINE), path


def test_requirements_are_exact_and_no_more_than_is_needed(project: Exported) -> None:
    lines = (project.path / "requirements.txt").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines if not line.startswith("#")]
    assert {"numpy", "polars", "lightgbm", "scipy"} <= set(names)
    assert not {"catboost", "xgboost", "torch", "pandas", "modelwright"} & set(names)
    assert all("==" in line for line in lines if not line.startswith("#"))
    assert json.loads((project.path / "contract.json").read_text())["format"] == "modelwright-project"


def test_only_the_learners_that_take_part_are_there(project: Exported) -> None:
    learners = {Path(name).stem for name in project.files if name.startswith("scorer/learners/")}
    assert {"lightgbm", "linear_model", "forest"} <= learners
    assert not {"catboost", "xgboost", "neural_network", "naive_bayes", "linear", "extra_trees"} & learners


def test_no_training_row_is_among_the_golden_rows(model: mw.Model, project: Exported) -> None:
    golden = pl.read_csv(project.path / "tests" / "golden.csv", infer_schema=False)
    rows = set(table().select(golden.columns).rows())
    assert not rows & set(golden.rows())
    assert golden.height == 200


def test_a_bad_table_is_refused_and_a_strange_one_is_told(project: Exported, tmp_path: Path) -> None:
    FRESH.drop("price").write_csv(tmp_path / "bad.csv")
    done = run(project.path, "score.py", str(tmp_path / "bad.csv"), "-o", str(tmp_path / "out.csv"))
    assert done.returncode == 2
    assert "'price'" in done.stderr
    assert not (tmp_path / "out.csv").exists()
    strange = FRESH.with_columns(age=pl.lit("900"))
    strange.write_csv(tmp_path / "strange.csv")
    done = run(project.path, "score.py", str(tmp_path / "strange.csv"), "-o", str(tmp_path / "out.csv"))
    assert done.returncode == 0, done.stderr
    assert "outside of what training saw in 'age'" in done.stderr


def test_frames_are_taken_too(model: mw.Model, project: Exported, tmp_path: Path) -> None:
    FRESH.write_csv(tmp_path / "fresh.csv")
    script = project.path.parent / "ask.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(project.path)!r})\n"
        "import pandas, polars\nfrom score import predict\n"
        f"frame = polars.read_csv({str(tmp_path / 'fresh.csv')!r}, infer_schema=False)\n"
        "one, two = predict(frame, proba=True), predict(frame.to_pandas(), proba=True)\n"
        "assert one.equals(two)\nprint(one['p_yes'].sum())\n"
    )
    done = run(script.parent, script.name)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(model.predict_proba(FRESH)["yes"].sum(), abs=1e-6)


def test_features_are_listed(project: Exported) -> None:
    done = run(project.path, "features.py")
    assert done.returncode == 0, done.stderr
    assert "age: value of age" in done.stdout


def test_training_again_scores_like_a_model(model: mw.Model, project: Exported) -> None:
    done = run(project.path, "train.py", str(model.path.parent / "table.csv"))
    assert done.returncode == 0, done.stderr
    found = re.search(r"accuracy (\d\.\d+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) > 0.7


CASES: dict[str, tuple[Any, list[Part], dict[str, Any]]] = {
    "stacked classes": (
        "level",
        [Part("lightgbm", {"rounds": 10}), Part("linear")],
        {"last": {"stacker": Stacker((0.5, 0.6), (0.1, 0.0, -0.1))}},
    ),
    "values with long tails": (
        "spend",
        [Part("xgboost", {"rounds": 20, "target_transform": "quantile"}), Part("constant")],
        {"task": "regression"},
    ),
    "quantiles with offsets": (
        "spend",
        [Part("lightgbm", {"rounds": 10}), Part("catboost", {"rounds": 10})],
        {"task": "quantile", "last": {"offsets": (-1.0, 0.0, 1.5)}},
    ),
    "labels with thresholds": (
        ["churn", "loud"],
        [Part("lightgbm", {"rounds": 10, "categories": "target"}), Part("linear")],
        {"last": {"utility": np.array([0.3, 0.6])}},
    ),
    "rows of groups": (
        "churn",
        [Part("hist_gradient_boosting", {"rounds": 10})],
        {"options": FeatureOptions(group="shop")},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_task_comes_through(case: str, tmp_path: Path) -> None:
    target, parts, more = CASES[case]
    made = make_model(tmp_path, target, parts, **more)
    done = mw.export(made, output=tmp_path / "project")
    assert largest_difference(made, done.path, FRESH) <= 1e-6


def quotients(rows: int, seed: int = 0) -> pl.DataFrame:
    """A target that grows with the quotient of two numbers, within levels."""
    rng = np.random.default_rng(seed)
    numbers = np.exp(rng.normal(size=(rows, 3)))
    level = rng.integers(0, 6, rows)
    target = np.log(numbers[:, 0] / numbers[:, 1]) + level / 6 + 0.2 * rng.normal(size=rows)
    columns = {f"x{place}": np.round(numbers[:, place], 5) for place in range(3)}
    return pl.DataFrame({**columns, "kind": [f"k{code}" for code in level], "y": target})


def test_generated_features_come_through(tmp_path: Path) -> None:
    config = {"learning_rate": 0.1, "rounds": 40, "num_leaves": 12, "features": "generated"}
    parts = [Part("lightgbm", config), Part("linear")]
    model = make_model(tmp_path, "y", parts, task="regression", rows=quotients(1_800))
    done = mw.export(model, output=tmp_path / "project")
    assert "scorer/features/generated.py" in done.files
    assert largest_difference(model, done.path, quotients(300, seed=1).drop("y")) <= 1e-6


def test_golden_rows_of_the_user(model: mw.Model, tmp_path: Path) -> None:
    FRESH.head(7).with_columns(other=pl.lit("x")).write_csv(tmp_path / "mine.csv")
    done = mw.export(model, output=tmp_path / "project", golden=tmp_path / "mine.csv")
    assert done.golden_rows == 7
    golden = pl.read_csv(tmp_path / "project" / "tests" / "golden.csv", infer_schema=False)
    assert set(golden.columns) == set(FEATURES) & set(golden.columns)
    with pytest.raises(SchemaMismatch):
        mw.export(model, output=tmp_path / "other", golden=FRESH.drop("price"))
    assert not (tmp_path / "other").exists()


def test_what_stands_there_is_kept(model: mw.Model, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("precious")
    for force in (False, True):
        with pytest.raises(OptionError, match="not empty, and holds no earlier export"):
            mw.export(model, output=tmp_path / "full", force=force)
    assert (tmp_path / "full" / "mine.txt").read_text() == "precious"
    with pytest.raises(OptionError, match="does not exist"):
        mw.export(model, output=tmp_path / "no" / "where")
    with pytest.raises(OptionError, match="is a file"):
        mw.export(model, output=tmp_path / "full" / "mine.txt")


def test_an_earlier_export_is_replaced_only_by_force(model: mw.Model, project: Exported) -> None:
    (project.path / "left.txt").write_text("old")
    with pytest.raises(OptionError, match="--force"):
        mw.export(model, output=project.path)
    mw.export(model, output=project.path, force=True)
    assert not (project.path / "left.txt").exists()
    assert (project.path / "score.py").exists()


def test_thresholds_by_group_are_refused(model: mw.Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    column = {"name": "plan", "levels": ["Basic"], "cuts": []}
    record = {"constraint": "equalized_odds", "columns": [column], "keys": [[0]], "thresholds": [0.4]}
    (copy / GROUP_THRESHOLDS).write_text(json.dumps(record))
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).unlink()
    seal_bundle(copy, {key: value for key, value in manifest.items() if key not in ("files", "digest")})
    with pytest.raises(OptionError, match=r"a threshold for each group.*reweighting"):
        mw.export(mw.load(copy), output=tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_unknown_forms_are_named(model: mw.Model, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="projects"):
        mw.export(model, to="projects", output=tmp_path / "x")


def test_the_room_can_be_called_whatever_was_imported_first() -> None:
    import modelwright.export as room

    assert callable(room)
    assert callable(mw.export)


def test_made_rows_cover_levels_gaps_and_what_is_new(model: mw.Model) -> None:
    made = make_rows(needed_columns(model.schema, ()), 400)
    assert made.text.height == made.typed.height == 400
    known = model.schema["plan"].parsing["known"]
    seen = set(made.text["plan"].to_list())
    assert set(known) <= seen
    assert "never seen before" in seen
    assert made.typed["age"].null_count() > 0
    assert made.typed["age"].max() > model.schema["age"].statistics["maximum"]
    assert make_rows(needed_columns(model.schema, ()), 400).text.equals(made.text)

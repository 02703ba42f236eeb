"""Linear terms in the units of the table, and rules of trees in its words."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl import ModelTerm, OutputTerms, TrainRequest, execute
from modelwright.automl.model_terms import TermReader
from modelwright.core import BundleError, Column, FeatureInfo, Kind, Problem, Schema, Task, ViewInfo
from modelwright.features import SourceValues
from modelwright.learners.additive_tables import Axis
from modelwright.learners.linear_model import FittedLinearModel

ROWS = 300


def _table() -> pl.DataFrame:
    random = np.random.default_rng(3)
    age = np.round(random.uniform(18, 80, ROWS), 1)
    plan = random.choice(["basic", "plus", "pro"], ROWS, p=[0.6, 0.3, 0.1])
    fast = random.integers(0, 2, ROWS)
    paid = np.round(random.lognormal(3, 1, ROWS), 2)
    signal = (age - 50) / 10 + 2.0 * (plan == "basic") + 1.0 * fast
    member = random.choice(["No", "Yes"], ROWS)
    signal = signal + 2.5 * (member == "Yes") + 0.5 * np.log(paid)
    return pl.DataFrame(
        {
            "age": [None if random.random() < 0.1 else value for value in age.tolist()],
            "plan": plan,
            "member": member,
            "fast": fast,
            "paid": paid,
            "spend": np.round(1000 + 100 * signal + random.normal(0, 20, ROWS), 2),
            "grade": np.array(["low", "medium", "high"])[np.digitize(signal, [2.5, 4.5])],
            "stars": 1 + np.digitize(signal, [2.5, 4.5]),
            "churn": np.where(signal > 3.5, "stays", "leaves"),
        }
    )


def _train(place: Path, target: str, learner: str, metric: str = "auto") -> mw.Model:
    dropped = [name for name in ("spend", "grade", "stars", "churn") if name != target]
    path = place / f"{target}.csv"
    _table().drop(dropped).write_csv(path)
    request = TrainRequest(
        path,
        target,
        metric=metric,
        learners=[learner],
        quality="interpretable",
        max_trials=1,
        time_limit="10m",
        executor="inline",
        workspace=place / f"{target}-{learner}",
    )
    return execute(request).model


@pytest.fixture(scope="module")
def spend(tmp_path_factory: pytest.TempPathFactory) -> mw.Model:
    return _train(tmp_path_factory.mktemp("terms"), "spend", "linear")


def _added(term: ModelTerm, value: object) -> np.ndarray:
    """What a reader finds for a value, who reads bent lines between their points as straight ones."""
    cells = {str(cell.where[0]): np.array(cell.adds) for cell in term.cells}
    if value is None:
        return cells["missing"]
    if isinstance(value, str):
        return cells[value]
    first = term.cells[0].where[0]
    if first.per_unit_from is not None:
        return (value - first.per_unit_from) * np.array(term.cells[0].adds)
    points = [(cell.where[0].at, cell.adds) for cell in term.cells if cell.where[0].at is not None]
    at, adds = zip(*points, strict=True)
    return np.array([np.interp(value, at, score) for score in np.array(adds).T])


def _scores(output: OutputTerms, row: dict[str, object], but: str = "") -> np.ndarray:
    terms = [term for term in output.terms if term.columns != (but,)]
    return np.array(output.intercept) + sum(_added(term, row[term.columns[0]]) for term in terms)


def test_linear_terms_are_in_the_unit_of_the_target_and_of_the_columns(spend: mw.Model) -> None:
    (output,) = spend.terms()
    terms = {term.columns[0]: term for term in output.terms}
    assert terms["age"].per_unit is not None
    assert terms["age"].per_unit[0] == pytest.approx(10, abs=1.5)  # 100 for ten years
    assert str(terms["age"].cells[0].where[0]).startswith("each 1 above ")
    said = {str(cell.where[0]): cell.adds[0] for cell in terms["member"].cells}
    assert said["Yes"] - said["No"] == pytest.approx(250, abs=25)
    target = _table()["spend"].mean()
    assert output.intercept[0] == pytest.approx(target, abs=30)


def test_linear_terms_say_what_is_predicted(spend: mw.Model) -> None:
    rows = _table().drop("spend", "grade", "stars", "churn").head(40)
    (output,) = spend.terms()
    straight = {**rows.row(0, named=True)}
    said = spend.predict(rows).to_numpy()
    read = np.array([_scores(output, row)[0] for row in rows.iter_rows(named=True)])
    bent = next(term for term in output.terms if term.columns == ("paid",))
    points = [cell.where[0].at for cell in bent.cells if cell.where[0].at is not None]
    assert np.abs(read - said).mean() < 10
    # at a point of the bent line the sum is exact
    exact = {**straight, "paid": points[2]}
    assert _scores(output, exact)[0] == pytest.approx(spend.predict_row(exact), rel=1e-6)


def test_importances_of_linear_terms_are_mean_additions(spend: mw.Model) -> None:
    (output,) = spend.terms()
    importances = [term.importance for term in output.terms]
    assert importances == sorted(importances, reverse=True)
    for name in ("plan", "member", "fast"):
        term = next(term for term in output.terms if term.columns == (name,))
        added = np.array([_added(term, value)[0] for value in _table()[name].to_list()])
        assert np.mean(added) == pytest.approx(0, abs=1e-6 * 250)
        assert np.abs(added).mean() == pytest.approx(term.importance, rel=1e-6)


def test_linear_terms_of_several_classes_name_the_classes(tmp_path: Path) -> None:
    model = _train(tmp_path, "grade", "linear")
    (output,) = model.terms()
    assert set(output.scores) == {"low", "medium", "high"}
    bent = next(term for term in output.terms if term.columns == ("paid",))
    points = [cell.where[0].at for cell in bent.cells if cell.where[0].at is not None]
    row = {**_table().row(5, named=True), "paid": points[3]}
    powers = np.exp(_scores(output, row))
    shares = dict(zip(output.scores, powers / powers.sum(), strict=True))
    assert shares == pytest.approx(model.predict_proba_row(row), rel=1e-6)


def test_linear_terms_of_ordered_classes_are_log_odds_of_a_class_above(tmp_path: Path) -> None:
    model = _train(tmp_path, "stars", "ordinal", "ordinal_mae")
    (output,) = model.terms()
    assert output.scale == "log odds of a class above '1', '2'"
    bent = next(term for term in output.terms if term.columns == ("paid",))
    row = {**_table().row(5, named=True), "paid": bent.cells[3].where[0].at}
    shares = list(model.predict_proba_row(row).values())
    above = 1 / (1 + np.exp(-_scores(output, row)))
    assert above == pytest.approx([shares[1] + shares[2], shares[2]], rel=1e-6)


def test_linear_terms_of_a_logarithm_say_so(tmp_path: Path) -> None:
    model = _train(tmp_path, "spend", "glm")
    (output,) = model.terms()
    assert output.scale == "logarithm of spend"
    bent = next(term for term in output.terms if term.columns == ("paid",))
    row = {**_table().row(5, named=True), "paid": bent.cells[3].where[0].at}
    assert math.exp(_scores(output, row)[0]) == pytest.approx(model.predict_row(row), rel=1e-6)


def test_a_saved_linear_model_without_what_was_read_off_still_loads(spend: mw.Model, tmp_path: Path) -> None:
    (place,) = (spend.path / "members").glob("*/*")
    model = FittedLinearModel.load(place)
    assert model.reading is not None
    model.reading = replace(model.reading, means=model.reading.means[1:])
    (tmp_path / "odd").mkdir()
    model.save(tmp_path / "odd")
    with pytest.raises(BundleError, match="other columns"):
        FittedLinearModel.load(tmp_path / "odd")
    model.reading = None
    (tmp_path / "old").mkdir()
    model.save(tmp_path / "old")
    assert FittedLinearModel.load(tmp_path / "old").reading is None


def test_rules_name_classes_flags_and_missing_values(tmp_path: Path) -> None:
    model = _train(tmp_path, "churn", "decision_tree")
    rules = model.terms()[0].rules
    assert "member = 'Yes'" in rules
    assert "<= 0.5" not in rules
    assert "class 0" not in rules
    leaf = next(line for line in rules.split("\n") if "leaves: " in line)
    shares = [float(part.split(": ")[1]) for part in leaf.strip().split(", ")]
    assert sum(shares) == pytest.approx(1, abs=2e-3)
    assert "stays: " in leaf
    row = _table().drop("spend", "grade", "stars", "churn").row(3, named=True)
    assert _followed(rules, row)["stays"] == pytest.approx(model.predict_proba_row(row)["stays"], abs=1e-3)


def _followed(rules: str, row: dict[str, object]) -> dict[str, float]:
    """What the rules say about a row, read as a person would."""
    lines, place, depth = rules.split("\n"), 0, 0
    while lines[place].strip().startswith("if "):
        question = lines[place].strip()[3:-1]
        asked, _, told = question.partition(" <= ") if " <= " in question else question.partition(" = ")
        value = row[asked.removesuffix(" is missing")]
        if question.endswith("is missing"):
            yes = value is None
        elif " <= " in question:
            yes = (49.0 if value is None else float(str(value))) <= float(told)
        else:
            yes = str(value) == told.strip("'")
        if not yes:
            place = lines.index("  " * depth + "else:", place)
        place, depth = place + 1, depth + 1
    parts = (part.split(": ") for part in lines[place].strip().split(", "))
    return {name: float(share) for name, share in parts}


def test_rules_of_values_tell_the_target(tmp_path: Path) -> None:
    rules = _train(tmp_path, "spend", "decision_tree").terms()[0].rules
    assert "spend = " in rules
    assert math.isfinite(float(rules.split("spend = ")[1].split("\n")[0]))


def test_flags_keep_the_spelling_of_the_file_where_it_is_known() -> None:
    flags = tuple(FeatureInfo(name, name, "flag") for name in ("member", "told"))
    spelled = Column("member", Kind.BOOLEAN, parsing={"true": ["Ja"], "false": ["Nein"]})
    schema = Schema((spelled, Column("told", Kind.BOOLEAN)))
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    reader = TermReader(ViewInfo(flags, ()), SourceValues({}, {}), problem, "y", schema)
    found = [[str(where) for where in reader.where(Axis(place, np.array([0.5])))] for place in (0, 1)]
    assert found == [["Nein", "Ja", "missing"], ["false", "true", "missing"]]

"""Reports on trained models: every section is there, and what is missing is said instead of failing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from html_pages import Page
from modelwright.automl.bundle import MANIFEST, seal_bundle
from modelwright.automl.report_origin import _ARGUMENTS, _FLAGS, _PAIRS, _REPEATED, _density, as_command
from modelwright.automl.report_uncertainty import _in_order
from modelwright.automl.reporting import check_report_path, collect_report, report_text
from modelwright.automl.request import TrainRequest
from modelwright.core import OptionError, SchemaMismatch
from modelwright.evaluation import CoverageRow
from modelwright.evaluation.report import ReportData

SECTIONS = [
    "verdict",
    "task",
    "score",
    "performance",
    "explanation",
    "uncertainty",
    "fairness",
    "data",
    "findings",
    "leaderboard",
    "decisions",
    "resources",
    "reproduction",
    "limits",
    "words",
]


def missing(report: ReportData, key: str) -> str:
    section = report.section(key)
    assert section is not None
    return " ".join(section.missing)


def changed(model: mw.Model, target: Path, *lost: str, **facts: Any) -> mw.Model:
    """A copy of a model without some of its files, and with other facts in its manifest."""
    shutil.copytree(model.path, target)
    manifest = json.loads((target / MANIFEST).read_text("utf-8"))
    for name in lost:
        (target / name).unlink()
    (target / MANIFEST).unlink()
    for name in ("digest", "files", "format", "format_version"):
        manifest.pop(name)
    seal_bundle(target, {name: value for name, value in {**manifest, **facts}.items() if value is not None})
    return mw.load(target)


@pytest.fixture(scope="module")
def new_rows() -> pl.DataFrame:
    return table(seed=7, rows=200)


@pytest.fixture(scope="module")
def whole(binary: mw.Model, new_rows: pl.DataFrame) -> ReportData:
    return collect_report(binary, without(new_rows, "churn"), seconds=5)


def test_every_section_is_there_and_nothing_failed(whole: ReportData) -> None:
    assert [section.key for section in whole.sections] == SECTIONS
    told = [text for section in whole.sections for text in section.missing]
    assert [text for text in told if "cannot be" in text] == []
    assert missing(whole, "fairness")  # no column was named as sensitive
    assert not missing(whole, "performance")
    assert not missing(whole, "explanation")
    assert not missing(whole, "uncertainty")


def test_the_page_is_well_formed(binary: mw.Model, new_rows: pl.DataFrame) -> None:
    page = Page(report_text(binary, without(new_rows, "churn"), seconds=2))
    assert page.faults == []
    assert page.dangers() == []
    assert page.structure() == []
    assert len(page.of("svg")) > 8
    assert "Strengths" in page.text
    assert "fee" in page.text


@pytest.mark.parametrize("name", ["multiclass", "regression"])
def test_other_tasks_have_every_section(name: str, request: pytest.FixtureRequest) -> None:
    report = collect_report(request.getfixturevalue(name), seconds=0)
    assert [section.key for section in report.sections] == SECTIONS
    assert "no time was given" in missing(report, "explanation")
    told = [text for section in report.sections for text in section.missing]
    assert [text for text in told if "cannot be" in text] == []


def test_a_model_of_values_says_that_it_has_no_probabilities(regression: mw.Model) -> None:
    report = collect_report(regression, seconds=0)
    assert "probabilities" not in missing(report, "performance")
    text = json.dumps(report.to_dict()["sections"][SECTIONS.index("performance")])
    assert "not probabilities" in text


def test_without_the_training_table_the_rest_is_shown(binary: mw.Model) -> None:
    report = collect_report(binary, seconds=2)
    assert "table in memory" in missing(report, "explanation")
    assert "columns" in missing(report, "performance")  # of slices
    performance = report.section("performance")
    assert performance is not None
    assert len(performance.blocks) > 5


@pytest.mark.parametrize(
    ("lost", "key"),
    [
        ("evidence.npz", "performance"),
        ("evidence.npz", "uncertainty"),
        ("conformal.json", "uncertainty"),
        ("leaderboard.json", "leaderboard"),
    ],
)
def test_an_older_bundle_says_what_it_lacks(lost: str, key: str, binary: mw.Model, tmp_path: Path) -> None:
    older = changed(binary, tmp_path / "older.mw", lost)
    report = collect_report(older, seconds=0)
    assert [section.key for section in report.sections] == SECTIONS
    assert missing(report, key)
    assert Page(report_text(older, seconds=0)).faults == []


def test_a_bundle_without_a_request_says_so(binary: mw.Model, tmp_path: Path) -> None:
    older = changed(binary, tmp_path / "older.mw", request=None)
    assert "request" in missing(collect_report(older, seconds=0), "reproduction")


def test_facts_of_the_wrong_kind_spoil_one_section_at_most(binary: mw.Model, tmp_path: Path) -> None:
    odd = changed(binary, tmp_path / "odd.mw", findings="none", data={"rows": "many"}, environment=7)
    report = collect_report(odd, seconds=0)
    assert [section.key for section in report.sections] == SECTIONS
    assert "cannot be shown" in missing(report, "findings")
    assert "cannot be shown" not in missing(report, "score")


def test_the_command_and_the_hash_are_told(whole: ReportData, binary: mw.Model) -> None:
    text = json.dumps(whole.to_dict()["sections"][SECTIONS.index("reproduction")])
    assert "modelwright train" in text
    assert "--max-trials 2" in text
    assert binary.manifest["data"]["sha256"] in text
    assert "--seed 0" in text


def test_the_run_is_found_beside_the_bundle(whole: ReportData) -> None:
    assert not missing(whole, "resources")
    text = json.dumps(whole.to_dict()["sections"][SECTIONS.index("resources")])
    assert "peak memory" in text


def test_a_run_that_is_gone_is_told(
    binary: mw.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELWRIGHT_WORKSPACE", raising=False)
    copy = mw.load(binary.save(tmp_path / "copy.mw"))
    assert "record of the run was not found" in missing(collect_report(copy, seconds=0), "resources")
    assert not (tmp_path / ".modelwright").exists()


def test_the_rows_of_the_training_are_judged_out_of_fold(binary: mw.Model) -> None:
    report = collect_report(binary, without(table(), "churn"), seconds=2)
    performance = json.dumps(report.to_dict()["sections"][SECTIONS.index("performance")])
    assert "out-of-fold" in performance
    explanation = json.dumps(report.to_dict()["sections"][SECTIONS.index("explanation")])
    assert "learned from these rows" in explanation


def test_rows_that_cannot_be_used_are_refused(binary: mw.Model) -> None:
    with pytest.raises(SchemaMismatch, match="churn"):
        collect_report(binary, without(table()), seconds=0)


def block_of(report: ReportData, key: str, kind: str) -> dict[str, Any]:
    """The first block of a kind in a section."""
    section = report.to_dict()["sections"][SECTIONS.index(key)]
    return next(block for block in section["blocks"] if block["type"] == kind)


def test_the_key_figures_stand_at_the_top(whole: ReportData, binary: mw.Model) -> None:
    facts = {fact["label"]: fact for fact in block_of(whole, "verdict", "facts")["facts"]}
    assert facts["ROC AUC"]["value"] == f"{binary.manifest['score']['value']:.4f}"
    assert "95% interval" in facts["ROC AUC"]["detail"]
    assert facts["Learned from"]["value"] == f"{binary.manifest['data']['training_rows']} rows"
    assert {"Always the same answer", "Decided rightly", "Judged on"} <= set(facts)


def test_flags_are_told_as_the_table_spells_them(whole: ReportData) -> None:
    bars = block_of(whole, "task", "bars")
    assert set(bars["names"]) == {"yes", "no"}
    assert sum(bars["values"]) == table().height
    (churn,) = [row for row in block_of(whole, "data", "table")["rows"] if row[0] == "churn"]
    assert "yes" in churn[6]


def test_ranges_of_numbers_stand_in_their_order() -> None:
    rows = [
        CoverageRow(part, 50, 0.9, 0.8, 0.95, 1.0)
        for part in ("missing", "9 to 12", "-3 to 9", "12 to 1e+03")
    ]
    assert [row.part for row in _in_order(rows)] == ["-3 to 9", "9 to 12", "12 to 1e+03", "missing"]
    levels = [CoverageRow(part, 50, 0.9, 0.8, 0.95, 1.0) for part in ("b", "12 to 3", "a")]
    assert _in_order(levels) == levels


def test_a_column_of_nearly_one_value_is_drawn_with_its_rare_ones() -> None:
    edges, masses = _density([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4_356.0])
    assert (edges[0], edges[-1], len(masses)) == (0.0, 4_356.0, 12)
    assert sum(masses) == pytest.approx(1)
    assert masses[0] > 0.9
    assert _density([3.0] * 7) == ([3.0, 3.0], [1.0])


def test_words_are_explained(whole: ReportData) -> None:
    words = {row[0] for row in block_of(whole, "words", "table")["rows"]}
    assert {"95% interval", "out of fold", "permutation"} <= words


def test_importance_knows_what_the_target_is_made_of(whole: ReportData) -> None:
    section = whole.to_dict()["sections"][SECTIONS.index("explanation")]
    (bars,) = [block for block in section["blocks"] if block["type"] == "bars"]
    assert set(bars["names"][:3]) == {"age", "plan", "fee"}


def test_the_verdict_names_its_evidence(binary: mw.Model, new_rows: pl.DataFrame) -> None:
    record = json.loads(report_text(binary, without(new_rows, "churn"), form="json", seconds=0))
    verdict = record["verdict"]
    assert "churn" in verdict["headline"]
    for judgement in verdict["strengths"] + verdict["risks"]:
        assert judgement["evidence"]
        assert judgement["section"] in SECTIONS
    assert "few_rows" in [risk["rule"] for risk in verdict["risks"]]  # 240 of them


def test_the_card_has_the_nine_parts_of_mitchell_et_al(binary: mw.Model) -> None:
    card = report_text(binary, form="card", seconds=0)
    headings = [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]
    assert "To be filled in" in card
    assert "<" not in card.replace("<0.1%", "")


@pytest.mark.parametrize(("name", "form"), [("r.html", "html"), ("r.md", "md"), ("r.json", "json")])
def test_the_format_follows_the_name(name: str, form: str, binary: mw.Model, tmp_path: Path) -> None:
    path = binary.report(tmp_path / name, seconds=0)
    assert path == tmp_path / name
    text = path.read_text("utf-8")
    starts = {"html": "<!doctype html>", "md": "# Report", "json": "{"}
    assert text.startswith(starts[form])


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    wrong = [(tmp_path / "r.pdf", None), (tmp_path, "html"), (tmp_path / "no" / "r.md", None), (None, "pdf")]
    for path, form in wrong:
        with pytest.raises(OptionError):
            check_report_path(path, form)
    assert check_report_path(None, "card")[0].name == "model-card.md"


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    rows = table(rows=120)
    nasty = "<script>alert('x')</script>"
    frame = rows.select(
        pl.col("age").alias(nasty),
        pl.col("fee").alias('"onload="alert(1)'),
        pl.col("plan").alias("\u05e9\u05dc\u05d5\u05dd " * 40),
        pl.col("churn").replace({"yes": "<b>yes</b>", "no": "no & {{ 7 * 7 }}"}).alias("a<i>"),
    )
    asked = {"max_trials": 1, "learners": "linear", "threads": 1, "time_limit": "10m"}
    model = mw.train(frame, "a<i>", workspace=tmp_path, **asked)  # type: ignore[arg-type]
    page = Page(report_text(model, frame, seconds=2))
    assert page.faults == []
    assert page.dangers() == []
    assert page.structure() == []
    assert nasty in page.text
    assert "<b>yes</b>" in page.text


def test_a_command_says_everything_that_was_asked_for() -> None:
    told = {*_ARGUMENTS, *_REPEATED, *_PAIRS, *_FLAGS, *_OF_THEIR_OWN}
    assert told == set(TrainRequest(data="a.csv", target="y").bundled()) - _NO_WISHES


_OF_THEIR_OWN = {"data", "target", "costs", "quantiles", "sensitive", "refit", "distill"}
_NO_WISHES = {"undone", "executor"}


def test_a_command_is_quoted() -> None:
    asked = {
        "data": "my data.csv",
        "target": ["late", "lost"],
        "costs": [["yes", "no", 5.0]],
        "quantiles": [],
        "sensitive": {"sex": [], "age": [40.0, 65.5]},
        "mitigate": "thresholds",
        "monotonic": {"age": 1},
        "without": ["text"],
        "refit": False,
        "distill": True,
        "stop_when_flat": True,
        "threads": None,
    }
    assert as_command(asked) == (
        "modelwright train 'my data.csv' --target late --target lost --mitigate thresholds --without text"
        " --monotonic age=increasing --cost yes:no=5 --sensitive sex --sensitive age=40,65.5"
        " --stop-when-flat --no-refit --distill"
    )

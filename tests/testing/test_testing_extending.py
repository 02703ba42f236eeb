"""The page about extending keeps its word: its learner is found by its entry point and passes the checks."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import modelwright.learners.catalog
import modelwright.testing
from modelwright.core import Catalog, Task
from modelwright.testing import make_learning_table

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package of the page, installed into a folder; returns the text of its test."""
    (language, module), (kind, project), (_, test) = BLOCKS
    assert (language, kind) == ("python", "toml")
    described = tomllib.loads(project)["project"]
    points = described["entry-points"]["modelwright.learners"]
    record = tmp_path / "wright_bayes-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {described['name']}\nVersion: 1.0\n")
    lines = ["[modelwright.learners]", *(f"{name} = {value}" for name, value in points.items())]
    (record / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "wright_bayes.py").write_text(module, "utf-8")
    (tmp_path / "test_of_page.py").write_text(test, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    # a catalog looks for entry points once: this one has not looked yet
    known = modelwright.learners.catalog.LEARNERS
    fresh = Catalog(known.kind, known._builtin)
    monkeypatch.setattr(modelwright.learners, "LEARNERS", fresh)
    yield fresh
    for name in ("wright_bayes", "test_of_page"):
        sys.modules.pop(name, None)


def test_the_learner_of_the_page_passes_its_own_test(installed):
    assert "wright_bayes" in installed.names()
    import test_of_page

    test_of_page.test_wright_bayes_keeps_the_contract()


def test_the_learner_of_the_page_says_what_it_cannot_do(installed):
    learner = installed.load("wright_bayes")()
    table = make_learning_table(Task.REGRESSION)
    assert learner.supports(table.problem, table.view.shape(1)) == "Naive Bayes predicts classes only."


def test_the_module_of_the_page_is_short():
    lines = [line for line in BLOCKS[0][1].splitlines() if line.strip()]
    assert len(lines) <= 65


def test_the_page_names_every_suite():
    suites = [
        name
        for name in modelwright.testing.__all__
        if name.startswith("check_") and callable(getattr(modelwright.testing, name))
    ]
    assert len(suites) == 8
    for name in suites:
        assert f"{name}(" in PAGE


def test_everything_exported_is_there_once():
    exported = modelwright.testing.__all__
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert all(hasattr(modelwright.testing, name) for name in exported)

"""Every learner as a member of a project of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from export_bundles import FEATURES, Part, largest_difference, make_model, table

import modelwright as mw
from modelwright.core import Catalog, OptionError
from modelwright.export.project.facts import ModelFacts, refuse_plugins
from modelwright.learners import LEARNERS

FRESH = table(rows=90, seed=2).select(FEATURES)
QUICK: dict[str, dict[str, Any]] = {
    "lightgbm": {"rounds": 8},
    "xgboost": {"rounds": 8, "categories": "target"},
    "catboost": {"rounds": 8},
    "hist_gradient_boosting": {"rounds": 8},
    "extra_trees": {"trees": 10},
    "random_forest": {"trees": 10},
    "additive_boosting": {"rounds": 20, "pairs": 2},
    "ordinal_boosting": {"rounds": 8},
    "linear_svm": {"epochs": 5},
    "gaussian_process": {"max_iter": 5},
    "mlp": {"epochs": 2, "width": 16},
    "tabm": {"epochs": 2, "width": 16, "members": 2},
}
VALUES = ("gaussian_process", "glm", "random_forest", "linear_svm", "catboost", "tabm", "additive_boosting")
"""Learners that are tried on values; the others on three classes."""


@pytest.mark.slow
# naive Bayes takes differences of bin edges that are infinite when it checks a file
@pytest.mark.filterwarnings("ignore:invalid value encountered in subtract")
@pytest.mark.parametrize("name", LEARNERS.names())
def test_a_member_of_each_learner_comes_through(name: str, tmp_path: Path) -> None:
    target, task = ("spend", "regression") if name in VALUES else ("level", "multiclass")
    model = make_model(tmp_path, target, [Part(name, QUICK.get(name, {}))], task=task)
    done = mw.export(model, output=tmp_path / "project")
    assert largest_difference(model, done.path, FRESH) <= 1e-6
    text = (done.path / "requirements.txt").read_text()
    assert "torch" not in text
    if name in ("nearest_neighbors", "gaussian_process"):
        assert "keeps training rows" in done.notes[0]


def test_a_member_of_a_package_of_third_parties_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(tmp_path, "churn", [Part("constant")])
    facts = ModelFacts.of(model)
    refuse_plugins(facts)
    # an installed package that brings a learner of that name, and a catalog that does not have it itself
    installed = tmp_path / "packages" / "acme_rules-1.2.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.2\n")
    (installed / "entry_points.txt").write_text("[modelwright.learners]\nconstant = acme_rules:Rules\n")
    monkeypatch.syspath_prepend(str(installed.parent))
    with pytest.raises(OptionError, match=r"'constant 0'.*'acme-rules'.*Train again without it"):
        refuse_plugins(facts, Catalog("learner", {}))

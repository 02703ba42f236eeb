"""Cutting definitions out of modules: what stays, what goes, and that the rest is whole."""

from __future__ import annotations

import ast

import pytest

from modelwright.core import ModelwrightError
from modelwright.export.project.emission import module_text
from modelwright.export.project.extraction import extract, imported_packages, undefined_names
from modelwright.export.project.layout import place_of, runtime
from modelwright.export.project.references import find_references
from modelwright.export.project.sources import parse_source, without_shortcuts
from modelwright.learners import LEARNERS

A = '''"""A module.

Examples
--------
>>> gone()
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from modelwright.core import BundleError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Box", "used"]

LIMIT, _OTHER = 3, 4
"""What both are for."""

# why it is so
GONE = 5


class Box:
    """A box.

    Attributes
    ----------
    size : int

    Examples
    --------
    >>> Box(1)
    """

    kind = "box"

    def __init__(self, size: int) -> None:
        self.size = size

    @property
    def half(self) -> float:
        """Half of it."""
        return self.size / 2

    def fit(self) -> None:
        gone()

    def unused(self) -> None:
        gone()


def used(path: Path) -> float:
    """Read a box."""
    from modelwright.core import nearest

    if not path.exists():
        raise BundleError(nearest("a", ["b"]))
    return Box(json.loads(path.read_text())["size"]).half + np.float64(LIMIT)


def gone() -> None:
    """Not needed."""
    GONE.save()
'''


def kept_text(root: str = "used") -> str:
    found = extract([("modelwright.a", root)], written={"modelwright.a": A})
    return module_text(found["modelwright.a"], place_of)


def test_what_is_used_stays_and_nothing_else() -> None:
    text = kept_text()
    tree = ast.parse(text)
    (box,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    names = {node.name for node in box.body if isinstance(node, ast.FunctionDef)}
    assert names == {"__init__", "half"}
    assert "def used" in text
    assert "def gone" not in text
    assert "GONE" not in text
    assert "why it is so" not in text
    assert '"""What both are for."""' in text
    assert 'kind = "box"' not in text


def test_imports_lead_to_the_project_or_to_other_packages() -> None:
    text = kept_text()
    assert "from scorer.core.errors import BundleError" in text
    assert "    from scorer.core.errors import nearest" in text
    assert "import numpy as np" in text
    assert "if TYPE_CHECKING:\n    from pathlib import Path" in text
    assert "modelwright" not in text


def test_examples_go_from_docstrings_and_all_else_stays() -> None:
    text = kept_text()
    assert ">>>" not in text
    assert "size : int" in text
    assert '"""A module."""' in text


def test_what_an_annotation_alone_needs_is_there() -> None:
    source = parse_source("a", kept_text())
    assert undefined_names(source) == []
    assert imported_packages(source, kept_text()) == {"json", "numpy", "scorer", "typing"}


def test_a_name_that_is_nowhere_is_told() -> None:
    with pytest.raises(ModelwrightError, match="defines no 'nothing'"):
        extract([("modelwright.a", "nothing")], written={"modelwright.a": A})


def test_another_definition_can_take_the_place_of_one() -> None:
    written = {
        "modelwright.a": "from modelwright.b import read\n\n\ndef go():\n    return read()\n",
        "modelwright.b": "def read():\n    return 1\n",
        "modelwright.c": "def other():\n    return 2\n",
    }
    instead = {("modelwright.b", "read"): ("modelwright.c", "other")}
    found = extract([("modelwright.a", "go")], written=written, instead=instead)
    assert list(found) == ["modelwright.a", "modelwright.c"]
    assert "from scorer.c import other as read" in module_text(found["modelwright.a"], place_of)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(a, *b, c=d, **e):\n    a = b\n    return a + e + g", {"d", "g"}),
        ("f = lambda a: a + b", {"f", "b"}),
        ("def f():\n    return [a for a in a]", {"a"}),
        ("def f():\n    return {a: b for a, b in c if (d := a)} | d", {"c"}),
        ("def f():\n    try:\n        g()\n    except E as e:\n        e.x", {"g", "E"}),
        ("def f():\n    import a\n    def b(): return a\n    return b", set()),
        ("@dec\ndef f(x: T) -> R: ...", {"dec", "T", "R"}),
    ],
)
def test_names_from_outside_are_told_from_those_of_a_function(code: str, names: set[str]) -> None:
    assert find_references([ast.parse(code)]).names == names


def test_the_modules_for_projects_need_little() -> None:
    found = extract([(runtime("score"), "main")])
    assert "modelwright.ensemble.stacking" in found
    rooms = {name.split(".")[1] for name in found}
    assert not rooms & {
        "automl",
        "search",
        "validation",
        "storage",
        "metrics",
        "execution",
        "evaluation",
        "cli",
    }
    stacking = module_text(found["modelwright.ensemble.stacking"], place_of)
    assert "def fit_stacker" not in stacking
    assert "def combine" in stacking
    assert "class Shape" not in module_text(found["modelwright.core.view"], place_of)
    assert "def from_dict" not in module_text(found["modelwright.core.schema"], place_of)


def test_quicker_ways_of_single_rows_stay_behind() -> None:
    fitted = [LEARNERS.load(name).fitted for name in LEARNERS.names()]
    roots = [(each.__module__, each.__qualname__) for each in fitted]
    found = extract([(runtime("score"), "main"), *roots])
    kept = {name.rpartition(".")[2] for name in found}
    assert {"lightgbm", "catboost", "forest", "hist_trees", "neural_network"} <= kept
    assert not kept & {"lightgbm_row", "catboost_row", "tree_walk", "forest_bag", "tree_shap", "attribution"}
    assert not kept & {"neural_training", "neural_numpy", "neural_recipe", "neural_learner", "row"}


@pytest.mark.parametrize(
    "code",
    [
        "if rows == 1:\n        a = 2",
        "if rows == 1:\n        return 2\n    else:\n        a = 2",
        "if a:\n        a = 1\n    elif rows == 1:\n        return 2",
        "if a and rows == 1:\n        return 2",
        "if rows == 2:\n        return 2",
    ],
)
def test_other_conditions_stay(code: str) -> None:
    text = f"def f(a, rows):\n    {code}\n    return a"
    assert without_shortcuts(text) == text

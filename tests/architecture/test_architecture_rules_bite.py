"""Each house rule finds a planted violation, and leaves its harmless neighbour alone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import architecture_rules as rules
import pytest

BODY = "\n".join(f"    x{number} = {number}" for number in range(60))

VIOLATIONS: list[tuple[Callable[[str], list[str]], str]] = [
    (rules.long_file, "\n".join(f"x{number} = {number}" for number in range(401))),
    (rules.long_functions, f"def f():\n{BODY}\n"),
    (rules.long_functions, f"class A:\n    async def f(self):\n{textwrap.indent(BODY, '    ')}\n"),
    (rules.many_parameters, "def f(a, b, c, d, e, f, g, h): ..."),
    (rules.many_parameters, "class A:\n    def f(self, a, b, c, d, *, e, f, g, h): ..."),
    (rules.many_parameters, "class A:\n    @staticmethod\n    def f(a, b, c, d, e, f, g, h): ..."),
    (rules.many_parameters, "def f(a, b, c, d, e, f, *rest, **more): ..."),
    (rules.passed_through_keywords, "def f(**kwargs):\n    return g(1, **kwargs)"),
    (rules.passed_through_keywords, "class A:\n    def f(self, **options):\n        g(**options)"),
    (rules.vague_classes, "class RunManager: ..."),
    (rules.vague_classes, "class TrialContext: ..."),
    (rules.vague_classes, "def f():\n    class PredictMixin: ..."),
    (rules.unsafe_code, "import pickle"),
    (rules.unsafe_code, "def f():\n    from joblib import load"),
    (rules.unsafe_code, "import cloudpickle.compat"),
    (rules.unsafe_code, "eval('1')"),
    (rules.unsafe_code, "exec('1')"),
    (rules.unsafe_code, "import numpy as np\nnp.load('x', allow_pickle=True)"),
    (rules.undocumented, '"""Module."""\ndef f(): ...'),
    (rules.undocumented, '"""Module."""\nclass A:\n    x = 1'),
    (rules.undocumented, '"""Module."""\nclass A:\n    """A."""\n    def f(self): ...'),
    (rules.undocumented, '"""Module."""\nif X:\n    def f(): ...'),
    (rules.undocumented, "x = 1"),
    (rules.empty_bodies, "def f(): pass"),
    (rules.empty_bodies, 'def f():\n    """Later."""\n    ...'),
    (rules.promises, "x = 1  # TODO make it 2"),
    (rules.forbidden_file_name, "modelwright/data/utils.py"),
    (rules.machine_paths, "see /" + "work/main/src"),
    (rules.machine_paths, "open('/" + "root/x')"),
    (rules.machine_paths, "PATH=/" + "home/me/bin"),
    (rules.lock_leaks, "--index-url https://example.org/simple"),
    (rules.lock_leaks, "# from https://example.org/simple"),
    (rules.lock_leaks, "torch @ file:///wheels/torch.whl"),
    (rules.lock_leaks, "numpy>=2"),
]

HARMLESS: list[tuple[Callable[[str], list[str]], str]] = [
    (rules.long_file, "\n".join(f"x{number} = {number}  # why\n# more\n\n" for number in range(400))),
    (rules.long_file, '"""' + "\n" * 500 + '"""\nx = 1'),
    (rules.long_functions, 'def f():\n    """' + "\n" * 80 + '"""\n    return 1'),
    (rules.long_functions, "def f():\n" + "    # why\n" * 80 + "    return 1"),
    (rules.many_parameters, "class A:\n    def f(self, a, b, c, d, e, f, g): ..."),
    (rules.passed_through_keywords, "def f(**kwargs):\n    return sorted(kwargs)"),
    (rules.passed_through_keywords, "def f(options):\n    return g(**options)"),
    (rules.vague_classes, "class WorkerContext: ..."),
    (rules.unsafe_code, "model.eval()\nimport numpy as np\nnp.load('x', allow_pickle=False)"),
    (rules.undocumented, '"""Module."""\ndef _f(): ...\nclass B(A):\n    """B."""\n    def f(self): ...'),
    (rules.undocumented, ""),
    (rules.empty_bodies, "class A(Protocol):\n    def f(self): ..."),
    (rules.empty_bodies, "class A:\n    @abstractmethod\n    def f(self): ..."),
    (rules.promises, "text = 'TODO'"),
    (rules.forbidden_file_name, "modelwright/data/csv.py"),
    (rules.machine_paths, "a framework/root/x and ~/work/y and https://example.org/home/"),
    (rules.lock_leaks, "numpy==2.4.6\nuvloop==0.23.0 ; sys_platform != 'win32'\n# made by make lock"),
]


@pytest.mark.parametrize(("rule", "source"), VIOLATIONS)
def test_a_planted_violation_is_found(rule: Callable[[str], list[str]], source: str) -> None:
    assert len(rule(source)) == 1


@pytest.mark.parametrize(("rule", "source"), HARMLESS)
def test_a_harmless_neighbour_is_left_alone(rule: Callable[[str], list[str]], source: str) -> None:
    assert rule(source) == []


def test_an_exempt_function_may_take_many_parameters() -> None:
    source = "def train(a, b, c, d, e, f, g, h): ..."
    assert rules.many_parameters(source, {"train"}) == []
    assert len(rules.many_parameters(source, {"fit"})) == 1


@pytest.mark.parametrize(
    "sources",
    [
        {"p.a": "import p.b", "p.b": "import p.a"},
        {"p.a": "from p import b", "p.b": "from p.c import x", "p.c": "def f():\n    from p.a import y"},
        {"p.a": "from . import b", "p.b": "if TYPE_CHECKING:\n    from .a import A"},
        {"p": "from p.a import x", "p.a": "from p import thing"},
    ],
)
def test_a_ring_of_imports_is_found(sources: dict[str, str]) -> None:
    assert len(rules.import_cycles(sources, {"p"})) == 1


@pytest.mark.parametrize(
    "sources",
    [
        {"p.a": "import p.b", "p.b": "import os", "p.c": "import p.a, p.b"},
        {"p": "from p.a import x", "p.a": "from p import __version__"},
        {"p.q": "from .a import x", "p.q.a": "from ..b import y", "p.b": ""},
    ],
)
def test_a_tree_of_imports_is_no_ring(sources: dict[str, str]) -> None:
    assert rules.import_cycles(sources, {"p", "p.q"}) == []


def test_a_foreign_import_is_found() -> None:
    source = "import numpy as np, json\nfrom scipy import stats"
    assert rules.foreign_imports(source, ["numpy"]) == ["line 2 imports scipy"]


def test_an_import_of_a_package_is_found_at_any_depth() -> None:
    source = "import numpy\ndef f():\n    from pandas.api import types"
    assert rules.imports_of(source, ["pandas"]) == ["line 3 imports pandas"]


def test_the_extra_of_an_optional_import_is_found() -> None:
    source = "def f():\n    shap = require('shap', 'explain', 'An explanation')\nrequire(name, 'x', 'y')"
    assert rules.required_extras(source) == [("shap", "explain")]


def test_code_lines_are_those_with_code() -> None:
    source = '"""Doc."""\n\nx = 1  # why\n# only a comment\ntext = """a\nb"""\n"""About text."""\n'
    assert rules.code_lines(source) == {3, 5, 6}

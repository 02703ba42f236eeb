"""The tree of errors: exit codes, printing, suggestions."""

from __future__ import annotations

import inspect
import re

import pytest

from modelwright.core import (
    BadInput,
    BudgetTooSmall,
    Interrupted,
    MissingExtra,
    ModelwrightError,
    UnknownName,
    errors,
    nearest,
    require,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, ModelwrightError) and value is not ModelwrightError
]


@pytest.mark.parametrize("error", CLASSES)
def test_each_error_has_the_exit_code_that_the_drawing_gives(error: type[ModelwrightError]) -> None:
    drawing = errors.__doc__ or ""
    (line,) = (line for line in drawing.splitlines() if re.search(rf"── {error.__name__}\b", line))
    code = re.search(r"exit (\d+)", line)
    assert error.exit_code == (int(code.group(1)) if code else BadInput.exit_code)
    assert issubclass(error, BadInput) == (error.exit_code == 2)


@pytest.mark.parametrize("error", CLASSES)
def test_each_error_prints_its_sentence(error: type[ModelwrightError]) -> None:
    sentence = "There is no column 'x'."
    made = error(sentence, 1.0) if error is BudgetTooSmall else error(sentence)
    assert str(made) == sentence


def test_bad_input_is_a_value_error_and_an_unknown_name_a_key_error() -> None:
    assert issubclass(BadInput, ValueError)
    assert issubclass(UnknownName, KeyError)
    assert issubclass(MissingExtra, ImportError)
    assert not issubclass(Interrupted, ValueError)


def test_an_error_without_a_sentence_prints_its_name() -> None:
    assert str(BadInput()) == "BadInput"


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("chrun", ["churn", "age"], " Did you mean 'churn'?"),
        ("CHURN", ["churn"], " Did you mean 'churn'?"),
        ("Age", ["age", "Aged"], " Did you mean 'age'?"),
        ("zzz", ["churn"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name_is_suggested(name: str, known: list[str], sentence: str) -> None:
    assert nearest(name, known) == sentence


def test_an_installed_module_is_imported() -> None:
    assert require("json", "none", "This test").loads("[1]") == [1]


def test_a_missing_module_says_how_to_install_it() -> None:
    with pytest.raises(MissingExtra, match=re.escape("pip install 'modelwright[explain]'")) as caught:
        require("no_such_module_anywhere", "explain", "An explanation")
    assert str(caught.value).startswith("An explanation needs the package 'no_such_module_anywhere'")
    assert isinstance(caught.value.__cause__, ImportError)

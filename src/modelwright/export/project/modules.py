"""The Python files of a project: the package's own modules, reduced to what one model needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright import __version__
from modelwright.core import OptionError
from modelwright.export.project.emission import module_text
from modelwright.export.project.extraction import Definition, extract, imported_packages
from modelwright.export.project.facts import ModelFacts
from modelwright.export.project.layout import LIBRARY, path_of, place_of, runtime
from modelwright.export.project.sources import PACKAGE, parse_source, read_source
from modelwright.features import TRANSFORMERS
from modelwright.learners import LEARNERS

__all__ = ["ProjectCode", "project_code"]

_NOTICE = f"From Modelwright {__version__} (Apache License 2.0), reduced to what this project needs."
_PROGRAMS = ("score", "features", "parity")
_WRAPPERS = (
    ("without_terms.json", "ensemble.text_choice", "load_on_chosen_text"),
    ("generated.json", "ensemble.generated_features", "load_with_features"),
    ("fit_options.json", "ensemble.fit_options", "load_single"),
)
"""What may stand around a model, from the outside in: the file that tells of it, and what reads it."""


@dataclass(frozen=True)
class ProjectCode:
    """The code of a project.

    Attributes
    ----------
    files : mapping of str to str
        Path inside of the project to text.
    packages : frozenset of str
        Packages that scoring imports, those of the standard library included.
    training_packages : frozenset of str
        The same of `train.py`.
    """

    files: Mapping[str, str]
    packages: frozenset[str]
    training_packages: frozenset[str]


def project_code(facts: ModelFacts) -> ProjectCode:
    """Everything that a model needs to predict, and to be trained once more.

    Raises
    ------
    OptionError
        If a member is of a learner that cannot be written down.
    """
    written = {
        f"{PACKAGE}.learners.catalog": _learners(facts),
        f"{PACKAGE}.features.catalog": _transformers(facts),
    }
    instead = _instead(facts)
    roots = [root for name in _PROGRAMS for root in _all_of(runtime(name))]
    scoring = _texts(roots, written, instead)
    training = _texts([*roots, *_all_of(runtime("train"))], {**written, **_fitters(facts)}, instead)
    files = {str(path_of(module)): text for module, text in training.items()}
    folders = {module.rpartition(".")[0] for module in training if module.startswith(f"{LIBRARY}.")}
    for folder in sorted({LIBRARY, *folders}):
        files[f"{folder.replace('.', '/')}/__init__.py"] = _package_text(folder)
    return ProjectCode(files, _packages(scoring), _packages(training))


def _texts(
    roots: list[Definition], written: Mapping[str, str], instead: Mapping[Definition, Definition]
) -> dict[str, str]:
    kept = extract(roots, written=written, instead=instead)
    return {place_of(name): module_text(each, place_of, _NOTICE) for name, each in kept.items()}


def _all_of(module: str) -> list[Definition]:
    return [(module, piece.names[0]) for piece in read_source(module).pieces if piece.names]


def _packages(texts: Mapping[str, str]) -> frozenset[str]:
    """What the modules import from outside of the project."""
    own = {module.partition(".")[0] for module in texts}
    found = {
        name for module, text in texts.items() for name in imported_packages(parse_source(module, text), text)
    }
    return frozenset(found - own - {"__future__"})


def _instead(facts: ModelFacts) -> dict[Definition, Definition]:
    """What takes the place of readers that this model has no use for."""
    found: dict[Definition, Definition] = {
        (f"{PACKAGE}.data.read", "read_raw"): (runtime("reading"), "read_raw"),
    }
    inner: Definition = (runtime("plain"), "load_plain")
    for file, module, name in reversed(_WRAPPERS):
        reader: Definition = (f"{PACKAGE}.{module}", name)
        if file in facts.file_names:
            inner = reader
        else:
            found[reader] = inner
    found[runtime("loading"), "load_fitted"] = (
        (runtime("loading"), "load_outputs") if facts.outputs else inner
    )
    return found


def _learners(facts: ModelFacts) -> str:
    """A catalog of the fitted models that take part."""
    readers = {}
    for name in facts.learners:
        fitted: Any = getattr(LEARNERS.load(name), "fitted", None)
        if fitted is None or not str(fitted.__module__).startswith(f"{PACKAGE}."):
            label = next((str(each["label"]) for each in facts.members if each["learner"] == name), name)
            raise OptionError(
                f"The member {label!r} is of the learner {name!r}, which cannot be written as a project. "
                f"Train again without it: --without {name}."
            )
        readers[name] = (str(fitted.__module__), str(fitted.__qualname__))
    return _catalog(
        "What reads the fitted models of this project, by the kind of model.", "LEARNERS", readers, "lambda: "
    )


def _transformers(facts: ModelFacts) -> str:
    """A catalog of the feature steps that take part."""
    steps = {}
    for name in facts.transformers:
        step: Any = TRANSFORMERS.load(name)
        steps[name] = (str(step.__module__), str(step.__qualname__))
    return _catalog("The feature steps of this project, by name.", "TRANSFORMERS", steps)


def _fitters(facts: ModelFacts) -> dict[str, str]:
    """A catalog of what fits a model of each kind, where its library can do that."""
    module = runtime("fitting")
    known = {piece.names[0].removeprefix("fit_") for piece in read_source(module).pieces if piece.names}
    fitters = {name: (module, f"fit_{name}") for name in facts.learners if name in known}
    text = _catalog("What fits a model of each kind with its library.", "FITTERS", fitters)
    return {runtime("fitters"): text}


def _catalog(title: str, variable: str, entries: Mapping[str, Definition], prefix: str = "") -> str:
    """The text of a module with one table of names."""
    imports = [f"from {module} import {name}" for module, name in sorted(set(entries.values()))]
    lines = [f'    "{name}": {prefix}{defined},' for name, (_, defined) in entries.items()]
    head = [f'"""{title}"""', "", f"from {runtime('kinds')} import Kinds", *imports, ""]
    return "\n".join(
        [*head, f"{variable} = Kinds(", "    {", *(f"    {line}" for line in lines), "    }", ")", ""]
    )


def _package_text(folder: str) -> str:
    """What stands in the ``__init__.py`` of a folder."""
    if folder == LIBRARY:
        title = "The steps of this project, one module each; `score.py` puts them together."
    else:
        source = read_source(PACKAGE + folder.removeprefix(LIBRARY))
        first, last = source.docstring or (1, 0)
        title = (
            " ".join(line.strip() for line in source.lines[first - 1 : last]).strip('" ').partition(". ")[0]
        )
    return f'# {_NOTICE}\n"""{title.rstrip(".")}."""\n'

"""What a model consists of, as far as a project has to know: its kinds of learners, steps and wrappers."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.automl.bundle import read_part
from modelwright.automl.group_decisions import GROUP_THRESHOLDS
from modelwright.core import Catalog, Column, OptionError
from modelwright.export.project.contract_file import needed_columns
from modelwright.features import TRANSFORMERS, Featurizer
from modelwright.learners import LEARNERS

if TYPE_CHECKING:
    from modelwright.automl import Model

__all__ = ["ModelFacts", "refuse_group_thresholds", "refuse_plugins"]


@dataclass(frozen=True)
class ModelFacts:
    """A model, taken apart.

    Attributes
    ----------
    model : Model
    ensemble : mapping
        The record of the ensemble.
    steps : mapping
        The record of the feature steps.
    """

    model: Model
    ensemble: Mapping[str, Any]
    steps: Mapping[str, Any]

    @classmethod
    def of(cls, model: Model) -> ModelFacts:
        """The facts of a loaded model.

        Raises
        ------
        BundleError
            If its bundle has changed or gone.
        """
        parts = (read_part(model.path, model.manifest, name) for name in ("ensemble.json", "features.json"))
        return cls(model, *parts)

    @cached_property
    def featurizer(self) -> Featurizer:
        """The feature steps."""
        return Featurizer.from_dict(self.steps)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that predictions need."""
        return needed_columns(self.model.schema, self.featurizer.also)

    @property
    def members(self) -> list[dict[str, Any]]:
        """The records of the members."""
        return list(self.ensemble["members"])

    @property
    def transformers(self) -> tuple[str, ...]:
        """Names of the feature steps."""
        return tuple(self.featurizer.transformers)

    @cached_property
    def learners(self) -> tuple[str, ...]:
        """Names of all learners that have a model here, those of single outputs too."""
        names = dict.fromkeys(str(member["learner"]) for member in self.members)
        for directory in self.directories:
            record = directory / "outputs.json"
            if record.exists():
                names |= dict.fromkeys(map(str, json.loads(record.read_bytes())["learners"]))
        return tuple(names)

    @property
    def directories(self) -> list[Path]:
        """Where the fitted models lie."""
        return [self.model.path / name for member in self.members for name in member["models"]]

    @cached_property
    def file_names(self) -> frozenset[str]:
        """Names of all files of the fitted models, those inside of archives too."""
        return frozenset(name for directory in self.directories for name in _names(directory))

    @property
    def outputs(self) -> bool:
        """Whether there is a model for each of several labels or quantiles."""
        return "outputs.json" in self.file_names


def _names(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        if path.is_file():
            yield path.name
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    yield from (entry.rpartition("/")[2] for entry in archive.namelist())


def refuse_plugins(facts: ModelFacts, learners: Catalog = LEARNERS) -> None:
    """Refuse a model with parts of third parties: their code is not ours to copy.

    Raises
    ------
    OptionError
        It names each part, the member that needs it, and what to do.
    """
    brought = _brought(learners, facts.learners)
    for name, package in brought.items():
        label = next((str(each["label"]) for each in facts.members if each["learner"] == name), name)
        raise OptionError(
            f"The member {label!r} is of the learner {name!r}, which the package {package!r} brings: a "
            "project holds only code of Modelwright and of the libraries that it depends on. Train again "
            "without it (--without or --learner), or install Modelwright and that package where it is used."
        )
    for name, package in _brought(TRANSFORMERS, facts.transformers).items():
        raise OptionError(
            f"The feature step {name!r} comes from the package {package!r}: a project holds only code of "
            f"Modelwright. Train again with --without {name}."
        )


def refuse_group_thresholds(model: Model) -> None:
    """Refuse a model that decides by thresholds of its own for each group: a project has one for all.

    Raises
    ------
    OptionError
        If it does.
    """
    if GROUP_THRESHOLDS in model.manifest["files"]:
        raise OptionError(
            f"The model {model.name!r} decides by a threshold for each group (--mitigate thresholds), which "
            "a project cannot hold: its decisions would differ from the model's. Train again without it, or "
            "with --mitigate reweighting, whose models can be exported."
        )


def _brought(catalog: Catalog, names: Iterable[str]) -> dict[str, str]:
    """Those names of a catalog that third parties brought, and their packages."""
    found = {name: catalog.package(name) for name in names}
    return {name: package[0] for name, package in found.items() if package is not None}

"""Writes a project, tries it in a process of its own, and only then puts it in its place."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.automl.bundle import place_bundle
from modelwright.core import ModelwrightError, OptionError
from modelwright.export.exporting import Exported, ExportOptions
from modelwright.export.project.contract_file import FORMAT, contract_record
from modelwright.export.project.facts import ModelFacts, refuse_group_thresholds, refuse_plugins
from modelwright.export.project.golden import write_golden
from modelwright.export.project.modules import project_code
from modelwright.export.project.readme import notes, readme_text
from modelwright.export.project.requirements import requirements, requirements_text
from modelwright.export.project.training_file import training_record

if TYPE_CHECKING:
    from modelwright.automl import Model

__all__ = ["write_project"]

_CONTRACT = "contract.json"
_LIMIT = 600.0
"""Seconds that the project's own test may take."""


def write_project(model: Model, options: ExportOptions) -> Exported:
    """Write a model as a project.

    Parameters
    ----------
    model : Model
    options : ExportOptions

    Returns
    -------
    Exported

    Raises
    ------
    OptionError
        If something stands at the place, or a member cannot be written.
    ModelwrightError
        If the project's own test fails: nothing is left behind.
    """
    check_place(options.output, options.force)
    facts = ModelFacts.of(model)
    refuse_plugins(facts)
    refuse_group_thresholds(model)
    found: dict[str, Any] = {}

    def fill(folder: Path) -> None:
        _fill(facts, options, folder)
        found["rows"], found["difference"] = _try(folder)
        found["files"] = sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )

    path = place_bundle(options.output, fill)
    return Exported(path, "project", tuple(found["files"]), found["rows"], found["difference"], notes(facts))


def check_place(output: Path, force: bool) -> None:
    """Refuse a place where something stands that must not be replaced.

    Raises
    ------
    OptionError
        If there is a file, or a folder with something in it: unless that is an earlier export, and ``force``.
    """
    if not output.parent.is_dir():
        raise OptionError(
            f"The folder {str(output.parent)!r} for the project does not exist. Make it first, or choose "
            "another path."
        )
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise OptionError(f"A project is a new folder, but {str(output)!r} is a file. Choose another path.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not _is_export(output):
        raise OptionError(
            f"The folder {str(output)!r} is not empty, and holds no earlier export. Choose another path: "
            "nothing of it was changed."
        )
    if not force:
        raise OptionError(
            f"An earlier export stands at {str(output)!r}. Choose another path, or replace it with --force "
            "(force=True)."
        )


def _is_export(folder: Path) -> bool:
    try:
        record = json.loads((folder / _CONTRACT).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("format") == FORMAT


def _fill(facts: ModelFacts, options: ExportOptions, folder: Path) -> None:
    """Every file of a project."""
    model, environment = facts.model, facts.model.manifest["environment"]
    code = project_code(facts)
    for name, text in code.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    _copy_models(facts, folder)
    _write(folder / _CONTRACT, contract_record(model.problem, model.schema, facts.featurizer.also))
    _write(folder / "features.json", facts.steps)
    _write(folder / "blend.json", _blend(facts))
    _write(folder / "training.json", training_record(facts))
    needed = requirements(code.packages, environment)
    later = requirements(code.training_packages | {"sklearn"}, environment)
    (folder / "requirements.txt").write_text(requirements_text(needed, code.packages, environment), "utf-8")
    (folder / "requirements-train.txt").write_text(
        requirements_text(later, code.training_packages, environment), "utf-8"
    )
    (folder / "README.md").write_text(readme_text(facts, needed, later), "utf-8")
    write_golden(
        model, facts.featurizer, facts.columns, folder / "tests", given=options.golden, seed=options.seed
    )


def _write(path: Path, record: Mapping[str, Any]) -> None:
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_bytes(text.encode("utf-8", "surrogatepass") + b"\n")


def _place(name: str) -> str:
    """``models/3/0`` of ``members/3/0``."""
    return f"models/{name.partition('/')[2]}"


def _copy_models(facts: ModelFacts, folder: Path) -> None:
    for member in facts.members:
        for name in member["models"]:
            shutil.copytree(facts.model.path / name, folder / _place(name))


def _blend(facts: ModelFacts) -> dict[str, Any]:
    """The record of the ensemble, its models where the project has them."""
    keys = ("trial", "label", "learner", "weight")
    members = [
        {**{key: member[key] for key in keys}, "models": [_place(name) for name in member["models"]]}
        for member in facts.members
    ]
    record = facts.ensemble
    return {
        "task": record["task"],
        "members": members,
        "stacker": record.get("stacker"),
        "calibration": record.get("calibration"),
        "offsets": record.get("offsets") or [],
        "utility": record.get("utility"),
    }


def _try(folder: Path) -> tuple[int, float]:
    """Run the project's own test; the golden rows, and the largest difference from the model.

    Raises
    ------
    ModelwrightError
        If it fails.
    """
    command = [sys.executable, str(folder / "tests" / "test_parity.py")]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_LIMIT
        )
        said = re.search(r"(\d+) golden rows agree; the largest difference is (\S+)", done.stdout)
        complaint = (done.stderr or done.stdout).strip()
    except subprocess.TimeoutExpired:
        said, complaint = None, f"its test took more than {_LIMIT:.0f} seconds"
    if said is None or done.returncode:
        last = complaint.splitlines()[-1][:300] if complaint else "it said nothing"
        raise ModelwrightError(
            f"The project was written, but does not predict what the model does: {last}. It was removed. "
            "This is a fault of Modelwright: please report it."
        )
    return int(said[1]), float(said[2])

"""Finding a model by what a caller calls it: a bundle's path, a name in the workspace, or a run."""

from __future__ import annotations

import re
from pathlib import Path

from modelwright.automl.model import Model
from modelwright.core import BundleError, OptionError, UnknownName
from modelwright.storage import RunRecord, Workspace
from modelwright.storage.location import parse_location

__all__ = ["find_run", "is_run", "load_model", "load_run_or_model"]

_RUN = re.compile(r"\d{8}-\d{1,6}(?:-[0-9a-f]*)?")


def load_model(reference: str, workspace: str | Path | None = None) -> Model:
    """`load` for a reference as text, as the command line has it."""
    path = Path(reference).expanduser()
    if path.exists() and Path(reference).name == reference and not reference.endswith(".mw"):
        return _load_what_exists(path, reference, workspace)
    if path.exists() or "/" in reference or "\\" in reference or reference.endswith(".mw"):
        return Model.load(path)
    place = parse_location(workspace)
    if place.url is None and not place.root.exists():  # looking a name up makes no workspace
        raise UnknownName(
            f"There is no model {reference!r}: the workspace {str(place.root)!r} does not exist. Give the "
            "path of a bundle, or another workspace."
        )
    with Workspace.open(workspace) as opened:
        record = opened.models.get(reference)
        if not record.path.exists() and record.artifact:
            if not opened.artifacts.exists(record.artifact):
                raise BundleError(
                    f"The bundle of {record.reference} is no longer at {str(record.path)!r}, and the "
                    "workspace has no copy of it. Train it again, or give the path of a copy."
                )
            restored = opened.models_directory / f"{record.name}-{record.version}-restored.mw"
            if not restored.exists():
                opened.artifacts.materialise(record.artifact, restored)
            return Model.load(restored)
        return Model.load(record.path)


def _load_what_exists(path: Path, reference: str, workspace: str | Path | None) -> Model:
    """A bundle whose name might be that of a model in the workspace.

    Raises
    ------
    BundleError
        If it is no bundle; the message tells of the model, if there is one.
    """
    try:
        return Model.load(path)
    except BundleError as error:
        place = parse_location(workspace)
        if place.url is None and not place.root.exists():
            raise
        with Workspace.open(workspace) as opened:
            names = {record.name: record.version for record in opened.models.all()}
        if reference not in names:
            raise
        raise BundleError(
            f"{error} It stands in the way of the model {reference!r} of the workspace: name that one by its "
            f"version, as in {reference}:{names[reference]}."
        ) from error


def load_run_or_model(reference: str, workspace: str | Path | None = None) -> Model:
    """The model of a run, or a model as `load_model` finds it.

    Parameters
    ----------
    reference : str
        The id of a run (as ``20261120-153012-ab12cd``), the beginning of one from its day on, ``"last"``, a
        path, or the name of a model.
    workspace : str or Path, optional
        Where runs and names are looked up.

    Raises
    ------
    UnknownName
        If there is no such run or model.
    OptionError
        If the run has no model.
    """
    if not is_run(reference) or Path(reference).exists():
        return load_model(reference, workspace)
    record = find_run(reference, workspace)
    place = record.summary.get("model")
    if not place:
        raise OptionError(f"The run {record.id} is {record.status} and has no model.")
    if not Path(place).exists():
        raise BundleError(
            f"The model of the run {record.id} is no longer at {place!r}. Give the path of a copy of it."
        )
    return Model.load(place)


def is_run(reference: str) -> bool:
    """Whether a text is the id of a run, the beginning of one, or ``"last"``.

    Examples
    --------
    >>> [is_run(text) for text in ("last", "20261120-153012-ab12cd", "20261120-15", "churn", "churn:3")]
    [True, True, True, False, False]
    """
    return reference == "last" or _RUN.fullmatch(reference) is not None


def find_run(reference: str, workspace: str | Path | None = None) -> RunRecord:
    """The record of a run.

    Raises
    ------
    UnknownName
        If there is no such run, or no workspace.
    """
    place = parse_location(workspace)
    if place.url is None and not place.root.exists():  # looking a run up makes no workspace
        raise UnknownName(
            f"There is no run {reference!r}: the workspace {str(place.root)!r} does not exist. Name another "
            "workspace."
        )
    with Workspace.open(workspace) as opened:
        return opened.runs.get(reference)

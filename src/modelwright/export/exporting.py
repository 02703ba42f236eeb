"""A trained model in another form: the function behind ``modelwright.export`` and what exporters agree on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import OptionError
from modelwright.export.catalog import EXPORTERS

if TYPE_CHECKING:
    from modelwright.automl import Model

__all__ = ["ExportOptions", "Exported", "export"]


@dataclass(frozen=True)
class ExportOptions:
    """What an exporter is given besides the model.

    Attributes
    ----------
    output : Path
        Where to write.
    golden : object or None
        Rows to compare predictions on (anything that `Model.predict` takes); None has them made from the
        schema.
    force : bool
        Whether an earlier export there may be replaced.
    seed : int
        Of the rows that are made.
    """

    output: Path
    golden: Any = None
    force: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Exported:
    """What an exporter wrote.

    Attributes
    ----------
    path : Path
        The folder or file.
    form : str
        Name of the exporter.
    files : tuple of str
        Paths inside of a folder, in alphabetical order.
    golden_rows : int
        Rows on which its predictions were compared with the model's.
    largest_difference : float
        The largest one found there.
    notes : tuple of str
        What a reader should know: what is in it, what was simplified.
    """

    path: Path
    form: str
    files: tuple[str, ...]
    golden_rows: int = 0
    largest_difference: float = 0.0
    notes: tuple[str, ...] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "path": str(self.path),
            "form": self.form,
            "files": list(self.files),
            "golden_rows": self.golden_rows,
            "largest_difference": self.largest_difference,
            "notes": list(self.notes),
        }


def export(
    model: Model,
    to: str = "project",
    *,
    output: str | Path,
    golden: Any = None,
    force: bool = False,
    seed: int = 0,
) -> Exported:
    """Write a trained model in another form.

    Parameters
    ----------
    model : Model
        From `modelwright.train` or `modelwright.load`.
    to : str, default "project"
        The form: ``"project"`` is a folder with an ordinary Python project that predicts without Modelwright;
        see ``docs/export.md``.
    output : str or Path
        Where to write: a folder that does not exist, or is empty.
    golden : path or data frame, optional
        Rows for the project's own test. By default they are made from what the schema knows of each column
        (levels, ranges), so that no training row goes along.
    force : bool, default False
        Replace an earlier export that stands at ``output``; anything else there is never touched.
    seed : int, default 0
        Of the rows that are made.

    Returns
    -------
    Exported

    Raises
    ------
    UnknownName
        If there is no such form.
    OptionError
        If something stands at ``output``, or the model cannot be written in this form; the message says
        which member, and what to do.

    Examples
    --------
    >>> export(None, to="spreadsheet", output="out")
    Traceback (most recent call last):
        ...
    modelwright.core.errors.UnknownName: There is no exporter 'spreadsheet'. Known: project.
    """
    write: Callable[[Model, ExportOptions], Exported] = EXPORTERS.load(to)
    if not str(output).strip():
        raise OptionError("An export needs a place: give the path of a new folder as output.")
    place = Path(output).expanduser().absolute()
    return write(model, ExportOptions(place, golden, force, seed))

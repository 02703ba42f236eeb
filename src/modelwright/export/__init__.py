"""Trained models in other forms, for places where Modelwright is not installed.

The room may be called: ``modelwright.export(model, to="project", output="scoring")``. Python gives a package
the name of each of its rooms that was imported, so the room and the function have to be one thing.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelwright.export.catalog import EXPORTERS
from modelwright.export.exporting import Exported, ExportOptions, export

if TYPE_CHECKING:
    from modelwright.automl import Model

__all__ = ["EXPORTERS", "ExportOptions", "Exported", "export"]


class _Room(ModuleType):
    """A module that does what its function `export` does when it is called."""

    def __call__(
        self,
        model: "Model",
        to: str = "project",
        *,
        output: str | Path,
        golden: Any = None,
        force: bool = False,
        seed: int = 0,
    ) -> Exported:
        """Write a trained model in another form; see `export`."""
        return export(model, to, output=output, golden=golden, force=force, seed=seed)


sys.modules[__name__].__class__ = _Room

"""The forms that a model can be written in: name -> module:object."""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["EXPORTERS"]

EXPORTERS = Catalog("exporter", {"project": "modelwright.export.project.writer:write_project"})
"""Name to a function of a model and `ExportOptions` that writes and returns an `Exported`."""

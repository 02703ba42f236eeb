"""Every line of every catalog leads to something that exists, and every name exported exists."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import modelwright.core
from modelwright.core import Catalog

SOURCE = Path(__file__).parents[2] / "src" / "modelwright"
CORE = [f"modelwright.core.{module.name}" for module in pkgutil.iter_modules(modelwright.core.__path__)]


ROOMS = sorted(file.parent.name for file in SOURCE.glob("*/catalog.py"))


def test_there_are_catalogs() -> None:
    assert {"learners", "metrics"} <= set(ROOMS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "core"])
def test_every_entry_of_a_catalog_loads(room: str) -> None:
    module = importlib.import_module(f"modelwright.{room}.catalog")
    catalogs = [value for value in vars(module).values() if isinstance(value, Catalog)]
    assert catalogs, f"modelwright.{room}.catalog holds no Catalog"
    for catalog in catalogs:
        assert all(catalog.load(name) is not None for name in catalog.names())


@pytest.mark.parametrize("name", CORE)
def test_a_module_of_core_exports_what_it_defines(name: str) -> None:
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
    }
    exported = module.__all__
    assert defined <= set(exported)
    assert all(hasattr(module, key) for key in exported)
    assert len(exported) == len(set(exported))


def test_core_exports_exactly_what_it_imports() -> None:
    present = {
        key
        for key, value in vars(modelwright.core).items()
        if not key.startswith("_") and not inspect.ismodule(value)
    }
    assert set(modelwright.core.__all__) == present
    assert modelwright.core.__all__ == sorted(modelwright.core.__all__)

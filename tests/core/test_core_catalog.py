"""Catalogs: explicit names, lazy loading, third parties by entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelwright.core import BadInput, Catalog, ModelwrightError, UnknownName


def install(
    folder: Path, points: dict[str, str], group: str = "modelwright.encoders", name: str = "plugin"
) -> None:
    """Put a third-party distribution with entry points into a folder of the search path."""
    home = folder / f"{name}-1.0.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in points.items()]
    (home / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    (folder / f"{name}_code.py").write_text("def encode(value):\n    return 'third party'\n")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the search path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_names_keep_the_order_of_the_table() -> None:
    catalog = Catalog("encoder", {"z": "json:dumps", "a": "json:loads"})
    assert catalog.names() == ("z", "a")
    assert list(catalog) == ["z", "a"]
    assert "z" in catalog
    assert "b" not in catalog


def test_nothing_is_imported_before_it_is_asked_for(plugins: Path) -> None:
    (plugins / "lazily_loaded.py").write_text("part = object()\n")
    catalog = Catalog("encoder", {"lazy": "lazily_loaded:part"})
    assert catalog.names() == ("lazy",)
    assert "lazily_loaded" not in sys.modules
    assert catalog.load("lazy") is catalog.load("lazy")
    assert "lazily_loaded" in sys.modules
    del sys.modules["lazily_loaded"]


@pytest.mark.parametrize("name", ["jsn", "", "JSON"])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    catalog = Catalog("encoder", {"json": "json:dumps", "yaml": "yaml:dump"})
    with pytest.raises(UnknownName, match="Known: json, yaml") as caught:
        catalog.load(name)
    assert caught.value.exit_code == 2


def test_a_third_party_adds_a_part_by_an_entry_point(plugins: Path) -> None:
    install(plugins, {"ours": "plugin_code:encode"})
    catalog = Catalog("encoder", {"json": "json:dumps"})
    assert catalog.names() == ("json", "ours")
    assert catalog.load("ours")([1]) == "third party"
    assert Catalog("decoder", {}).names() == ()


def test_a_builtin_name_cannot_be_taken_over(plugins: Path) -> None:
    install(plugins, {"json": "plugin_code:encode"})
    with pytest.raises(
        ModelwrightError, match=r"'plugin_code:encode' has a name that is taken by 'json:dumps'"
    ):
        Catalog("encoder", {"json": "json:dumps"}).names()


def test_two_third_parties_cannot_share_a_name(plugins: Path) -> None:
    install(plugins, {"ours": "plugin_code:encode"})
    install(plugins, {"ours": "other_code:encode"}, name="other")
    with pytest.raises(ModelwrightError, match="is taken by"):
        Catalog("encoder", {}).names()


def test_the_package_of_a_third_party_is_known(plugins: Path) -> None:
    install(plugins, {"ours": "plugin_code:encode"})
    catalog = Catalog("encoder", {"json": "json:dumps"})
    assert catalog.package("ours") == ("plugin", "1.0")
    assert catalog.package("json") is None
    assert catalog.package("nobody") is None


@pytest.mark.parametrize(
    ("place", "said"),
    [("no_such_module:encode", "ModuleNotFoundError"), ("plugin_code:gone", "AttributeError")],
)
def test_a_broken_package_is_named(plugins: Path, place: str, said: str) -> None:
    install(plugins, {"ours": place})
    words = rf"The encoder 'ours' of the package 'plugin' 1\.0 cannot be loaded \({said}: .*uninstall it"
    with pytest.raises(BadInput, match=words):
        Catalog("encoder", {}).load("ours")

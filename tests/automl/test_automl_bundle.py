"""The bundle: whole or refused, and the file that is wrong is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modelwright.automl.bundle import (
    FORMAT_VERSION,
    MANIFEST,
    check_output,
    copy_bundle,
    open_bundle,
    seal_bundle,
)
from modelwright.core import BundleError, OptionError, hash_json


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    directory = tmp_path / "some.mw"
    (directory / "members" / "1").mkdir(parents=True)
    (directory / "features.json").write_text('{"a": 1}')
    (directory / "members" / "1" / "model.txt").write_text("tree")
    seal_bundle(directory, {"name": "some", "score": 0.5, "odd": float("nan")})
    return directory


def rewrite(bundle: Path, **changes: object) -> None:
    """What someone would do who knows the digest: change the manifest and make it fit again."""
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest.update(changes)
    manifest.pop("digest")
    manifest["digest"] = hash_json(manifest)
    (bundle / MANIFEST).write_text(json.dumps(manifest))


def test_a_sealed_bundle_opens(bundle: Path) -> None:
    manifest = open_bundle(bundle)
    assert manifest["name"] == "some"
    assert set(manifest["files"]) == {"features.json", "members/1/model.txt"}
    assert manifest["odd"] is None


@pytest.mark.parametrize("name", ["features.json", "members/1/model.txt"])
@pytest.mark.parametrize("damage", ["change", "shorten", "remove"])
def test_a_damaged_file_is_named(bundle: Path, name: str, damage: str) -> None:
    file = bundle / name
    if damage == "remove":
        file.unlink()
    elif damage == "shorten":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file.write_bytes(b"X" + file.read_bytes()[1:])
    with pytest.raises(BundleError, match=name):
        open_bundle(bundle)


def test_a_changed_manifest_is_refused(bundle: Path) -> None:
    text = (bundle / MANIFEST).read_text().replace("0.5", "0.9")
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="changed after it was written"):
        open_bundle(bundle)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "zip"}', "[" * 100_000])
def test_what_is_no_manifest_is_refused(bundle: Path, content: str) -> None:
    (bundle / MANIFEST).write_text(content)
    with pytest.raises(BundleError, match=MANIFEST):
        open_bundle(bundle)


def test_a_newer_format_asks_for_an_upgrade(bundle: Path) -> None:
    rewrite(bundle, format_version=FORMAT_VERSION + 1)
    with pytest.raises(BundleError, match="Upgrade Modelwright"):
        open_bundle(bundle)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "members/../../x", "a\\b", ""])
def test_a_path_outside_the_bundle_is_refused(bundle: Path, name: str) -> None:
    rewrite(bundle, files={name: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(BundleError, match="outside the bundle"):
        open_bundle(bundle)


def test_a_link_is_refused_even_if_its_content_fits(bundle: Path, tmp_path: Path) -> None:
    file = bundle / "features.json"
    moved = tmp_path / "elsewhere.json"
    file.rename(moved)
    os.symlink(moved, file)
    with pytest.raises(BundleError, match=r"features\.json.*link"):
        open_bundle(bundle)


def test_a_linked_directory_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "members" / "1").rename(tmp_path / "moved")
    os.symlink(tmp_path / "moved", bundle / "members" / "1")
    with pytest.raises(BundleError, match="link"):
        open_bundle(bundle)


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.mw"
    if kind == "file":
        path.write_text("not a bundle")
    elif kind == "empty":
        path.mkdir()
    with pytest.raises(BundleError, match=r"x\.mw"):
        open_bundle(path)


def test_a_copy_is_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    copy = copy_bundle(bundle, tmp_path / "copy.mw")
    assert open_bundle(copy) == open_bundle(bundle)


def test_an_older_bundle_is_replaced_and_nothing_is_left_over(bundle: Path, tmp_path: Path) -> None:
    target = copy_bundle(bundle, tmp_path / "target.mw")
    (target / "features.json").write_text("old")
    copy_bundle(bundle, target)
    assert open_bundle(target)["name"] == "some"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some.mw", "target.mw"]


def test_something_else_is_never_replaced(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.png").write_bytes(b"1")
    with pytest.raises(OptionError, match="is not a model"):
        copy_bundle(bundle, tmp_path / "photos")
    assert (tmp_path / "photos" / "holiday.png").exists()


def test_the_parent_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not exist"):
        check_output(tmp_path / "nowhere" / "m.mw")

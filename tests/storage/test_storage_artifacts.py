"""Artifacts by content, and writing that is whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import BadInput, OptionError, StorageError, canonical_json
from modelwright.storage import (
    ArtifactStore,
    DirectoryBackend,
    publish_directory,
    sweep_temporary,
    temporary_directory,
    write_atomic,
)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(DirectoryBackend(tmp_path / "artifacts"))


def make_tree(directory: Path) -> Path:
    (directory / "members" / "0").mkdir(parents=True)
    (directory / "manifest.json").write_text("{}")
    (directory / "members" / "0" / "model.txt").write_bytes(os.urandom(3000))
    (directory / "members" / "same.json").write_text("{}")
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_a_file_is_named_by_its_content(store: ArtifactStore, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content := os.urandom(2**20 + 17))
    key = store.put_file(path)
    assert key == hashlib.sha256(content).hexdigest()
    assert key == store.put_file(path) == store.put_bytes(content)
    with store.open(key) as stream:
        assert stream.read() == content
    assert list(store.backend) == [key]
    store.verify(key)
    store.delete(key)
    assert not store.exists(key)
    store.delete(key)
    with pytest.raises(StorageError, match="is missing"):
        store.open(key)


def test_a_tree_comes_back_equal_and_its_key_depends_on_content_alone(
    store: ArtifactStore, tmp_path: Path
) -> None:
    tree = make_tree(tmp_path / "tree")
    key = store.put_tree(tree)
    store.verify_tree(key)
    store.materialise(key, tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(tree)
    assert store.put_tree(tmp_path / "copy") == key
    (tree / "manifest.json").write_text("{ }")
    assert store.put_tree(tree) != key
    assert set(store.files(key)) == {"manifest.json", "members/0/model.txt", "members/same.json"}


def test_materialise_never_overwrites(store: ArtifactStore, tmp_path: Path) -> None:
    key = store.put_tree(make_tree(tmp_path / "tree"))
    (tmp_path / "taken").mkdir()
    with pytest.raises(BadInput, match="something stands there already"):
        store.materialise(key, tmp_path / "taken")
    with pytest.raises(BadInput, match="does not exist"):
        store.materialise(key, tmp_path / "no" / "parent")
    assert list((tmp_path / "taken").iterdir()) == []
    assert sweep_temporary(tmp_path) == 0


def test_a_damaged_or_missing_object_is_noticed_and_nothing_is_left(
    store: ArtifactStore, tmp_path: Path
) -> None:
    key = store.put_tree(make_tree(tmp_path / "tree"))
    item = store.files(key)["members/0/model.txt"]
    path = tmp_path / "artifacts" / item[:2] / item[2:]
    path.write_bytes(b"x" + path.read_bytes()[1:])
    for check in (lambda: store.verify(item), lambda: store.verify_tree(key)):
        with pytest.raises(StorageError, match=f"{item} is damaged"):
            check()
    with pytest.raises(StorageError, match="is damaged"):
        store.materialise(key, tmp_path / "copy")
    store.put_tree(tmp_path / "tree")  # storing it again heals it
    store.verify_tree(key)
    path.unlink()
    with pytest.raises(StorageError, match="is missing"):
        store.materialise(key, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifacts", "tree"]


def test_links_and_devices_are_refused(store: ArtifactStore, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    (tmp_path / "link").symlink_to(tree / "manifest.json")
    with pytest.raises(BadInput, match="symbolic link"):
        store.put_file(tmp_path / "link")
    (tmp_path / "folder-link").symlink_to(tree)
    with pytest.raises(BadInput, match="not a directory"):
        store.put_tree(tmp_path / "folder-link")
    os.mkfifo(tree / "pipe")
    for wrong in (tree, tree / "pipe", tmp_path / "missing"):
        with pytest.raises(BadInput):
            store.put_file(wrong)
    with pytest.raises(BadInput, match="a device"):
        store.put_tree(tree)
    (tree / "pipe").unlink()
    (tree / "members" / "out").symlink_to("/etc")
    with pytest.raises(BadInput, match="symbolic link"):
        store.put_tree(tree)


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "a/../../evil", "a//b", "./a", "", "a\\b", "c:evil", "a\x00b"]
)
def test_manifests_that_lead_out_of_the_directory_are_refused(
    store: ArtifactStore, tmp_path: Path, name: str
) -> None:
    item = store.put_bytes(b"evil")
    key = store.put_bytes(canonical_json({"format": "modelwright-tree-1", "files": {name: item}}))
    with pytest.raises(StorageError, match="unsafe"):
        store.materialise(key, tmp_path / "copy")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"format":"modelwright-tree-1","files":{"a":"../../secret"}}',
        b'{"format":"modelwright-tree-1","files":{"a":1}}',
        b'{"format":"modelwright-tree-1","files":[]}',
        b'{"format":"modelwright-tree-9","files":{}}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_manifest_is_refused(store: ArtifactStore, tmp_path: Path, content: bytes) -> None:
    key = store.put_bytes(content)
    with pytest.raises(StorageError, match=key):
        store.materialise(key, tmp_path / "copy")


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_hash_becomes_a_path(store: ArtifactStore, key: str) -> None:
    for use in (store.open, store.exists, store.verify, store.delete, store.files):
        with pytest.raises(OptionError, match="64 hexadecimal"):
            use(key)


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='/\\:*?"<>|'), min_size=1, max_size=12
)


@settings(max_examples=25, deadline=None)
@given(
    files=st.dictionaries(
        NAMES.filter(lambda name: name not in (".", "..")), st.binary(max_size=64), max_size=4
    )
)
def test_any_tree_survives_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    place = tmp_path_factory.mktemp("round")
    store = ArtifactStore(DirectoryBackend(place / "artifacts"))
    (place / "tree" / "inner").mkdir(parents=True)
    for name, content in files.items():
        (place / "tree" / "inner" / name).write_bytes(content)
    store.materialise(store.put_tree(place / "tree"), place / "copy")
    assert contents(place / "copy") == contents(place / "tree")


def test_writers_of_the_same_content_do_not_disturb_each_other(store: ArtifactStore, tmp_path: Path) -> None:
    content = os.urandom(200_000)
    key = hashlib.sha256(content).hexdigest()
    store.put_bytes(content)
    wrong: list[object] = []

    def write() -> None:
        for _ in range(15):
            if store.put_bytes(content) != key:
                wrong.append("key")

    def read() -> None:
        for _ in range(100):
            with store.open(key) as stream:
                if stream.read() != content:
                    wrong.append("content")

    threads = [threading.Thread(target=work) for work in (write, write, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(list((tmp_path / "artifacts").rglob("*"))) == 2  # the folder and the object


def test_published_files_have_ordinary_permissions(store: ArtifactStore, tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_atomic(tmp_path / "file", b"content")
        store.put_bytes(b"content")
    finally:
        os.umask(umask)
    (item,) = (path for path in (tmp_path / "artifacts").rglob("*") if path.is_file())
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    assert item.stat().st_mode & 0o777 == 0o640


def test_write_atomic_replaces_or_leaves_alone(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"old")
    write_atomic(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    with pytest.raises(BadInput, match="does not exist"):
        write_atomic(tmp_path / "missing" / "file", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput):
        write_atomic(tmp_path / "folder", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_failed_directory_leaves_nothing(tmp_path: Path) -> None:
    def fill() -> None:
        with temporary_directory(tmp_path / "final") as temporary:
            (temporary / "half").write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("durable", [True, False])
def test_publishing_onto_something_is_refused(tmp_path: Path, durable: bool) -> None:
    (tmp_path / "final").mkdir()
    taken = pytest.raises(BadInput, match="something stands there already")
    with temporary_directory(tmp_path / "final") as temporary, taken:
        publish_directory(temporary, tmp_path / "final", durable=durable)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with temporary_directory(tmp_path / "dangling") as temporary, pytest.raises(BadInput):
        publish_directory(temporary, tmp_path / "dangling", durable=durable)
    with temporary_directory(tmp_path / "new") as temporary:
        (temporary / "file").write_text("content")
        publish_directory(temporary, tmp_path / "new", durable=durable)
    assert (tmp_path / "new" / "file").read_text() == "content"


HOLD = """
import sys, time
from pathlib import Path
from modelwright.storage import temporary_directory
from modelwright.storage.atomic import temporary_file
with temporary_file(Path(sys.argv[1])) as (handle, _), temporary_directory(Path(sys.argv[1], "x")) as folder:
    handle.write(b"half")
    handle.flush()
    (folder / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_the_sweep_takes_what_the_dead_left_and_nothing_of_the_living(tmp_path: Path, start) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".tmp-user").write_text("not ours")
    living, dead = start(HOLD, str(tmp_path / "deep")), start(HOLD, str(tmp_path / "deep"))
    for process in (living, dead):
        assert process.stdout.readline() == "writing\n", process.stderr.read()
    assert sweep_temporary(tmp_path) == 0
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    assert len(list((tmp_path / "deep").iterdir())) == 4
    assert sweep_temporary(tmp_path) == 2
    assert len(list((tmp_path / "deep").iterdir())) == 2
    living.kill()
    living.wait()
    assert sweep_temporary(tmp_path) == 2
    assert {path.name for path in tmp_path.rglob("*")} == {".tmp-user", "deep"}


def test_the_manifest_is_canonical_json(store: ArtifactStore, tmp_path: Path) -> None:
    key = store.put_tree(make_tree(tmp_path / "tree"))
    with store.open(key) as stream:
        content = stream.read()
    assert canonical_json(json.loads(content)) == content


def test_a_shared_tree_lies_on_the_disk_once_and_damage_is_found(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    store = ArtifactStore(DirectoryBackend(tmp_path / "artifacts"))
    key = store.put_tree(tree, share=True)
    files = [path for path in tree.rglob("*") if path.is_file() and path.stat().st_size]
    assert any(path.stat().st_nlink >= 2 for path in files)  # equal files share one object
    assert key == store.put_tree(tree)
    store.verify_tree(key)
    store.put_tree(tree, share=True)
    store.materialise(key, tmp_path / "copy")
    assert {p.relative_to(tmp_path / "copy") for p in (tmp_path / "copy").rglob("*")} == {
        p.relative_to(tree) for p in tree.rglob("*")
    }


def test_a_changed_shared_file_is_never_given_out(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_text("first")
    store = ArtifactStore(DirectoryBackend(tmp_path / "artifacts"))
    key = store.put_tree(tmp_path / "tree", share=True)
    (tmp_path / "tree" / "a.txt").write_text("other")
    with pytest.raises(StorageError):
        store.materialise(key, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()

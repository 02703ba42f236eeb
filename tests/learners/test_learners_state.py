"""Files of models that somebody changed are refused, whatever they say about themselves."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from modelwright.core import BundleError
from modelwright.learners.state import read_arrays, read_json, read_state, write_arrays, write_json


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def header(shape: tuple[int, ...], kind: str = "<f8", follows: bytes = b"\0" * 64) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue() + follows


def packed(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


GOOD = packed([("a.npy", npy(np.zeros(1000)))])


def edited(offset: int, central: int, value: int) -> bytes:
    """A good file with one byte of the first entry changed, in both places that tell of it."""
    content = bytearray(GOOD)
    content[offset] = value
    content[content.find(b"PK\x01\x02") + central] = value
    return bytes(content)


def stated(size: int) -> bytes:
    """A good file whose entry says that it is of another size."""
    content = bytearray(GOOD)
    place = content.find(b"PK\x01\x02")
    content[place + 20 : place + 28] = struct.pack("<II", size, size)
    return bytes(content)


DAMAGED = {
    "nothing": b"",
    "a npy file": npy(np.zeros(3)),
    "a compressed array": packed([("a.npy", npy(np.zeros(1000)))], zipfile.ZIP_DEFLATED),
    "an encrypted array": edited(6, 8, 1),
    "an unknown compression": edited(8, 10, 99),
    "a size beyond the file": stated(2**31),
    "a header of terabytes": packed([("a.npy", header((10**12,)))]),
    "a header that overflows": packed([("a.npy", header((2**32, 2**32)))]),
    "a negative length": packed([("a.npy", header((-8, -1)))]),
    "fewer values than stated": packed([("a.npy", header((9,)))]),
    "more values than stated": packed([("a.npy", header((7,)))]),
    "python objects": packed([("a.npy", header((8,), "|O"))]),
    "texts": packed([("a.npy", header((8,), "<U2"))]),
    "a header that nests": packed([("a.npy", b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000)]),
    "no array": packed([("a.npy", b"plain text")]),
    "another file": packed([("a.npy", npy(np.zeros(8))), ("b.txt", b"x")]),
    "another array": packed([("a.npy", npy(np.zeros(8))), ("b.npy", npy(np.zeros(8)))]),
    "another name": packed([("b.npy", npy(np.zeros(8)))]),
    "many arrays": packed([(f"{number}.npy", npy(np.zeros(1))) for number in range(200)]),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_changed_arrays_are_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.npz"
    path.write_bytes(DAMAGED[damage])
    with pytest.raises(BundleError, match=r"state\.npz"):
        read_arrays(path, ("a",))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    with pytest.warns(UserWarning, match="Duplicate"):
        path.write_bytes(packed([("a.npy", npy(np.zeros(8)))] * 2))
    with pytest.raises(BundleError):
        read_arrays(path, ("a",))


def test_a_compressed_gigabyte_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as out:
        out.write(header((2**22,), follows=b""))
        for _ in range(32):
            out.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(BundleError):
        read_arrays(path, ("a",))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**20


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5)),
        np.array(3, np.int64),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.arange(4, dtype=np.float32),
    ],
)
def test_arrays_come_back_as_they_were(tmp_path: Path, array: np.ndarray) -> None:
    write_arrays(tmp_path / "state.npz", {"a": array, "b": np.zeros(2)})
    found = read_arrays(tmp_path / "state.npz", ("a", "b"))["a"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


class Known:
    """A state of one array."""

    def __init__(self, a: np.ndarray) -> None:
        self.a = a

    def arrays(self) -> dict[str, np.ndarray]:
        return {"a": self.a}


def test_arrays_that_a_state_does_not_have_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    write_arrays(path, {"a": np.ones(2)})
    assert read_state(path, lambda arrays: Known(arrays["a"])).a.tolist() == [1.0, 1.0]
    write_arrays(path, {"a": np.ones(2), "unused": np.ones(2)})
    with pytest.raises(BundleError, match="unused"):
        read_state(path, lambda arrays: Known(arrays["a"]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe{",
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
    ],
)
def test_changed_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.json"):
        read_json(path)


def test_json_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "model.json", {"a": [1, None], "name": "é\ud800"})
    assert read_json(tmp_path / "model.json") == {"a": [1, None], "name": "é\ud800"}

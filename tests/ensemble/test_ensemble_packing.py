"""Many models in one file: all of them come back, and a file that says more than it can hold is refused."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from modelwright.core import BundleError
from modelwright.ensemble.fit_options import load_single
from modelwright.ensemble.packing import pack_models, unpack_models
from modelwright.learners.constant import FittedConstant

CONSTANT = partial(load_single, "constant")


def told(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def test_models_come_back(tmp_path: Path) -> None:
    models = [FittedConstant(np.array([float(number)]), False) for number in range(3)]
    pack_models(models, tmp_path / "m.zip")
    found = unpack_models(tmp_path / "m.zip", [CONSTANT] * 3)
    assert [model.values.tolist() for model in found] == [[0.0], [1.0], [2.0]]


RECORD = b'{"is_classification":false,"values":[1.0]}'
PART = "constant.json"
DAMAGED = {
    "too few": [(f"0/{PART}", RECORD)],
    "beyond the list": [(f"{number}/{PART}", RECORD) for number in (0, 1, 2)],
    "one missing": [(f"0/{PART}", RECORD), ("0/other.json", RECORD)],
    "many parts": [(f"1/{PART}", RECORD)] + [(f"0/{number}", b"") for number in range(60)],
    "another name": [(f"0/{PART}", RECORD), (f"1/../{PART}", RECORD)],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_nothing_is_loaded_from_a_damaged_file(tmp_path: Path, damage: str) -> None:
    (tmp_path / "m.zip").write_bytes(told(DAMAGED[damage]))
    loaded = []
    with pytest.raises(BundleError, match=r"m\.zip"):
        unpack_models(tmp_path / "m.zip", [loaded.append] * 2)
    assert not loaded


def test_a_part_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        (tmp_path / "m.zip").write_bytes(told([(f"0/{PART}", RECORD)] * 2))
    with pytest.raises(BundleError, match="twice"):
        unpack_models(tmp_path / "m.zip", [CONSTANT])


def test_a_compressed_part_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.zip").write_bytes(told([(f"0/{PART}", RECORD)], zipfile.ZIP_DEFLATED))
    with pytest.raises(BundleError, match=PART):
        unpack_models(tmp_path / "m.zip", [CONSTANT])

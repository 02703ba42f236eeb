"""XGBoost's models as flat arrays and back: its parser only ever reads what is written here.

XGBoost keeps models as UBJSON (https://ubjson.org), and its parser trusts what it reads. A saved model is
therefore arrays that are checked (see `BoostedTrees`), from which the document is written anew.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.boosted_trees import BoostedTrees

__all__ = ["read_trees", "write_document"]

_NO_PARENT = 2**31 - 1
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_SCALARS = {mark: struct.Struct(">" + kind) for mark, kind in zip("iUIlLdD", "bBhiqfd", strict=True)}
"""Readers of single numbers, of which a model has thousands."""

_MARKERS = {"float32": b"d", "int32": b"l", "int64": b"L", "uint8": b"U"}
_TREE_FIELDS = {
    "left_children": np.int32,
    "right_children": np.int32,
    "split_indices": np.int32,
    "split_conditions": np.float32,
    "default_left": np.bool_,
    "sum_hessian": np.float32,
}


def read_trees(
    document: bytes, prior: FloatArray, features: int, rounds: int, logarithmic: bool
) -> BoostedTrees:
    """The first rounds of a model that XGBoost wrote in this process.

    Parameters
    ----------
    document : bytes
        UBJSON, as ``Booster.save_raw("ubj")`` gives it.
    prior : float64 array, shape (outputs,)
        Margins that the boosting began with.
    features : int
        Columns of the matrix.
    rounds : int
        Rounds to keep.
    logarithmic : bool
        Whether the sums are logarithms of predictions.
    """
    model, _ = _read(memoryview(document), 0)
    trees = model["learner"]["gradient_booster"]["model"]["trees"][: rounds * len(prior)]
    sizes = [len(tree["left_children"]) for tree in trees]
    found: dict[str, NDArray[Any]] = {
        name: np.concatenate([np.asarray(tree[name]) for tree in trees]).astype(kind)
        for name, kind in _TREE_FIELDS.items()
    }
    leaf = found["left_children"] < 0
    return BoostedTrees(
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        left=found["left_children"],
        right=found["right_children"],
        feature=np.where(leaf, 0, found["split_indices"]).astype(np.int32),
        value=found["split_conditions"],
        missing_left=found["default_left"],
        cover=found["sum_hessian"],
        prior=prior,
        features=features,
        logarithmic=logarithmic,
    )


def write_document(trees: BoostedTrees) -> bytearray:
    """The UBJSON of a model that sums leaves from zero; `prior` is not part of it."""
    outputs, rounds = trees.outputs, trees.trees // trees.outputs
    model = {
        "cats": {"enc": [], "feature_segments": np.zeros(0, np.int32), "sorted_idx": np.zeros(0, np.int32)},
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(trees.trees)},
        "iteration_indptr": list(range(0, trees.trees + 1, outputs)),
        "tree_info": list(range(outputs)) * rounds,
        "trees": [_tree(trees, number) for number in range(trees.trees)],
    }
    scores = {
        "base_score": "[" + ",".join(["0E0"] * outputs) + "]",
        "boost_from_average": "0",
        "num_class": str(outputs) if outputs > 1 else "0",
        "num_feature": str(trees.features),
        "num_target": "1",
    }
    learner = {
        "attributes": {},
        "feature_names": [],
        "feature_types": [],
        "gradient_booster": {"model": model, "name": "gbtree"},
        "learner_model_param": scores,
        "objective": {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}},
    }
    out = bytearray()
    _write({"learner": learner, "version": [3, 1, 0]}, out)
    return out


def _tree(trees: BoostedTrees, number: int) -> dict[str, Any]:
    nodes = slice(int(trees.starts[number]), int(trees.starts[number + 1]))
    left, right = trees.left[nodes], trees.right[nodes]
    count = len(left)
    parents = np.full(count, _NO_PARENT, np.int32)
    inner = np.flatnonzero(left >= 0).astype(np.int32)
    parents[left[inner]] = parents[right[inner]] = inner
    none = np.zeros(0, np.int32)
    zeros = np.zeros(count, np.float32)
    return {
        "base_weights": zeros,
        "categories": none,
        "categories_nodes": none,
        "categories_segments": none.astype(np.int64),
        "categories_sizes": none.astype(np.int64),
        "default_left": trees.missing_left[nodes].astype(np.uint8),
        "id": number,
        "left_children": left,
        "loss_changes": zeros,
        "parents": parents,
        "right_children": right,
        "split_conditions": trees.value[nodes],
        "split_indices": trees.feature[nodes],
        "split_type": np.zeros(count, np.uint8),
        "sum_hessian": trees.cover[nodes],
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(trees.features),
            "num_nodes": str(count),
            "size_leaf_vector": "1",
        },
    }


def _write(item: Any, out: bytearray) -> None:
    """Append one value as UBJSON: dicts, lists, texts, whole numbers and arrays of one type."""
    if isinstance(item, dict):
        out += b"{"
        for key, value in item.items():
            out += struct.pack(">cq", b"L", len(key)) + key.encode("ascii")
            _write(value, out)
        out += b"}"
    elif isinstance(item, str):
        out += struct.pack(">ccq", b"S", b"L", len(item)) + item.encode("ascii")
    elif isinstance(item, int):
        out += struct.pack(">cq", b"L", item)
    elif isinstance(item, list):
        out += struct.pack(">cccq", b"[", b"#", b"L", len(item))
        for value in item:
            _write(value, out)
    else:
        marker = _MARKERS[item.dtype.name]
        out += struct.pack(">ccccc", b"[", b"$", marker, b"#", b"L") + struct.pack(">q", len(item))
        out += item.astype(item.dtype.newbyteorder(">")).tobytes()


def _read(document: memoryview, place: int) -> tuple[Any, int]:
    """The value at a place, and the place after it."""
    marker = chr(document[place])
    place += 1
    if marker == "{":
        found: dict[str, Any] = {}
        while document[place] != ord("}"):
            length, place = _read(document, place)
            key = bytes(document[place : place + length]).decode("utf-8")
            found[key], place = _read(document, place + length)
        return found, place + 1
    if marker == "[":
        return _read_list(document, place)
    if marker == "S":
        length, place = _read(document, place)
        return bytes(document[place : place + length]).decode("utf-8"), place + length
    if marker in "TFZ":
        return {"T": True, "F": False, "Z": None}[marker], place
    number = _SCALARS[marker]
    return number.unpack_from(document, place)[0], place + number.size


def _read_list(document: memoryview, place: int) -> tuple[list[Any] | NDArray[Any], int]:
    kind = None
    if document[place] == ord("$"):
        kind, place = np.dtype(_NUMBERS[chr(document[place + 1])]), place + 2
    items: list[Any] = []
    if document[place] != ord("#"):
        while document[place] != ord("]"):
            item, place = _read(document, place)
            items.append(item)
        return items, place + 1
    count, place = _read(document, place + 1)
    if kind is not None:
        return np.frombuffer(document, kind, count, place), place + count * kind.itemsize
    for _ in range(count):
        item, place = _read(document, place)
        items.append(item)
    return items, place

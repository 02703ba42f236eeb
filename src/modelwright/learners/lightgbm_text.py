"""Checks of LightGBM's text format, whose parser trusts the lengths and indices that a file states."""

from __future__ import annotations

import re
import warnings

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_model_text", "without_statistics"]

_MOST_LEAVES = 131_072
"""LightGBM's own limit of ``num_leaves``."""

_PER_NODE = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_PER_LEAF = ("leaf_value",)
_NODE_EXTRAS = ("split_gain", "internal_value", "internal_weight", "internal_count")
_LEAF_EXTRAS = ("leaf_weight", "leaf_count")
_STATISTICS = re.compile(r"^(?:split_gain|leaf_weight|internal_value|internal_weight)=.*\n", re.MULTILINE)
_TREE = re.compile(r"^Tree=", re.MULTILINE)
_FORBIDDEN = ("  ", "= ", " \n", "\r", "\t", "\0")


def check_model_text(text: str) -> None:
    r"""Refuse a model text that LightGBM would read or walk beyond the ends of its arrays.

    Checked are the stated sizes of the trees, the lengths of their arrays, that children come after
    their parents (so that every walk ends), and that features and sets of categories exist.

    Parameters
    ----------
    text : str
        A model as ``Booster.model_to_string`` writes it.

    Raises
    ------
    ValueError
        With what is wrong.

    Examples
    --------
    >>> check_model_text("tree\nnum_class=1\n")
    Traceback (most recent call last):
    ...
    ValueError: 'num_tree_per_iteration' is missing
    """
    if not text.isascii():
        raise ValueError("it is not ASCII")
    start = text.find("\nTree=") + 1 or len(text)
    header = _pairs(text[:start].strip("\n").split("\n")[1:])
    trees, classes = _integer(header, "num_tree_per_iteration"), _integer(header, "num_class")
    stated = re.search(r"\bnum_class:(\d+)", header.get("objective", ""))
    if trees < 1 or trees != classes or (stated is not None and int(stated[1]) != classes):
        raise ValueError("the number of classes and of trees in a round differ")
    features = _integer(header, "max_feature_idx") + 1
    sizes = _integers(header.get("tree_sizes", ""))
    if np.any(sizes < 1) or len(sizes) % trees:
        raise ValueError("'tree_sizes' cannot be so")
    end = start + sum(sizes.tolist())  # sums and differences of int64 could overflow
    if end > len(text) or not text.startswith("end of trees\n", end):
        raise ValueError("'tree_sizes' does not agree with the trees")
    body = text[start:end]
    if any(each in body for each in _FORBIDDEN):
        raise ValueError("a tree holds characters that do not belong there")
    found = []
    place = 0
    for number, size in enumerate(sizes.tolist()):
        found.append(_tree(body[place : place + size], number))
        place += size
    split = [tree for tree in found if tree["num_leaves"] != "1"]
    _check_nodes(split, features)
    _check_sets([tree for tree in split if tree["num_cat"] != "0"])


def without_statistics(text: str) -> str:
    """A model text without the arrays that predictions do not need: about 40% of it.

    Gains and sums of weights tell about the training; counts stay, because contributions of features need
    them.

    Parameters
    ----------
    text : str
        As ``Booster.model_to_string`` writes it.
    """
    start = text.find("\nTree=") + 1
    end = text.rfind("end of trees\n")
    if not start or end < start:
        return text
    body = _STATISTICS.sub("", text[start:end])
    places = [found.start() for found in _TREE.finditer(body)]
    sizes = np.diff([*places, len(body)])
    header = re.sub(r"^tree_sizes=.*$", "tree_sizes=" + " ".join(map(str, sizes)), text[:start], flags=re.M)
    return header + body + text[end:]


def _pairs(lines: list[str]) -> dict[str, str]:
    pairs = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or name in pairs:
            raise ValueError(f"the line {line[:40]!r} does not belong there")
        pairs[name] = value
    return pairs


def _integer(pairs: dict[str, str], name: str) -> int:
    if name not in pairs:
        raise ValueError(f"{name!r} is missing")
    value = pairs[name]
    if not (value.isdecimal() and len(value) < 10):
        raise ValueError(f"{name!r} must be a whole number, but is {value[:40]!r}")
    return int(value)


def _integers(text: str) -> NDArray[np.int64]:
    """Whole numbers parted by single blanks (by numpy's parser: lists may hold millions)."""
    if not text:
        return np.empty(0, np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns, and stops, where it cannot go on
        try:
            values = np.fromstring(text, np.int64, sep=" ")
        except (DeprecationWarning, ValueError):
            raise ValueError("a list of whole numbers holds something else") from None
    if len(values) != _length(text):
        raise ValueError("a list of whole numbers holds something else")
    return values


def _length(values: str) -> int:
    return values.count(" ") + 1 if values else 0


def _tree(block: str, number: int) -> dict[str, str]:
    """The arrays of one tree, of the right lengths."""
    if not block.startswith(f"Tree={number}\n") or not block.endswith("\n\n"):
        raise ValueError(f"'tree_sizes' does not agree with tree {number}")
    tree = _pairs(block.rstrip("\n").split("\n"))
    leaves, sets = _integer(tree, "num_leaves"), _integer(tree, "num_cat")
    if not 1 <= leaves <= _MOST_LEAVES or tree.get("is_linear", "0") != "0":
        raise ValueError(f"tree {number} is not of a known kind")
    tree["num_leaves"], tree["num_cat"] = str(leaves), str(sets)
    lengths = dict.fromkeys(_PER_LEAF, leaves)
    if leaves > 1:
        lengths |= dict.fromkeys(_PER_NODE, leaves - 1)
        lengths |= {name: leaves - 1 for name in _NODE_EXTRAS if name in tree}
        lengths |= {name: leaves for name in _LEAF_EXTRAS if name in tree}
    for name, length in lengths.items():
        if _length(tree.get(name, "")) != length:
            raise ValueError(f"{name!r} of tree {number} must have {length} values")
    if sets and _length(tree.get("cat_boundaries", "")) != sets + 1:
        raise ValueError(f"the sets of categories of tree {number} do not exist")
    return tree


def _numbers(text: str) -> NDArray[np.float64]:
    values = np.fromstring(text, np.float64, sep=" ")
    if len(values) != _length(text):
        raise ValueError("a list of numbers holds something else")
    return values


def _check_sets(trees: list[dict[str, str]]) -> None:
    """Splits of categories refer to sets, which are bits in an array of the tree (all trees at once)."""
    if not trees:
        return
    sets = np.array([int(tree["num_cat"]) for tree in trees], np.int64)
    nodes = np.array([int(tree["num_leaves"]) - 1 for tree in trees], np.int64)
    sizes = np.array([_length(tree.get("cat_threshold", "")) for tree in trees], np.int64)
    bounds = _integers(" ".join(tree["cat_boundaries"] for tree in trees))
    bits = _integers(" ".join(tree.get("cat_threshold", "") for tree in trees if tree.get("cat_threshold")))
    ends = np.cumsum(sets + 1)
    rises = bounds[1:] >= bounds[:-1]
    rises[ends[:-1] - 1] = True  # from the last bound of a tree to the first of the next
    chosen = (_integers(" ".join(tree["decision_type"] for tree in trees)) & 1) == 1
    which = _numbers(" ".join(tree["threshold"] for tree in trees))[chosen]
    fits = (
        bool(np.all(bounds[ends - sets - 1] == 0) and np.all(bounds[ends - 1] == sizes) and np.all(rises))
        and bool(np.all((bits >= 0) & (bits < 2**32)))
        and bool(np.all((which >= 0) & (which < np.repeat(sets, nodes)[chosen])))
    )
    if not fits:
        raise ValueError("a tree refers to a set of categories that does not exist")


def _check_nodes(trees: list[dict[str, str]], features: int) -> None:
    """Features and children of all trees at once."""
    if not trees:
        return
    kinds = _integers(" ".join(tree["decision_type"] for tree in trees))
    plain = [tree["decision_type"] for tree in trees if tree["num_cat"] == "0"]
    if np.any((kinds < 0) | (kinds > 127)) or np.any(_integers(" ".join(plain)) & 1):
        raise ValueError("'decision_type' of a tree is out of range, or names a set of categories it lacks")
    leaves = np.array([int(tree["num_leaves"]) for tree in trees], np.int64)
    nodes = leaves - 1
    own = np.arange(nodes.sum()) - np.repeat(np.cumsum(nodes) - nodes, nodes)
    used = _integers(" ".join(tree["split_feature"] for tree in trees))
    if np.any((used < 0) | (used >= features)):
        raise ValueError("a tree splits a feature that does not exist")
    for name in ("left_child", "right_child"):
        child = _integers(" ".join(tree[name] for tree in trees))
        inside = (child < np.repeat(nodes, nodes)) & (~child < np.repeat(leaves, nodes))
        if not np.all(inside & ((child < 0) | (child > own))):
            raise ValueError(f"{name!r} of a tree points to where no node can be")

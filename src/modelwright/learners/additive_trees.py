"""From boosted trees, of which every leaf asks for one or two columns, to the tables that say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, View
from modelwright.learners.additive_tables import AdditiveTables, Axis, Term, axis_of

__all__ = ["tables_of_trees"]

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Leaf:
    """What a leaf adds to an output, and which cells of which columns lead to it."""

    value: float
    cells: Mapping[int, _Mask] = field(default_factory=dict)


def tables_of_trees(trees: list[dict[str, Any]], outputs: int, view: View) -> AdditiveTables:
    """The sum of trees as tables, exactly.

    A leaf is a box: a set of cells of each column that its path asks for. With one or two columns on
    every path, a tree is a sum of functions of one column or a pair, whatever stands in its other branches.

    Parameters
    ----------
    trees : list of dict
        ``tree_info`` of LightGBM's ``Booster.dump_model``; tree ``i`` adds to output ``i % outputs``.
    outputs : int
    view : View
        With the columns that the trees were grown on: numbers, then codes.
    """
    axes = _axes(trees, view)
    tables: dict[tuple[int, ...], Term] = {}
    intercept = np.zeros(outputs)
    for number, tree in enumerate(trees):
        output = number % outputs
        for leaf in _leaves(tree["tree_structure"], axes, {}):
            key = tuple(sorted(leaf.cells))
            if not key:
                intercept[output] += leaf.value
                continue
            if key not in tables:
                tables[key] = Term.empty(tuple(axes[column] for column in key), outputs)
            tables[key].values[..., output][np.ix_(*(leaf.cells[column] for column in key))] += leaf.value
    ordered = tuple(tables[key] for key in sorted(tables, key=lambda each: (len(each), each)))
    return AdditiveTables(view.numeric.shape[1], view.info.cardinalities, intercept, ordered)


def _axes(trees: list[dict[str, Any]], view: View) -> dict[int, Axis]:
    """The columns that trees split, cut at every threshold."""
    found: dict[int, set[float]] = {}
    for tree in trees:
        for node in _splits(tree["tree_structure"]):
            edges = found.setdefault(int(node["split_feature"]), set())
            if node["decision_type"] == "<=":
                edges.add(float(node["threshold"]))
    return {column: axis_of(view, column, np.array(sorted(edges))) for column, edges in found.items()}


def _splits(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "split_feature" in node:
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _leaves(node: dict[str, Any], axes: Mapping[int, Axis], cells: Mapping[int, _Mask]) -> Iterator[_Leaf]:
    if "split_feature" not in node:
        yield _Leaf(float(node["leaf_value"]), cells)
        return
    column = int(node["split_feature"])
    left = _goes_left(node, axes[column])
    known = cells.get(column, np.ones_like(left))
    yield from _leaves(node["left_child"], axes, {**cells, column: known & left})
    yield from _leaves(node["right_child"], axes, {**cells, column: known & ~left})


def _goes_left(node: dict[str, Any], axis: Axis) -> _Mask:
    """Which cells of a column a split sends left."""
    found = np.zeros(axis.size, np.bool_)
    if axis.edges is None:
        codes = np.array([int(code) for code in str(node["threshold"]).split("||") if code], np.int64)
        found[codes[codes < axis.levels]] = True
        return found
    edges: FloatArray = axis.edges
    threshold = float(node["threshold"])
    found[: int(np.searchsorted(edges, threshold)) + 1] = True
    # where it saw no missing value, LightGBM takes one for zero
    found[-1] = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
    return found

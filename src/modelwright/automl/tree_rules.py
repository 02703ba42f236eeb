"""The rules of a single tree in the words of the table: its levels, its flags and its classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.automl.model_terms import TermReader
from modelwright.core import FeatureInfo
from modelwright.learners.decision_tree import FittedDecisionTree

__all__ = ["tree_rules"]

_MOST_NAMED = 6
"""Levels, or classes, that are named one by one."""


def tree_rules(model: FittedDecisionTree, reader: TermReader) -> str:
    """A tree as text, a line a node, indented by depth.

    A leaf says the share of each class, or the value. A question about a level, a flag or a missing value
    is put so that the first branch is its yes.

    Parameters
    ----------
    model : FittedDecisionTree
    reader : TermReader
        What turns positions and codes into names.
    """
    if model.tree is None:
        return f"always {_told(model.coder.predict_constant(1).array[0], model, reader)}"
    features = model.encoder.columns(reader.info)
    questions = _Questions(model, reader)
    lines: list[str] = []

    def write(node: int, depth: int) -> None:
        assert model.tree is not None
        tree, indent = model.tree, "  " * depth
        left = int(tree.child[node])
        if left == node:
            row = tree.table[[tree.leaf[node]]].astype(np.float64)
            said = model.coder.decode(row if model.coder.is_classification else row[:, 0]).array[0]
            lines.append(f"{indent}{_told(said, model, reader)}")
            return
        place = int(tree.feature[node])
        question, above = questions.asked(features[place], place, float(tree.threshold[node]))
        lines.append(f"{indent}if {question}:")
        write(left + above, depth + 1)
        lines.append(f"{indent}else:")
        write(left + 1 - above, depth + 1)

    write(0, 0)
    return "\n".join(lines)


def _told(said: Any, model: FittedDecisionTree, reader: TermReader) -> str:
    """What a leaf says: shares of the classes, the largest first where there are many; else the value."""
    if not model.coder.is_classification:
        return f"{reader.name} = {float(said):.6g}"
    codes = list(model.coder.present)
    if len(codes) > _MOST_NAMED:
        codes = sorted(codes, key=lambda code: -float(said[code]))[: _MOST_NAMED - 1]
    told = [f"{reader.problem.classes[code]}: {float(said[code]):.3f}" for code in codes]
    rest = 1.0 - sum(float(said[code]) for code in codes)
    return ", ".join([*told, *([f"others: {rest:.3f}"] if len(codes) < len(model.coder.present) else [])])


class _Questions:
    """What splits ask."""

    def __init__(self, model: FittedDecisionTree, reader: TermReader) -> None:
        self._encoder = model.encoder
        self._reader = reader

    def asked(self, feature: FeatureInfo, place: int, limit: float) -> tuple[str, bool]:
        """A question, and whether its yes is the side above the limit."""
        name, kind = feature.name, feature.transform
        if kind == "level":
            column, _, code = name.rpartition("=")
            return f"{column} = {self._level(column, int(code))!r}", True
        if kind == "frequency_codes":
            return self._frequent(feature, place, limit), True
        within = 0.0 <= limit < 1.0
        if kind == "missing":
            return f"{name[:-1]} is missing", True
        if kind == "flag" and within:
            return f"{name} = {self._reader.flag(feature)[1]!r}", True
        if kind == "item" and within:
            return f"{feature.source} holds {name.removeprefix(f'{feature.source}=')!r}", True
        limit = self._reader.values.number(feature, limit)
        pair = self._reader.pair(feature)
        if pair is not None and float(pair[0]) <= limit < float(pair[1]):
            return f"{name} = {pair[1]}", True
        return f"{name} <= {limit:.6g}", False

    def _level(self, column: str, code: int) -> str:
        feature = next(each for each in self._reader.info.categorical if each.name == column)
        return self._reader.values.level(feature, code)

    def _frequent(self, feature: FeatureInfo, place: int, limit: float) -> str:
        """Codes of many levels ascend with their rows: those above a limit are the frequent ones."""
        tables = zip(
            self._reader.info.categorical,
            self._encoder.places.columns(),
            self._encoder.values.columns(),
            strict=True,
        )
        values = next(each for info, places, each in tables if info.name == feature.name and place in places)
        codes = np.flatnonzero(values > limit)
        names = [self._level(feature.name, int(code)) for code in codes[np.argsort(-values[codes])]]
        if len(names) == 1:
            return f"{feature.name} = {names[0]!r}"
        if len(names) <= _MOST_NAMED:
            return f"{feature.name} is one of {', '.join(map(repr, names))}"
        return (
            f"{feature.name} is one of its {len(names)} most frequent levels, {names[0]!r} to {names[-1]!r}"
        )

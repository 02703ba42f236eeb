"""Predictions of one row by symmetric trees of CatBoost: its library makes a table of a row first."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray

if TYPE_CHECKING:
    import catboost as cb

__all__ = ["SymmetricTrees", "read_symmetric_trees"]

_MOST_NUMBERS = 100_000
"""Numbers in leaves at most: larger models take longer to read here than is ever gained."""

_MOST_CELLS = 200_000
"""Cells of the table that asks the library about levels."""

_LEAVES = re.compile(rb'"leaf_(?:values|weights)"\s*:\s*\[[^\]]*\]')

_TRIED = 4
"""Rows by which the trees that were read are held against the library's."""

_DEEPEST = 16
_KINDS = {"FloatFeature", "OneHotFeature"}
_NO = np.zeros(1, np.bool_)


@dataclass(frozen=True, eq=False)
class SymmetricTrees:
    """Trees that ask the same question at all nodes of a level: a leaf's number is the bits of the answers.

    Every different question is answered once for a row, whatever the number of trees that ask it.

    Attributes
    ----------
    columns : int64 array, shape (questions about numbers,)
        Numeric column of each.
    borders : float32 array, shape (questions about numbers,)
        Whether the number is above it.
    high : bool array, shape (numeric columns,)
        Whether a missing value is above every border; it is above none otherwise.
    sources : int64 array, shape (questions about categories,)
        Categorical column of each.
    starts : int64 array, shape (questions about categories,)
        Where the answers of each begin in `answers`, one for each code.
    answers : bool array
    asked : int64 array, shape (trees * 8 or 16,)
        The question of each bit of each tree; one past the last for bits that are always 0.
    leaves : int64 array, shape (trees,)
        Where the leaves of each tree begin in `values`.
    values : float64 array, shape (leaves of all trees, outputs)
    scale : float
    bias : float64 array, shape (outputs,)
    """

    columns: NDArray[np.int64]
    borders: NDArray[np.float32]
    high: NDArray[np.bool_]
    sources: NDArray[np.int64]
    starts: NDArray[np.int64]
    answers: NDArray[np.bool_]
    asked: NDArray[np.int64]
    leaves: NDArray[np.int64]
    values: FloatArray
    scale: float
    bias: FloatArray

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in vars(self).values() if isinstance(array, np.ndarray))

    def indexes(self, numbers: NDArray[np.float32], codes: NDArray[np.integer]) -> NDArray[Any]:
        """The leaf of each tree, counted from its first.

        Parameters
        ----------
        numbers : float32 array, shape (numeric columns,)
            NaN where missing.
        codes : int array, shape (categorical columns,)
            As the levels of the model's training rows leave them.
        """
        if self.high.any():
            numbers = np.where(np.isnan(numbers) & self.high, np.float32(np.inf), numbers)
        above = numbers.take(self.columns) > self.borders
        parts = [above, _NO]
        if len(self.sources):
            parts.insert(1, self.answers.take(self.starts + codes.take(self.sources)))
        bits = np.concatenate(parts)
        packed = np.packbits(bits.take(self.asked), bitorder="little")
        return packed if len(packed) == len(self.leaves) else packed.view("<u2")

    def sums(self, numbers: NDArray[np.float32], codes: NDArray[np.integer]) -> FloatArray:
        """What CatBoost calls the raw formula value of a row, shape (outputs,).

        Parameters
        ----------
        numbers, codes : arrays
            As for `indexes`.
        """
        said = self.values.take(self.leaves + self.indexes(numbers, codes), axis=0)
        # cumulated, not summed: one tree after the other, as CatBoost does
        return np.asarray(self.scale * np.cumsum(said, axis=0)[-1] + self.bias)


def read_symmetric_trees(
    model: cb.CatBoost, numeric: int, cardinalities: NDArray[np.int64]
) -> SymmetricTrees | None:
    """The trees of a model whose questions are about single numbers and single levels.

    Which code answers a question about a level is asked of the library, which knows levels by hashes alone.

    Parameters
    ----------
    model : catboost.CatBoost
    numeric : int
        Numeric columns; categorical ones follow them.
    cardinalities : int64 array, shape (categorical columns,)
        Codes of each categorical column.

    Returns
    -------
    SymmetricTrees or None
        None for other trees, questions about statistics of categories, and models of a great many leaves.
    """
    import catboost as cb

    values = np.asarray(model.get_leaf_values(), np.float64)
    asked = (numeric + len(cardinalities)) * int(cardinalities.max(initial=0))
    if not 0 < len(values) <= _MOST_NUMBERS or asked > _MOST_CELLS:
        return None
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model.json"
        model.save_model(str(path), format="json")
        # nearly all of the record, many times larger as objects, is known already
        record = json.loads(_LEAVES.sub(b'"leaf":0', path.read_bytes()))
    try:
        trees = _read(record, values, numeric, model, cardinalities)
        return trees if trees is not None and _agrees(model, trees, numeric, cardinalities) else None
    except (LookupError, TypeError, ValueError, cb.CatBoostError):
        return None  # another version may write other records


def _read(
    record: dict[str, Any],
    values: FloatArray,
    numeric: int,
    model: cb.CatBoost,
    cardinalities: NDArray[np.int64],
) -> SymmetricTrees | None:
    splits = [tree.get("splits") or [] for tree in record["oblivious_trees"]]
    scale, bias = record["scale_and_bias"]
    info = record["features_info"]
    floats = {item["feature_index"]: item for item in info.get("float_features", [])}
    categories = {item["feature_index"]: item for item in info.get("categorical_features", [])}
    deepest = max(map(len, splits))
    if deepest > _DEEPEST or {s["split_type"] for each in splits for s in each} - _KINDS:
        return None
    questions: dict[tuple[str, int, float], tuple[int, int]] = {}
    for tree, each in enumerate(splits):
        for bit, split in enumerate(each):
            questions.setdefault(_question(split), (tree, bit))
    ordered = sorted(questions, key=lambda question: question[0] == "level")
    number = {question: position for position, question in enumerate(ordered)}
    width = 8 if deepest <= 8 else 16
    asked = np.full((len(splits), width), len(ordered), np.int64)
    for tree, each in enumerate(splits):
        asked[tree, : len(each)] = [number[_question(split)] for split in each]
    above = [question for question in ordered if question[0] == "number"]
    levels = [question for question in ordered if question[0] == "level"]
    sources = np.array(
        [categories[place]["flat_feature_index"] - numeric for _, place, _ in levels], np.int64
    )
    sizes = cardinalities[sources]
    outputs = len(bias)
    counts = np.array([2 ** len(each) for each in splits], np.int64)
    high = np.zeros(numeric, np.bool_)
    for item in floats.values():
        high[item["flat_feature_index"]] = item.get("nan_value_treatment") == "AsTrue"
    places = [questions[question] for question in levels]
    return SymmetricTrees(
        columns=np.array([floats[place]["flat_feature_index"] for _, place, _ in above], np.int64),
        borders=np.array([border for _, _, border in above], np.float64).astype(np.float32),
        high=high,
        sources=sources,
        starts=np.cumsum(sizes) - sizes,
        answers=_answers(model, places, sizes, numeric, len(cardinalities)),
        asked=asked.reshape(-1),
        leaves=np.cumsum(counts) - counts,
        values=values.reshape(int(counts.sum()), outputs),
        scale=float(scale),
        bias=np.asarray(bias, np.float64),
    )


def _question(split: dict[str, Any]) -> tuple[str, int, float]:
    if split["split_type"] == "FloatFeature":
        return "number", split["float_feature_index"], split["border"]
    return "level", split["cat_feature_index"], split["value"]


def _answers(
    model: cb.CatBoost,
    places: list[tuple[int, int]],
    sizes: NDArray[np.int64],
    numeric: int,
    categorical: int,
) -> NDArray[np.bool_]:
    """The bit that each code leads to where a question stands, question after question."""
    if not places:
        return np.zeros(0, np.bool_)
    cells = [[0.0] * numeric + [code] * categorical for code in range(int(sizes.max()))]
    leaves = _leaves(model, cells, numeric)
    pairs = zip(places, sizes.tolist(), strict=True)
    return np.concatenate([(leaves[:size, tree] >> bit) & 1 for (tree, bit), size in pairs]).astype(np.bool_)


def _agrees(
    model: cb.CatBoost, trees: SymmetricTrees, numeric: int, cardinalities: NDArray[np.int64]
) -> bool:
    """Whether the library finds the same leaves for a few rows of numbers that stand on borders."""
    rng = np.random.default_rng(0)
    known = trees.borders if len(trees.borders) else np.zeros(1, np.float32)
    numbers = rng.choice(known, (_TRIED, numeric))
    codes = rng.integers(0, cardinalities, (_TRIED, len(cardinalities)))
    cells = [[*pair[0], *pair[1]] for pair in zip(numbers.tolist(), codes.tolist(), strict=True)]
    found = [trees.indexes(*pair) for pair in zip(numbers, codes, strict=True)]
    return bool(np.array_equal(found, _leaves(model, cells, numeric)))


def _leaves(model: cb.CatBoost, cells: list[list[float]], numeric: int) -> NDArray[np.int64]:
    """The leaf of each tree (second axis) for each row."""
    import catboost as cb

    pool = cb.Pool(cells, cat_features=list(range(numeric, len(cells[0]))))
    return np.asarray(model.calc_leaf_indexes(pool), np.int64)

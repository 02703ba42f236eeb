"""From a typed frame to a view, and the fitted state that does it again at predict time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import BundleError, FeatureInfo, ModelwrightError, Schema, View, ViewInfo
from modelwright.features.catalog import TRANSFORMERS
from modelwright.features.state import damaged, read_int, read_record, read_records
from modelwright.features.transformer import Transformer

__all__ = ["Featurizer"]

FORMAT = 1


@dataclass(frozen=True)
class Featurizer:
    """The fitted transformers of a table, one for each kind of column that it has.

    Attributes
    ----------
    transformers : mapping of str to Transformer
        Kind to transformer, in the order of the catalog.

    Examples
    --------
    >>> from modelwright.core import Column, Kind
    >>> frame = pl.DataFrame({"age": [31, None], "plan": ["basic", "pro"]})
    >>> schema = Schema((Column("age", Kind.NUMERIC), Column("plan", Kind.CATEGORICAL)))
    >>> featurizer = Featurizer.fit(frame, schema)
    >>> view = featurizer.transform(frame)
    >>> view.numeric.tolist(), view.categorical.tolist()
    ([[31.0], [nan]], [[1], [2]])
    >>> Featurizer.from_dict(featurizer.to_dict()) == featurizer
    True
    """

    transformers: Mapping[str, Transformer]

    @classmethod
    def fit(cls, frame: pl.DataFrame, schema: Schema) -> Featurizer:
        """Learn how to treat every feature column of the schema; no other column is looked at.

        Parameters
        ----------
        frame : polars.DataFrame
            Typed as the schema says: numbers, Boolean, String, Datetime.
        schema : Schema
            Its features are the columns to treat.

        Raises
        ------
        SchemaMismatch
            If a feature column is absent or of a type that its kind cannot be.
        """
        transformers: dict[str, Transformer] = {}
        kinds = [str(column.kind) for column in schema.features]
        for kind in sorted(set(kinds) - set(TRANSFORMERS)):
            raise ModelwrightError(
                f"No transformer handles columns of kind {kind!r}. Known: {', '.join(TRANSFORMERS)}. "
                f"Give those columns another kind or ignore them."
            )
        for kind in TRANSFORMERS:
            columns = [column.name for column in schema.features if str(column.kind) == kind]
            if columns:
                transformers[kind] = TRANSFORMERS.load(kind).fit(frame, columns)
        return cls(transformers)

    @cached_property
    def info(self) -> ViewInfo:
        """The columns of the view, each with its source column."""
        return ViewInfo(self._features("numeric"), self._features("categorical"))

    def _features(self, block: Literal["numeric", "categorical"]) -> tuple[FeatureInfo, ...]:
        """Features of one block, with names that no other feature of the view has.

        ``signup.month`` may be a part of ``signup`` or a column of that name: the derived one gives way.
        """
        everything = [
            feature
            for wanted in ("numeric", "categorical")
            for transformer in self.transformers.values()
            if transformer.block == wanted
            for feature in transformer.features
        ]
        taken = {feature.source for feature in everything}
        seen: Counter[str] = Counter()
        named: list[FeatureInfo] = []
        for feature in everything:
            name = feature.name
            if name != feature.source:
                while name in taken:
                    seen[feature.name] += 1
                    name = f"{feature.name}_{seen[feature.name] + 1}"
                taken.add(name)
            named.append(feature if name == feature.name else replace(feature, name=name))
        numeric = sum(len(each.features) for each in self.transformers.values() if each.block == "numeric")
        return tuple(named[:numeric] if block == "numeric" else named[numeric:])

    @cached_property
    def _widths(self) -> dict[str, int]:
        return {kind: len(transformer.features) for kind, transformer in self.transformers.items()}

    def transform(self, frame: pl.DataFrame) -> View:
        """The view of a frame with at least the feature columns, in any order.

        Returns
        -------
        View
            C-ordered blocks. A row's values depend on that row alone.

        Raises
        ------
        SchemaMismatch
            If a feature column is absent or of another type than in training.
        """
        numeric = np.empty((frame.height, len(self.info.numeric)), np.float32)
        categorical = np.empty((frame.height, len(self.info.categorical)), np.int32)
        blocks: dict[str, NDArray[Any]] = {"numeric": numeric, "categorical": categorical}
        filled = {"numeric": 0, "categorical": 0}
        for kind, transformer in self.transformers.items():
            block, start = transformer.block, filled[transformer.block]
            filled[block] = start + self._widths[kind]
            transformer.transform(frame, blocks[block][:, start : filled[block]])
        return View(numeric, categorical, self.info)

    def to_dict(self) -> dict[str, Any]:
        """The whole state as JSON values."""
        return {
            "format": FORMAT,
            "transformers": [
                {"kind": kind, "state": transformer.to_dict()}
                for kind, transformer in self.transformers.items()
            ],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Featurizer:
        """Inverse of `to_dict`.

        Raises
        ------
        BundleError
            If the record is not what `to_dict` writes; nothing in it is run.
        """
        known = read_record(record, "the feature state")
        read_int(known, "format", FORMAT, FORMAT)
        transformers: dict[str, Transformer] = {}
        for entry in read_records(known, "transformers"):
            kind = entry.get("kind")
            if not isinstance(kind, str) or kind in transformers:
                raise damaged("'kind'", "a kind that stands once", kind)
            if kind not in TRANSFORMERS:
                raise BundleError(
                    f"The model was trained with a transformer {kind!r} that is not installed here. "
                    f"Known: {', '.join(TRANSFORMERS)}. Install the package that brings it."
                )
            transformers[kind] = TRANSFORMERS.load(kind).from_dict(read_record(entry.get("state"), "'state'"))
        return cls(transformers)

"""From a typed frame to a view, and the fitted state that does it again at predict time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import (
    BundleError,
    FeatureInfo,
    Kind,
    ModelwrightError,
    Schema,
    SparseBlock,
    View,
    ViewInfo,
)
from modelwright.features.catalog import TRANSFORMERS
from modelwright.features.groups import GroupAggregates
from modelwright.features.options import FeatureOptions
from modelwright.features.sparse import side_by_side
from modelwright.features.state import damaged, read_int, read_mapping, read_record, read_records
from modelwright.features.transformer import Transformer

__all__ = ["Featurizer"]

FORMAT = 2


@dataclass(frozen=True)
class Featurizer:
    """The fitted transformers of a table, one or more for each kind of column that it has.

    Attributes
    ----------
    transformers : mapping of str to Transformer
        Name in the catalog to transformer, in the order of the catalog.
    groups : GroupAggregates or None
        What rows of the same group have in common, where that was asked for.
    options : FeatureOptions
        What was asked for.

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
    groups: GroupAggregates | None = None
    options: FeatureOptions = field(default_factory=FeatureOptions)

    @classmethod
    def fit(cls, frame: pl.DataFrame, schema: Schema, options: FeatureOptions | None = None) -> Featurizer:
        """Learn how to treat every feature column of the schema; no other column is looked at.

        Parameters
        ----------
        frame : polars.DataFrame
            Typed as the schema says: numbers, Boolean, String, Datetime, lists.
        schema : Schema
            Its features are the columns to treat.
        options : FeatureOptions, optional
            Parts to leave out, and parts that are there only if asked for.

        Raises
        ------
        SchemaMismatch
            If a feature column is absent or of a type that its kind cannot be.
        OptionError
            If an option cannot be followed.
        """
        chosen = FeatureOptions() if options is None else options
        chosen.check(TRANSFORMERS.names())
        columns: dict[str, list[str]] = {}
        for column in schema.features:
            columns.setdefault(str(column.kind), []).append(column.name)
        transformers: dict[str, Transformer] = {}
        served: set[str] = set()
        for name in TRANSFORMERS:
            transformer: type[Transformer] = TRANSFORMERS.load(name)
            kind = transformer.kind or name
            served.add(kind)
            if kind in columns and name not in chosen.without:
                fitted = transformer.fit_with(frame, columns[kind], chosen)
                if fitted.features or fitted.sparse_features:
                    transformers[name] = fitted
        _check_served(columns, served)
        groups = None
        if chosen.group is not None:
            groups = GroupAggregates.fit(frame, columns.get(str(Kind.NUMERIC), []), chosen.group)
        return cls(transformers, groups, chosen)

    @property
    def also(self) -> tuple[str, ...]:
        """Columns that `transform` needs besides the features of the schema."""
        return () if self.groups is None else (self.groups.group,)

    @cached_property
    def _parts(self) -> tuple[Transformer | GroupAggregates, ...]:
        """Everything that writes, in the order of the columns of the view."""
        return (*self.transformers.values(), *(() if self.groups is None else (self.groups,)))

    @cached_property
    def info(self) -> ViewInfo:
        """The columns of the view, each with its source column."""
        numeric = [each for part in self._parts if part.block == "numeric" for each in part.features]
        categorical = [each for part in self._parts if part.block == "categorical" for each in part.features]
        sparse = [each for part in self.transformers.values() for each in part.sparse_features]
        named = list(_unique_names([*numeric, *categorical, *sparse]))
        first, second = len(numeric), len(numeric) + len(categorical)
        return ViewInfo(tuple(named[:first]), tuple(named[first:second]), tuple(named[second:]))

    @cached_property
    def places(self) -> tuple[tuple[Transformer | GroupAggregates, slice], ...]:
        """Everything that writes, and the columns of its block that it writes."""
        filled: Counter[str] = Counter()
        found: list[tuple[Transformer | GroupAggregates, slice]] = []
        for part in self._parts:
            start = filled[part.block]
            filled[part.block] += len(part.features)
            found.append((part, slice(start, filled[part.block])))
        return tuple(found)

    def transform(self, frame: pl.DataFrame) -> View:
        """The view of a frame with at least the feature columns, in any order.

        Returns
        -------
        View
            C-ordered blocks. A row's values depend on that row alone; with group features, on the rows of
            its group in the same frame, too.

        Raises
        ------
        SchemaMismatch
            If a feature column is absent or of another type than in training.
        """
        numeric = np.empty((frame.height, len(self.info.numeric)), np.float32)
        categorical = np.empty((frame.height, len(self.info.categorical)), np.int32)
        blocks: dict[str, NDArray[Any]] = {"numeric": numeric, "categorical": categorical}
        sparse: list[SparseBlock] = []
        for part, place in self.places:
            found = part.transform(frame, blocks[part.block][:, place])
            if found is not None:
                sparse.append(found)
        return View(numeric, categorical, self.info, side_by_side(sparse))

    def to_dict(self) -> dict[str, Any]:
        """The whole state as JSON values."""
        return {
            "format": FORMAT,
            "options": self.options.to_dict(),
            "transformers": [
                {"name": name, "state": transformer.to_dict()}
                for name, transformer in self.transformers.items()
            ],
            "groups": None if self.groups is None else self.groups.to_dict(),
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
            name = entry.get("name")
            if not isinstance(name, str) or name in transformers:
                raise damaged("'name'", "a transformer that stands once", name)
            if name not in TRANSFORMERS:
                raise BundleError(
                    f"The model was trained with a transformer {name!r} that is not installed here. "
                    f"Known: {', '.join(TRANSFORMERS)}. Install the package that brings it."
                )
            transformers[name] = TRANSFORMERS.load(name).from_dict(read_record(entry.get("state"), "'state'"))
        groups = None
        if known.get("groups") is not None:
            groups = GroupAggregates.from_dict(read_mapping(known, "groups"))
        return cls(transformers, groups, FeatureOptions.from_dict(read_mapping(known, "options")))


def _check_served(columns: Mapping[str, Sequence[str]], served: set[str]) -> None:
    for kind in sorted(set(columns) - served):
        raise ModelwrightError(
            f"No transformer handles columns of kind {kind!r}. Known: {', '.join(sorted(served))}. "
            f"Give those columns another kind or ignore them."
        )


def _unique_names(features: Sequence[FeatureInfo]) -> Iterator[FeatureInfo]:
    """The features with names that no other feature of the view has.

    ``signup.month`` may be a part of ``signup`` or a column of that name: the derived one gives way.
    """
    taken = {feature.source for feature in features}
    seen: Counter[str] = Counter()
    for feature in features:
        name = feature.name
        if name != feature.source:
            while name in taken:
                seen[feature.name] += 1
                name = f"{feature.name}_{seen[feature.name] + 1}"
            taken.add(name)
        yield feature if name == feature.name else replace(feature, name=name)

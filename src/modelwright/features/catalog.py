"""The transformers: one per kind of column, found by the kind's name and loaded when first needed."""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["TRANSFORMERS"]

TRANSFORMERS = Catalog(
    "transformer",
    {
        "numeric": "modelwright.features.numeric:NumericTransformer",
        "boolean": "modelwright.features.boolean:BooleanTransformer",
        "datetime": "modelwright.features.datetimes:DatetimeTransformer",
        "text": "modelwright.features.text:TextTransformer",
        "categorical": "modelwright.features.categorical:CategoricalTransformer",
    },
)
"""Kind to the transformer of all columns of that kind, in the order of the columns of the view."""

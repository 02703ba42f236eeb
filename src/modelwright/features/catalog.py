"""The transformers, found by name and loaded when first needed.

The name of a transformer is the kind of column that it treats, unless it names another one (`kind`):
several transformers may write about the same columns.
"""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["TRANSFORMERS"]

TRANSFORMERS = Catalog(
    "transformer",
    {
        "numeric": "modelwright.features.numeric:NumericTransformer",
        "boolean": "modelwright.features.boolean:BooleanTransformer",
        "datetime": "modelwright.features.datetimes:DatetimeTransformer",
        "date_cycles": "modelwright.features.date_cycles:DateCycles",
        "date_gaps": "modelwright.features.date_gaps:DateGaps",
        "holidays": "modelwright.features.holidays:Holidays",
        "text": "modelwright.features.text:TextTransformer",
        "text_terms": "modelwright.features.text_terms:TextTerms",
        "list": "modelwright.features.lists:ListTransformer",
        "coordinates": "modelwright.features.coordinates:CoordinatesTransformer",
        "categorical": "modelwright.features.categorical:CategoricalTransformer",
    },
)
"""Name to transformer, in the order of the columns of the view."""

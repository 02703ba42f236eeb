"""From what a view holds back to what stands in the table: names of levels, numbers in their own unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwright.core import FeatureInfo
from modelwright.features.categorical import CategoricalTransformer
from modelwright.features.featurizer import Featurizer
from modelwright.features.numeric import Adjustment, NumericTransformer

__all__ = ["SourceValues"]

_OTHER = "(missing or other)"


@dataclass(frozen=True)
class SourceValues:
    """What values of view columns are in the source columns.

    Attributes
    ----------
    levels : mapping of str to tuple of str
        The levels of each category.
    adjustments : mapping of str to Adjustment
        Of numbers that were moved and scaled.

    Examples
    --------
    >>> values = SourceValues({"plan": ("basic", "pro")}, {"epoch": Adjustment(1000.0, 0.5)})
    >>> values.level(FeatureInfo("plan", "plan", "codes", 3), 2)
    'pro'
    >>> values.number(FeatureInfo("epoch", "epoch", "value"), 3.0)
    1006.0
    """

    levels: Mapping[str, tuple[str, ...]]
    adjustments: Mapping[str, Adjustment]

    @classmethod
    def of(cls, featurizer: Featurizer) -> SourceValues:
        """As the transformers of a featurizer have it."""
        levels: dict[str, tuple[str, ...]] = {}
        adjustments: dict[str, Adjustment] = {}
        for part in featurizer.transformers.values():
            if isinstance(part, CategoricalTransformer):
                levels |= part.levels
            if isinstance(part, NumericTransformer):
                adjustments |= part.adjustments
        return cls(levels, adjustments)

    def level(self, feature: FeatureInfo, code: int) -> str:
        """The level that a code stands for; codes that stand for none are told as such."""
        known = self.levels.get(feature.source, ())
        return known[code - 1] if 1 <= code <= len(known) else _OTHER

    def number(self, feature: FeatureInfo, value: float) -> float:
        """A number in the unit of the source column, as far as it was only moved and scaled."""
        found = self.adjustments.get(feature.source) if feature.transform == "value" else None
        return value if found is None else value / found.scale + float(found.offset)

"""What a caller may ask of the features: parts left out, and parts that are there only if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core import OptionError, nearest
from modelwright.features.state import damaged, read_int, read_texts

__all__ = ["FeatureOptions"]

_CHARACTERS = "text_characters"


@dataclass(frozen=True)
class FeatureOptions:
    """Which features are made.

    Attributes
    ----------
    without : tuple of str, default none
        Names of transformers (see `TRANSFORMERS`) that are left out, for example to measure what
        ``"text_terms"`` bring.
    country : str or None, default None
        Two-letter code (ISO 3166) of the country whose public holidays matter, such as ``"DE"``; with a
        subdivision ``"DE-BY"``. Needs the package `holidays`.
    group : str or None, default None
        Column whose equal values say which rows belong together; each numeric column then also gets
        aggregates over the rows of the group.
    text_characters : int or None, default None
        Characters that the terms of all text columns together are chosen from; the default is up to 40
        million for each. Fewer take less time.

    Examples
    --------
    >>> options = FeatureOptions(without=("text_terms",), country="DE")
    >>> FeatureOptions.from_dict(options.to_dict()) == options
    True
    """

    without: tuple[str, ...] = ()
    country: str | None = None
    group: str | None = None
    text_characters: int | None = None

    def check(self, names: Sequence[str]) -> None:
        """Raise `OptionError` if `without` names a transformer that does not exist."""
        for name in self.without:
            if name not in names:
                raise OptionError(
                    f"There is no transformer {name!r} to leave out.{nearest(name, names)} "
                    f"Known: {', '.join(names)}."
                )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record = {"without": list(self.without), "country": self.country, "group": self.group}
        return record if self.text_characters is None else {**record, _CHARACTERS: self.text_characters}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> FeatureOptions:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        for name in ("country", "group"):
            if not isinstance(record.get(name), str | None):
                raise damaged(repr(name), "a text or null", record.get(name))
        characters = None if record.get(_CHARACTERS) is None else read_int(record, _CHARACTERS, 1, 2**53)
        return cls(read_texts(record, "without"), record.get("country"), record.get("group"), characters)

"""The feature steps: from columns in the types of training to the columns that the models see.

The steps are those of `scorer/features/`; what they learned from the training rows (levels, vocabularies,
dates) stands in `features.json`. `python features.py` prints which column becomes what.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modelwright.features.featurizer import Featurizer

__all__ = ["describe", "main", "read_features"]


def read_features(path: Path) -> Featurizer:
    """The fitted steps of a file; `Featurizer.transform` makes a view of a table.

    Raises
    ------
    BundleError
        If the file holds something else.
    """
    return Featurizer.from_dict(json.loads(path.read_bytes()))


def describe(featurizer: Featurizer) -> list[str]:
    """One line a feature: its name, the column that it comes from, and what was done.

    Examples
    --------
    >>> from modelwright.core import Column, Kind, Schema
    >>> import polars as pl
    >>> schema = Schema((Column("age", Kind.NUMERIC),))
    >>> describe(Featurizer.fit(pl.DataFrame({"age": [1.0, 2.5]}), schema))
    ['age: value of age']
    """
    info = featurizer.info
    lines = [f"{each.name}: {each.transform} of {each.source}" for each in (*info.numeric, *info.categorical)]
    return lines + [f"{each.name}: {each.levels} terms of {each.source}" for each in info.sparse]


def main() -> int:
    """Print the features of this project."""
    featurizer = read_features(Path(__file__).resolve().parent / "features.json")
    sys.stdout.write("\n".join(describe(featurizer)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

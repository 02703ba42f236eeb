"""The columns of new data by the names of training, but for space around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from modelwright.core import DataError
from modelwright.data.read import read_raw
from modelwright.data.table import RawTable

__all__ = ["all_names", "names_around", "read_named"]


def read_named(source: Any, names: Sequence[str]) -> RawTable:
    """Read the named columns; one that is absent may stand under its name with other space around it.

    Headers of text files are stripped, names of frames are not, so that ``" b"`` of a frame is ``"b"`` of its
    file. Where two columns differ only in such space, neither is taken for the other.

    Examples
    --------
    >>> read_named({" b": [1], "c": [2]}, ["b"]).frame.columns
    ['b']
    """
    raw = read_raw(source, names)
    if raw.info.kind == "numpy":
        return raw
    absent = [name for name in names if name not in set(raw.frame.columns)]
    if not absent:
        return raw
    found = names_around(all_names(source), names)
    if not found:
        return raw
    raw = read_raw(source, [*names, *found.values()])
    back = {other: name for name, other in found.items()}
    frame = raw.frame.clone()
    frame.columns = [back.get(name, name) for name in raw.frame.columns]
    return replace(raw, frame=frame, levels={back.get(name, name): how for name, how in raw.levels.items()})


def names_around(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Wanted names that are absent, each with the given one that differs only in the space around it.

    Examples
    --------
    >>> names_around([" b", "c", "c "], ["b", " c "])
    {'b': ' b'}
    """
    known = set(given)
    absent = [name for name in names if name not in known]
    others = [name for name in given if name not in set(names)]
    wanted = Counter(name.strip() for name in absent)
    bare = Counter(name.strip() for name in others)
    return {
        name: next(other for other in others if other.strip() == name.strip())
        for name in dict.fromkeys(absent)
        if wanted[name.strip()] == bare[name.strip()] == 1
    }


def all_names(source: Any) -> list[str]:
    """Every column name of a source, those that training did not use too, for a hint in an error."""
    try:
        return read_raw(source).frame.columns
    except DataError:
        return []  # an unused column cannot be read: the hint is not worth another error

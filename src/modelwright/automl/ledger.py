"""The decision ledger: every automatic choice behind a model, with its evidence, its effect and its undo.

Nothing is decided here. The entries are read from what a bundle records: the schema with a reason for each
column, findings, the plan, the trials, the leaderboard, and what the last steps brought.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from modelwright.automl.bundle import read_part
from modelwright.automl.ledger_columns import column_entries, feature_entries
from modelwright.automl.ledger_entry import TOPICS, Effect, LedgerEntry, as_options
from modelwright.automl.ledger_problem import problem_entries
from modelwright.automl.ledger_search import SearchFacts, search_entries
from modelwright.automl.trace import TrialTrace, read_trials
from modelwright.core import BundleError, OptionError, UnknownName, nearest

__all__ = ["TOPICS", "Effect", "LedgerEntry", "as_options", "entry_of", "of_topic", "read_ledger"]

_NEAREST = 3


class _Bundled(Protocol):
    """A loaded model, as far as its ledger is concerned."""

    path: Path
    manifest: dict[str, Any]


def read_ledger(source: _Bundled | Mapping[str, Any]) -> tuple[LedgerEntry, ...]:
    """Every automatic choice behind a model.

    Parameters
    ----------
    source : Model or mapping
        A loaded model; or its manifest alone, which knows nothing of leaderboard, trials and features.

    Returns
    -------
    tuple of LedgerEntry
        By topic; inside a topic those of the largest effect first, then those that can be undone.

    Raises
    ------
    BundleError
        If a part of the bundle is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from modelwright.automl import train
    >>> table = {"size": list(range(60)), "always": [1] * 60, "price": [3.0 * size for size in range(60)]}
    >>> with tempfile.TemporaryDirectory() as place:
    ...     model = train(table, "price", max_trials=1, learners="linear", threads=1, workspace=place)
    ...     found = {entry.id: entry for entry in read_ledger(model)}
    >>> found["metric"].choice, found["drop:always"].command
    ('rmse', '--set always=feature')
    """
    path: Path | None = None
    manifest: Mapping[str, Any]
    if isinstance(source, Mapping):
        manifest = source
    else:
        manifest, path = source.manifest, source.path
    try:
        entries = _unique([*_entries(path, manifest)])
    except BundleError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        place = "this model" if path is None else repr(str(path))
        raise BundleError(
            f"The records of {place} cannot be read ({type(error).__name__}: {error})."
        ) from error
    return tuple(sorted(entries, key=_order))


def _entries(path: Path | None, manifest: Mapping[str, Any]) -> Iterator[LedgerEntry]:
    features: Mapping[str, Any] = {}
    board: Mapping[str, Any] = {}
    trials: tuple[TrialTrace, ...] = ()
    if path is not None:
        features = read_part(path, manifest, "features.json")
        board = read_part(path, manifest, "leaderboard.json")
        trials = read_trials(path, manifest)
    yield from problem_entries(manifest)
    yield from column_entries(manifest)
    yield from feature_entries(manifest, features)
    yield from search_entries(SearchFacts(manifest, board, trials))


def _order(entry: LedgerEntry) -> tuple[int, float, bool]:
    """Topics in their order; in each the largest effect first, then what can be undone."""
    gain = 0.0 if entry.effect is None else abs(entry.effect.gain)
    return list(TOPICS).index(entry.topic), -gain, entry.undo is None


def _unique(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The entries, numbered where two would have one id."""
    seen: dict[str, int] = {}
    found: list[LedgerEntry] = []
    for entry in entries:
        seen[entry.id] = seen.get(entry.id, 0) + 1
        count = seen[entry.id]
        found.append(entry if count == 1 else replace(entry, id=f"{entry.id}#{count}"))
    return found


def entry_of(entries: Iterable[LedgerEntry], identifier: str) -> LedgerEntry:
    """The entry with an id.

    Raises
    ------
    UnknownName
        If there is none; the message names the nearest ids.

    Examples
    --------
    >>> entry_of([LedgerEntry("drop:row", "columns", "row", "left out")], "drop:rwo")
    Traceback (most recent call last):
        ...
    modelwright.core.errors.UnknownName: There is no decision 'drop:rwo'. Nearest: 'drop:row'. See \
'modelwright decisions MODEL' for all.
    """
    known = {entry.id: entry for entry in entries}
    if identifier in known:
        return known[identifier]
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(identifier.casefold(), folded, n=_NEAREST, cutoff=0.5)
    shown = f" Nearest: {', '.join(repr(folded[name]) for name in near)}." if near else ""
    raise UnknownName(
        f"There is no decision {identifier!r}.{shown} See 'modelwright decisions MODEL' for all."
    )


def of_topic(entries: Iterable[LedgerEntry], topic: str | None) -> tuple[LedgerEntry, ...]:
    """The entries of a topic; all of them for None.

    Raises
    ------
    OptionError
        If there is no such topic.
    """
    if topic is None:
        return tuple(entries)
    if topic not in TOPICS:
        raise OptionError(
            f"There is no topic {topic!r}.{nearest(topic, TOPICS)} Topics: {', '.join(TOPICS)}."
        )
    return tuple(entry for entry in entries if entry.topic == topic)

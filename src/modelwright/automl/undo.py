"""From ``like`` and ``undo`` to a request: that of an earlier run, with some of its choices reversed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from modelwright.automl.ledger import LedgerEntry, entry_of, read_ledger
from modelwright.automl.loading import load_model, load_run_or_model
from modelwright.automl.model import Model
from modelwright.automl.problem_options import as_names
from modelwright.automl.request import TrainRequest
from modelwright.core import BadInput, OptionError

__all__ = ["followed", "reversal", "same_request"]

_OF_THE_CALL = ("like", "undo", "undone", "replays", "resume", "started", "workspace", "output")
"""What a request has of its own, whatever it is like."""

_LISTS = ("keep", "without")

_UNCOMPARED = ("data", "holdout")
"""May be tables, which cannot be compared with a default."""


def followed(request: TrainRequest) -> TrainRequest:
    """A request in which `like` and `undo` have become the arguments that they stand for.

    What the caller gives besides goes before what is repeated, and before what an undo would set.

    Parameters
    ----------
    request : TrainRequest

    Returns
    -------
    TrainRequest
        The same one, where neither is given.

    Raises
    ------
    OptionError
        If there is nothing that could be repeated or undone, or a choice cannot be reversed.
    UnknownName
        If there is no such model, run or choice.
    """
    ids = as_names(request.undo, "choice to undo")
    if request.like is None and not ids:
        return request
    if request.resume is not None:
        raise OptionError("A run that is resumed goes on as it was. Give --like and --undo to a new run.")
    given = _given(request)
    if request.like is None:
        model = _last_model(request)
    else:
        model = load_run_or_model(str(request.like), request.workspace)
    options = reversal(read_ledger(model), ids)
    base = request if request.like is None else same_request(model, request, options)
    undone = {
        "run": model.manifest.get("run"),
        "model": model.name,
        "ids": list(ids),
        "options": {name: _jsonable(value) for name, value in options.items()},
    }
    return replace(_with(base, options, given), like=None, undo=None, undone=undone)


def _jsonable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def same_request(
    model: Model, given: TrainRequest | None = None, replaced: Collection[str] = ()
) -> TrainRequest:
    """What a model's run was asked for, with what is given anew.

    Parameters
    ----------
    model : Model
    given : TrainRequest, optional
        What differs from the defaults in it goes before what is repeated.
    replaced : collection of str
        Arguments that will be replaced: it does not matter whether they could be repeated.

    Raises
    ------
    OptionError
        If the bundle does not know its request, or data or a function is missing that no record can hold.
    """
    recorded = model.manifest.get("request")
    if not isinstance(recorded, Mapping):
        raise OptionError(
            f"The model {model.name!r} was trained by a version of Modelwright that did not record what it "
            "was asked for. Give DATA, --target and the options again, without --like."
        )
    wanted = TrainRequest() if given is None else given
    known = {each.name for each in fields(TrainRequest)} - set(_OF_THE_CALL)
    values = {name: value for name, value in recorded.items() if name in known}
    changed = _given(wanted)
    if values.get("metric") is None and "metric" not in {*changed, *replaced}:
        raise OptionError(
            "The model was trained for a metric of its own (a function), which no record can hold. Give the "
            "same function again: train(like=..., metric=function)."
        )
    overrides = {**(values.get("overrides") or {}), **(changed.get("overrides") or {})}
    values |= {**changed, "overrides": overrides}
    _require_tables(model, values, replaced)
    own = {name: getattr(wanted, name) for name in _OF_THE_CALL}
    try:
        return TrainRequest(**{**values, **own})
    except TypeError as error:
        raise OptionError(f"The recorded request of {model.name!r} cannot be repeated ({error}).") from error


def _require_tables(model: Model, values: Mapping[str, Any], replaced: Collection[str]) -> None:
    """Refuse to repeat what was done with tables that no record holds.

    Raises
    ------
    OptionError
        If data or a holdout is missing.
    """
    if values.get("data") is None:
        raise OptionError(
            f"The model {model.name!r} was trained on a table in memory, or on a database with a password, "
            "which no record holds. Give the data again."
        )
    decisions = model.manifest["plan"].get("decisions", ())
    in_memory = any(each["why"] == "read from a table in memory" for each in decisions)
    if in_memory and values.get("holdout") is None and "holdout" not in replaced:
        raise OptionError(
            f"The holdout of {model.name!r} was a table in memory, which no record holds. Give it again, or "
            "another one."
        )


def _given(request: TrainRequest) -> dict[str, Any]:
    """The arguments that differ from their defaults."""
    found: dict[str, Any] = {}
    for each in fields(TrainRequest):
        value = getattr(request, each.name)
        empty = isinstance(value, (Mapping, list, tuple)) and not value
        if each.name in _OF_THE_CALL or value is None or value is each.default or empty:
            continue
        if each.name in _UNCOMPARED or callable(value) or value != each.default:
            found[each.name] = value
    return found


def _last_model(request: TrainRequest) -> Model:
    """The last model of the name that this request would give.

    Raises
    ------
    OptionError
        If there is none.
    """
    if request.data is None:
        raise OptionError(
            "To undo a choice, say of which run: give DATA and --target as before, or a model with --like."
        )
    name = request.model_name()
    try:
        return load_model(name, request.workspace)
    except BadInput as error:
        raise OptionError(
            f"There is nothing to undo: {error} Name the model or run whose choices you mean with --like."
        ) from error


def reversal(entries: Sequence[LedgerEntry], ids: Iterable[str]) -> dict[str, Any]:
    """The arguments of `train` that reverse some choices.

    Parameters
    ----------
    entries : sequence of LedgerEntry
        Of the run that made them.
    ids : iterable of str

    Raises
    ------
    UnknownName
        If there is no such choice; the nearest ids are named.
    OptionError
        If one cannot be undone, or two of them contradict each other.

    Examples
    --------
    >>> one = LedgerEntry("drop:a", "columns", "a", "left out", undo={"keep": ["a"]})
    >>> two = LedgerEntry("stacking", "ensemble", "", "stacked", undo={"without": ["stacking"]})
    >>> reversal([one, two], ["drop:a", "stacking"])
    {'keep': ('a',), 'without': ('stacking',)}
    """
    found: dict[str, Any] = {}
    for identifier in dict.fromkeys(ids):
        entry = entry_of(entries, identifier)
        if entry.undo is None:
            why = f": {entry.fixed}" if entry.fixed else ""
            raise OptionError(f"The decision {identifier!r} ({entry.choice}) cannot be undone{why}.")
        for name, value in entry.undo.items():
            found[name] = _joined(name, found[name], value) if name in found else _plain(name, value)
    return found


def _plain(name: str, value: Any) -> Any:
    if name == "overrides":
        return dict(value)
    return tuple(value) if name in (*_LISTS, "learners") else value


def _joined(name: str, first: Any, second: Any) -> Any:
    """What two undone choices ask of one argument.

    Raises
    ------
    OptionError
        If both cannot be had.
    """
    if name in _LISTS:
        return tuple(dict.fromkeys([*first, *second]))
    if name == "learners":
        both = tuple(learner for learner in first if learner in second)
        if not both:
            raise OptionError("No learner would be left to try. Undo fewer of the learners.")
        return both
    if name == "overrides":
        clash = [column for column in second if first.get(column, second[column]) != second[column]]
        if not clash:
            return {**first, **second}
        raise OptionError(
            f"Two of the decisions to undo would make {clash[0]!r} {first[clash[0]]!r} and "
            f"{second[clash[0]]!r}. Undo one of them."
        )
    if first != second:
        raise OptionError(
            f"Two of the decisions to undo would set {name} to {first!r} and to {second!r}. Undo one of them."
        )
    return first


def _with(request: TrainRequest, options: Mapping[str, Any], given: Mapping[str, Any]) -> TrainRequest:
    """The request with the arguments that reverse choices; what the caller gave besides stays."""
    changes: dict[str, Any] = {}
    for name, value in options.items():
        if name == "overrides":
            changes[name] = {**(request.overrides or {}), **value, **(given.get(name) or {})}
        elif name in _LISTS:
            before = as_names(getattr(request, name), "name")
            changes[name] = tuple(dict.fromkeys([*before, *value]))
        elif name not in given:
            changes[name] = value
    return replace(request, **changes)

"""Events: frozen facts with plain records."""

from __future__ import annotations

import inspect
import json
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from modelwright.core import events
from modelwright.core.events import Event, TrialFinished

CLASSES = [value for value in vars(events).values() if inspect.isclass(value) and issubclass(value, Event)]

EXAMPLES = {"str": "x", "int": 1, "float": 0.5, "bool": True, "Mapping[str, Any]": {"a": np.float32(0.5)}}


def example(kind: type[Event]) -> Event:
    """An event with a value in each field."""
    return kind(**{field.name: EXAMPLES[str(field.type).removesuffix(" | None")] for field in fields(kind)})


@pytest.mark.parametrize("kind", CLASSES)
def test_the_record_of_an_event_is_plain_json_with_its_name(kind: type[Event]) -> None:
    record = example(kind).to_dict()
    assert record["event"] == kind.__name__
    assert set(record) == {"event", *(field.name for field in fields(kind))}
    assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.parametrize("kind", CLASSES)
def test_an_event_cannot_be_changed_and_says_what_it_is(kind: type[Event]) -> None:
    event = example(kind)
    with pytest.raises(FrozenInstanceError):
        event.seconds = 1.0  # type: ignore[misc]
    assert inspect.getdoc(kind)


def test_a_score_that_is_no_number_becomes_none() -> None:
    event = TrialFinished(trial=1, learner="l", label="l 1", score=float("nan"), folds=3, fit_seconds=0.1)
    assert event.to_dict()["score"] is None

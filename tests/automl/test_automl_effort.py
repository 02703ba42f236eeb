"""The work of preparing suits the time limit, by the size of the data and never by the clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from modelwright.automl.effort import effort_for
from modelwright.automl.prepare import prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import Column, Kind, Schema

WORDS = ("red", "green", "blue", "small", "large", "round", "old", "new", "cheap", "rare")


def _texts(rows: int, words: int) -> pl.DataFrame:
    drawn = np.random.default_rng(0).integers(0, len(WORDS), (rows, words))
    target = np.where(drawn[:, 0] < 5, "a", "b")
    return pl.DataFrame({"note": [" ".join(WORDS[i] for i in row) for row in drawn], "y": target})


def test_without_a_limit_nothing_is_cut() -> None:
    effort = effort_for(_texts(2_000, 100), Schema((Column("note", Kind.TEXT),)), None)
    assert (effort.text_characters, effort.findings) == (None, ())


@pytest.mark.parametrize(("seconds", "severity"), [(120.0, None), (4.0, "info"), (0.5, "warning")])
def test_terms_are_chosen_from_less_text_where_time_is_short(seconds: float, severity: str | None) -> None:
    prepared = prepare(TrainRequest(data=_texts(1_000, 250), target="y"), seconds)
    found = [finding.severity for finding in prepared.findings if finding.check == "text_cut"]
    assert found == ([] if severity is None else [severity])
    assert ("text_terms" in prepared.featurizer.transformers) == (severity != "warning")


def test_equal_limits_give_equal_features_and_the_state_keeps_the_bound() -> None:
    request = TrainRequest(data=_texts(1_000, 250), target="y")
    first, second = (prepare(request, 4.0) for _ in range(2))
    assert first.data.identity == second.data.identity
    options = first.featurizer.options
    assert options.text_characters
    assert type(options).from_dict(options.to_dict()) == options
    plain = replace(options, text_characters=None)
    assert type(options).from_dict(plain.to_dict()) == plain


def test_wide_tables_are_checked_for_leaks_on_fewer_rows() -> None:
    frame = pl.DataFrame({f"x{i}": pl.zeros(6_000, eager=True) for i in range(300)})
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in frame.columns))
    effort = effort_for(frame, schema, 3.0)
    assert effort.leak_rows == 4_000
    assert [finding.check for finding in effort.findings] == ["leaks_cut"]
    assert not effort_for(frame, schema, 60.0).findings

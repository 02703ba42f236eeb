"""The leaderboard: order, ties, what may not be compared, and how it is shown."""

from __future__ import annotations

import json

import numpy as np
import pytest

from modelwright.core import OptionError, Predictions, Task, UnknownName
from modelwright.evaluation import Entrant, HoldoutResult, Leaderboard, build_leaderboard
from modelwright.metrics import get_metric

ROWS = 400
RMSE = get_metric("rmse", Task.REGRESSION)


def _target() -> np.ndarray:
    return np.random.default_rng(0).normal(size=ROWS)


def _guess(spread: float, seed: int) -> Predictions:
    return Predictions(_target() + spread * np.random.default_rng(seed).normal(size=ROWS))


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    entrants = [
        Entrant("constant", "constant", Predictions(np.zeros(ROWS)), trial=0, is_baseline=True, folds=5),
        Entrant(
            "close",
            "lightgbm",
            _guess(0.31, 1),
            trial=1,
            folds=5,
            fit_seconds=3.2,
            size_bytes=2**21,
            weight=0.4,
        ),
        Entrant("best", "catboost", _guess(0.30, 2), trial=2, folds=5, weight=0.6),
        Entrant("far", "linear", _guess(0.6, 3), trial=3, folds=5),
        Entrant(
            "partial", "lightgbm", Predictions(_target()[:100]), trial=4, folds=1, status="stopped early"
        ),
        Entrant("<b>broken</b>", "linear", None, trial=5, status="failed", note="singular\nmatrix"),
        Entrant("wild", "linear", Predictions(np.full(ROWS, np.nan)), trial=6),
    ]
    holdout = HoldoutResult(0.31, 0.29, 0.33, 120, "set aside")
    return build_leaderboard(RMSE, _target(), entrants, holdout=holdout)


def test_order_and_intervals(board):
    ranked = [entry for entry in board.entries if entry.rank is not None]
    assert {entry.label for entry in ranked[:2]} == {"best", "close"}
    assert [entry.label for entry in ranked[2:]] == ["far", "constant"]
    assert [entry.rank for entry in ranked] == [1, 2, 3, 4]
    for entry in ranked:
        assert entry.low < entry.score < entry.high
    assert board.winner() == ranked[0]
    assert board.winner("far").trial == 3
    with pytest.raises(UnknownName, match="Did you mean 'close'"):
        board.winner("closs")


def test_ties_are_grouped(board):
    groups = {entry.label: (entry.tied, entry.tie_group) for entry in board.entries}
    assert groups["best"] == groups["close"] == (True, 1)
    assert groups["far"] == (False, 2)
    assert groups["constant"] == (False, 3)
    assert groups["partial"] == (False, None)


def test_scores_on_other_rows_are_never_ranked(board):
    rest = {entry.label: entry for entry in board.entries[4:]}
    assert set(rest) == {"partial", "<b>broken</b>", "wild"}
    assert all(entry.rank is None and entry.score is None for entry in rest.values())
    assert "100 rows, the others on 400" in rest["partial"].note
    assert rest["<b>broken</b>"].note == "singular\nmatrix"
    assert "undefined" in rest["wild"].note


def test_a_score_to_maximise_is_ranked_from_the_highest():
    target = np.arange(300) % 2
    random = np.random.default_rng(1)

    def entrant(name: str, skill: float) -> Entrant:
        array = random.random((300, 2)) + skill * np.eye(2)[target]
        return Entrant(name, "linear", Predictions.of_probabilities(array))

    auc = get_metric("roc_auc", Task.BINARY)
    board = build_leaderboard(
        auc, target, [entrant("weak", 0.1), entrant("strong", 2.0)], weights=np.ones(300)
    )
    assert [entry.label for entry in board.entries] == ["strong", "weak"]
    assert board.entries[0].score > 0.9
    assert board.entries[0].high <= 1.0


def test_records_round_trip_through_json(board):
    assert Leaderboard.from_dict(json.loads(json.dumps(board.to_dict(), allow_nan=False))) == board
    bare = build_leaderboard(RMSE, _target(), [])
    assert Leaderboard.from_dict(bare.to_dict()) == bare
    with pytest.raises(UnknownName, match="none is the best"):
        bare.winner()


def test_frame(board):
    frame = board.frame()
    assert frame.height == len(board.entries)
    assert frame["rank"].to_list() == [1, 2, 3, 4, None, None, None]
    assert frame["learner"].to_list()[3] == "constant"
    assert board.frame().schema == build_leaderboard(RMSE, _target(), []).frame().schema


def test_text_is_an_aligned_table(board):
    lines = str(board).splitlines()
    assert lines[0].split()[:4] == ["rank", "model", "learner", "rmse"]
    assert len(lines) == 1 + len(board.entries) + 2
    first = lines[0].index("learner")
    assert all(line[first - 1] == " " and line[first] != " " for line in lines[1:8])
    assert "ties with the best" in lines[2]
    assert "baseline" in lines[4]
    assert "failed, singular matrix" in str(board)
    assert lines[-2] == "rmse: lower is better; 400 out-of-fold rows."
    assert lines[-1] == "Final model on the holdout: 0.3100 (0.2900 .. 0.3300), 120 rows, set aside."


def test_html_is_escaped(board):
    html = board._repr_html_()
    assert "<b>broken" not in html
    assert "&lt;b&gt;broken&lt;/b&gt;" in html
    assert html.count("<tr>") == 1 + len(board.entries)


def test_a_callers_broken_metric_is_not_hidden():
    def broken(y_true, y_pred):
        raise RuntimeError("no")

    with pytest.raises(OptionError, match="raised RuntimeError"):
        build_leaderboard(
            get_metric(broken, Task.REGRESSION), _target(), [Entrant("a", "linear", _guess(1, 1))]
        )


def test_a_callers_nan_leaves_one_model_unranked():
    def sometimes(y_true, y_pred):
        return float("nan") if np.ptp(y_pred) == 0 else -float(np.abs(y_true - y_pred).mean())

    entrants = [
        Entrant("flat", "constant", Predictions(np.zeros(ROWS))),
        Entrant("good", "linear", _guess(0.3, 1)),
    ]
    board = build_leaderboard(get_metric(sometimes, Task.REGRESSION), _target(), entrants)
    assert [(entry.label, entry.rank) for entry in board.entries] == [("good", 1), ("flat", None)]
    assert board.entries[0].low < board.entries[0].score < board.entries[0].high


def test_dependent_rows_widen_the_intervals():
    groups = np.arange(ROWS) // 20
    shift = np.random.default_rng(5).normal(size=20)[groups]
    entrant = Entrant("shifted", "linear", Predictions(_target() + shift))
    (alone,) = build_leaderboard(RMSE, _target(), [entrant]).entries
    (grouped,) = build_leaderboard(RMSE, _target(), [entrant], groups=groups).entries
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)

"""``modelwright leaderboard``: how the trials of a model's run compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, ModelArgument, ParetoOption, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import Model

__all__ = ["leaderboard", "pareto_answer"]


def leaderboard(
    model: ModelArgument,
    workspace: WorkspaceOption = None,
    pareto: ParetoOption = False,
    as_json: JsonOption = False,
) -> Answer:
    """Show how the trials of a saved model compare.

    Baselines and the ensemble stand in the same table. Scores are out-of-fold, each with its 95%
    interval; what cannot be told apart is marked as a tie.
    """
    from modelwright.automl import load_model

    loaded = load_model(model, workspace)
    if pareto:
        return pareto_answer(loaded, as_json)
    board = loaded.leaderboard()

    def render(console: Console) -> None:
        from modelwright.cli.leaderboard_table import print_leaderboard

        print_leaderboard(console, board)

    return Answer({"model": str(loaded.path), **board.to_dict()}, render, as_json)


def pareto_answer(model: Model, as_json: bool) -> Answer:
    """What ``--pareto`` shows of a model."""
    table = model.pareto()

    def render(console: Console) -> None:
        from modelwright.cli.pareto_table import print_pareto

        print_pareto(console, table)

    return Answer({"model": str(model.path), **table.to_dict()}, render, as_json)

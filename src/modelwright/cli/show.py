"""``modelwright show``: what a saved model is and how it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.cli.answers import Answer
from modelwright.cli.leaderboard import pareto_answer
from modelwright.cli.options import JsonOption, ModelArgument, ParetoOption, TermsOption, WorkspaceOption
from modelwright.cli.terms import show_terms

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import Model

__all__ = ["show"]


def _facts(model: Model) -> dict[str, Any]:
    """The manifest without the list of files, and the members that predictions come from."""
    manifest = model.manifest
    rows = model.leaderboard().to_dict()["entries"]
    members = [
        {"label": row["label"], "learner": row["learner"], "weight": row["weight"]}
        for row in rows
        if row["weight"]
    ]
    return {
        "model": str(model.path),
        "name": model.name,
        "run": manifest.get("run"),
        "created": manifest.get("created"),
        "task": str(model.problem.task),
        "target": model.problem.target,
        "targets": list(model.problem.targets),
        "classes": list(model.problem.classes),
        "metric": manifest["score"]["metric"],
        "score": manifest["score"]["value"],
        "interval": manifest["score"]["interval"],
        "score_source": manifest["score"]["source"],
        "score_rows": manifest["score"]["rows"],
        "members": sorted(members, key=lambda member: -member["weight"]),
        "validation": manifest["validation"],
        "columns": [
            {
                "name": column.name,
                "kind": str(column.kind),
                "role": str(column.role),
                "reason": column.reason,
                "nullable": column.nullable,
            }
            for column in model.schema
        ],
        "decisions": manifest["plan"]["decisions"],
        "findings": manifest["findings"],
        "data": manifest["data"],
        "seed": manifest["seed"],
        "environment": manifest["environment"],
        "format_version": manifest["format_version"],
    }


def show(
    model: ModelArgument,
    workspace: WorkspaceOption = None,
    terms: TermsOption = False,
    pareto: ParetoOption = False,
    as_json: JsonOption = False,
) -> Answer:
    """Show what a saved model is and how it came to be.

    Task, score, members, columns with their treatment, decisions, data and versions.
    """
    from modelwright.automl import load_model

    loaded = load_model(model, workspace)
    if pareto:
        return pareto_answer(loaded, as_json)
    facts = _facts(loaded)
    if terms:
        return show_terms(facts, loaded.terms(), as_json)

    def render(console: Console) -> None:
        _print_summary(console, facts)
        _print_columns(console, facts)
        _print_origin(console, facts)

    return Answer(facts, render, as_json)


def _print_summary(console: Console, facts: Mapping[str, Any]) -> None:
    from modelwright.cli.scores import with_interval
    from modelwright.cli.text import clean, number, table

    console.print(f"Model {facts['name']}", style="bold")
    target = f"predicts {clean(', '.join(facts['targets']))} ({facts['task']}"
    classes = [clean(label) for label in facts["classes"]]
    if classes:
        more = f" and {len(classes) - 10} more" if len(classes) > 10 else ""
        target += f": {', '.join(classes[:10])}{more}"
    console.print(f"{target})", soft_wrap=True)
    basis = f"on {facts['score_rows']:,} {facts['score_source']} rows"
    console.print(f"{facts['metric']} {with_interval(facts['score'], facts['interval'])}, {basis}")
    console.print()
    rows = [[item["label"], item["learner"], number(item["weight"], 2)] for item in facts["members"]]
    console.print(
        table(["member", "learner", "weight"], rows, numeric=["weight"], whole=["member", "learner"])
    )


def _print_columns(console: Console, facts: Mapping[str, Any]) -> None:
    from modelwright.cli.text import clean, table

    console.print()
    rows = [[item["name"], item["kind"], item["role"], item["reason"]] for item in facts["columns"]]
    console.print(table(["column", "kind", "role", "why"], rows, whole=["kind", "role"]))
    for heading, lines in (
        ("Decided", [f"{item['what']}: {item['why']}" for item in facts["decisions"]]),
        ("Noticed", [f"{item['message']} {item['action']}".strip() for item in facts["findings"]]),
    ):
        if lines:
            console.print(f"\n{heading}", style="bold")
        for line in lines:
            console.print(f"  {clean(line)}", soft_wrap=True)


def _print_origin(console: Console, facts: Mapping[str, Any]) -> None:
    from modelwright.cli.text import clean

    data, environment, validation = facts["data"], facts["environment"], facts["validation"]
    versions = ", ".join(f"{name} {version}" for name, version in environment.items())
    console.print("\nOrigin", style="bold")
    for line in (
        f"data      {data['location'] or data['kind']}, {data['rows']:,} rows",
        f"trained   on {data['training_rows']:,} rows, {validation['folds']} folds ({validation['scheme']})",
        f"SHA-256   {data['sha256']}",
        f"run       {facts['run']}, seed {facts['seed']}",
        f"made with {versions}",
        f"bundle    {facts['model']}",
    ):
        console.print(f"  {clean(line)}", soft_wrap=True)

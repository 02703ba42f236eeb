"""The words that go with a project: what it is, how to run it, what it does not do."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright import __version__
from modelwright.core import Column
from modelwright.export.project.facts import ModelFacts
from modelwright.export.project.requirements import Requirement

__all__ = ["notes", "readme_text"]

_ROW_KEEPERS = {
    "nearest_neighbors": "keeps training rows, encoded as numbers: neighbours are looked up among them",
    "gaussian_process": "keeps training rows, encoded as numbers: predictions are sums over them",
}
_MOST_SHOWN = 200

_FILES = """\
| file | what it does |
|---|---|
| `score.py` | the whole way: read, check, features, members, combine, labels |
| `contract.json`, `contract.py` | the columns that are needed: kinds, levels, ranges, how text is read |
| `features.py`, `features.json` | columns to features; `python features.py` lists them |
| `blend.py`, `blend.json` | members, weights, and what follows (calibration, thresholds, offsets) |
| `models/` | one folder for each fitted model, in its library's own format or as plain arrays |
| `scorer/` | the steps, one small module each |
| `train.py`, `training.json` | fits models like these once more; its first lines say what it simplifies |
| `tests/` | golden rows, and what the model said of them: this project must say the same to 1e-6 |"""


def readme_text(facts: ModelFacts, needed: Sequence[Requirement], later: Sequence[Requirement]) -> str:
    """The text of ``README.md``.

    Parameters
    ----------
    facts : ModelFacts
    needed : sequence of Requirement
        For scoring.
    later : sequence of Requirement
        For `train.py`.
    """
    model = facts.model
    problem = model.problem
    extra = [str(each) for each in later if each not in needed]
    more = f"\n`train.py` also needs: {', '.join(extra)} (`requirements-train.txt`)." if extra else ""
    what = ", ".join(f"`{name}`" for name in problem.targets[:12])
    return f"""# {model.name}

Predicts {what} ({problem.task}) from {len(facts.columns)} columns of a table. It is an ordinary Python
project: the models' own libraries and the code in this folder, nothing else. {_score(facts)}

## Run it

It takes Python 3.11 or later; the model was trained with {_python(facts)}.

    python -m venv .venv && . .venv/bin/activate
    pip install -r requirements.txt
    python tests/test_parity.py
    python score.py DATA.csv -o OUT.csv

```python
from score import predict

predict(frame)  # polars or pandas; predict(frame, proba=True) adds probabilities
```

DATA is a CSV or Parquet file with the columns below; more columns, and any order, are fine. The answer has
one row for each row of it.{more}

## What is where

{_FILES}

## Members

| weight | member | learner | models |
|---|---|---|---|
{_members(facts)}
{_notes(facts)}
## Columns

| column | kind | required | range or levels |
|---|---|---|---|
{_columns(facts.columns)}

## Where it comes from

Written by Modelwright {__version__} from the model `{model.name}`, digest
`{model.manifest["digest"]}`. The code is taken from Modelwright (Apache License 2.0,
https://www.apache.org/licenses/LICENSE-2.0) and was reduced to what this model needs; each file says so in
its first line.
"""


def notes(facts: ModelFacts) -> tuple[str, ...]:
    """What a reader should know about the content of a project, one sentence each."""
    found = [
        f"The member {member['label']!r} {_ROW_KEEPERS[member['learner']]}."
        for member in facts.members
        if member["learner"] in _ROW_KEEPERS
    ]
    if facts.featurizer.groups is not None:
        found.append("Rows of one group must come in one table: features are computed from all of them.")
    return tuple(found)


def _python(facts: ModelFacts) -> str:
    return str(facts.model.manifest["environment"].get("python", "3.11"))


def _notes(facts: ModelFacts) -> str:
    lines = [f"- {sentence}" for sentence in notes(facts)]
    return "\n".join(["", *lines, ""]) if lines else ""


def _score(facts: ModelFacts) -> str:
    score = facts.model.manifest["score"]
    if score["value"] is None:
        return ""
    low, high = score["interval"]
    interval = f" (95% interval {low:.4g} to {high:.4g})" if None not in (low, high) else ""
    rows = f"{score['rows']} {score['source']} rows"
    return f"Its {score['metric']} was {score['value']:.4g}{interval} on {rows}."


def _members(facts: ModelFacts) -> str:
    return "\n".join(
        f"| {each['weight']:.3f} | {_cell(each['label'])} | {each['learner']} | {len(each['models'])} |"
        for each in facts.members
    )


def _columns(columns: Sequence[Column]) -> str:
    lines = []
    for column in columns[:_MOST_SHOWN]:
        required = "no" if column.nullable else "yes"
        lines.append(f"| {_cell(column.name)} | {column.kind} | {required} | {_cell(_values(column))} |")
    if len(columns) > _MOST_SHOWN:
        lines.append(f"| and {len(columns) - _MOST_SHOWN} more | | | see `contract.json` |")
    return "\n".join(lines)


def _values(column: Column) -> str:
    levels = column.parsing.get("known")
    if levels:
        shown = ", ".join(str(level) for level in levels[:8])
        return f"{shown}, ... ({len(levels)})" if len(levels) > 8 else shown
    low, high = column.statistics.get("minimum"), column.statistics.get("maximum")
    return "" if low is None or high is None else f"{_short(low)} to {_short(high)}"


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _cell(text: object) -> str:
    r"""Text that cannot break a table.

    Examples
    --------
    >>> print(_cell("a|b"))
    a\|b
    """
    line = " ".join(str(text).split()).replace("\\", "\\\\").replace("|", "\\|")
    return line if len(line) <= 120 else f"{line[:117]}..."

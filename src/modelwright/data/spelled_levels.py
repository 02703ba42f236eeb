"""Words that are classes or levels although they often mean "missing", and labels with a number inside."""

from __future__ import annotations

from dataclasses import replace

from modelwright.core import Finding, Kind
from modelwright.data.text_column import TextColumn
from modelwright.data.tokens import MISSING
from modelwright.data.typed_column import TypedColumn

__all__ = ["as_labels", "keep_every_word", "with_kept_words"]

SIZEABLE = 0.05
"""Words such as 'None' that stand in so many of the rows with a label are a class, not a gap."""

MOST_LABELS = 20

_WORDS = frozenset(
    {"none", "na", "n/a", "n.a.", "n.a", "na.", "unknown", "unk", "nil", "missing", "undefined"}
    | {"not available", "not applicable", "not known", "not recorded", "no data"}
)


def as_labels(column: TextColumn, typed: TypedColumn, classification: bool) -> TypedColumn:
    """A target as it is written, where reading it would change its classes.

    A few values with units or signs (``1 star``, ``10%``) are labels, not numbers. A word such as ``None``
    in 5% of the rows beside other words is a class; a bare ``NA`` beside yes and no is not.

    Parameters
    ----------
    column : TextColumn
        The target.
    typed : TypedColumn
        What the rules made of it.
    classification : bool
        Whether classes were asked for, however many there are.
    """
    if typed.kind is Kind.NUMERIC and typed.parsing.keys() & {"symbols", "factors", "duration"}:
        if not classification and not _few(column):
            return typed
        typed = _spelled(column, typed)
    words = _class_words(column, typed)
    if not words:
        return typed
    rows = {word: int((column.text == word).sum()) for word in words}
    filled = int((column.text != "").sum())
    if sum(rows.values()) < SIZEABLE * filled:
        return typed
    missing = (column.missing | set(typed.parsing.get("missing", ()))) - set(words)
    kept = replace(
        column,
        missing=missing,
        real={**{level: n for level, n in column.real.items() if level not in missing}, **rows},
    )
    share = sum(rows.values()) / filled
    return _with_words(kept, typed, words, f"a class of its own ({share:.1%} of the rows)")


def keep_every_word(column: TextColumn) -> tuple[TextColumn, list[str]]:
    """The column with every word as a level but blanks, and the words that else were missing.

    Words among codes or numbers stay missing: there they are no levels.
    """
    words = sorted(word for word in column.missing if word)
    if not words or (column.real and column.uniques().str.contains(r"^[+-]?\d+([.,]\d+)?$").all()):
        return column, []
    rows = {word: int((column.text == word).sum()) for word in words}
    levels = dict(sorted({**column.real, **rows}.items(), key=lambda item: (-item[1], item[0])))
    return replace(column, missing=column.missing & {""}, real=levels), words


def with_kept_words(column: TextColumn, typed: TypedColumn, words: list[str]) -> TypedColumn:
    """Categories that the user asked for, with a finding about the words that are levels now."""
    parsing = {**typed.parsing, "kept": sorted(MISSING - {""})}
    if not words:
        return replace(typed, parsing=parsing) if "levels" not in typed.parsing else typed
    finding = _finding(column.name, words, "a level of its own, because you set the column to categorical")
    return replace(typed, parsing=parsing, findings=(*typed.findings, finding))


def _few(column: TextColumn) -> bool:
    distinct, rows = len(column.real), column.rows
    return distinct <= MOST_LABELS and (20 * distinct <= rows or (distinct <= 5 and 4 * distinct <= rows))


def _spelled(column: TextColumn, typed: TypedColumn) -> TypedColumn:
    name, distinct = column.name, len(column.real)
    example = next(iter(column.real))
    message = (
        f"The target {name!r} has {distinct} different labels with a number inside ({example!r}), which are "
        "taken as classes."
    )
    finding = Finding("task", "info", message, name, "Use --task regression to learn the numbers inside.")
    reason = f"{distinct} different values in {column.rows} rows, kept as they are written"
    parsing = {"missing": sorted(column.missing)}
    return TypedColumn(Kind.CATEGORICAL, column.words(), reason, parsing, (finding,), column.real)


def _class_words(column: TextColumn, typed: TypedColumn) -> list[str]:
    """Words of a target of words that were read as missing, but may be a class."""
    words = [word for word in typed.parsing.get("missing", ()) if word.lower() in _WORDS]
    if typed.kind is Kind.BOOLEAN:
        return [word for word in words if word.lower() != "na"]
    if typed.kind is not Kind.CATEGORICAL or not column.uniques().str.contains(r"\p{L}").all():
        return []
    return words


def _with_words(column: TextColumn, typed: TypedColumn, words: list[str], what: str) -> TypedColumn:
    levels = dict(sorted(column.real.items(), key=lambda item: (-item[1], item[0])))
    column = replace(column, real=levels)
    parsing = {"missing": sorted(column.missing), "kept": words}
    findings = [finding for finding in typed.findings if finding.check != "missing_words"]
    left = [word for word in sorted(column.missing) if word]
    if left:
        message = f"In {column.name!r} {', '.join(map(repr, left[:5]))} is read as missing."
        findings.append(Finding("missing_words", "info", message, column.name, "", {"words": left[:20]}))
    findings.append(_finding(column.name, words, what))
    reason = f"{len(levels)} different values in {column.rows} rows"
    return TypedColumn(Kind.CATEGORICAL, column.words(), reason, parsing, tuple(findings), levels)


def _finding(name: str, words: list[str], what: str) -> Finding:
    message = f"In {name!r} {', '.join(map(repr, words[:5]))} is {what}, not a missing value."
    action = "Leave the cells empty where a value is missing."
    return Finding("kept_words", "info", message, name, action, {"words": words[:20]})

"""The part of the decision ledger that is about columns, values and rows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelwright.automl.ledger_entry import LedgerEntry

__all__ = ["column_entries", "feature_entries"]

_NAMED = ("target", "group", "weight")
"""Roles that the caller gave by naming a column."""

_LEFT_OUT: Mapping[str, str] = {
    "id": "left out: it identifies rows",
    "constant": "left out: one value in every row",
    "almost_constant": "left out: one value in nearly every row",
    "almost_empty": "left out: missing in nearly every row",
    "copy": "left out: a copy of another column",
    "leak": "left out: it gives the target away",
    "sensitive": "left out: fairness is judged by it",
}
"""By the check that found it."""

_SCREENED = ("almost_constant", "almost_empty", "copy", "leak")
"""Checks of columns that were features before: to keep one is enough to undo them."""

_SCREENING_WORDS: Mapping[str, str] = {
    "has the same value in": "almost_constant",
    "is missing in": "almost_empty",
    "holds the same values as": "copy",
}
"""How the reasons of screened columns begin, where no finding names the column."""

_USED: Mapping[str, str] = {
    "leak": "used, although it alone tells the target",
    "one_class_level": "used, although some of its values tell the class",
    "late_dates": "used, although it lies after the time of the row",
}

_READ: Mapping[str, str] = {
    "sentinel": "a number is read as missing",
    "spellings": "spellings of one word are merged",
    "missing_words": "words are read as missing",
    "kept_words": "words that often mean missing are kept as levels",
    "infinite": "infinite numbers are read as missing",
    "unreadable": "values that cannot be read are missing",
    "not_numeric": "values that are no numbers are missing",
    "ambiguous_date": "dates are read with one of two orders of day and month",
    "ambiguous_number": "numbers are read with one of two decimal marks",
    "id_prefix": "only the prefix of an id is used",
    "nearly_numeric": "kept as categories, though nearly all values are numbers",
    "mixed_units": "kept as categories, because units are mixed",
    "text_cut": "fewer words are looked at than there are",
}
"""What was made of values, by the check that told of it."""

_ROWS: Mapping[str, str] = {
    "missing_target": "left out: the target is missing",
    "missing_time": "rows without a time are not validated, or left out",
    "zero_weight": "left out: their weight is zero",
    "rare_class": "learned from, but never validated: the only row of a class",
}

_JUDGED: Mapping[str, str] = {
    "row_order": "rows are drawn at random, although their order tells the target",
    "time_drift": "rows are not validated in the order of time",
    "groups": "rows of one name are divided between training and validation",
    "group": "rows of one name are divided between training and validation",
    "duplicates": "copies of rows are divided between training and validation",
    "near_duplicates": "near copies are divided between training and validation",
    "leaks_cut": "columns are checked for leaks on fewer rows",
}

_OTHER_KIND: Mapping[str, str] = {
    "numeric": "categorical",
    "boolean": "categorical",
    "datetime": "categorical",
    "text": "categorical",
    "list": "text",
    "coordinates": "text",
}
"""The next best thing that a column could be taken for."""

_FILLED: Mapping[str, str] = {
    "numeric": "missing stays missing; learners that need a number get the median, and a mark",
    "categorical": "missing shares a code with rare levels and with those that are new",
    "text": "a missing text has no words, and its statistics are missing",
}
"""What becomes of missing cells, by kind; as for numbers in other kinds."""

_NOTHING = "nothing can be learned from such rows, or judged by them: correct the data"

_MOST_EXAMPLES = 3


def column_entries(manifest: Mapping[str, Any]) -> Iterator[LedgerEntry]:
    """What became of each column and of rows, and how values were read.

    Parameters
    ----------
    manifest : mapping
        Of a bundle.
    """
    request = manifest.get("request") or {}
    said = dict(request.get("overrides") or {})
    kept = {*(request.get("keep") or ()), *(request.get("monotonic") or {})}
    findings: Sequence[Mapping[str, Any]] = manifest.get("findings") or ()
    columns = {column["name"]: column for column in manifest["schema"]["columns"]}
    excluded, aside = _excluded(findings), set(request.get("sensitive") or ())
    for name, column in columns.items():
        if column["role"] in _NAMED:
            continue
        if column["role"] in ("id", "constant", "ignored"):
            if name not in said:
                yield _dropped(column, excluded.get(name), name in aside)
        else:
            yield _typed(column, name in said)
            if column["role"] == "feature" and (column.get("statistics") or {}).get("missing"):
                yield _filled(column)
    for finding in findings:
        found = _noticed(finding, columns, kept)
        if found is not None:
            yield found


def _excluded(findings: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Column to the finding that left it out; several columns may share one."""
    found: dict[str, Mapping[str, Any]] = {}
    for finding in findings:
        if finding["severity"] == "excluded" and finding["check"] in _LEFT_OUT:
            evidence = finding.get("evidence") or {}
            several = [] if finding["column"] else evidence.get("columns", [])
            for name in filter(None, [finding["column"], *several]):
                found.setdefault(name, finding)
    return found


def _dropped(
    column: Mapping[str, Any], finding: Mapping[str, Any] | None, sensitive: bool = False
) -> LedgerEntry:
    name, reason = column["name"], column["reason"]
    by_words = [check for words, check in _SCREENING_WORDS.items() if reason.startswith(words)]
    check = by_words[0] if by_words else finding["check"] if finding else column["role"]
    check = "sensitive" if sensitive and not by_words and finding is None else check
    evidence: Mapping[str, Any] = {}
    if finding is not None and finding["column"] == name:
        reason, evidence = finding["message"], finding.get("evidence") or {}
    if check in _SCREENED:
        undo: dict[str, Any] = {"keep": [name]}
    else:
        undo = {"overrides": {name: "feature"}}
    return LedgerEntry(
        f"drop:{name}",
        "columns",
        name,
        _LEFT_OUT.get(check, "left out"),
        reason,
        {**_counts(column), **evidence},
        undo=undo,
    )


def _typed(column: Mapping[str, Any], said: bool) -> LedgerEntry:
    name, kind = column["name"], column["kind"]
    if kind == "categorical":
        coded = column["parsing"].get("levels") in ("int", "float") or column["reason"].startswith("codes")
        other = "numeric" if coded else "text"
    else:
        other = _OTHER_KIND.get(kind, "categorical")
    fixed = "you set it: give another kind with --set" if said else ""
    if column["role"] == "time":
        fixed = "it orders the rows: leave out --time-column"
    return LedgerEntry(
        f"type:{name}",
        "types",
        name,
        kind,
        column["reason"] or f"its values are {kind}",
        _counts(column),
        undo=None if fixed else {"overrides": {name: other}},
        fixed=fixed,
    )


def _filled(column: Mapping[str, Any]) -> LedgerEntry:
    name, statistics = column["name"], column["statistics"]
    missing, rows = statistics["missing"], statistics.get("rows")
    return LedgerEntry(
        f"missing:{name}",
        "values",
        name,
        _FILLED.get(column["kind"], _FILLED["numeric"]),
        f"{missing} of {rows} cells {'is' if missing == 1 else 'are'} missing",
        {"missing": missing, "rows": rows},
        undo={"overrides": {name: "ignored"}},
    )


def _counts(column: Mapping[str, Any]) -> dict[str, Any]:
    statistics = column.get("statistics") or {}
    found = {name: statistics[name] for name in ("rows", "missing", "distinct") if name in statistics}
    examples = list(statistics.get("examples") or ())[:_MOST_EXAMPLES]
    return {**found, "examples": examples} if examples else found


def _noticed(
    finding: Mapping[str, Any], columns: Mapping[str, Mapping[str, Any]], kept: set[str]
) -> LedgerEntry | None:
    """What a finding tells of a choice; None where it tells of none, or of a column that is left out."""
    check, name, action = finding["check"], finding["column"], finding.get("action") or ""
    if finding["severity"] == "excluded" and check not in _ROWS:
        return None
    column = columns.get(name) if name else None
    if column is not None and column["role"] in ("id", "constant", "ignored") and check not in _JUDGED:
        return None
    for topic, choices in (("columns", _USED), ("values", _READ), ("rows", _ROWS), ("split", _JUDGED)):
        if check in choices and (name or topic not in ("columns", "values") or check == "text_cut"):
            undo = None if name in kept and topic == "columns" else _reversal(finding, column)
            return LedgerEntry(
                _id_of(topic, check, name),
                topic,
                name or "",
                choices[check],
                finding["message"],
                finding.get("evidence") or {},
                undo=undo,
                fixed="" if undo else action or _unfixable(topic),
            )
    return None


def _id_of(topic: str, check: str, name: str | None) -> str:
    if topic == "columns":
        return f"use:{name}"
    prefix = f"{topic}:" if topic in ("rows", "split") else ""
    return f"{prefix}{check}:{name}" if name else f"{prefix}{check}"


def _unfixable(topic: str) -> str:
    if topic == "split":
        return "it follows from the data and the time limit"
    return _NOTHING if topic == "rows" else "no option changes how such values are read: correct the data"


def _reversal(finding: Mapping[str, Any], column: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The arguments that reverse what a finding tells of."""
    check, name, action = finding["check"], finding["column"], finding.get("action") or ""
    if column is None or name is None:
        return None
    if check in _USED:
        return {"overrides": {name: "ignored"}}
    if action.startswith("Kept, because"):  # the target, a group or a weight
        return None
    levels = column["kind"] in ("categorical", "boolean")
    forced = {
        "sentinel": "numeric",
        "spellings": "categorical" if column["role"] != "target" else None,
        "missing_words": "categorical" if levels and column["role"] != "target" else None,
        "id_prefix": "id",
        "nearly_numeric": "numeric",
    }.get(check)
    if forced is not None:
        return {"overrides": {name: forced}}
    if check == "time_drift":
        return {"time_column": name}
    names_group = action.startswith(f"Pass {name} ") or f"--group {shlex.quote(name)}" in action
    return {"group": name} if check in ("group", "groups") and names_group else None


_ENCODINGS: Mapping[str, str] = {
    "numeric": "numbers as they are; learners that need a value get the median, and a mark for missing",
    "boolean": "1 and 0; missing stays missing, or gets a mark",
    "categorical": "codes of levels, which learners take as they are, one-hot, or by their mean target",
    "datetime": "days since the first date, and the parts that vary",
    "date_cycles": "sine and cosine of the time of the year, the week and the day",
    "date_gaps": "days between two dates",
    "holidays": "public holidays and the days to and from them",
    "text": "statistics of a text: its length, its words, shares of kinds of characters",
    "text_terms": "words, pairs of words and runs of characters, weighed by how rare they are",
    "list": "the number of items and a flag for each frequent one",
    "coordinates": "latitude, longitude, turned axes and the distance to the centre, in kilometres",
}

_KIND_OF: Mapping[str, str] = {
    "date_cycles": "datetime",
    "date_gaps": "datetime",
    "holidays": "datetime",
    "text_terms": "text",
}
"""Kind of column of the transformers that are not named after it."""

_NEEDED = "learners need numbers or codes: set the columns to another kind, or leave them out, with --set"


def feature_entries(manifest: Mapping[str, Any], features: Mapping[str, Any]) -> Iterator[LedgerEntry]:
    """What columns become, by transformer, and the treatment that can be switched off as a whole.

    Parameters
    ----------
    manifest : mapping
    features : mapping
        The state of the features, ``features.json``.
    """
    kinds: dict[str, list[str]] = {}
    for column in manifest["schema"]["columns"]:
        if column["role"] in ("feature", "time", "sensitive"):
            kinds.setdefault(column["kind"], []).append(column["name"])
    without = set((manifest.get("request") or {}).get("without") or ())
    for entry in features.get("transformers", ()):
        name = entry.get("name", "")
        kind = _KIND_OF.get(name, name)
        columns = kinds.get(kind, [])
        undo = {"without": ["text"]} if name == "text_terms" else None
        yield LedgerEntry(
            f"encode:{name}",
            "features",
            name,
            _ENCODINGS.get(name, "as this transformer writes them"),
            f"{len(columns)} {'column is' if len(columns) == 1 else 'columns are'} {kind}",
            {"columns": columns[:20], "count": len(columns)},
            undo=undo,
            fixed="" if undo else _fixed_encoding(name),
        )
    if kinds.get("categorical") and "target_encoding" not in without:
        yield LedgerEntry(
            "encode:target",
            "features",
            "target_encoding",
            "some configurations encode levels by the target, fitted inside each fold",
            "a column of many levels is told in one number so; validation decides",
            {"columns": kinds["categorical"][:20], "count": len(kinds["categorical"])},
            undo={"without": ["target_encoding"]},
        )
    if "messy_values" not in without:
        yield LedgerEntry(
            "messy_values",
            "values",
            "",
            "numbers, durations and lists that hide in text are read, and codes for missing values",
            "such values are frequent in files that people keep by hand",
            undo={"without": ["messy_values"]},
        )


def _fixed_encoding(name: str) -> str:
    return "leave out --country" if name == "holidays" else _NEEDED

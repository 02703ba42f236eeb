"""The table that a command is given: a file, or a query on a database."""

from __future__ import annotations

from typing import Any

__all__ = ["table_of"]


def table_of(data: str, query: str | None) -> Any:
    """What DATA and ``--query`` name together.

    Raises
    ------
    OptionError
        If there is a query, but DATA is not the address of a database.
    """
    if query is None:
        return data
    from modelwright.data import SqlQuery

    return SqlQuery(data, query)

"""A query on a database, as something that can be read as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwright.core import DataError, OptionError
from modelwright.data.files import without_password

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["SCHEMES", "SqlQuery"]

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "sqlite")
_EXAMPLE = "postgresql://user:password@host/database or sqlite:///path.db"
_SKIPPED = re.compile(r"[\s(]+")
_WORD = re.compile(r"[A-Za-z]+")
_COMMENTS = {"--": "\n", "/*": "*/"}
_READS = ("select", "with", "values", "table")


@dataclass(frozen=True)
class SqlQuery:
    """A query on a database; `read_table` and everything built on it take it as a source.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host/database`` or ``sqlite:///path.db``. It is never shown or
        recorded with its password; leave that out where the environment (``PGPASSWORD``, ``~/.pgpass``)
        holds it.
    query : str or None
        One SELECT. None for ``?table=NAME`` in the URL, which reads a whole table.

    Raises
    ------
    OptionError
        If it is not the address of such a database, or there is no query.
    DataError
        If the query does not begin like one that reads.

    Examples
    --------
    >>> SqlQuery("postgresql://me:secret@host/shop", "SELECT * FROM orders")
    SqlQuery('postgresql://me@host/shop', 'SELECT * FROM orders')
    >>> SqlQuery("sqlite:///shop.db?table=orders").query
    'SELECT * FROM "orders"'
    """

    url: str = field(repr=False)
    query: str | None = None

    def __post_init__(self) -> None:
        url, query = self.url, self.query
        if not isinstance(url, str) or url.partition("://")[0] not in SCHEMES or "://" not in url:
            shown = without_password(url) if isinstance(url, str) and "://" in url else url
            raise OptionError(
                f"A query goes with the address of a database, such as {_EXAMPLE}, but came with {shown!r}."
            )
        if query is not None and not isinstance(query, str):
            raise OptionError(f"A query is text, but came as {type(query).__name__}.")
        address = parse_address(url)
        table = address.query.get("table")
        if query is None and isinstance(table, str) and table:
            query = f"SELECT * FROM {_identifier(table)}"
        elif query is None:
            raise OptionError(
                f"{self.shown!r} is a database, and a query says what to read from it: give one "
                "(--query 'SELECT ...', in Python query='SELECT ...'), or name a table with ?table=NAME."
            )
        elif table is not None:
            raise OptionError(f"Give {self.shown!r} a query or ?table=, not both.")
        if _first_word(query).lower() not in _READS:
            came = f"begins with {query.strip()[:40]!r}" if query.strip() else "is empty"
            raise DataError(f"Expected a query that reads (SELECT ...), but it {came}. Nothing was run.")
        object.__setattr__(self, "query", query)

    @property
    def shown(self) -> str:
        """The address without password and options."""
        return _shown(self.url)

    def __repr__(self) -> str:
        return f"SqlQuery({self.shown!r}, {self.query!r})"


def _first_word(query: str) -> str:
    """The word that a query begins with, after blanks, comments and parentheses; empty where there is none.

    Each character is looked at once, however many comments there are: one regular expression for all of it
    would try every way to part them.
    """
    place = 0
    while place < len(query):
        end = _COMMENTS.get(query[place : place + 2])
        if end is not None:
            found = query.find(end, place + 2)
            if found < 0:
                return ""
            place = found + len(end)
        elif skipped := _SKIPPED.match(query, place):
            place = skipped.end()
        else:
            word = _WORD.match(query, place)
            return word[0] if word else ""
    return ""


def parse_address(url: str) -> URL:
    """The parts of an address.

    Raises
    ------
    OptionError
        If it cannot be read; the message shows no part that could be a password.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    hint = f"Expected one like {_EXAMPLE}; special characters of a password are written as %XX."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise OptionError(f"The address of the database cannot be read. {hint}") from error
    if _shown(url).endswith("://..."):
        raise OptionError(f"The address of the database can be read in two ways. {hint}")
    if parsed.drivername == "sqlite" and (parsed.host or not parsed.database):
        raise OptionError(
            f"A SQLite database is a file: sqlite:///path.db with three slashes (four before an absolute "
            f"path), but the address came as {_shown(url)!r}."
        )
    if parsed.drivername != "sqlite" and not parsed.database:
        raise OptionError(f"The address {_shown(url)!r} names no database. {hint}")
    return parsed


def _shown(url: str) -> str:
    # A file has no password, and its name may hold what would look like one.
    return url.partition("?")[0] if url.startswith("sqlite:") else without_password(url)


def _identifier(table: str) -> str:
    """``schema.table`` or ``table`` as quoted SQL."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))

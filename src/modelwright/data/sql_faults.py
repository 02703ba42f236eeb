"""What a database says, as a sentence for the one who asked; a password never gets into it."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from modelwright.core import DataError

__all__ = ["explain_query_error"]

_STATES = {
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "42883": "there is no such function or operator",
    "42702": "a column name could be of several tables",
    "42601": "the query is no valid SQL",
    "42501": "the user may not read that",
    "25006": "the query would change the database, and it is only read",
    "0A000": "only a plain SELECT can be read",
    "57014": "the server cancelled the query",
}
_ADVICE = {
    "42P01": "Check its name and schema; names with capital letters stand in double quotes.",
    "42703": "Check its name; names with capital letters stand in double quotes, texts in single ones.",
    "42501": "Ask for the right to SELECT, or connect as another user.",
    "25006": "Give a SELECT.",
    "0A000": "Give a SELECT without parts that change data.",
    "57014": "Make it smaller, or raise the server's statement_timeout.",
}
_SQLITE = (
    ("no such table", "there is no such table", "Check its name."),
    ("no such column", "there is no such column", "Check its name."),
    ("syntax error", "the query is no valid SQL", "Correct it."),
    ("incomplete input", "the query is no valid SQL", "Correct it."),
    ("one statement at a time", "it is more than one statement", "Give a single SELECT."),
    ("readonly", "the query would change the database, and it is only read", "Give a SELECT."),
    ("not a database", "the file is no SQLite database", "Check the path."),
    ("malformed", "the file is damaged", "Restore it from a backup."),
    ("locked", "another process is writing to it", "Try again when it has finished."),
    ("unable to open", "the file cannot be opened", "Check its permissions and those of its folder."),
)
_SERVER = (
    ("password authentication failed", "refuses the password", "Check user and password."),
    ("no password supplied", "asks for a password", "Add it to the address, or set PGPASSWORD."),
    ("does not exist", "knows no such database or user", "Check both names in the address."),
    ("pg_hba.conf", "does not let this machine or user in", "Ask whoever runs the server."),
    ("too many", "has no connection left", "Try again later."),
    ("starting up", "is still starting", "Try again in a moment."),
)


def explain_query_error(error: SQLAlchemyError, shown: str, secret: str | None) -> DataError:
    """The error to raise for what a database said.

    Parameters
    ----------
    error : SQLAlchemyError
        What came.
    shown : str
        The address without its password.
    secret : str or None
        The password, which is struck out of whatever the driver says.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(original).strip().splitlines() or [type(original).__name__]
    said = (lines[0] if not secret else lines[0].replace(secret, "***"))[:300]
    if type(original).__module__.partition(".")[0] == "sqlite3":
        for words, reason, advice in _SQLITE:
            if words in said:
                return DataError(f"The query on {shown!r} failed: {reason} ({said}). {advice}")
        return DataError(f"The query on {shown!r} failed: {said}. Check the query and the file.")
    state = getattr(original, "sqlstate", None)
    unconnected = type(original).__name__ in ("OperationalError", "ConnectionTimeout")
    if state is None and (unconnected or "connection option" in said):
        whole = " ".join(str(original).split()).rstrip("?. ")
        return _unreachable(shown, whole.replace(secret, "***") if secret else whole)
    reason = _STATES.get(state or "", "the server reports an error" if state else "its result cannot be read")
    advice = _ADVICE.get(state or "", "Correct the query.")
    return DataError(f"The query on {shown!r} failed: {reason} ({said}). {advice}")


def _unreachable(shown: str, said: str) -> DataError:
    """No connection: the server says why in words only, in English unless it was set up otherwise."""
    for words, reason, advice in _SERVER:
        if words in said:
            return DataError(f"The server of {shown!r} {reason}. {advice}")
    if "FATAL" in said:
        return DataError(f"The server of {shown!r} refuses the connection: {said[:300]}.")
    return DataError(
        f"The server of {shown!r} cannot be reached: {said[:300]}. Check host and port, and that it runs."
    )

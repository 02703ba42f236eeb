"""Where a workspace is: a directory, or a PostgreSQL database and a directory for its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from modelwright.core import OptionError
from modelwright.storage.faults import translated_os_errors

__all__ = ["DEFAULT_DIRECTORY", "ENVIRONMENT_VARIABLE", "Location", "make_directory", "parse_location"]

DEFAULT_DIRECTORY = ".modelwright"
ENVIRONMENT_VARIABLE = "MODELWRIGHT_WORKSPACE"

_POSTGRES = ("postgresql", "postgresql+psycopg")
_EXAMPLE = "postgresql://user:password@host/database?artifacts=/shared/modelwright"


@dataclass(frozen=True)
class Location:
    """Where a workspace is.

    Attributes
    ----------
    root : Path
        Absolute path of the directory for files.
    url : str or None
        Address of the PostgreSQL database, password and all; None for SQLite in ``root``.
    """

    root: Path
    url: str | None = None


def parse_location(location: str | Path | None) -> Location:
    """Read what a user gives as a workspace.

    Parameters
    ----------
    location : str, Path or None
        A directory, a ``postgresql://`` URL with ``artifacts=DIRECTORY``, or None for the environment
        variable ``MODELWRIGHT_WORKSPACE``, else ``.modelwright`` in the current directory.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> parse_location("postgresql://me@host/db?artifacts=/data").root.as_posix()
    '/data'
    """
    if location is None:
        location = os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_DIRECTORY
    if not isinstance(location, (str, Path)):
        raise OptionError(
            f"A workspace is a directory or a URL like {_EXAMPLE}, but came as {type(location).__name__}."
        )
    scheme, separator, _ = str(location).partition("://")
    if isinstance(location, str) and separator:
        if scheme not in _POSTGRES:
            raise OptionError(
                f"A workspace is a directory or a URL like {_EXAMPLE}, but the URL begins with {scheme!r}. "
                f"For SQLite give the directory alone."
            )
        return _parse_postgres(location)
    return Location(_absolute(location, "The workspace"))


def _parse_postgres(text: str) -> Location:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        # The text is not shown: it may hold a password.
        raise OptionError(
            f"The URL of the workspace cannot be read. Expected one like {_EXAMPLE} (special characters of a "
            f"password are written as %XX)."
        ) from error
    artifacts = url.query.get("artifacts")
    if not artifacts or not isinstance(artifacts, str):
        raise OptionError(
            f"A PostgreSQL workspace needs one directory for its files: add artifacts=DIRECTORY to the URL, "
            f"as in {_EXAMPLE}."
        )
    if "://" in artifacts:
        raise OptionError(f"artifacts= must be a directory, but came as {artifacts!r}.")
    url = url.difference_update_query(["artifacts"]).set(drivername="postgresql+psycopg")
    return Location(_absolute(artifacts, "artifacts="), url.render_as_string(hide_password=False))


def _absolute(path: str | Path, what: str) -> Path:
    if not str(path).strip() or "\x00" in str(path):
        raise OptionError(f"{what} must be a directory, but came as {str(path)!r}.")
    # abspath, not resolve: a path through a symbolic link stays as the user wrote it.
    with translated_os_errors(f"{what} cannot be found", Path(path)):
        return Path(os.path.abspath(Path(path).expanduser()))


def make_directory(path: Path) -> bool:
    """Make a directory with all above it; True if it was not there.

    Permissions follow the umask, as for anything the user makes: a workspace may be shared by a group.
    """
    if path.is_dir():
        return False
    path.mkdir(parents=True, exist_ok=True)
    return True

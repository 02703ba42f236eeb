"""One record database behind two verbs: read rows, and do a piece of work in a transaction."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Row, Select, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from modelwright.core import BadInput, ModelwrightError, StorageError, require, to_jsonable
from modelwright.storage.locks import file_lock
from modelwright.storage.migrate import REVISIONS, current_revision, upgrade

__all__ = ["ADVISORY_LOCK", "Database", "open_postgres", "open_sqlite"]

T = TypeVar("T")

_BEGIN = "modelwright_begin"
_BUSY_SECONDS = 30
_ATTEMPTS = 5
ADVISORY_LOCK = 0x6D6F64656C7772  # "modelwr": any constant will do, all versions must agree on it
_TRANSIENT = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL: serialisation failure, deadlock, lock not available."""


class Database:
    """A record database that is open and up to date. Safe to share between threads, not across a fork.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        SQLite or PostgreSQL.
    description : str
        What to call it in messages; holds no password.
    root : Path
        The workspace's directory: where to look for free space when SQLite only says "I/O error".
    """

    def __init__(self, engine: Engine, description: str, root: Path) -> None:
        self.engine = engine
        self._writing = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self.description = description
        self.root = root

    def rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        """Every row that a query gives.

        Raises
        ------
        BadInput, StorageError
            If the database cannot be read.
        """
        with self._translated(), self.engine.connect() as connection:
            return connection.execute(statement).all()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do some work in one transaction: all of it is committed, or none.

        Parameters
        ----------
        work : callable
            Gets the connection. It is called again if another writer was in the way, so that it must
            have no effect outside the transaction.

        Returns
        -------
        whatever ``work`` returns

        Raises
        ------
        BadInput, StorageError
            If the database cannot be written.
        """
        with self._translated():
            for attempt in range(_ATTEMPTS):
                try:
                    with self._writing.begin() as connection:
                        return work(connection)
                except DBAPIError as error:
                    if attempt == _ATTEMPTS - 1 or not _is_transient(error):
                        raise
                    time.sleep(0.05 * 2**attempt)
        raise StorageError("A transaction neither succeeded nor failed.")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise explain_database_error(error, self.description, self.root) from error


def open_sqlite(path: Path) -> Database:
    """Open, or make, a record database in a file; bring its tables up to date.

    WAL mode lets readers and one writer work at once. ``synchronous=NORMAL`` keeps every committed
    transaction through a crash of the process; only a crash of the whole machine may lose the last ones,
    and never damages the file. A full fsync for each fold would buy nothing that a resume needs.

    Raises
    ------
    BadInput, StorageError
        If it cannot be opened.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": _BUSY_SECONDS},
        json_serializer=_to_json,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine, f"'{path.parent}'", path.parent)
    try:
        if not _is_up_to_date(database):
            # The switch to WAL wants the file for itself and does not wait for it: hence a lock.
            with file_lock(path.with_name("workspace.lock")), database._translated():
                with engine.execution_options(**{_BEGIN: None}).connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                database.write(lambda connection: upgrade(connection, database.description))
    except BaseException:
        database.close()
        raise
    return database


def open_postgres(url: URL, root: Path) -> Database:
    """Connect to a PostgreSQL database; bring its tables up to date.

    Parameters
    ----------
    url : sqlalchemy.URL
        With the driver ``postgresql+psycopg``.
    root : Path
        The workspace's directory.

    Raises
    ------
    BadInput
        If the server cannot be reached or refuses.
    MissingExtra
        If psycopg is not installed.
    """
    require("psycopg", "postgres", "A PostgreSQL workspace")
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": "10"})
    # pre_ping: a run may last longer than the server's patience with an idle connection.
    engine = create_engine(url, pool_pre_ping=True, json_serializer=_to_json)
    database = Database(engine, f"'{_describe(url)}'", root)

    def upgrade_alone(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        upgrade(connection, database.description)

    try:
        if not _is_up_to_date(database):
            database.write(upgrade_alone)
    except BaseException:
        database.close()
        raise
    return database


def explain_database_error(error: SQLAlchemyError, description: str, root: Path) -> ModelwrightError:
    """The error to raise for what a database said: the caller's to mend (exit code 2), or the machine's.

    Parameters
    ----------
    error : SQLAlchemyError
        What came; a password in a URL never gets into the message.
    description : str
        What to call the database.
    root : Path
        Where to look for free space.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    said = str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__
    code = getattr(original, "sqlite_errorname", None)
    if code is not None:
        return _explain_sqlite(str(code), said, description, root)
    state = getattr(original, "sqlstate", None)
    if state is None and isinstance(error, DBAPIError) and _is_operational(original):
        return BadInput(
            f"The database {description} cannot be reached: {said}. Check host, port, database, user and "
            f"password, and that the server runs."
        )
    if state == "53100":
        return BadInput(f"The disk of the database {description} is full. Free some space there.")
    if state is not None and state[:2] in ("25", "28", "3D", "3F", "42"):
        return BadInput(
            f"The database {description} refuses: {said}. Check the user, its rights and the database's name."
        )
    return StorageError(f"The database {description} failed: {said}.")


def _explain_sqlite(code: str, said: str, description: str, root: Path) -> ModelwrightError:
    full = code == "SQLITE_FULL"
    if code.startswith("SQLITE_IOERR"):
        # A file that cannot grow is reported as an I/O error by some calls (the WAL index).
        space = os.statvfs(root)
        full = space.f_bavail * space.f_frsize < 2**20
    if full:
        return BadInput(
            f"The workspace {description} cannot be written: the disk is full. Free some space or choose "
            f"another place."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return BadInput(
            f"The workspace {description} cannot be written ({said}). Choose another place or change its "
            f"permissions."
        )
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return BadInput(
            f"The record database of the workspace {description} is damaged or no database ({said}). Restore "
            f"it from a backup, or use another workspace."
        )
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageError(
            f"The workspace {description} was locked by another process for more than {_BUSY_SECONDS} s. Try "
            f"again when it has finished."
        )
    return StorageError(f"The record database of the workspace {description} failed: {said} ({code}).")


def _is_operational(original: BaseException) -> bool:
    return type(original).__name__ in ("OperationalError", "ConnectionTimeout", "InterfaceError")


def _is_transient(error: DBAPIError) -> bool:
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    return code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or (
        getattr(error.orig, "sqlstate", None) in _TRANSIENT
    )


def _is_up_to_date(database: Database) -> bool:
    with database._translated(), database.engine.connect() as connection:
        return current_revision(connection, database.description) == REVISIONS[-1]


def _describe(url: URL) -> str:
    """The address without password and options."""
    return url.set(drivername="postgresql", password=None, query={}).render_as_string()


def _to_json(value: Any) -> str:
    return json.dumps(to_jsonable(value), allow_nan=False)


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # The driver must begin no transaction of its own: `_begin_sqlite` does, of the right kind.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={_BUSY_SECONDS * 1000}", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that begins by reading and then writes fails at once if somebody wrote meanwhile:
    # whoever is going to write takes the lock first, and waits for it.
    begin = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if begin is not None:  # the switch to WAL is not possible in a transaction
        connection.exec_driver_sql(begin)

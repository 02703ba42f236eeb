"""Bring a record database to the tables of this package, whoever else tries the same at the same time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from modelwright.core import BadInput

__all__ = ["REVISIONS", "VERSION_TABLE", "current_revision", "upgrade"]

REVISIONS = ("0001",)
"""Every revision this package knows, oldest first; the last one is what its code needs."""

VERSION_TABLE = "modelwright_revision"
"""Not Alembic's default: a PostgreSQL database may hold another program that uses Alembic too."""

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", Text))


def current_revision(connection: Connection, description: str) -> str | None:
    """The revision of a database, None for a fresh one.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Only read.
    description : str
        What to call the database in an error.

    Raises
    ------
    BadInput
        If a newer Modelwright wrote it.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(select(_version.c.version_num)).scalar()
    if revision is not None and revision not in REVISIONS:
        raise BadInput(
            f"The workspace {description} was written by a newer Modelwright: its records have revision "
            f"{revision}, and this version knows {REVISIONS[-1]} at most. Upgrade Modelwright "
            f"(pip install --upgrade modelwright), or use another workspace."
        )
    return None if revision is None else str(revision)


def upgrade(connection: Connection, description: str) -> None:
    """Apply what is missing, inside the caller's transaction, which holds the lock.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction that excludes other upgrades.
    description : str
        What to call the database in an error.

    Raises
    ------
    BadInput
        If a newer Modelwright wrote it, or it is fresh to us but holds tables of ours or another program.
    """
    revision = current_revision(connection, description)
    if revision == REVISIONS[-1]:
        return  # somebody else was first
    if revision is None:
        taken = {"runs", "trials", "folds", "models", "model_names", "aliases"}
        clash = taken.intersection(inspect(connection).get_table_names())
        if clash:
            raise BadInput(
                f"The database {description} already holds a table '{min(clash)}' of another program. Give "
                f"Modelwright a database, or a schema (options=-csearch_path=SCHEMA), of its own."
            )
    # Here, not at the top: an up-to-date workspace opens without loading Alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # '%' is special in Alembic's configuration, and the path is wherever the package is installed.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    command.upgrade(config, "head")

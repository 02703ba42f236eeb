"""Records of models: immutable versions, and aliases with their whole history."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from modelwright.core import OptionError, UnknownName, nearest
from modelwright.storage import schema
from modelwright.storage.database import Database
from modelwright.storage.rows import AliasRecord, ModelRecord, NewModel, check_name, new_id, utc_now

__all__ = ["CHAMPION", "ModelRecords"]

CHAMPION = "champion"
"""The alias that a plain name stands for, once it is set."""

_INSERT: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class ModelRecords:
    """The models of a workspace: ``workspace.models``.

    A reference names one version: ``"churn"`` (the champion if there is one, else the latest version),
    ``"churn:3"`` (a version) or ``"churn@champion"`` (an alias).

    Parameters
    ----------
    database : Database
        Open and up to date.
    root : Path
        The workspace's directory; paths inside it are kept relative to it.

    Examples
    --------
    >>> import tempfile
    >>> from modelwright.storage import Workspace
    >>> with tempfile.TemporaryDirectory() as place, Workspace.open(place) as workspace:
    ...     for number in range(2):
    ...         new = NewModel("churn", workspace.models_directory / f"churn-{number}.mw")
    ...         _ = workspace.models.register(new)
    ...     latest = workspace.models.get("churn").reference
    ...     workspace.models.set_alias("churn", "champion", 1)
    ...     latest, workspace.models.get("churn").reference
    ('churn:2', 'churn:1')
    """

    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self._root = root

    def register(self, model: NewModel) -> ModelRecord:
        """Give a model the next version of its name.

        Any number of processes may register at once: each gets a version of its own.

        Raises
        ------
        OptionError
            If a model cannot be called so.
        """
        check_name(model.name, "A model name")
        score = model.score if model.score is not None and math.isfinite(model.score) else None
        values = {
            "id": new_id(),
            "name": model.name,
            "run": model.run,
            "path": self._relative(model.path),
            "artifact": model.artifact,
            "metric": model.metric,
            "task": model.task,
            "target": model.target,
            "score": score,
            "created": utc_now(),
            "summary": dict(model.summary),
        }
        names = schema.model_names

        def work(connection: Any) -> int:
            # One statement makes the row or takes the next number and holds the row until the commit.
            counter = _INSERT[connection.dialect.name](names).values(name=model.name, last_version=1)
            counter = counter.on_conflict_do_update(
                index_elements=[names.c.name], set_={"last_version": names.c.last_version + 1}
            )
            version = int(connection.execute(counter.returning(names.c.last_version)).scalar_one())
            connection.execute(insert(schema.models).values(values | {"version": version}))
            return version

        version = self._database.write(work)
        return self.get(f"{model.name}:{version}")

    def all(self, name: str | None = None) -> tuple[ModelRecord, ...]:
        """Every model, or every version of one name: by name, newest version first.

        Raises
        ------
        UnknownName
            If there is no model of this name.
        """
        models = schema.models
        statement = select(models).order_by(models.c.name, models.c.version.desc())
        if name is not None:
            statement = statement.where(models.c.name == name)
        rows = self._database.rows(statement)
        if name is not None and not rows:
            raise self._unknown(name)
        return tuple(self._record(row) for row in rows)

    def get(self, reference: str) -> ModelRecord:
        """The version that a reference names; see the class.

        Raises
        ------
        UnknownName
            If there is no such name, version or alias; the message names those that exist.
        OptionError
            If it is not a reference.
        """
        name, mark, rest = reference.partition("@" if "@" in reference else ":")
        if mark and not rest:
            raise OptionError(
                f"A model is named 'name', 'name:3' or 'name@alias', but came as {reference!r}."
            )
        versions = {record.version: record for record in self.all(name)}
        if mark == ":":
            if not rest.isascii() or not rest.isdigit() or int(rest) not in versions:
                known = ", ".join(str(version) for version in sorted(versions)[-5:])
                raise UnknownName(f"The model {name!r} has no version {rest!r}. The latest are: {known}.")
            return versions[int(rest)]
        aliases = self.aliases(name)
        if mark == "@" and rest not in aliases:
            known = f"It has: {', '.join(sorted(aliases))}." if aliases else "It has none yet."
            raise UnknownName(f"The model {name!r} has no alias {rest!r}.{nearest(rest, aliases)} {known}")
        return versions[aliases.get(rest or CHAMPION, max(versions))]

    def set_alias(self, name: str, alias: str, version: int | None) -> None:
        """Let ``name@alias`` name another version, from now on; the history keeps the old one.

        Parameters
        ----------
        name, alias : str
            A registered model, and for example ``"champion"``.
        version : int or None
            None takes the alias away.

        Raises
        ------
        UnknownName
            If there is no such model or version.
        OptionError
            If an alias cannot be called so.
        """
        check_name(alias, "An alias")
        if version is None:
            self.all(name)
        else:
            self.get(f"{name}:{version}")
        values = {"name": name, "alias": alias, "version": version, "changed_at": utc_now()}
        self._database.write(lambda connection: connection.execute(insert(schema.aliases).values(values)))

    def aliases(self, name: str) -> dict[str, int]:
        """The aliases of a model that hold now, with their versions."""
        current = {change.alias: change.version for change in self.alias_history(name)}
        return {alias: version for alias, version in current.items() if version is not None}

    def alias_history(self, name: str) -> tuple[AliasRecord, ...]:
        """Every change of every alias of a model, oldest first."""
        aliases = schema.aliases
        columns = (aliases.c.name, aliases.c.alias, aliases.c.version, aliases.c.changed_at)
        statement = select(*columns).where(aliases.c.name == name).order_by(aliases.c.sequence)
        return tuple(AliasRecord(**row._mapping) for row in self._database.rows(statement))

    def _record(self, row: Row[Any]) -> ModelRecord:
        values = dict(row._mapping)
        return ModelRecord(**values | {"path": self._root / values["path"]})

    def _relative(self, path: Path) -> str:
        absolute = Path(os.path.abspath(path))
        return str(absolute.relative_to(self._root) if absolute.is_relative_to(self._root) else absolute)

    def _unknown(self, name: str) -> UnknownName:
        names = schema.model_names
        known = [str(row.name) for row in self._database.rows(select(names.c.name).order_by(names.c.name))]
        listed = f"Known: {', '.join(known[:10])}{', ...' if len(known) > 10 else ''}." if known else ""
        if not known:
            listed = "It has no models yet."
        return UnknownName(
            f"There is no model {name!r} in the workspace {self._database.description}."
            f"{nearest(name, known)} {listed}"
        )

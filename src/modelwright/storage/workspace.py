"""The workspace: everything Modelwright keeps between two commands, behind one object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from modelwright.core import BadInput, OptionError, UnknownName
from modelwright.storage.artifacts import ArtifactStore
from modelwright.storage.atomic import sweep_temporary, temporary_directory, temporary_file, write_atomic
from modelwright.storage.backends import DirectoryBackend
from modelwright.storage.faults import translated_os_errors
from modelwright.storage.location import Location, make_directory, parse_location
from modelwright.storage.locks import LockHeld, file_lock, lock_holder
from modelwright.storage.rows import check_name

if TYPE_CHECKING:
    from modelwright.storage.database import Database
    from modelwright.storage.models import ModelRecords
    from modelwright.storage.runs import RunRecords

__all__ = ["Workspace"]

_RECORDS = "records.db"
_LOCK = "run.lock"
_DELETING = "deleting"


class Workspace:
    """Records, artifacts and directories of one project. Open it with `Workspace.open`.

    Attributes
    ----------
    root : Path
        Absolute path of its directory.
    description : str
        What to call it in messages: the directory, or the address of the database without password.
    runs : RunRecords
        Records of runs, trials and folds.
    models : ModelRecords
        Records of models and aliases.
    artifacts : ArtifactStore
        Files by content.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, Workspace.open(place) as workspace:
    ...     run = workspace.runs.create("churn", {"target": "churned"})
    ...     with workspace.run_lock(run.id):
    ...         (workspace.run_directory(run.id) / "views").mkdir()
    ...     workspace.runs.get("last").name
    'churn'
    """

    runs: RunRecords
    models: ModelRecords

    def __init__(self, root: Path, database: Database) -> None:
        from modelwright.storage.models import ModelRecords
        from modelwright.storage.runs import RunRecords

        self.root = root
        self.description = database.description
        self.runs = RunRecords(database)
        self.models = ModelRecords(database, root)
        self.artifacts = ArtifactStore(DirectoryBackend(root / "artifacts"))
        self._database = database

    @classmethod
    def open(cls, location: str | Path | None = None) -> Workspace:
        """Open a workspace; it is made, or brought to this version's tables, where need be.

        Any number of processes may do so at once.

        Parameters
        ----------
        location : str, Path or None
            A directory; or ``postgresql://user:password@host/database?artifacts=DIRECTORY``; or None for
            what the environment variable ``MODELWRIGHT_WORKSPACE`` says, else ``.modelwright`` in the
            current directory.

        Returns
        -------
        Workspace
            Close it, or use it in a ``with`` statement.

        Raises
        ------
        OptionError
            If the location is neither a directory nor such a URL.
        BadInput
            If it cannot be used: read-only, full, a file, a server that cannot be reached or refuses,
            records of a newer version.
        MissingExtra
            If PostgreSQL's driver is not installed.
        StorageError
            If the machine fails otherwise.
        """
        place = parse_location(location)
        _make_root(place)
        # Here, not at the top: SQLAlchemy takes longer to load than the command line may take to start.
        from modelwright.storage.database import open_postgres, open_sqlite

        if place.url is None:
            return cls(place.root, open_sqlite(place.root / _RECORDS))
        from sqlalchemy import make_url

        return cls(place.root, open_postgres(make_url(place.url), place.root))

    def close(self) -> None:
        """Close the database. Directories and artifacts stay usable."""
        self._database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run_directory(self, run_id: str) -> Path:
        """The directory for a run's work in progress, made if need be.

        Raises
        ------
        OptionError
            If it is not the id of a run.
        BadInput, StorageError
            If it cannot be made.
        """
        path = self._run_path(run_id)
        with translated_os_errors("The run's directory cannot be made", path):
            make_directory(path)
        return path

    @property
    def models_directory(self) -> Path:
        """The directory for bundles, made if need be."""
        path = self.root / "models"
        with translated_os_errors("The directory of models cannot be made", path):
            make_directory(path)
        return path

    @contextmanager
    def run_lock(self, run_id: str) -> Iterator[None]:
        """Be the only process that works on a run; the kernel frees the lock if this one dies.

        Read the run's record after taking the lock, not before: another process may have finished or
        deleted it meanwhile.

        Raises
        ------
        BadInput
            If another process holds the lock: the run is still running.
        """
        path = self.run_directory(run_id) / _LOCK
        try:
            with file_lock(path, wait=False):
                yield
        except LockHeld as held:
            process = f" (pid {held.holder})" if held.holder else ""
            raise BadInput(
                f"The run {run_id} is still running{process}. Wait until it ends, or stop that process."
            ) from None

    def running(self, run_id: str) -> int | None:
        """Process number of whoever works on a run (0 if unknown), None if nobody does."""
        return lock_holder(self._run_path(run_id) / _LOCK)

    def delete_run(self, reference: str) -> str:
        """Remove a run: its records and its directory. Models that came from it stay.

        Parameters
        ----------
        reference : str
            As for `RunRecords.get`.

        Returns
        -------
        str
            The id of the run that was removed.

        Raises
        ------
        UnknownName
            If there is no such run.
        BadInput
            If it is still running.
        """
        run_id = self.runs.get(reference).id
        with self.run_lock(run_id):
            # A kill from here on leaves no half of a run: `sweep_temporary` goes on where this stopped.
            write_atomic(self._run_path(run_id) / _DELETING, b"")
            self._finish_deletion(run_id)
        return run_id

    def sweep_temporary(self) -> int:
        """Remove what killed processes left anywhere in the workspace; what is still in use stays.

        Returns
        -------
        int
            The number of files and directories removed.
        """
        removed = sweep_temporary(self.root)
        for marker in (self.root / "runs").glob(f"*/{_DELETING}"):
            run_id = marker.parent.name
            if self.running(run_id) is None:
                with self.run_lock(run_id):
                    self._finish_deletion(run_id)
                removed += 1
        return removed

    def _finish_deletion(self, run_id: str) -> None:
        try:
            self.runs.delete(run_id)
        except UnknownName:
            pass  # this far it came before
        path = self._run_path(run_id)
        doing = "The run's directory cannot be removed"
        with translated_os_errors(doing, path), temporary_directory(path) as temporary:
            path.rename(temporary / run_id)

    def _run_path(self, run_id: str) -> Path:
        try:
            check_name(run_id, "The id of a run")
        except OptionError as error:
            raise OptionError(f"{error} See 'modelwright runs' for the ids.") from None
        return self.root / "runs" / run_id


def _make_root(place: Location) -> None:
    """Make the directory and prove that it can be written, before a database says so less clearly."""
    with translated_os_errors("The workspace cannot be opened", place.root):
        created = make_directory(place.root)
        with temporary_file(place.root) as (handle, _):
            handle.write(b"probe")
            handle.flush()
    if created:
        # What is in it belongs to no version control; a directory the user made is the user's.
        write_atomic(place.root / ".gitignore", b"*\n")

"""Opening a workspace: where it is, who else opens it, and what can be wrong with the place."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from modelwright.core import BadInput, MissingExtra, OptionError, StorageError, UnknownName
from modelwright.storage import FoldKey, NewModel, TrialRecord, Workspace, migrate, schema
from modelwright.storage.database import ADVISORY_LOCK
from modelwright.storage.locks import file_lock, lock_holder

OPEN = """
import sys
from modelwright.core import ModelwrightError
from modelwright.storage import Workspace
try:
    with Workspace.open(sys.argv[1]) as workspace:
        workspace.runs.create("r", {})
except ModelwrightError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that any user may enter; pytest's own belongs to one user alone."""
    path = Path(tempfile.mkdtemp(prefix="modelwright-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_the_default_is_a_hidden_folder_or_what_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELWRIGHT_WORKSPACE", raising=False)
    with Workspace.open() as workspace:
        assert workspace.root == tmp_path / ".modelwright"
    assert (tmp_path / ".modelwright" / ".gitignore").read_text() == "*\n"
    monkeypatch.setenv("MODELWRIGHT_WORKSPACE", str(tmp_path / "a b" / "c%d"))
    with Workspace.open() as workspace:
        assert workspace.root == tmp_path / "a b" / "c%d"
    with Workspace.open("relative") as workspace:
        assert workspace.root == tmp_path / "relative"
    monkeypatch.setenv("HOME", str(tmp_path))
    with Workspace.open("~/at-home") as workspace:
        assert workspace.root == tmp_path / "at-home"


def test_a_directory_of_the_users_is_not_hidden_from_version_control(tmp_path: Path) -> None:
    with Workspace.open(tmp_path):
        pass
    assert not (tmp_path / ".gitignore").exists()


def test_what_was_written_is_there_when_opened_again(location: str) -> None:
    with Workspace.open(location) as workspace:
        run = workspace.runs.create("r", {})
        key = workspace.artifacts.put_bytes(b"kept")
        directory = workspace.run_directory(run.id)
        workspace.models.register(NewModel("m", workspace.models_directory / "m.mw"))
    with Workspace.open(location) as workspace:
        assert workspace.runs.get("last") == run
        assert workspace.artifacts.exists(key)
        assert workspace.run_directory(run.id) == directory
        assert workspace.models.get("m").path == workspace.models_directory / "m.mw"


def test_migrations_and_tables_say_the_same(workspace: Workspace) -> None:
    with workspace._database.engine.connect() as connection:
        options = {"version_table": migrate.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == migrate.REVISIONS[-1]
    script = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert tuple(step.revision for step in script.walk_revisions())[::-1] == migrate.REVISIONS


def test_a_newer_workspace_is_refused(location: str) -> None:
    with Workspace.open(location) as workspace:
        workspace._database.write(
            lambda connection: connection.exec_driver_sql(
                f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'"
            )
        )
    with pytest.raises(BadInput, match=r"newer Modelwright.*revision 9999.*Upgrade Modelwright"):
        Workspace.open(location)


def test_tables_of_another_program_are_left_alone(location: str) -> None:
    with Workspace.open(location) as workspace:
        workspace.runs.create("r", {})
        workspace._database.write(
            lambda connection: connection.exec_driver_sql(f"DROP TABLE {migrate.VERSION_TABLE}")
        )
    with pytest.raises(BadInput, match="of another program"):
        Workspace.open(location)


def test_processes_that_open_a_fresh_workspace_at_once_all_succeed(location: str, start) -> None:
    code = (
        "import sqlalchemy, alembic.command, sys\nprint('ready', flush=True)\nsys.stdin.readline()\n" + OPEN
    )
    processes = [start(code, location) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, output + errors
    with Workspace.open(location) as workspace:
        assert len(workspace.runs.all()) == 3


def test_importing_the_room_loads_no_database_library(start) -> None:
    code = (
        "import sys, modelwright.storage; print([m for m in ('sqlalchemy', 'alembic') if m in sys.modules])"
    )
    assert start(code).communicate(timeout=120) == ("[]\n", "")


def test_opening_an_up_to_date_workspace_does_not_load_alembic(tmp_path: Path, start) -> None:
    with Workspace.open(tmp_path / "w"):
        pass
    code = OPEN + "print('alembic' in sys.modules)"
    assert start(code, str(tmp_path / "w")).communicate(timeout=120) == ("False\n", "")


def test_sqlite_runs_in_wal_mode(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "w"):
        connection = sqlite3.connect(tmp_path / "w" / "records.db")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()
    assert stat.S_IMODE((tmp_path / "w" / "records.db").stat().st_mode) & 0o022 == 0


# What can be wrong with the place


def test_a_file_where_a_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match=r"a file stands where|something stands there"):
            Workspace.open(wrong)


@pytest.mark.parametrize("wrong", ["", "  ", "a\x00b", 3, "sqlite:///x.db", "mysql://host/db", "s3://bucket"])
def test_what_is_no_location(wrong: str) -> None:
    with pytest.raises(OptionError) as caught:
        Workspace.open(wrong) if wrong else Workspace.open(Path("x\x00y"))
    assert caught.value.exit_code == 2


def test_a_record_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"this is no database at all, " * 100)
    with pytest.raises(BadInput, match="damaged or no database"):
        Workspace.open(tmp_path)


AS_NOBODY = """
import os, sys
from modelwright.storage import Workspace
if os.geteuid() == 0:  # for whom no place is read-only
    with Workspace.open(sys.argv[2]) as workspace:  # loads what only root may be able to read
        workspace.runs.create("r", {})
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
"""


def test_a_read_only_directory(open_directory: Path, tmp_path: Path, start) -> None:
    place = open_directory / "locked"
    place.mkdir()
    place.chmod(0o555)
    for location in (place, place / "below"):
        process = start(AS_NOBODY + OPEN, str(location), str(tmp_path / "warm-up"))
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (2, "")
        assert "permission is denied" in output
    assert list(place.iterdir()) == []


def test_a_read_only_database_in_a_directory_that_can_be_written(
    open_directory: Path, tmp_path: Path, start
) -> None:
    with Workspace.open(open_directory):
        pass
    (open_directory / "records.db").chmod(0o444)
    open_directory.chmod(0o777)
    process = start(AS_NOBODY + OPEN, str(open_directory), str(tmp_path / "warm-up"))
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (2, "")
    assert "cannot be written" in output


def test_a_full_disk(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk (unshare -m)")
    script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && exec "$3" -c "$4" "$2/w"'
    code = OPEN.replace('workspace.runs.create("r", {})', FILL)
    said = set()
    for size in ("4k", "8k", "200k"):
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", size, str(tmp_path), sys.executable, code],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (2, ""), (size, done.stdout)
        assert "disk is full" in done.stdout
        said.add(done.stdout)
    assert len(said) > 1  # full at different moments: opening, writing records


FILL = 'print("opened"); [workspace.runs.create("r", {"text": "x" * 50000}) for _ in range(200)]'


def test_a_fresh_file_is_made_by_one_process_while_others_wait(tmp_path: Path, start) -> None:
    locks = Path("/proc/locks")
    if not locks.exists():
        pytest.skip("the kernel does not say who waits for a lock (no /proc/locks)")
    (tmp_path / "w").mkdir()
    with file_lock(tmp_path / "w" / "workspace.lock"):
        process = start(OPEN, str(tmp_path / "w"))
        waiting = f" {process.pid} "
        while not [line for line in locks.read_text().splitlines() if "->" in line and waiting in line]:
            assert process.poll() is None, "it did not wait"
            time.sleep(0.02)
    assert process.communicate(timeout=120) == ("", "")


def test_a_transaction_that_will_write_keeps_other_writers_out_from_its_first_read(tmp_path: Path) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT count(*) FROM runs").scalar()
        other = sqlite3.connect(tmp_path / "records.db", isolation_level=None, timeout=0)
        try:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()

    with Workspace.open(tmp_path) as workspace:
        workspace._database.write(work)


def test_a_lock_is_on_the_file_that_is_there_now(tmp_path: Path) -> None:
    path, holders = tmp_path / "lock", []

    def wait() -> None:
        with file_lock(path):
            holders.append(lock_holder(path))

    waiting = threading.Thread(target=wait)
    with file_lock(path):
        waiting.start()
        time.sleep(0.2)
        path.unlink()
    waiting.join(30)
    assert holders == [os.getpid()]


# PostgreSQL


def test_postgres_needs_a_directory_for_files() -> None:
    with pytest.raises(OptionError, match="add artifacts=DIRECTORY"):
        Workspace.open("postgresql://me:secret@127.0.0.1/db")
    with pytest.raises(OptionError, match="must be a directory"):
        Workspace.open("postgresql://me@127.0.0.1/db?artifacts=s3://bucket")


def test_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(BadInput, match="cannot be reached") as caught:
            Workspace.open(f"postgresql://me:geheim@127.0.0.1:{port}/db?artifacts={tmp_path}")
    assert "geheim" not in str(caught.value)
    assert f"127.0.0.1:{port}/db" in str(caught.value)


def test_a_url_that_cannot_be_read_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read") as caught:
        Workspace.open("postgresql://me:geheim@host:port/db?artifacts=x")
    assert "geheim" not in str(caught.value)


def test_a_database_or_user_that_does_not_exist(postgres_server: str, tmp_path: Path) -> None:
    base, _, _ = postgres_server.rpartition("/")
    with pytest.raises(BadInput, match='database "nowhere" does not exist'):
        Workspace.open(f"{base}/nowhere?artifacts={tmp_path}")
    _, _, server = base.rpartition("@")
    with pytest.raises(BadInput, match='role "nobody" does not exist'):
        Workspace.open(f"postgresql://nobody:geheim@{server}/postgres?artifacts={tmp_path}")


def test_tables_are_made_by_one_process_while_others_wait(postgres_location: str, start) -> None:
    import psycopg

    plain, _, _ = postgres_location.partition("?")
    with psycopg.connect(plain.replace("+psycopg", "")) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        process = start(OPEN, postgres_location)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while connection.execute(waiting).fetchone() != (1,):
            assert process.poll() is None, "it did not wait"
            time.sleep(0.02)
    assert process.communicate(timeout=120) == ("", "")


def test_a_user_without_rights(postgres_location: str, tmp_path: Path) -> None:
    import psycopg

    plain, _, query = postgres_location.partition("?")
    with psycopg.connect(plain.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        try:
            server = plain.rpartition("@")[2]
            with pytest.raises(BadInput, match="refuses"):
                Workspace.open(f"postgresql://reader@{server}?{query}")
        finally:
            connection.execute("DROP ROLE reader")


def test_without_psycopg_the_extra_is_named(tmp_path: Path, start) -> None:
    code = "import sys; sys.modules['psycopg'] = None\n" + OPEN
    process = start(code, f"postgresql://me@127.0.0.1/db?artifacts={tmp_path}")
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (MissingExtra.exit_code, "")
    assert "pip install 'modelwright[postgres]'" in output


# Runs that are running, killed, deleted

LOCK = """
import sys, time
from modelwright.storage import Workspace
with Workspace.open(sys.argv[1]) as workspace, workspace.run_lock(sys.argv[2]):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_live_run_is_neither_resumed_nor_deleted_and_a_dead_one_is(tmp_path: Path, start) -> None:
    location = str(tmp_path)
    with Workspace.open(location) as workspace:
        run = workspace.runs.create("r", {})
        process = start(LOCK, location, run.id)
        assert process.stdout.readline() == "locked\n", process.stderr.read()
        assert workspace.running(run.id) == process.pid
        for attempt in (lambda: workspace.run_lock(run.id).__enter__(), lambda: workspace.delete_run("last")):
            with pytest.raises(BadInput, match=rf"{run.id} is still running \(pid {process.pid}\)"):
                attempt()
        assert workspace.runs.get(run.id) == run
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert workspace.running(run.id) is None
        with workspace.run_lock(run.id):
            assert workspace.running(run.id) == os.getpid()
            with pytest.raises(BadInput, match="still running"), workspace.run_lock(run.id):
                pass
        assert workspace.delete_run("last") == run.id
        assert list((workspace.root / "runs").iterdir()) == []


def test_deleting_a_run_removes_its_files_and_records_and_keeps_its_models(workspace: Workspace) -> None:
    run, other = workspace.runs.create("r", {}), workspace.runs.create("other", {})
    for one in (run, other):
        (workspace.run_directory(one.id) / "views").mkdir()
        (workspace.run_directory(one.id) / "views" / "a.npy").write_bytes(b"x")
    workspace.models.register(NewModel("m", workspace.models_directory / "m.mw", run=run.id))
    workspace.delete_run(run.id)
    assert [path.name for path in (workspace.root / "runs").iterdir()] == [other.id]
    assert workspace.models.get("m").run == run.id
    with pytest.raises(UnknownName):
        workspace.delete_run(run.id)


@pytest.mark.parametrize("with_record", [True, False])
def test_a_deletion_that_was_killed_is_finished_by_the_sweep(workspace: Workspace, with_record: bool) -> None:
    run, other = workspace.runs.create("r", {}), workspace.runs.create("other", {})
    for one in (run, other):
        (workspace.run_directory(one.id) / "file").write_bytes(b"x")
    (workspace.run_directory(run.id) / "deleting").touch()
    if not with_record:
        workspace.runs.delete(run.id)
    assert workspace.sweep_temporary() == 1
    assert [path.name for path in (workspace.root / "runs").iterdir()] == [other.id]
    assert workspace.runs.all() == (other,)


def test_only_an_id_becomes_a_directory(tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace:
        for wrong in ("", "..", "../..", "a/b", "/etc"):
            with pytest.raises(OptionError, match="The id of a run"):
                workspace.run_directory(wrong)


WRITE = """
import os, sys
from pathlib import Path
from modelwright.storage import *
with Workspace.open(sys.argv[1]) as workspace:
    run = workspace.runs.create("killed", {})
    workspace.runs.save_trial(TrialRecord(run.id, 0, "l", "L", {}))
    directory = workspace.run_directory(run.id)
    print(run.id, flush=True)
    with workspace.run_lock(run.id):
        for fold in range(100_000):
            key = FoldKey(run.id, 0, fold)
            workspace.runs.fold_intent(key)
            final = directory / f"fold-{fold}"
            with temporary_directory(final) as temporary:
                for name in "abc":
                    (temporary / name).write_bytes(os.urandom(20_000))
                publish_directory(temporary, final)
            workspace.artifacts.put_tree(final)
            workspace.runs.fold_finished(key, score=0.5, seconds=0.1, artifact=final.name)
            print(fold, flush=True)
"""


def test_kill_9_leaves_readable_records_and_nothing_half_written(location: str, start) -> None:
    for folds in (2, 7):
        process = start(WRITE, location)
        run_id = process.stdout.readline().strip()
        for fold in range(folds):
            assert process.stdout.readline() == f"{fold}\n", process.stderr.read()
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Workspace.open(location) as workspace:
            workspace.sweep_temporary()
            assert not [path for path in workspace.root.rglob("*") if path.name.startswith(".tmp-")]
            assert workspace.runs.get("last").id == run_id
            recorded = workspace.runs.folds(run_id)
            done = [fold for fold in recorded if fold.status == "done"]
            # What the process said was finished is finished, and at most one fold was under way.
            assert len(done) >= folds
            assert len(recorded) - len(done) <= 1
            directory = workspace.run_directory(run_id)
            for path in directory.glob("fold-*"):
                assert sorted(file.name for file in path.iterdir()) == ["a", "b", "c"]
                assert {file.stat().st_size for file in path.iterdir()} == {20_000}
            assert {fold.artifact for fold in done} <= {path.name for path in directory.iterdir()}
            for key in workspace.artifacts.backend:
                workspace.artifacts.verify(key)
            with workspace.run_lock(run_id):
                assert workspace.runs.begin_attempt(run_id).attempts == 2
            assert {fold.status for fold in workspace.runs.folds(run_id)} <= {"done", "lost"}


def test_two_processes_write_to_one_workspace_at_once(location: str, start) -> None:
    code = WRITE.replace("100_000", "8")
    processes = [start(code, location) for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert len(output.splitlines()) == 9
    with Workspace.open(location) as workspace:
        for run in workspace.runs.all():
            assert [fold.status for fold in workspace.runs.folds(run.id)] == ["done"] * 8


def test_a_writer_waits_for_another_program_that_holds_the_file(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "w") as workspace:
        run = workspace.runs.create("r", {})
        workspace.runs.save_trial(TrialRecord(run.id, 0, "l", "L", {}))
        holder = sqlite3.connect(tmp_path / "w" / "records.db", isolation_level=None)
        holder.execute("PRAGMA busy_timeout=0")
        holder.execute("BEGIN IMMEDIATE")
        # A reader is not in the way of a writer, nor the other way round.
        assert len(workspace.runs.all()) == 1
        with workspace._database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(StorageError, match="locked by another process"):
            workspace.runs.fold_intent(FoldKey(run.id, 0, 0))
        holder.execute("ROLLBACK")
        holder.close()
        workspace.runs.fold_intent(FoldKey(run.id, 0, 0))
        assert len(workspace.runs.folds(run.id)) == 1

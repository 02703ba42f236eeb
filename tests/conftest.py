"""Fixtures that several rooms share: a real PostgreSQL server and a small mixed table."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

# Several tests share two processors: an example that is slow for that reason alone is no failure.
settings.register_profile("modelwright", deadline=None, max_examples=60)
settings.load_profile("modelwright")

# With --doctest-modules pytest would look for doctests in the conftest files, whose names are all the same.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their parameter: what is in them (the time in a gzip header) may change from run to run.

    Workers of pytest-xdist refuse to start unless all of them collect the same tests.
    """
    return argname if isinstance(val, bytes) else None


OWNER = "modelwright"
"""Name of the database role that the tests use."""


def _program(name: str) -> str | None:
    """A PostgreSQL program, also where Debian hides it from the search path (newest version first)."""
    beside = shutil.which(name)
    if beside:
        return beside
    homes = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = sorted(homes, key=lambda path: int(path.parts[-3].partition(".")[0]), reverse=True)
    return str(newest[0]) if newest else None


def _unprivileged() -> pwd.struct_passwd | None:
    """Who may own the server: ourselves, or a system account when the tests run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a real PostgreSQL server on a loopback port, in a temporary directory of its own."""
    programs = [_program("initdb"), _program("pg_ctl")]
    account = _unprivileged()
    if None in programs:
        pytest.skip("PostgreSQL is not installed (no initdb and pg_ctl found)")
    if account is None:
        pytest.skip("PostgreSQL refuses to run as root and there is no account to run it as")
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    initdb, pg_ctl = (str(program) for program in programs)
    home = Path(tempfile.mkdtemp(prefix="modelwright-postgres-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(home, account.pw_uid, account.pw_gid)

    def command(*arguments: str) -> None:
        # pg_ctl hands its output on to the server: a pipe would stay open as long as that lives.
        with open(home / "commands.log", "a") as log:
            done = subprocess.run(
                arguments,
                cwd=home,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=120,
                user=account.pw_uid if is_root else None,
                group=account.pw_gid if is_root else None,
                extra_groups=[] if is_root else None,
            )
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed:\n{(home / 'commands.log').read_text()}")

    data = str(home / "data")
    try:
        command(initdb, "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync")
        for attempt in range(3):
            port = _free_port()
            options = f"-p {port} -k '{home}' -h 127.0.0.1 -c fsync=off -c max_connections=50"
            try:
                command(
                    pg_ctl,
                    "-D",
                    data,
                    "-w",
                    "-t",
                    "60",
                    "-l",
                    str(home / "server.log"),
                    "-o",
                    options,
                    "start",
                )
                break
            except RuntimeError:
                if attempt == 2:  # the port may have been taken between the probe and the start
                    raise
        try:
            yield f"postgresql+psycopg://{OWNER}@127.0.0.1:{port}/postgres"
        finally:
            command(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def customers_frame() -> pl.DataFrame:
    """300 rows of a mixed table: number, category, flag, date, text, id, missing cells, target ``churn``."""
    rows = 300
    random = np.random.default_rng(7)
    tenure = random.integers(0, 72, rows)
    spend = random.gamma(4.0, 15.0, rows).round(2)
    plan = random.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.3, 0.2])
    logit = 1.2 - 0.06 * tenure + 0.9 * (plan == "basic") - 0.01 * spend
    churn = random.random(rows) < 1 / (1 + np.exp(-logit))
    first = date(2021, 1, 1)
    return pl.DataFrame(
        {
            "customer": [f"C{number:05d}" for number in range(rows)],
            "tenure": tenure,
            "spend": [None if random.random() < 0.1 else value for value in spend.tolist()],
            "plan": plan,
            "paperless": random.random(rows) < 0.6,
            "signup": [first + timedelta(days=int(day)) for day in random.integers(0, 900, rows)],
            "note": random.choice(["called about the bill", "asked for a refund", "no contact so far"], rows),
            "churn": np.where(churn, "yes", "no"),
        }
    )

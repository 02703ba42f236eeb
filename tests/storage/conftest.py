"""A fresh workspace on SQLite and on a real PostgreSQL server, and real processes to fight over it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from modelwright.storage import Workspace

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def postgres_location(postgres_server: str, tmp_path: Path) -> Iterator[str]:
    """A workspace's URL with a schema of its own on the shared server."""
    import psycopg

    schema = f"test_{secrets.token_hex(6)}"
    plain = postgres_server.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        mark = "&" if "?" in postgres_server else "?"
        options = quote(f"-csearch_path={schema}")
        yield f"{postgres_server}{mark}options={options}&artifacts={quote(str(tmp_path / 'files'))}"
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh workspace can be opened; tests that use it run on both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "workspace")
    found: str = request.getfixturevalue("postgres_location")
    return found


@pytest.fixture
def workspace(location: str) -> Iterator[Workspace]:
    """A fresh, open workspace."""
    with Workspace.open(location) as opened:
        yield opened


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code in another process; ``start(code, *arguments)``. None outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()

"""Runs that end before their time: killed ones are taken up again, interrupted ones keep their best."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from cli_process import command, environment, write_table

TRAIN = ["train", "shop.csv", "--target", "bought", "--time", "60s", "--threads", "1", "--json"]


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "modelwright", *arguments],
        cwd=directory,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_folds(process: subprocess.Popen[str], directory: Path, count: int) -> list[int]:
    """Wait until so many folds are recorded as done; returns the processes of the run."""
    database = directory / ".modelwright" / "records.db"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        if database.exists() and done_folds(database) >= count:
            return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        time.sleep(0.05)
    pytest.fail(f"no {count} folds were finished in a minute")


def done_folds(database: Path) -> int:
    import sqlite3

    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
    try:
        row = connection.execute("select count(*) from folds where status = 'done'").fetchone()
        return int(row[0])
    except sqlite3.OperationalError:
        return 0  # the tables are being made
    finally:
        connection.close()


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def parsed(text: str) -> dict[str, Any]:
    answer = json.loads(text)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    write_table(tmp_path / "shop.csv", rows=400)
    process = start(tmp_path, *TRAIN)
    workers = wait_for_folds(process, tmp_path, 3)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not all(map(is_gone, workers)):
        time.sleep(0.05)
    assert all(map(is_gone, workers)), "workers outlived the driver"

    (run,) = parsed(command(tmp_path, "runs", "--json").stdout)["runs"]
    assert run["status"] == "unfinished"
    so_far = parsed(command(tmp_path, "runs", "show", "last", "--json").stdout)["so_far"]
    assert so_far["folds"] >= 3
    assert so_far["resume"] == f"modelwright train --resume {run['run']}"
    resumed = command(tmp_path, "train", "--resume", "last", "--time", "10s", "--json")
    assert resumed.returncode == 0, resumed.stderr
    summary = parsed(resumed.stdout)
    assert summary["run"] == run["run"]
    assert summary["adopted_folds"] >= 3
    assert summary["repeated_folds"] == 0
    assert summary["forecast"] == run["forecast"]  # that of the first attempt, made before any fit
    assert summary["actual"]["seconds"] > so_far["seconds"]
    (run,) = parsed(command(tmp_path, "runs", "--json").stdout)["runs"]
    assert run["status"] == "finished"


@pytest.mark.slow
def test_resuming_with_other_data_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "shop.csv", rows=400)
    process = start(tmp_path, *TRAIN)
    wait_for_folds(process, tmp_path, 1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with (tmp_path / "shop.csv").open("a") as handle:
        handle.write("20,Rome,20,yes,99\n")
    refused = command(tmp_path, "train", "--resume", "last", "--time", "10s", "--json")
    assert refused.returncode == 2
    assert parsed(refused.stdout)["error"]["exit_code"] == 2


@pytest.mark.slow
def test_an_interrupted_run_keeps_its_best_model(tmp_path: Path) -> None:
    write_table(tmp_path / "shop.csv", rows=400)
    process = start(tmp_path, *TRAIN)
    workers = wait_for_folds(process, tmp_path, 12)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does: the whole foreground group gets it
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert time.monotonic() - began < 15
    assert "Traceback" not in errors
    summary = parsed(output)
    predicted = command(tmp_path, "predict", summary["model"], "shop.csv", "-o", "out.csv")
    assert predicted.returncode == 0, predicted.stderr
    assert all(map(is_gone, workers))


def test_resuming_what_does_not_exist(tmp_path: Path) -> None:
    done = command(tmp_path, "train", "--resume", "last", "--json")
    assert done.returncode == 2
    assert parsed(done.stdout)["error"]["type"] == "UnknownName"

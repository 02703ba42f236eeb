"""How things go wrong: one sentence, the right exit code, one JSON object, never a traceback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import command, environment

from modelwright.cli.failures import explain
from modelwright.core import BudgetTooSmall, Interrupted, ModelwrightError, StorageError, TargetError


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (ModelwrightError("x"), 1),
        (StorageError("x"), 1),
        (TargetError("x"), 2),
        (BudgetTooSmall("x", 5.0), 3),
        (Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (OSError(errno.ENOSPC, "No space left", "a.csv"), 2),
        (OSError(errno.EROFS, "Read-only", "a.csv"), 2),
        (PermissionError(errno.EACCES, "Permission denied", "a.csv"), 2),
        (OSError(errno.EIO, "Input/output error", "a.csv"), 1),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_exit_codes(error: BaseException, exit_code: int) -> None:
    failure = explain(error)
    assert failure.exit_code == exit_code
    assert failure.to_dict()["error"]["exit_code"] == exit_code


def test_a_full_disk_behind_an_error_of_ours_is_not_our_fault() -> None:
    error = StorageError("The record cannot be written.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert explain(error).exit_code == 2


def test_an_unexpected_error_says_how_to_see_where() -> None:
    message = explain(RuntimeError("first line\nsecond line")).message
    assert "RuntimeError: first line" in message
    assert "second line" not in message
    assert "--debug" in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "Did you mean 'train'? See "),
        (["train", "--no-such-option"], "--no-such-option"),
        (["train", "a.csv", "--target", "y", "--seed", "many"], "--seed"),
        (["predict", "m.mw", "a.csv"], "--output"),
        (["runs", "destroy"], "Invalid value for 'ACTION': 'destroy' is not one of"),
    ],
)
def test_usage_errors(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert "--help" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_usage_errors_as_json(tmp_path: Path) -> None:
    done = command(tmp_path, "train", "--json", "--no-such-option")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert set(error) == {"type", "message", "exit_code"}
    assert error["type"] == "UsageError"
    assert error["exit_code"] == 2
    assert error["message"] in done.stderr


FAULT = """
import sys
import modelwright.cli.diagnosis as diagnosis
def broken():
    print("noise of a library", flush=True)
    raise RuntimeError("a fault")
diagnosis._python = broken
from modelwright.cli import main
sys.exit(main(sys.argv[1:]))
"""


def _run_broken(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FAULT, *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unexpected_error_shows_no_traceback() -> None:
    done = _run_broken("doctor")
    assert done.returncode == 1
    assert "RuntimeError: a fault" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("arguments", [["--debug", "doctor"], ["doctor"]])
def test_debugging_shows_the_traceback(arguments: list[str]) -> None:
    variables = {} if "--debug" in arguments else {"MODELWRIGHT_DEBUG": "1"}
    done = _run_broken(*arguments, **variables)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_json_keeps_standard_output_pure_whatever_libraries_print() -> None:
    done = _run_broken("doctor", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["type"] == "RuntimeError"
    assert "noise of a library" in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "modelwright", "doctor"],
        cwd=tmp_path,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0

"""The doctor tells what is wrong and leaves no trace."""

from __future__ import annotations

import json
from pathlib import Path

from cli_process import command

from modelwright.cli import diagnosis


def test_a_healthy_machine(tmp_path: Path) -> None:
    done = command(tmp_path, "doctor", "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["healthy"] is True
    found = {check["name"]: check["status"] for check in report["checks"]}
    assert found["python"] == found["libgomp"] == found["threads"] == found["workspace"] == "ok"
    assert set(found.values()) <= {"ok", "warn"}
    assert list(tmp_path.iterdir()) == []


def test_one_line_each(tmp_path: Path) -> None:
    checks = json.loads(command(tmp_path, "doctor", "--json").stdout)["checks"]
    lines = command(tmp_path, "doctor").stdout.splitlines()
    assert len(lines) == len(checks)
    for line, check in zip(lines, checks, strict=True):
        assert line.startswith(check["status"])
        assert check["name"] in line


def test_a_workspace_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    done = command(tmp_path, "doctor", "--workspace", "file/workspace", "--json")
    assert done.returncode == 1
    failed = [check for check in json.loads(done.stdout)["checks"] if check["status"] == "fail"]
    assert [check["name"] for check in failed] == ["workspace"]
    assert "--workspace" in failed[0]["message"]


def test_packages_out_of_bounds_and_missing_ones() -> None:
    from packaging.requirements import Requirement

    asked = ["typer<0.1", "no-such-package>=1", "rich>=1", "psycopg>=1 ; extra == 'postgres'"]
    checks = list(diagnosis._packages([Requirement(line) for line in asked]))
    assert [(check.name, check.status) for check in checks] == [
        ("typer", "warn"),
        ("no-such-package", "fail"),
        ("rich", "ok"),
    ]
    assert "pip install 'no-such-package>=1'" in checks[1].message


def test_extras_may_be_absent_but_not_half_there() -> None:
    from packaging.requirements import Requirement

    asked = [
        "rich>=1",
        "typer>=0.1 ; extra == 'whole'",
        "typer>=0.1 ; extra == 'half'",
        "no-such-package>=1 ; extra == 'half'",
        "no-such-package>=1 ; extra == 'absent'",
    ]
    checks = list(diagnosis._extras([Requirement(line) for line in asked], ["whole", "half", "absent"]))
    assert [(check.name, check.status) for check in checks] == [("extra half", "warn"), ("extras", "ok")]
    assert "no-such-package" in checks[0].message
    assert "pip install 'modelwright[half]'" in checks[0].message
    assert checks[1].message.startswith("installed: whole; not installed (optional, ")
    assert checks[1].message.endswith(": absent")


def test_extras_that_are_absent_take_one_line() -> None:
    from packaging.requirements import Requirement

    names = [f"extra{number}" for number in range(14)]
    asked = [Requirement(f"no-such-package>=1 ; extra == '{name}'") for name in names]
    (check,) = diagnosis._extras(asked, names)
    assert check.status == "ok"
    assert check.message.endswith(", ".join(names))


def test_a_clash_of_xgboost_packages() -> None:
    (clash,) = diagnosis._xgboost(["xgboost", "xgboost-cpu"])
    assert clash.status == "fail"
    assert "pip uninstall xgboost xgboost-cpu" in clash.message
    assert list(diagnosis._xgboost(["xgboost-cpu"])) == []

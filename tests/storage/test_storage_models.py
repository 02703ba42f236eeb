"""Records of models and aliases, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelwright.core import OptionError, UnknownName
from modelwright.storage import NewModel, Workspace


def register(workspace: Workspace, name: str, count: int = 1) -> None:
    for _ in range(count):
        workspace.models.register(NewModel(name, workspace.models_directory / "bundle.mw"))


def test_a_model_comes_back_as_it_was_registered(workspace: Workspace) -> None:
    new = NewModel(
        "churn",
        workspace.models_directory / "churn-1.mw",
        run="some run",
        artifact="f" * 64,
        metric="roc_auc",
        task="binary",
        target="churned",
        score=0.81,
        summary={"members": 3},
    )
    made = workspace.models.register(new)
    assert made == workspace.models.get("churn:1")
    assert made.reference == "churn:1"
    for field in ("name", "path", "run", "artifact", "metric", "task", "target", "score", "summary"):
        assert getattr(made, field) == getattr(new, field)


def test_references_name_versions(workspace: Workspace) -> None:
    register(workspace, "churn", 3)
    register(workspace, "price")
    models = workspace.models
    assert models.get("churn").version == 3
    assert models.get("churn:2").version == 2
    models.set_alias("churn", "champion", 1)
    models.set_alias("churn", "challenger", 3)
    assert models.get("churn").version == 1
    assert models.get("churn@challenger").version == 3
    assert models.get("price").version == 1
    assert [one.reference for one in models.all()] == ["churn:3", "churn:2", "churn:1", "price:1"]
    assert [one.version for one in models.all("price")] == [1]
    assert models.aliases("churn") == {"champion": 1, "challenger": 3}


def test_unknown_references_name_what_exists(workspace: Workspace) -> None:
    models = workspace.models
    with pytest.raises(UnknownName, match="no models yet"):
        models.get("churn")
    register(workspace, "churn", 2)
    with pytest.raises(UnknownName, match="Did you mean 'churn'"):
        models.get("chrun")
    for wrong in ("churn:9", "churn:0", "churn:x", "churn:²", "churn:-1"):
        with pytest.raises(UnknownName, match="The latest are: 1, 2"):
            models.get(wrong)
    with pytest.raises(UnknownName, match="has none yet"):
        models.get("churn@champion")
    models.set_alias("churn", "champion", 1)
    with pytest.raises(UnknownName, match="Did you mean 'champion'"):
        models.get("churn@chmpion")
    for wrong in ("churn:", "churn@"):
        with pytest.raises(OptionError, match="name@alias"):
            models.get(wrong)


def test_alias_history_is_kept(workspace: Workspace) -> None:
    register(workspace, "churn", 2)
    models = workspace.models
    for version in (1, 2, 1, None):
        models.set_alias("churn", "champion", version)
    assert [change.version for change in models.alias_history("churn")] == [1, 2, 1, None]
    times = [change.changed_at for change in models.alias_history("churn")]
    assert times == sorted(times)
    assert models.aliases("churn") == {}
    assert models.get("churn").version == 2
    with pytest.raises(UnknownName):
        models.set_alias("churn", "champion", 7)
    with pytest.raises(UnknownName):
        models.set_alias("nobody", "champion", None)
    with pytest.raises(OptionError):
        models.set_alias("churn", "a@b", 1)
    assert len(models.alias_history("churn")) == 4


def test_names_that_references_could_not_tell_apart_are_refused(workspace: Workspace) -> None:
    for name in ("", "a:1", "a@b", "a/b", "a b", "x.mw", "-a", ".hidden", "a\n", "a" * 129):
        with pytest.raises(OptionError, match="A model name"):
            workspace.models.register(NewModel(name, Path("x.mw")))
    assert workspace.models.all() == ()


def test_a_moved_workspace_still_finds_its_bundles(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with Workspace.open(old) as workspace:
        register(workspace, "inside")
        workspace.models.register(NewModel("outside", tmp_path / "elsewhere" / "b.mw"))
    shutil.move(old, new)
    with Workspace.open(new) as workspace:
        assert workspace.models.get("inside").path == new / "models" / "bundle.mw"
        assert workspace.models.get("outside").path == tmp_path / "elsewhere" / "b.mw"


REGISTER = """
import sys
from pathlib import Path
from modelwright.storage import NewModel, Workspace
with Workspace.open(sys.argv[1]) as workspace:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(15):
        print(workspace.models.register(NewModel("churn", Path("b.mw"))).version, flush=True)
"""


def test_processes_that_register_at_once_get_versions_of_their_own(workspace, location, start) -> None:
    processes = [start(REGISTER, location) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    given = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        given += [int(version) for version in output.split()]
    assert sorted(given) == list(range(1, 31))
    assert len(workspace.models.all("churn")) == 30

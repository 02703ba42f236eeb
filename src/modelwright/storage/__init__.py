"""The workspace: records of runs and models, artifacts by content, directories for work in progress.

Knows no models. Importing this room loads no database library; `Workspace.open` does.
"""

from modelwright.storage.artifacts import ArtifactStore
from modelwright.storage.atomic import (
    publish_directory,
    sweep_temporary,
    temporary_directory,
    write_atomic,
)
from modelwright.storage.backends import ArtifactBackend, DirectoryBackend
from modelwright.storage.rows import (
    AliasRecord,
    FoldKey,
    FoldRecord,
    ModelRecord,
    NewModel,
    RunRecord,
    RunStatus,
    TrialRecord,
)
from modelwright.storage.workspace import Workspace

__all__ = [
    "AliasRecord",
    "ArtifactBackend",
    "ArtifactStore",
    "DirectoryBackend",
    "FoldKey",
    "FoldRecord",
    "ModelRecord",
    "NewModel",
    "RunRecord",
    "RunStatus",
    "TrialRecord",
    "Workspace",
    "publish_directory",
    "sweep_temporary",
    "temporary_directory",
    "write_atomic",
]

"""How commands that only look open a workspace: one that is not there is not made for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.storage import Workspace

__all__ = ["existing_workspace"]


@contextmanager
def existing_workspace(location: str | None) -> Iterator[Workspace | None]:
    """Open a workspace for looking at it; None if nothing was ever written there.

    Parameters
    ----------
    location : str or None
        As for `Workspace.open`.
    """
    from modelwright.storage import Workspace
    from modelwright.storage.location import parse_location

    place = parse_location(location)
    if place.url is None and not place.root.exists():
        yield None
        return
    with Workspace.open(location) as workspace:
        yield workspace

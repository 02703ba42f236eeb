"""Arrow IPC files and streams, also known as Feather."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError, hash_file
from modelwright.data.files import head_bytes, translated_faults
from modelwright.data.frame_values import plain_frame
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["ArrowSource"]

_FILE = b"ARROW1"
_CONTINUES = b"\xff\xff\xff\xff"


class ArrowSource(Source):
    """Reads ``.arrow``, ``.feather``, ``.ipc`` and ``.arrows`` with the types they declare."""

    extensions = (".arrow", ".feather", ".ipc", ".arrows")

    def recognises(self, head: bytes) -> bool:
        """Whether it begins like an Arrow file, or like an Arrow stream: a mark, then a length in eights."""
        length = int.from_bytes(head[4:8], "little")
        stream = head.startswith(_CONTINUES) and 0 < length < 2**24 and length % 8 == 0
        return head.startswith(_FILE) or stream

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read a file; see `Source.read`."""
        path = Path(source)
        head = head_bytes(path, 8)
        if head.startswith(b"FEA1"):
            raise DataError(
                f"{str(path)!r} is a Feather file of the first version, which is no longer in use. "
                "Write it again with a current library."
            )
        form = "file" if head.startswith(_FILE) else "stream"
        with translated_faults(path, "Arrow"), open(path, "rb") as handle:
            frame = pl.read_ipc(handle) if form == "file" else pl.read_ipc_stream(handle)
            rows = frame.height
            frame = plain_frame(frame, wanted)
        info = SourceInfo("arrow", str(path), hash_file(path), rows, frame.width, {"form": form})
        return RawTable(frame, info, Caller("polars"))

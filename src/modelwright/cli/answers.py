"""What a command hands back, and the only place that writes to standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Answer", "json_line", "reserved_output", "write"]


@dataclass(frozen=True)
class Answer:
    """The result of a command.

    Attributes
    ----------
    payload : mapping
        What ``--json`` prints.
    render : callable
        Prints the same for people on the console that it is given.
    as_json : bool
        Whether the user asked for JSON.
    exit_code : int
        What the process ends with.
    """

    payload: Mapping[str, Any]
    render: Callable[[Console], None]
    as_json: bool
    exit_code: int = 0


def json_line(payload: Mapping[str, Any]) -> bytes:
    r"""One JSON object on one line, ASCII only: it survives any encoding of the pipe.

    Examples
    --------
    >>> json_line({"score": float("nan")})
    b'{"score": null}\n'
    """
    from modelwright.core import to_jsonable

    text = json.dumps(to_jsonable(dict(payload)), ensure_ascii=True, allow_nan=False, default=str)
    return f"{text}\n".encode("ascii")


@contextmanager
def reserved_output(reserve: bool) -> Iterator[int]:
    """Keep standard output for the answer alone; yields the descriptor to write the answer to.

    While the command works, whatever native libraries and worker processes print on descriptor 1 goes
    to standard error, so that a program that reads the JSON gets exactly one object.
    """
    if not reserve:
        yield 1
        return
    sys.stdout.flush()
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        yield answer
    finally:
        sys.stdout.flush()
        os.dup2(answer, 1)
        os.close(answer)


def write(descriptor: int, content: bytes) -> None:
    """Write all of it: a pipe may take less than it is offered."""
    while content:
        content = content[os.write(descriptor, content) :]

"""The private line between the driver and one worker: one JSON object per line, both ways.

driver -> worker    setup    preload, threads: once, before anything else
                    task     entry, parameters, seconds, attempt, memory_bytes, data_growth
worker -> driver    ready    it listens
                    idle     what was to be preloaded is loaded; bytes: its private memory
                    started  at: the moment (monotonic clock, which all processes share) the task began
                    ended    the fields of `Ending`, and bytes: its private memory now

The line is a socket pair of its own, so that nothing a library prints can get in between.
"""

from __future__ import annotations

import json
import select
import socket
from collections import deque
from typing import Any

__all__ = ["Channel"]

_CHUNK = 256 * 1024


class Channel:
    """One end of the line.

    Parameters
    ----------
    connection : socket.socket
        One end of a connected pair of stream sockets; `close` closes it.

    Attributes
    ----------
    inbox : deque of dict
        Messages that arrived and have not been taken yet.
    ended : bool
        Whether the other end is closed.

    Examples
    --------
    >>> left, right = map(Channel, socket.socketpair())
    >>> left.post({"kind": "ready"})
    True
    >>> right.receive()
    {'kind': 'ready'}
    >>> left.close()
    >>> print(right.receive())
    None
    >>> right.close()
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self.inbox: deque[dict[str, Any]] = deque()
        self.ended = False

    def fileno(self) -> int:
        """The descriptor, for selectors."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close this end; the other one reads the end of the line."""
        self._connection.close()

    def post(self, message: dict[str, Any]) -> bool:
        """Send without blocking; returns False where a rest is left for `flush`."""
        self._outgoing += _encode(message)
        return self.flush()

    def flush(self) -> bool:
        """Send what is left of earlier messages, without blocking; True when nothing is left."""
        while self._outgoing:
            try:
                sent = self._connection.send(self._outgoing, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                # The worker is gone: its end of the line, or its process handle, says so to the driver.
                self._outgoing.clear()
                return True
            del self._outgoing[:sent]
        return True

    def send(self, message: dict[str, Any]) -> None:
        """Send, and block until the other end has taken it."""
        self._connection.sendall(_encode(message))

    def read(self) -> None:
        """Move everything that has arrived into the inbox, without blocking."""
        while not self.ended:
            try:
                data = self._connection.recv(_CHUNK, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                self.ended = True
                return
            searched = len(self._incoming)
            self._incoming += data
            if self._incoming.find(b"\n", searched) >= 0:
                *lines, rest = self._incoming.split(b"\n")
                self._incoming = rest
                self.inbox.extend(json.loads(line) for line in lines)

    @property
    def receiving(self) -> bool:
        """Whether a part of a message has arrived."""
        return bool(self._incoming)

    def has_message(self) -> bool:
        """Whether `receive` would return at once."""
        self.read()
        return bool(self.inbox) or self.ended

    def receive(self) -> dict[str, Any] | None:
        """The next message, waiting for it; None when the other end is closed."""
        while not self.has_message():
            select.select([self._connection], [], [])
        return self.inbox.popleft() if self.inbox else None


def _encode(message: dict[str, Any]) -> bytes:
    # ASCII on purpose: lone surrogates in column names survive, and no line separator can appear.
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"

"""Ctrl-C as a request to end well: the first one asks the run to keep its best, the second one insists."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interruption", "listening"]


class Interruption:
    """Whether the user asked the run to end; call it to know."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        return self.requested


@contextmanager
def listening() -> Iterator[Interruption]:
    """Turn the first SIGINT into a request; a second one raises `KeyboardInterrupt`.

    SIGTERM keeps its meaning: whoever wants the process to end gets that, and the run can be resumed.

    Signals reach only the main thread: elsewhere nothing is changed and nothing is ever requested.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)

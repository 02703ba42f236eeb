"""What the library warns of while a command works: shown as it comes, and kept for ``--json``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collected_warnings", "shown_warnings", "warn"]

_log = logging.getLogger("modelwright")


class _Shown(logging.Handler):
    """Each sentence once, as a yellow line on standard error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; a stream that cannot be written stops nothing."""
        from modelwright.cli.text import clean, console

        message = record.getMessage().strip()
        if message in self._told:
            return
        self._told.add(message)
        try:
            console(stderr=True).print(f"Warning: {clean(message)}", style="yellow", soft_wrap=True)
        except (OSError, ValueError):
            return


class _Collected(logging.Handler):
    """Each sentence once, in a list."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's sentence."""
        message = record.getMessage().strip()
        if message not in self.messages:
            self.messages.append(message)


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    _log.addHandler(handler)
    try:
        yield
    finally:
        _log.removeHandler(handler)


@contextmanager
def shown_warnings() -> Iterator[None]:
    """Show the library's warnings on standard error while the block lasts."""
    with _listening(_Shown()):
        yield


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect the library's warnings while the block lasts; yields the list that fills.

    Examples
    --------
    >>> with shown_warnings(), collected_warnings() as found:
    ...     warn("Two values could not be read.")
    ...     warn("Two values could not be read.")
    >>> found
    ['Two values could not be read.']
    """
    handler = _Collected()
    with _listening(handler):
        yield handler.messages


def warn(sentence: str) -> None:
    """Say something by the way in which the library does."""
    _log.warning("%s", sentence)

"""Every way a command can fail, as one sentence and an exit code."""

from __future__ import annotations

import errno
from dataclasses import asdict, dataclass
from typing import Any

import typer

__all__ = ["DEBUG_VARIABLE", "EXIT_BAD_INPUT", "EXIT_FAULT", "EXIT_INTERRUPTED", "Failure", "explain"]

DEBUG_VARIABLE = "MODELWRIGHT_DEBUG"
"""Environment variable that shows the traceback of an error."""

EXIT_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

# Typer keeps the base class of its usage errors private and moved it between releases; the public
# BadParameter has had it as an ancestor in all of them.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]

_REMEDIES = {
    errno.ENOSPC: "The disk is full. Free some space, or name another place",
    errno.EDQUOT: "The disk quota is used up. Free some space, or name another place",
    errno.EROFS: "The file system is read-only. Name a place that can be written",
    errno.EACCES: "Permission was refused. Name a place that this user may read and write",
    errno.EPERM: "The operation is not permitted. Name a place that this user may read and write",
    errno.ENOENT: "There is no such file or directory. Check the path",
    errno.EISDIR: "This is a directory, but a file was expected. Name a file",
    errno.ENOTDIR: "A part of this path is a file, but a directory was expected. Check the path",
    errno.ENAMETOOLONG: "This name is too long for the file system. Give a shorter one",
}


@dataclass(frozen=True)
class Failure:
    """Why a command failed, for people and for programs.

    Attributes
    ----------
    type : str
        Name of the error, for example ``"TargetError"``.
    message : str
        What was expected, what came and what to do next.
    exit_code : int
        1 our fault, 2 bad input, 3 budget too small, 130 interrupted.
    """

    type: str
    message: str
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {"error": asdict(self)}


def _of_the_machine(error: BaseException | None) -> Failure | None:
    """A sentence for an error of the file system that the user can mend."""
    if not isinstance(error, OSError) or error.errno not in _REMEDIES:
        return None
    place = f": {error.filename}" if error.filename else ""
    return Failure(type(error).__name__, f"{_REMEDIES[error.errno]}{place}.", EXIT_BAD_INPUT)


def _of_usage(error: Any) -> Failure:
    command = getattr(getattr(error, "ctx", None), "command_path", "modelwright")
    sentence = " ".join(str(error.format_message()).split()).rstrip(".").replace(": Value error, ", ": ")
    stop = "" if sentence.endswith("?") else "."
    return Failure("UsageError", f"{sentence}{stop} See '{command} --help'.", EXIT_BAD_INPUT)


def explain(error: BaseException) -> Failure:
    """Turn an exception into what the user is told.

    Parameters
    ----------
    error : BaseException
        Whatever left the command.

    Examples
    --------
    >>> from modelwright.core import TargetError
    >>> explain(TargetError("There is no column 'y'."))
    Failure(type='TargetError', message="There is no column 'y'.", exit_code=2)
    >>> explain(KeyboardInterrupt()).exit_code
    130
    >>> explain(OSError(28, "No space left on device", "model.mw")).message
    'The disk is full. Free some space, or name another place: model.mw.'
    """
    if isinstance(error, _USAGE_ERROR):
        return _of_usage(error)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return Failure("Interrupted", "Stopped by you before there was a result.", EXIT_INTERRUPTED)
    # Imported here because the vocabulary loads numpy, which a command line without errors may not need.
    from modelwright.core import ModelwrightError

    if isinstance(error, ModelwrightError):
        exit_code = error.exit_code
        if exit_code == EXIT_FAULT and _of_the_machine(error.__cause__):
            exit_code = EXIT_BAD_INPUT  # a full or read-only disk is not our fault
        return Failure(type(error).__name__, str(error), exit_code)
    if isinstance(error, MemoryError):
        return Failure(
            "MemoryError",
            "The memory of this machine ran out. Close other programs, give a smaller table or a lower "
            "--memory, so that the work is planned for less.",
            EXIT_FAULT,
        )
    machine = _of_the_machine(error)
    if machine:
        return machine
    first_line = (str(error).splitlines() or [""])[0]
    what = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    return Failure(
        type(error).__name__,
        f"This should not have happened: {what.rstrip('.')}. It is a fault of Modelwright, not of your "
        f"data. To see where, run the same command as 'modelwright --debug ...' or with {DEBUG_VARIABLE}=1.",
        EXIT_FAULT,
    )

"""When the budget's clock started: with the process, not with the first line of Python."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["process_start"]

PLAUSIBLE_SECONDS = 3.0
"""Starting Python and the command line takes well under this. A process that is older when it gets
here was something else before (a shell script that ended with ``exec modelwright ...`` keeps its
creation time), and the time it spent then is not the user's time limit."""


def _age() -> float:
    """Seconds since the kernel made this process, or 0 where the system does not tell."""
    try:
        # The command name, in parentheses, may hold spaces: what follows the last one is regular.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        created = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        # Not /proc/uptime: container file systems rewrite it, while the start time stays the kernel's.
        return time.clock_gettime(time.CLOCK_BOOTTIME) - created
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def process_start() -> float:
    """The moment on this process's monotonic clock when the process was made.

    Returns
    -------
    float
        Comparable with ``time.monotonic()``; now, if the system does not tell or the process is older
        than a command line that has just started can be.

    Examples
    --------
    >>> start = process_start()
    >>> 0 <= time.monotonic() - start <= PLAUSIBLE_SECONDS + 1
    True
    """
    age = _age()
    return time.monotonic() - (age if 0.0 <= age <= PLAUSIBLE_SECONDS else 0.0)

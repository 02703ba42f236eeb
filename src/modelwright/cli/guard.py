"""What stands around every command: no exception passes it, each becomes a `Failure`."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand

from modelwright.cli.failures import DEBUG_VARIABLE, Failure, explain

__all__ = ["GuardedCommand", "failure_of"]


def failure_of(error: BaseException) -> Failure:
    """What the user is told of an exception; with debugging on, its traceback goes to standard error."""
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    return explain(error)


class GuardedCommand(TyperCommand):
    """A command that returns a `Failure` where its function would have raised.

    Typer has ideas of its own about some exceptions (it ends the process without a word when a pipe
    breaks, even one between our own processes): none of ours gets as far as that.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command's function; see the class."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            return failure_of(error)

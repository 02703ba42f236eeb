"""The program: its commands, its global options, and how an answer or a failure is printed."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from modelwright import __version__
from modelwright.cli.answers import Answer, json_line, reserved_output, write
from modelwright.cli.compare import compare
from modelwright.cli.decisions import decisions
from modelwright.cli.demo import demo
from modelwright.cli.doctor import doctor
from modelwright.cli.evaluate import evaluate
from modelwright.cli.explain import explain
from modelwright.cli.export import export
from modelwright.cli.failures import DEBUG_VARIABLE, Failure
from modelwright.cli.fairness import fairness
from modelwright.cli.guard import GuardedCommand, failure_of
from modelwright.cli.leaderboard import leaderboard
from modelwright.cli.learning_curve import learning_curve
from modelwright.cli.models import models
from modelwright.cli.predict import predict
from modelwright.cli.profile import profile
from modelwright.cli.replay import replay
from modelwright.cli.report import report
from modelwright.cli.runs import runs
from modelwright.cli.show import show
from modelwright.cli.train import train
from modelwright.cli.warned import shown_warnings

__all__ = ["app", "main"]

app = typer.Typer(
    name="modelwright",
    # Plain help text: drawing boxes takes three times as long as everything else that --help does.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 ok, 1 our fault, 2 bad input, 3 budget too small, 130 interrupted.",
)

for _command in (
    train,
    predict,
    evaluate,
    compare,
    explain,
    report,
    learning_curve,
    leaderboard,
    show,
    fairness,
    decisions,
    models,
    runs,
    replay,
    export,
    profile,
    demo,
    doctor,
):
    app.command(_command.__name__.replace("_", "-"), cls=GuardedCommand)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"modelwright {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, for a bug report.")
    ] = False,
) -> None:
    """AutoML for tables: train, judge and use models within a time and memory budget."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"
    elif not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries, addressed to programmers; ours are events
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _tell(failure: Failure) -> None:
    from modelwright.cli.text import console

    console(stderr=True).print(f"Error: {failure.message}", style="red", soft_wrap=True)


def _write(result: Answer | Failure, as_json: bool, descriptor: int) -> None:
    from modelwright.cli.text import console

    if isinstance(result, Failure):
        _tell(result)
        if as_json:
            write(descriptor, json_line(result.to_dict()))
    elif as_json:
        write(descriptor, json_line(result.payload))
    else:
        result.render(console())
    sys.stdout.flush()


def _print(result: Answer | Failure, as_json: bool, descriptor: int) -> int:
    """Print a result; a reader that has gone away (``| head``) is no reason to complain."""
    try:
        _write(result, as_json, descriptor)
    except BrokenPipeError:
        # Python flushes once more at exit: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except Exception as error:
        failure = failure_of(error)
        _tell(failure)
        return failure.exit_code
    return result.exit_code


def _perform(arguments: list[str]) -> Any:
    try:
        program = typer.main.get_command(app)
        return program.main(args=arguments, prog_name="modelwright", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        return failure_of(error)  # a usage error: the commands' own are returned


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; that of the process by default.

    Returns
    -------
    int
        The exit code: 0 ok, 1 our fault, 2 bad input, 3 budget too small, 130 interrupted.

    Examples
    --------
    >>> main(["--version"])
    modelwright 0.1.0
    0
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an ASCII terminal gets "?" instead of a crash
    # Looked for by hand, because a usage error must be JSON as well.
    as_json = "--json" in given
    with reserved_output(as_json) as descriptor, shown_warnings():
        result = _perform(given)
        if isinstance(result, Answer | Failure):
            return _print(result, as_json, descriptor)
    return int(result or 0)

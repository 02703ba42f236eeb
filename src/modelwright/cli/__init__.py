"""The command line: it turns options into requests, and answers into text or JSON. It decides nothing.

A command is one file with one function. The function returns an `Answer` and prints nothing itself;
`main` prints the answer as text or as one JSON object, and turns every error into one sentence and an
exit code. Nothing heavy is imported before a command needs it, so that ``--help`` is quick.
"""

from modelwright.cli.app import main

__all__ = ["main"]

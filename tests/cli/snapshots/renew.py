"""Write the help texts anew, when a command or an option was changed on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = (
    "",
    "train",
    "predict",
    "evaluate",
    "compare",
    "explain",
    "report",
    "learning-curve",
    "leaderboard",
    "show",
    "fairness",
    "decisions",
    "models",
    "runs",
    "replay",
    "export",
    "profile",
    "demo",
    "doctor",
)


def main() -> None:
    """One file per command."""
    source = str(HERE.parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "modelwright", *command.split(), "--help"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        (HERE / f"{command or 'modelwright'}.txt").write_text(done.stdout)


if __name__ == "__main__":
    main()

"""Every error that Modelwright raises on purpose, and the exit code that the command line gives it.

    ModelwrightError              exit 1   our fault, or the machine's
    ├── BadInput (ValueError)     exit 2   something the caller gave cannot be used
    │   ├── DataError                      the table: missing, empty, ragged, binary, wrong encoding
    │   ├── TargetError                    the target column: unknown, one class, all missing
    │   ├── SchemaMismatch                 data at predict time lacks what training had
    │   ├── BundleError                    a model bundle that is corrupted, tampered with or too new
    │   ├── OptionError                    an option with a value that makes no sense
    │   ├── UnknownName (KeyError)         a model, run, learner, metric ... that does not exist
    │   └── MissingExtra (ImportError)     an optional dependency is not installed
    ├── BudgetTooSmall            exit 3   the time given cannot produce a model
    ├── Interrupted               exit 130 stopped by the user before any model existed
    ├── StorageError              exit 1   the workspace cannot be read or written
    └── TrialError                exit 1   one trial failed; a run goes on without it
        └── OutOfTime         exit 1   a fit had no time for any model

Each message says what was expected, what came, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "BadInput",
    "BudgetTooSmall",
    "BundleError",
    "DataError",
    "Interrupted",
    "MissingExtra",
    "ModelwrightError",
    "OptionError",
    "OutOfTime",
    "SchemaMismatch",
    "StorageError",
    "TargetError",
    "TrialError",
    "UnknownName",
    "nearest",
]


class ModelwrightError(Exception):
    """Root of every deliberate error; ``exit_code`` is what the command line ends with."""

    exit_code = 1

    def __str__(self) -> str:
        # KeyError would print the repr of its argument: every error of ours prints its sentence.
        return str(self.args[0]) if self.args else self.__class__.__name__


class BadInput(ModelwrightError, ValueError):
    """Something the caller gave cannot be used; the message names it and says what would work."""

    exit_code = 2


class DataError(BadInput):
    """The table cannot be read as a table."""


class TargetError(BadInput):
    """The target column cannot be learned."""


class SchemaMismatch(BadInput):
    """Data given to a trained model lacks what the model was trained with."""


class BundleError(BadInput):
    """A model bundle is damaged, was changed after it was written, or is of a newer format."""


class OptionError(BadInput):
    """An option has a value that makes no sense."""


class UnknownName(BadInput, KeyError):
    """A name that no catalog or workspace knows."""


class MissingExtra(BadInput, ImportError):
    """An optional dependency is not installed; the message holds the install command."""


class BudgetTooSmall(ModelwrightError):
    """The time given cannot produce a model; ``minimum_seconds`` is what would.

    Examples
    --------
    >>> BudgetTooSmall("too little time", minimum_seconds=5.0).minimum_seconds
    5.0
    """

    exit_code = 3

    def __init__(self, message: str, minimum_seconds: float) -> None:
        super().__init__(message)
        self.minimum_seconds = minimum_seconds


class Interrupted(ModelwrightError):
    """The user stopped the work before any model existed."""

    exit_code = 130


class StorageError(ModelwrightError):
    """The workspace cannot be read or written."""


class TrialError(ModelwrightError):
    """One configuration could not be fitted; the run goes on and shows the reason."""


class OutOfTime(TrialError):
    """A fit reached its deadline before it had any model, which says nothing against the configuration."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A "Did you mean ...?" sentence for a misspelt name, or an empty string.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        What would have been accepted.

    Returns
    -------
    str
        A sentence that begins with a space, ready to be appended to an error message.

    Examples
    --------
    >>> nearest("chrun", ["churn", "age"])
    " Did you mean 'churn'?"
    >>> nearest("zzz", ["churn"])
    ''
    """
    from difflib import get_close_matches

    folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f" Did you mean {folded[found[0]]!r}?" if found else ""

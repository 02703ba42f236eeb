"""The contract of a source: something that can be read as a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

from modelwright.data.table import RawTable

__all__ = ["Source"]


class Source(ABC):
    """Reads one kind of thing as a table. Stateless: one instance serves every call.

    `accepts` is asked first, in the order of the catalog, and must be cheap; `read` is called once on the
    first source that accepts. Files have been checked to exist and to be readable before that.
    """

    @abstractmethod
    def accepts(self, source: object) -> bool:
        """Whether this source reads such an object (a path comes as ``pathlib.Path``)."""

    @abstractmethod
    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read it.

        Parameters
        ----------
        source : object
            What `accepts` said yes to.
        wanted : collection of str or None
            The only columns that matter, when rows are read for prediction: others may be left out, and
            an object in memory need not be hashed. None reads everything and hashes.

        Raises
        ------
        DataError
            If it cannot be read as a table.
        """

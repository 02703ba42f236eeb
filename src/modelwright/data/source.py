"""The contract of a source: something that can be read as a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

from modelwright.data.files import has_extension, head_bytes
from modelwright.data.table import RawTable

__all__ = ["Source"]


class Source(ABC):
    r"""Reads one kind of thing as a table. Stateless: one instance serves every call.

    A source says what it reads: names of files by `extensions`, addresses by `schemes`, files of any name
    by their first bytes (`recognises`), anything else by an `accepts` of its own. Of several that read
    a file, the one that recognises its first bytes goes first, then the one that claims its extension,
    then the order of the catalog, in which third parties come last. A file that none of them reads
    is taken for delimited text.

    Attributes
    ----------
    extensions : tuple of str
        Ends of file names in small letters, dot included: ``(".avro",)``. A ``.gz`` or ``.zst`` behind
        them is left out of account.
    schemes : tuple of str
        What stands before ``://`` in addresses: ``("postgresql",)``. These come to `read` as text.

    Examples
    --------
    >>> class Avro(Source):
    ...     extensions = (".avro",)
    ...     schemes = ("avro+http",)
    ...
    ...     def recognises(self, head):
    ...         return head.startswith(b"Obj\x01")
    ...
    ...     def read(self, source, wanted=None):
    ...         raise NotImplementedError
    >>> Avro().accepts(Path("Table.AVRO")), Avro().accepts("avro+http://host/table")
    (True, True)
    >>> Avro().accepts("https://host/table"), Avro().accepts({"a": [1]})
    (False, False)
    """

    extensions: ClassVar[tuple[str, ...]] = ()
    schemes: ClassVar[tuple[str, ...]] = ()

    def recognises(self, head: bytes) -> bool:
        """Whether the first bytes of a file (up to 4096) are unmistakably this source's format."""
        return False

    def accepts(self, source: object) -> bool:
        """Whether this source reads such an object; must be cheap.

        A file comes as ``pathlib.Path`` and exists; an address comes as text. A format that is a folder
        says so by a method of its own: any other folder is a table of several files.
        """
        if isinstance(source, Path):
            if source.is_dir():
                return False
            known = has_extension(source, self.extensions)
            return known or (source.is_file() and self.recognises(head_bytes(source)))
        return isinstance(source, str) and "://" in source and source.partition("://")[0] in self.schemes

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

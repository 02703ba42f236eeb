"""From the bytes of a file to UTF-8 text with plain line ends: compression and encoding."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from modelwright.core import DataError
from modelwright.data.files import describe_binary

__all__ = ["CsvText", "decode_text", "decompress"]

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True)
class CsvText:
    r"""The text of a file as UTF-8, line ends ``\n`` or ``\r\n``.

    Attributes
    ----------
    data : bytes
        UTF-8 without byte order mark.
    encoding : str
        What the file was written in.
    bare_returns : bool
        Whether lines ended with a lone carriage return (it became ``\n``).
    """

    data: bytes
    encoding: str
    bare_returns: bool


def decompress(data: bytes, path: Path) -> tuple[bytes, str]:
    """Undo gzip or Zstandard compression, told by the first bytes and not by the file name.

    Returns
    -------
    bytes, str
        The content, and ``"gzip"``, ``"zstd"`` or ``"none"``.

    Raises
    ------
    DataError
        If the compressed data is cut short or damaged.
    """
    if data.startswith(_GZIP):
        try:
            return gzip.decompress(data), "gzip"
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(_damaged(path, "gzip", error)) from error
    if data.startswith(_ZSTD):
        import zstandard  # here, because few files are .zst

        try:
            return _decompress_zstd(data), "zstd"
        except (zstandard.ZstdError, EOFError) as error:
            raise DataError(_damaged(path, "Zstandard", error)) from error
    return data, "none"


def _decompress_zstd(data: bytes) -> bytes:
    """All frames one after another; a frame that is cut short is an error."""
    import zstandard

    parts = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        parts.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError("the last frame does not end")
        data = frame.unused_data
    return b"".join(parts)


def _damaged(path: Path, kind: str, error: Exception) -> str:
    return (
        f"The {kind} data of {str(path)!r} is cut short or damaged ({error}). "
        "Copy or download the file again."
    )


def decode_text(data: bytes, path: Path, expected: str = "a CSV file") -> CsvText:
    """Find the encoding and give the text as UTF-8.

    A byte order mark decides (UTF-8, UTF-16, UTF-32). Without one: UTF-8 if it is valid, UTF-16 if every
    other byte is zero, else Windows-1252, else Latin-1. ``expected`` is what the error says it should be.

    Raises
    ------
    DataError
        If it is not text: a known binary format, zero bytes, or control characters.
    """
    looks_like = describe_binary(data[:4096])
    if looks_like:
        raise DataError(f"Expected {expected}, but {str(path)!r} is {looks_like}.")
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding is not None:
        text = _decode(data, encoding, path)
    else:
        encoding, text = _guess(data, path)
    if text is not None:
        data = text.removeprefix("\ufeff").encode("utf-8", "replace")
    elif data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    _refuse_binary(data, path)
    bare = b"\r" in data and b"\n" not in data
    if bare:
        data = data.replace(b"\r", b"\n")
    return CsvText(data, encoding, bare)


def _decode(data: bytes, encoding: str, path: Path) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{str(path)!r} begins with the mark of {encoding.upper()}, but byte {error.start} is not "
            f"valid {encoding.upper()}. Save the file again as UTF-8."
        ) from error
    return None if encoding == "utf-8" else text


def _guess(data: bytes, path: Path) -> tuple[str, str | None]:
    """The encoding of data without a mark, and the text if it is not UTF-8 already."""
    head = data[:4096]
    pairs = len(head) // 2
    if pairs >= 2:
        for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if head[offset::2].count(0) > 0.7 * pairs and head[1 - offset :: 2].count(0) == 0:
                return name, _decode(data, name, path)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse_binary(data, path)
        for name in ("cp1252", "latin-1"):
            try:
                return name, data.decode(name)
            except UnicodeDecodeError:
                continue
    return "utf-8", None


def _refuse_binary(data: bytes, path: Path) -> None:
    zero = data.find(b"\x00")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise DataError(
            f"{str(path)!r} holds a zero (NUL) byte at byte {zero} (line {line}), so it is not a text "
            "table: it is binary or damaged. Export it again as CSV."
        )
    head = data[:4096]
    controls = sum(byte < 32 and byte not in (9, 10, 11, 12, 13, 28, 29, 30, 31) for byte in head)
    if controls > 0.05 * len(head):
        raise DataError(
            f"{str(path)!r} is not text ({controls} control characters in its first {len(head)} bytes). "
            "Expected a CSV or Parquet file."
        )

"""From an object to its content: unpacked in a stream, and checked by its first bytes to be what it is said to be."""

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.spec import Compression, Kind, ReadOptions

_BUFFER_BYTES = 1024 * 1024
_HEAD_BYTES = 64

# https://www.rfc-editor.org/rfc/rfc1952, https://www.rfc-editor.org/rfc/rfc8878 and
# https://parquet.apache.org/docs/file-format (2026-11)
_READ: dict[bytes, Compression | Kind] = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    b"PAR1": Kind.PARQUET,
}
_NOT_READ = {
    b"PK\x03\x04": "a zip archive, as Excel's files are",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\xd0\xcf\x11\xe0": "a file of Microsoft Office",
    b"%PDF": "PDF",
    b"Obj\x01": "Avro",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\x00": "an SQLite database",
}
_BINARY = "something binary, or text of another encoding"
_BEGINS_AS_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*[{\[][^\x00]")


@contextmanager
def unpacked(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[BinaryIO]:
    """Open the content of an object; what is not packed can be sought.

    Raises
    ------
    InvalidIngestError
        If its first bytes are of another kind or compression than `layout` says; while it is read, if it is cut off
        or damaged.
    """
    packed = options.compression
    if options.kind is Kind.PARQUET and packed is not Compression.NONE:
        raise InvalidIngestError(f"{name} is Parquet packed with {packed}; unpack it, since Parquet is packed inside")
    check_head(file.read(_HEAD_BYTES), options, name)
    file.seek(0)
    if packed is Compression.NONE:
        yield file
        return
    try:
        opened = gzip.GzipFile(fileobj=file, mode="rb") if packed is Compression.GZIP else _ZstdFile(file)
        content = io.BufferedReader(cast("io.RawIOBase", opened), _BUFFER_BYTES)
        check_content(content.peek(_HEAD_BYTES)[:_HEAD_BYTES], options, name)
        yield cast("BinaryIO", content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidIngestError(
            f"{name} is cut off or damaged: its {packed} cannot be unpacked to the end ({type(error).__name__})"
        ) from None


def checked(chunks: Iterable[bytes], options: ReadOptions, name: str) -> Iterator[bytes]:
    """Hand on the content of an object that is read in place, once its first bytes are checked as in `unpacked`."""
    chunks = iter(chunks)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    check_head(head[:_HEAD_BYTES], options, name)
    yield head
    yield from chunks


def check_head(head: bytes, options: ReadOptions, name: str) -> None:
    """Compare an object's first bytes with what it is said to be.

    Raises
    ------
    InvalidIngestError
        With what it looks like, and how to say so.
    """
    if options.compression is Compression.NONE:
        check_content(head, options, name)
        return
    found = _looks_like(head)
    if head and found is not options.compression:
        how = f'"compression": "{found if isinstance(found, Compression) else Compression.NONE}"'
        raise _not_as_said(name, f"packed with {options.compression}", found, f"state {how}")


def check_content(head: bytes, options: ReadOptions, name: str) -> None:
    """Compare the first bytes of an object's content with the kind that it is said to be, as `check_head` does."""
    found = _looks_like(head)
    if options.kind is Kind.PARQUET:
        if found is not Kind.PARQUET:
            raise _not_as_said(name, "Parquet", found, 'state its "kind", such as "csv", or upload it again')
    elif isinstance(found, Compression):
        raise _not_as_said(name, f"{options.kind}", found, f'state "compression": "{found}", or unpack it once more')
    elif found is Kind.PARQUET:
        raise _not_as_said(name, f"{options.kind}", found, f'state "kind": "{found}"')
    elif found or _is_binary(head, options):
        read = ", ".join(Kind)
        raise _not_as_said(name, f"{options.kind}", found or _BINARY, f"state its kind or encoding; {read} are read")


def _looks_like(head: bytes) -> Compression | Kind | str | None:
    """Tell what begins with these bytes; None if it may be text."""
    known = (what for magic, what in (*_READ.items(), *_NOT_READ.items()) if head.startswith(magic))
    return next(known, None)


def _is_binary(head: bytes, options: ReadOptions) -> bool:
    """Tell whether text of this kind cannot begin so; a single bad record that is the first one can."""
    if options.kind in {Kind.CSV, Kind.TSV}:
        columns = head.lstrip().partition(b"\n")[0]
        return b"\0" in columns and b"\0" not in ",".encode(options.encoding)
    return b"\0" in head and not _BEGINS_AS_JSON.match(head)


def _not_as_said(name: str, said: str, found: str | None, how: str) -> InvalidIngestError:
    looks = f"begins like {found}" if found else "does not begin so"
    return InvalidIngestError(f"{name} is said to be {said} by its name or its source, but {looks}: {how}")


class _ZstdFile(io.RawIOBase):
    """The content of a zstd file; raises EOFError where it is cut off or damaged."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        import pyarrow as pa  # only now: importing it takes a while

        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._stream.readinto(buffer))
        except OSError as error:
            raise EOFError from error

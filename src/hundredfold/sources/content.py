"""From an object to its content: decompressed as a stream, once its first bytes fit its kind and compression."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.compression import Compression
from hundredfold.sources.compressions import COMPRESSIONS, compression_of
from hundredfold.sources.format import Format
from hundredfold.sources.formats import FORMATS, format_of
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions

_BUFFER_BYTES = 1024 * 1024
_HEAD_BYTES = 64

_UNSUPPORTED = {
    b"PK\x03\x04": "a zip archive, as Excel's files are",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\xd0\xcf\x11\xe0": "a file of Microsoft Office",
    b"%PDF": "PDF",
    b"Obj\x01": "Avro",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\x00": "an SQLite database",
}
"""First bytes of files that are not read, with what they are, for errors."""
_BINARY = "something binary, or text of another encoding"


@contextmanager
def open_content(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[BinaryIO]:
    """Open the content of an object; it can be sought if it is not compressed.

    Parameters
    ----------
    file : the object, which can be sought
    options : with kind and compression
    name : what errors call the object

    Raises
    ------
    InvalidIngestError
        If its first bytes are of another kind or compression than the options say. While it is read, if it is cut off
        or damaged.
    """
    format_, compression = format_of(options), compression_of(options)
    if compression and format_.compresses_inside:
        raise InvalidIngestError(
            f"{name} is {format_.name} compressed with {compression.name}; decompress it, since {format_.name} has a "
            "compression of its own"
        )
    check_head(file.read(_HEAD_BYTES), options, name)
    file.seek(0)
    if not compression:
        yield file
        return
    try:
        content = io.BufferedReader(cast("io.RawIOBase", compression.open(file)), _BUFFER_BYTES)
        check_content(content.peek(_HEAD_BYTES)[:_HEAD_BYTES], options, name)
        yield cast("BinaryIO", content)
    except compression.damage_errors as error:
        raise InvalidIngestError(
            f"{name} is cut off or damaged: its {compression.name} cannot be read to the end ({type(error).__name__})"
        ) from None


def check_chunks(chunks: Iterable[bytes], options: ReadOptions, name: str) -> Iterator[bytes]:
    """Check the first bytes of an object that is read in place, as `open_content` does, and yield all its chunks."""
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
    """Compare an object's first bytes with its compression, or with its kind if it is not compressed.

    Raises
    ------
    InvalidIngestError
        If they differ. The message says what the object looks like, and how to set that.
    """
    compression = compression_of(options)
    if not compression:
        check_content(head, options, name)
        return
    actual = _recognize(head)
    if head and actual is not compression:
        right = actual.name if isinstance(actual, Compression) else NOT_COMPRESSED
        raise _mismatch(name, f"compressed with {compression.name}", actual, f'set "compression": "{right}"')


def check_content(head: bytes, options: ReadOptions, name: str) -> None:
    """Compare the first bytes of an object's content with its kind, as `check_head` does."""
    format_ = format_of(options)
    actual = _recognize(head)
    if actual is format_:
        return
    if format_.magic:
        raise _mismatch(name, format_.name, actual, 'set its "kind", or upload it again')
    if isinstance(actual, Compression):
        raise _mismatch(name, format_.name, actual, f'set "compression": "{actual.name}", or decompress it once more')
    if isinstance(actual, Format):
        raise _mismatch(name, format_.name, actual, f'set "kind": "{actual.name}"')
    if actual or format_.is_binary(head, options):
        advice = f"set its kind or encoding; the kinds are {', '.join(FORMATS)}"
        raise _mismatch(name, format_.name, actual or _BINARY, advice)


def _recognize(head: bytes) -> Compression | Format | str | None:
    """Return what an object that begins with these bytes is; None if it may be text."""
    entries: tuple[Compression | Format, ...] = (*COMPRESSIONS.values(), *FORMATS.values())
    for entry in entries:
        if entry.magic and head.startswith(entry.magic):
            return entry
    return next((description for magic, description in _UNSUPPORTED.items() if head.startswith(magic)), None)


def _mismatch(name: str, expected: str, actual: Compression | Format | str | None, advice: str) -> InvalidIngestError:
    looks = f"begins like {actual if isinstance(actual, str) else actual.name}" if actual else "does not begin so"
    return InvalidIngestError(f"{name} should be {expected} according to its name or its source, but {looks}: {advice}")

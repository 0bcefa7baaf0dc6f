"""Reading origins: records of any kind as JSON Lines, which batches can be byte ranges of."""

import gzip
from collections.abc import Iterator
from typing import BinaryIO, cast

from hundredfold.errors import InvalidIngestError
from hundredfold.origin import Compression, Kind, Layout

PIECE_BYTES = 1024 * 1024
"""How much is read at once of what needs no understanding."""


def read_as_lines(file: BinaryIO, layout: Layout, name: str) -> Iterator[bytes]:
    """Read an object of any kind, and yield its records as JSON Lines, in pieces of any size.

    Parameters
    ----------
    file : the object, which can be sought
    layout : with its kind and compression
    name : what errors call the object

    Raises
    ------
    InvalidIngestError
        If it is not what its layout says, or cut off.
    """
    try:
        unpacked = _unpacked(file, layout)
        match layout.kind:
            case Kind.JSONL if not layout.fields and not layout.columns:
                yield from iter(lambda: unpacked.read(PIECE_BYTES), b"")
            case _:
                raise InvalidIngestError(f"{name} is {layout.kind}, which is not read yet")
    except (EOFError, gzip.BadGzipFile) as error:
        raise InvalidIngestError(
            f"{name} is cut off, or no {layout.compression} at all ({type(error).__name__})"
        ) from None


def _unpacked(file: BinaryIO, layout: Layout) -> BinaryIO:
    match layout.compression:
        case Compression.GZIP:
            return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
        case Compression.ZSTD:
            raise InvalidIngestError("zstd is not read yet")
        case _:
            return file

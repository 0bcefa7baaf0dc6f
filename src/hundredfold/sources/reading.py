"""Reads an object of any format as JSON Lines, which batches can be byte ranges of."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hundredfold.sources.content import open_content
from hundredfold.sources.formats import format_of
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions

CHUNK_BYTES = 1024 * 1024
"""The size of the chunks that an object is read in."""


def is_json_lines(options: ReadOptions) -> bool:
    """Tell whether an object's decompressed content is JSON Lines already, with the right field names."""
    return options.kind is not None and format_of(options).json_lines and not options.selects_fields


def is_read_in_place(options: ReadOptions) -> bool:
    """Tell whether batches can be byte ranges of the object itself; if not, it is staged as JSON Lines first."""
    return is_json_lines(options) and options.compression == NOT_COMPRESSED


def read_as_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read an object of any format as a stream, and yield its records as JSON Lines, in chunks of any size.

    Every record becomes one line, in the order of the object. So the number of the line is the number of the row in
    CSV (the header is not counted), of the element in JSON, and of the line in JSON Lines. A row that cannot be read
    becomes a line of `hundredfold.sources.unreadable`.

    Parameters
    ----------
    file : the object, which can be sought
    options : with kind and compression
    name : what errors call the object

    Raises
    ------
    InvalidIngestError
        If the object is not what the options say, is cut off or damaged, or lacks a column.
    """
    with open_content(file, options, name) as content:
        if is_json_lines(options):
            yield from iter(lambda: content.read(CHUNK_BYTES), b"")
        else:
            yield from _in_chunks(format_of(options).read(content, options, name))


def _in_chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            yield b"".join(chunk)
            chunk.clear()
            size = 0
    yield b"".join(chunk)

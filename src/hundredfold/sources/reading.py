"""Reading origins: records of any kind as JSON Lines, which batches can be byte ranges of."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hundredfold.sources.formats.compression import unpacked
from hundredfold.sources.formats.delimited import delimited_lines
from hundredfold.sources.formats.json_array import array_lines
from hundredfold.sources.formats.json_lines import renamed_lines
from hundredfold.sources.formats.parquet import parquet_lines
from hundredfold.sources.spec import Kind, ReadOptions

PIECE_BYTES = 1024 * 1024
"""How much is handed on at once."""


def read_as_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read an object of any kind in a stream, and yield its records as JSON Lines, in pieces of any size.

    Every record is one line, in the order of the object, so that the number of a line is the number of the record: of
    CSV the row, without the header; of JSON the element; of JSON Lines the line. Rows that cannot be read are lines of
    `hundredfold.unreadable`.

    Parameters
    ----------
    file : the object, which can be sought
    layout : with its kind and compression
    name : what errors call the object

    Raises
    ------
    InvalidIngestError
        If it is not what its layout says, cut off, damaged, or has not the columns that it must have.
    """
    with unpacked(file, options, name) as content:
        match options.kind:
            case Kind.CSV | Kind.TSV:
                yield from _in_pieces(delimited_lines(content, options, name))
            case Kind.PARQUET:
                yield from _in_pieces(parquet_lines(content, options, name))
            case Kind.JSON:
                yield from _in_pieces(array_lines(content, options, name))
            case _ if options.is_json_lines:
                yield from iter(lambda: content.read(PIECE_BYTES), b"")
            case _:
                yield from _in_pieces(renamed_lines(content, options))


def _in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held.clear()
            size = 0
    yield b"".join(held)

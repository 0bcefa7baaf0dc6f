"""The lines of a pinned object: the records that batches are ranges of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONGEST_BYTES = 16 * 1024 * 1024
"""The most bytes of a line that are held. A longer line is longer than a record may be."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PinnedLine:
    """A line that is not blank.

    Attributes
    ----------
    number : of the line in its object, from 1
    content : its first LONGEST_BYTES at most, without the line end
    size : how many bytes it has, without the line end
    offset, end : its first byte in the object, and the byte after its line feed; None if only the row is known, and
        not the line that was staged for it
    """

    number: int
    content: bytes
    size: int
    offset: int | None = None
    end: int | None = None


def read_pinned_lines(file: BinaryIO) -> Iterator[PinnedLine]:
    """Read the lines of a JSON Lines object that are not blank. Only a line feed ends a line."""
    number = offset = 0
    while piece := file.readline(_PIECE_BYTES):
        number += 1
        start = len(_BYTE_ORDER_MARK) if number == 1 and piece.startswith(_BYTE_ORDER_MARK) else 0
        held, size, ending, blank = [piece], len(piece), piece[-2:], not piece[start:].strip()
        while not piece.endswith(b"\n") and (piece := file.readline(_PIECE_BYTES)):
            size += len(piece)
            ending = (ending + piece)[-2:]
            blank = blank and not piece.strip()
            if size <= LONGEST_BYTES:
                held.append(piece)
        line_end = next((len(end) for end in (b"\r\n", b"\n", b"\r") if ending.endswith(end)), 0)
        if not blank:
            content_size = size - start - line_end
            yield PinnedLine(number, b"".join(held)[start:][:content_size], content_size, offset + start, offset + size)
        offset += size

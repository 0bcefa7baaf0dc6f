"""Byte ranges of JSON Lines, each of which owns the lines that start in it."""

from collections.abc import Iterable, Iterator
from itertools import chain


class OwnedLines:
    """The content of the lines that start in a byte range: ranges that follow each other have each line once.

    A line starts at the object's first byte, and after every line feed. The last line is read to its end, beyond the
    range's; a range in which no line starts has nothing, and is not read beyond its end.

    Parameters
    ----------
    chunks : the object's content in pieces of any size, from the byte before `start` on, from the first byte if it is 0
    start, end : the first byte of the range, and the one after its last

    Attributes
    ----------
    offset : where the first of its lines starts
    line_feeds : how many of them have passed so far
    """

    def __init__(self, chunks: Iterable[bytes], start: int, end: int) -> None:
        self._chunks = iter(chunks)
        self._end = end
        self.line_feeds = 0
        self.offset = start
        if start:
            self._chunks = self._from_first_line(start - 1)

    def __iter__(self) -> Iterator[bytes]:
        position = self.offset
        for chunk in self._chunks:
            # A line feed here or later ends the last line, since the next one starts at the range's end or after it.
            last = self._end - 1 - position
            if len(chunk) > last and (found := chunk.find(b"\n", max(last, 0))) >= 0:
                self.line_feeds += chunk.count(b"\n", 0, found + 1)
                yield chunk[: found + 1]
                return
            self.line_feeds += chunk.count(b"\n")
            position += len(chunk)
            yield chunk

    def _from_first_line(self, position: int) -> Iterator[bytes]:
        for chunk in self._chunks:
            found = chunk.find(b"\n", 0, max(self._end - 1 - position, 0))
            if found >= 0:
                self.offset = position + found + 1
                return chain([chunk[found + 1 :]], self._chunks)
            position += len(chunk)
            if position >= self._end - 1:
                break
        return iter(())

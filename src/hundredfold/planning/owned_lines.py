"""Owned lines: each byte range of a JSON Lines object owns the lines that start in it."""

from collections.abc import Iterable, Iterator
from itertools import chain


class OwnedLines:
    """The content of the lines that start in a byte range. Adjacent ranges together have each line once.

    A line starts at the object's first byte and after every line feed. The last line is read to its end, which may
    lie beyond the range. A range in which no line starts has no content, and is not read beyond its end.

    Parameters
    ----------
    chunks : the object's content, in chunks of any size. It begins one byte before `start`, or at 0 if `start` is 0.
    start, end : the range's first byte, and the byte after its last

    Attributes
    ----------
    offset : where the first owned line starts
    line_feeds : how many line feeds have been passed so far
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
            # A line feed at `last` or later ends the last owned line: the next line starts outside the range.
            last = self._end - 1 - position
            if len(chunk) > last and (line_feed := chunk.find(b"\n", max(last, 0))) >= 0:
                self.line_feeds += chunk.count(b"\n", 0, line_feed + 1)
                yield chunk[: line_feed + 1]
                return
            self.line_feeds += chunk.count(b"\n")
            position += len(chunk)
            yield chunk

    def _from_first_line(self, position: int) -> Iterator[bytes]:
        for chunk in self._chunks:
            line_feed = chunk.find(b"\n", 0, max(self._end - 1 - position, 0))
            if line_feed >= 0:
                self.offset = position + line_feed + 1
                return chain([chunk[line_feed + 1 :]], self._chunks)
            position += len(chunk)
            if position >= self._end - 1:
                break
        return iter(())

"""Batching: find the byte ranges of an ingest's batches in JSON Lines, in one pass with flat memory."""

from collections.abc import Iterable, Iterator

from hundredfold.batches import LEDGER_SHARDS, Batch

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def cut_batches(chunks: Iterable[bytes], *, max_records: int, max_bytes: int, offset: int = 0) -> Iterator[Batch]:
    """Cut JSON Lines into batches of consecutive lines.

    Only a line feed ends a line. A lone carriage return does not, and neither does U+2028: JSON strings may hold it.
    A blank line is no record. A byte order mark at the very beginning is skipped.

    Parameters
    ----------
    chunks : the content, in chunks of any size
    max_records : the most records of a batch
    max_bytes : the most bytes of a batch. A longer line is a batch of its own. Only such a batch exceeds the limit:
        inference rejects it by its length and never reads it.
    offset : where in the object the content begins. Its first line has the number 1 in any case.

    Yields
    ------
    Batch
        In order. Exactly one batch holds each line that is not blank. Only blank lines lie between two batches.
    """
    number = records = first_offset = first_line = end = 0
    for line, line_start, line_end in _lines(chunks, offset):
        if records and (records == max_records or line_end - first_offset > max_bytes):
            yield Batch(number, number % LEDGER_SHARDS, first_offset, end - first_offset, records, first_line)
            number += 1
            records = 0
        if not records:
            first_offset, first_line = line_start, line
        records += 1
        end = line_end
    if records:
        yield Batch(number, number % LEDGER_SHARDS, first_offset, end - first_offset, records, first_line)


def _lines(chunks: Iterable[bytes], offset: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of every line that is not blank. One chunk is held at a time."""
    skipped = 0
    if not offset:
        skipped, chunks = _skip_byte_order_mark(iter(chunks))
    line = 1
    start = end = offset + skipped
    blank = True  # whether the line that begins at `start` is blank so far
    for chunk in chunks:
        *finished, unfinished = chunk.split(b"\n")
        for content in finished:
            end += len(content) + 1
            if not blank or _has_content(content):
                yield line, start, end
                blank = True
            start = end
            line += 1
        end += len(unfinished)
        blank = blank and not _has_content(unfinished)
    if not blank:
        yield line, start, end


def _has_content(text: bytes) -> bool:
    # Nearly every line begins with something other than white space. Only the others are searched further.
    first = text[:1]
    return bool(first) and (not first.isspace() or bool(text.strip()))


def _skip_byte_order_mark(chunks: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_BYTE_ORDER_MARK):
            break
    skipped = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0

    def rest() -> Iterator[bytes]:
        yield head[skipped:]
        yield from chunks

    return skipped, rest()

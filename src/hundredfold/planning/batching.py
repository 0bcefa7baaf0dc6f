"""Cutting an ingest into batches: byte ranges of a JSON Lines object, found in one pass with flat memory."""

from collections.abc import Iterable, Iterator

from hundredfold.batches import LEDGER_SHARDS, Batch

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def cut_batches(chunks: Iterable[bytes], *, max_records: int, max_bytes: int, offset: int = 0) -> Iterator[Batch]:
    """Cut JSON Lines into batches of consecutive lines.

    A line ends with a line feed, and with nothing else: not with a lone carriage return, nor with U+2028, which
    JSON strings may hold. Blank lines are no records; a byte order mark at the very beginning is skipped.

    Parameters
    ----------
    chunks : the content of the source, in pieces of any size
    max_records : the most records of a batch
    max_bytes : the most bytes of a batch. A single line longer than that is a batch of its own, the one kind of
        batch that is over the limit: it is rejected by its length and never read.
    offset : where in the source the content begins; its first line has the number 1 wherever that is

    Yields
    ------
    Batch
        In order. Every line that is not blank is in exactly one batch; what lies between two batches is blank.
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
    """Yield number, start and end of every line that is not blank; only what is left of a line is ever held."""
    skipped = 0
    if not offset:
        skipped, chunks = _skip_byte_order_mark(iter(chunks))
    line = 1
    start = end = offset + skipped
    blank = True  # so far, of the line that began at `start`
    for chunk in chunks:
        *finished, unfinished = chunk.split(b"\n")
        for piece in finished:
            end += len(piece) + 1
            if not blank or _has_content(piece):
                yield line, start, end
                blank = True
            start = end
            line += 1
        end += len(unfinished)
        blank = blank and not _has_content(unfinished)
    if not blank:
        yield line, start, end


def _has_content(piece: bytes) -> bool:
    # Nearly every line begins with what is not white space: look at more of it only if it does not.
    first = piece[:1]
    return bool(first) and (not first.isspace() or bool(piece.strip()))


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

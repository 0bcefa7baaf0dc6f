"""Cutting an ingest into batches: byte ranges of a JSON Lines object, found in one pass with flat memory."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from hundredfold.source import Source

LEDGER_SHARDS = 8
"""Over how many partition keys an ingest's batches are spread in the ledger."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 100 consecutive records, as a byte range of their source.

    Attributes
    ----------
    batch : its number, from 0
    shard : `batch` modulo 8, part of its ledger key; here because the state machine cannot compute it
    offset, length : the bytes of its source that hold it, from the first byte of its first record to the last
        byte of its last one, line end included
    records : how many records it has, which is the number of its lines that are not blank
    line : the number of its first line in the source, from 1
    again : whether an earlier execution may have left something of it behind, which must be replaced
    source : the object that it is of, if the ingest has several; else None
    """

    batch: int
    shard: int
    offset: int
    length: int
    records: int
    line: int
    again: bool = False
    source: Source | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as an entry of the manifest."""
        entry: dict[str, Any] = {
            "batch": self.batch,
            "shard": self.shard,
            "offset": self.offset,
            "length": self.length,
            "records": self.records,
            "line": self.line,
        }
        if self.again:
            entry["again"] = True
        if self.source:
            entry["source"] = self.source.as_dict()
        return entry

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read an entry of the manifest."""
        return cls(**{**data, "source": Source(**data["source"])}) if data.get("source") else cls(**data)


def cut(chunks: Iterable[bytes], *, max_records: int, max_bytes: int, offset: int = 0) -> Iterator[Batch]:
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


def encode_manifest(batches: Iterable[Batch]) -> Iterator[bytes]:
    """Write batches as the JSON array that the state machine's Map reads, a piece a batch."""
    separator = b"["
    for batch in batches:
        yield separator + json.dumps(batch.as_dict(), separators=(",", ":")).encode()
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]\n"


def decode_manifest(data: bytes) -> list[Batch]:
    """Read a whole manifest back."""
    return [Batch.from_dict(item) for item in json.loads(data)]


def stream_manifest(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Read a manifest back that `encode_manifest` wrote, a batch at a time, from pieces of any size."""
    for line in whole_lines(chunks):
        entry = line.strip().removeprefix(b"[").rstrip(b",]")
        if entry:
            yield Batch.from_dict(json.loads(entry))


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in pieces of any size, without their line feeds."""
    held = b""
    for chunk in chunks:
        *finished, held = (held + chunk).split(b"\n")
        yield from finished
    if held:
        yield held


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

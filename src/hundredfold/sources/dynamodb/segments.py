"""Segments of a DynamoDB table: what is read at one go, staged as JSON Lines, and cut into batches."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

from hundredfold.cutting import cut
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import staged_key
from hundredfold.items import item_line
from hundredfold.origin import Layout, TableOrigin
from hundredfold.pieces import CutPiece, HeldBatches
from hundredfold.ports import Tables, WorkObjects
from hundredfold.source import Source
from hundredfold.table import Table

SEGMENT_BYTES = 64 * 1024 * 1024
MOST_SEGMENTS = 64
"""A table is read in a segment for each 64 MiB that it has, 64 at most."""

AT_ONCE = 4
"""How many segments are read at once. Each holds a page of 1 MB, read, and an upload of 8 MiB, twice for a moment."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One of the segments that a table, or an index of it, is read in; or all items of one partition key.

    Attributes
    ----------
    number : its place in the ingest, from 0
    of : how many segments there are
    table : the table as it was described when the ingest was planned
    """

    number: int
    of: int
    origin: TableOrigin
    table: Table

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that have to be read; all if empty."""
        columns = self.origin.layout.columns
        return tuple(dict.fromkeys((*columns, *self.key))) if columns else ()

    @property
    def key(self) -> tuple[str, ...]:
        """The attributes of the primary key, if each line is to have them."""
        return self.table.key if self.origin.write_back else ()


def find_segments(origin: TableOrigin, tables: Tables) -> list[Segment]:
    """Look at a table and decide in how many segments it is read.

    Raises
    ------
    SourceMissingError
        If the table or the index is not there, or may not be read.
    InvalidIngestError
        If the partition key, a field, a column or the attribute to write back to does not fit.
    """
    table = tables.describe(origin.table, origin.index)
    check_origin(origin, table)
    of = 1 if origin.partition else min(MOST_SEGMENTS, max(1, math.ceil(table.size / SEGMENT_BYTES)))
    return [Segment(number, of, origin, table) for number in range(of)]


def check_origin(origin: TableOrigin, table: Table) -> None:
    """Raise InvalidIngestError if partition key, fields, columns or the attribute to write back to do not fit."""
    _check_partition(origin, table)
    _check_layout(origin.layout)
    if origin.write_back:
        _check_write_back(origin, table)


def stage_segments(
    segments: Sequence[Segment], ingest_id: str, tables: Tables, work: WorkObjects, *, max_records: int, max_bytes: int
) -> Iterator[CutPiece]:
    """Read segments, several at once; yield each in order when it is staged as JSON Lines in the work bucket.

    What is staged is what the ingest is of from then on: a table cannot be pinned.
    """
    given_up = Event()

    def stage(segment: Segment) -> CutPiece:
        with work.begin(staged_key(ingest_id, segment.number)) as upload:

            def staged() -> Iterator[bytes]:
                for page in segment_lines(segment, tables):
                    if given_up.is_set():
                        return
                    upload.write(page)
                    yield page

            batches = HeldBatches(cut(staged(), max_records=max_records, max_bytes=max_bytes))
            if given_up.is_set():
                return CutPiece(Source("", "", "", 0), batches)  # which nobody waits for any more
            return CutPiece(replace(upload.finish(), of=str(segment.origin)), batches)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="segments") as pool:
        staging = [pool.submit(stage, segment) for segment in segments]
        try:
            for one in staging:
                yield one.result()
        finally:
            given_up.set()
            pool.shutdown(cancel_futures=True)


def segment_lines(segment: Segment, tables: Tables) -> Iterator[bytes]:
    """Read a segment as JSON Lines, a page of the table at a time."""
    origin = segment.origin
    for page in tables.read(segment):
        yield b"".join([item_line(item, origin.layout, origin.write_back, segment.key) for item in page])


def _check_partition(origin: TableOrigin, table: Table) -> None:
    if not origin.partition:
        return
    [(name, value)] = origin.partition.items()
    where = f"index {origin.index}" if origin.index else f"table {origin.table}"
    if name != table.partition:
        raise InvalidIngestError(
            f"the source's key names {name!r}, but the partition key of {where} is {table.partition!r}"
        )
    kind = table.types[name]
    expected: dict[str, tuple[type, ...]] = {"S": (str,), "N": (int, float)}
    if kind not in expected:
        raise InvalidIngestError(f"the partition key {name!r} of {where} is binary, which the source's key cannot name")
    if not isinstance(value, expected[kind]):
        raise InvalidIngestError(
            f"the partition key {name!r} of {where} is {'text' if kind == 'S' else 'a number'}, "
            f"and the value in the source's key is {'a number' if kind == 'S' else 'text'}"
        )


def _check_layout(layout: Layout) -> None:
    if layout.kind or layout.compression:
        raise InvalidIngestError("a table has no kind and no compression; leave them out of the source")
    for field in sorted({"id", *layout.fields}) if layout.columns else ():
        if (column := layout.fields.get(field, field)) not in layout.columns:
            raise InvalidIngestError(f"the source's columns must have {column!r}, which {field} is taken from")


def _check_write_back(origin: TableOrigin, table: Table) -> None:
    if origin.write_back in table.types:
        raise InvalidIngestError(
            f"the source's write_back names {origin.write_back!r}, a key of {origin.table} or of an index of it; "
            "name an attribute that is no key"
        )
    if origin.write_back == origin.layout.fields.get("id", "id"):
        raise InvalidIngestError(
            f"the source's write_back names {origin.write_back!r}, which the records' id is; name another attribute"
        )

"""Segments of a DynamoDB table: found, read and staged as JSON Lines, and cut into batches."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from hundredfold.keys import staged_key
from hundredfold.planning.batching import cut_batches
from hundredfold.planning.ranges import CompactBatches, RangeBatches
from hundredfold.ports import Tables, WorkObjects
from hundredfold.sources.dynamodb.segments import Segment, check_table_spec, segment_lines
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.spec import TableSpec

SEGMENT_BYTES = 64 * 1024 * 1024


MOST_SEGMENTS = 64
"""A table is read in a segment for each 64 MiB that it has, 64 at most."""


AT_ONCE = 4
"""How many segments are read at once. Each holds a page of 1 MB, read, and an upload of 8 MiB, twice for a moment."""


def find_segments(spec: TableSpec, tables: Tables) -> list[Segment]:
    """Look at a table and decide in how many segments it is read.

    Raises
    ------
    SourceMissingError
        If the table or the index is not there, or may not be read.
    InvalidIngestError
        If the partition key, a field, a column or the attribute to write back to does not fit.
    """
    table = tables.describe(spec.table, spec.index)
    check_table_spec(spec, table)
    of = 1 if spec.partition else min(MOST_SEGMENTS, max(1, math.ceil(table.size / SEGMENT_BYTES)))
    return [Segment(number, of, spec, table) for number in range(of)]


def stage_segments(
    segments: Sequence[Segment], ingest_id: str, tables: Tables, work: WorkObjects, *, max_records: int, max_bytes: int
) -> Iterator[RangeBatches]:
    """Read segments, several at once; yield each in order when it is staged as JSON Lines in the work bucket.

    What is staged is what the ingest is of from then on: a table cannot be pinned.
    """
    given_up = Event()

    def stage(segment: Segment) -> RangeBatches:
        with work.begin(staged_key(ingest_id, segment.number)) as upload:

            def staged() -> Iterator[bytes]:
                for page in segment_lines(segment, tables.read(segment)):
                    if given_up.is_set():
                        return
                    upload.write(page)
                    yield page

            batches = CompactBatches(cut_batches(staged(), max_records=max_records, max_bytes=max_bytes))
            if given_up.is_set():
                return RangeBatches(PinnedObject("", "", "", 0), batches)  # which nobody waits for any more
            return RangeBatches(replace(upload.finish(), staged_from=str(segment.spec)), batches)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="segments") as pool:
        staging = [pool.submit(stage, segment) for segment in segments]
        try:
            for one in staging:
                yield one.result()
        finally:
            given_up.set()
            pool.shutdown(cancel_futures=True)

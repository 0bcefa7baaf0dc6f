"""Segments of a DynamoDB table: read them, stage them as JSON Lines, and batch what was staged."""

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
"""A table is read in one segment for each 64 MiB of it, and in 64 at most."""

AT_ONCE = 4
"""How many segments are read at once. Each holds a page of 1 MB and an upload of 8 MiB, for a moment two of each."""


def find_segments(spec: TableSpec, tables: Tables) -> list[Segment]:
    """Describe a table, and decide how many segments to read it in.

    Raises
    ------
    SourceMissingError
        If the table or the index is not there, or may not be read.
    InvalidIngestError
        If the partition key, a field, a column or the attribute to write back to does not fit.
    """
    table = tables.describe(spec.table, spec.index)
    check_table_spec(spec, table)
    total = 1 if spec.partition else min(MOST_SEGMENTS, max(1, math.ceil(table.size / SEGMENT_BYTES)))
    return [Segment(number, total, spec, table) for number in range(total)]


def stage_segments(
    segments: Sequence[Segment], ingest_id: str, tables: Tables, work: WorkObjects, *, max_records: int, max_bytes: int
) -> Iterator[RangeBatches]:
    """Stage segments as JSON Lines in the work bucket, several at once. Yield the batches of each, in order.

    From then on, the ingest reads only what was staged: a table cannot be pinned.
    """
    cancelled = Event()

    def stage(segment: Segment) -> RangeBatches:
        with work.begin(staged_key(ingest_id, segment.number)) as upload:

            def uploaded() -> Iterator[bytes]:
                for page in segment_lines(segment, tables.read(segment)):
                    if cancelled.is_set():
                        return
                    upload.write(page)
                    yield page

            batches = CompactBatches(cut_batches(uploaded(), max_records=max_records, max_bytes=max_bytes))
            if cancelled.is_set():
                return RangeBatches(PinnedObject("", "", "", 0), batches)  # nobody waits for it any more
            return RangeBatches(replace(upload.finish(), staged_from=str(segment.spec)), batches)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="segments") as pool:
        staging = [pool.submit(stage, segment) for segment in segments]
        try:
            for staged in staging:
                yield staged.result()
        finally:
            cancelled.set()
            pool.shutdown(cancel_futures=True)

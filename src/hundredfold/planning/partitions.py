"""Partitions: parts of an ingest that is too large for one call. They are planned in parallel and joined in order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.keys import partition_batches_key, partition_ranges_key, partitions_key
from hundredfold.planning.manifest import whole_lines
from hundredfold.planning.ranges import ObjectRange, RangeBatches
from hundredfold.ports import WorkObjects
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.reading import is_read_in_place
from hundredfold.sources.spec import read_options_from_dict

PARTITION_BYTES = 1024**3
"""The most bytes of a partition, unless the template sets another limit. One call plans them well within its 900 s."""
PARTITION_OBJECTS = 5_000
"""The most objects of a partition. A small object costs the time of its requests, about 50 ms, rather than of its
bytes."""


@dataclass(frozen=True, slots=True)
class PlannedPartition:
    """What the planner returns for one partition: its number, and how many batches and records it has."""

    partition: int
    batches: int
    records: int

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def partition_ranges(ranges: Iterable[ObjectRange], *, partition_bytes: int) -> list[list[ObjectRange]]:
    """Divide ranges into partitions of at most `partition_bytes`, in order.

    A large object is split into ranges, and small objects share a partition. Only an object that is read in place can
    be split. Any other object over the limit is a partition of its own.
    """
    partitions: list[list[ObjectRange]] = []
    size = 0
    for object_range in chain.from_iterable(_split(whole, partition_bytes) for whole in ranges):
        if not partitions or size + object_range.size > partition_bytes or len(partitions[-1]) == PARTITION_OBJECTS:
            partitions.append([])
            size = 0
        partitions[-1].append(object_range)
        size += object_range.size
    return partitions


def write_partitions(
    partitions: Sequence[list[ObjectRange]], ingest_id: str, execution: str, work: WorkObjects
) -> None:
    """Write the ranges of each partition, and last the list that the state machine maps over."""
    for number, ranges in enumerate(partitions):
        work.write(partition_ranges_key(ingest_id, execution, number), _encode_ranges(ranges))
    entries = [
        {"partition": number, "objects": len(ranges), "bytes": sum(object_range.size for object_range in ranges)}
        for number, ranges in enumerate(partitions)
    ]
    work.write(partitions_key(ingest_id, execution), json.dumps(entries).encode())


def read_partition_ranges(ingest_id: str, execution: str, partition: int, work: WorkObjects) -> list[ObjectRange]:
    """Read the ranges of a partition. Raise InvalidIngestError if they were never written."""
    content = work.read(partition_ranges_key(ingest_id, execution, partition))
    if content is None:
        raise InvalidIngestError(
            f"partition {partition} of ingest {ingest_id} is not there; "
            f"plan it again with: hundredfold resume {ingest_id}"
        )
    return [
        ObjectRange(
            entry["number"],
            PinnedObject(**entry["pinned"]),
            read_options_from_dict(entry["options"]),
            entry["start"],
            entry["end"],
        )
        for entry in json.loads(content)
    ]


def write_partition(
    ranges: Iterable[RangeBatches], ingest_id: str, execution: str, partition: int, work: WorkObjects
) -> PlannedPartition:
    """Write the batches of a partition as JSON Lines: for each range its object, its batches and its line feeds."""
    batches = records = 0
    with work.begin(partition_batches_key(ingest_id, execution, partition)) as upload:
        for range_batches in ranges:
            upload.write(_line({"pinned": range_batches.pinned.as_dict(), "start": range_batches.start}))
            for batch in range_batches.batches:
                upload.write(_line(batch.as_dict()))
                batches += 1
                records += batch.records
            upload.write(_line({"line_feeds": range_batches.line_feeds()}))
        upload.finish()
    return PlannedPartition(partition, batches, records)


def read_partition(ingest_id: str, execution: str, partition: int, work: WorkObjects) -> Iterator[RangeBatches] | None:
    """Read what `write_partition` wrote, a batch at a time. Return None if it is not there.

    Read all batches of a range before you take the next range: both come from one stream.
    """
    chunks = work.stream(partition_batches_key(ingest_id, execution, partition))
    return None if chunks is None else _read_ranges(json.loads(line) for line in whole_lines(chunks))


class _StoredBatches:
    """The batches of one range, up to the entry that ends it."""

    def __init__(self, entries: Iterator[dict[str, Any]]) -> None:
        self._entries = entries
        self.line_feeds = 0

    def __iter__(self) -> Iterator[Batch]:
        for entry in self._entries:
            if "line_feeds" in entry:
                self.line_feeds = entry["line_feeds"]
                return
            yield Batch.from_dict(entry)


def _read_ranges(entries: Iterator[dict[str, Any]]) -> Iterator[RangeBatches]:
    for head in entries:
        batches = _StoredBatches(entries)
        yield RangeBatches(
            PinnedObject(**head["pinned"]), batches, partial(getattr, batches, "line_feeds"), head["start"]
        )


def _split(whole: ObjectRange, partition_bytes: int) -> list[ObjectRange]:
    """Split an object into ranges of nearly equal size, if it is too large and can be read in place."""
    if not is_read_in_place(whole.options) or whole.size <= partition_bytes:
        return [whole]
    count = -(-whole.size // partition_bytes)
    bounds = [whole.size * number // count for number in range(count + 1)]
    return [ObjectRange(whole.number, whole.pinned, whole.options, start, end) for start, end in pairwise(bounds)]


def _encode_ranges(ranges: Iterable[ObjectRange]) -> bytes:
    return json.dumps(
        [
            {
                "number": object_range.number,
                "pinned": object_range.pinned.as_dict(),
                "options": object_range.options.as_dict(),
                "start": object_range.start,
                "end": object_range.end,
            }
            for object_range in ranges
        ]
    ).encode()


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"

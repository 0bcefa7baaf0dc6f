"""Parts: an origin too large for one call, divided into pieces that are planned side by side and joined in order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
from hundredfold.sources.spec import read_options_from_dict

PARTITION_BYTES = 1024**3
"""The most bytes of a part, if the template says nothing else: one call plans them in well under its 900 s."""
PARTITION_OBJECTS = 5_000
"""The most objects of a part: small ones take the time of their requests, about 50 ms each, and not of their bytes."""


@dataclass(frozen=True, slots=True)
class PlannedPartition:
    """What the planner answers of a part."""

    partition: int
    batches: int
    records: int

    def as_dict(self) -> dict[str, int]:
        return {"partition": self.partition, "batches": self.batches, "records": self.records}


def partition_ranges(pieces: Iterable[ObjectRange], *, partition_bytes: int) -> list[list[ObjectRange]]:
    """Divide pieces into parts of at most so many bytes, in order: ranges of large objects, small objects together.

    Only what is read in place can be divided within an object; any other object over the limit is a part of its own.
    """
    partitions: list[list[ObjectRange]] = []
    size = 0
    for piece in chain.from_iterable(_ranges(piece, partition_bytes) for piece in pieces):
        if not partitions or size + piece.size > partition_bytes or len(partitions[-1]) == PARTITION_OBJECTS:
            partitions.append([])
            size = 0
        partitions[-1].append(piece)
        size += piece.size
    return partitions


def write_partitions(
    partitions: Sequence[list[ObjectRange]], ingest_id: str, execution: str, work: WorkObjects
) -> None:
    """Write what each part consists of, and last the list that the state machine's Map goes through."""
    for number, pieces in enumerate(partitions):
        work.write(partition_ranges_key(ingest_id, execution, number), _encode_pieces(pieces))
    listed = [
        {"partition": number, "objects": len(pieces), "bytes": sum(piece.size for piece in pieces)}
        for number, pieces in enumerate(partitions)
    ]
    work.write(partitions_key(ingest_id, execution), json.dumps(listed).encode())


def read_partition_ranges(ingest_id: str, execution: str, partition: int, work: WorkObjects) -> list[ObjectRange]:
    """Read what a part consists of; raises InvalidIngestError if nothing was written of it."""
    content = work.read(partition_ranges_key(ingest_id, execution, partition))
    if content is None:
        raise InvalidIngestError(
            f"part {partition} of ingest {ingest_id} is not there; resume the ingest to plan it again"
        )
    return [
        ObjectRange(
            data["number"],
            PinnedObject(**data["pinned"]),
            read_options_from_dict(data["layout"]),
            data["start"],
            data["end"],
        )
        for data in json.loads(content)
    ]


def write_partition(
    pieces: Iterable[RangeBatches], ingest_id: str, execution: str, partition: int, work: WorkObjects
) -> PlannedPartition:
    """Write the batches of a part, as JSON Lines: of each piece its source, its batches, and how many lines it has."""
    batches = records = 0
    with work.begin(partition_batches_key(ingest_id, execution, partition)) as upload:
        for piece in pieces:
            upload.write(_line({"pinned": piece.pinned.as_dict(), "start": piece.start}))
            for batch in piece.batches:
                upload.write(_line(batch.as_dict()))
                batches += 1
                records += batch.records
            upload.write(_line({"line_feeds": piece.line_feeds()}))
        upload.finish()
    return PlannedPartition(partition, batches, records)


def read_partition(ingest_id: str, execution: str, partition: int, work: WorkObjects) -> Iterator[RangeBatches] | None:
    """Read back what `write_part` wrote, a batch at a time; None if it is not there.

    A piece's batches must be taken before the next piece is.
    """
    chunks = work.stream(partition_batches_key(ingest_id, execution, partition))
    return None if chunks is None else _read(json.loads(line) for line in whole_lines(chunks))


class _StoredBatches:
    """The batches of one piece, up to the entry that ends it."""

    def __init__(self, entries: Iterator[dict[str, Any]]) -> None:
        self._entries = entries
        self.line_feeds = 0

    def __iter__(self) -> Iterator[Batch]:
        for entry in self._entries:
            if "line_feeds" in entry:
                self.line_feeds = entry["line_feeds"]
                return
            yield Batch.from_dict(entry)


def _read(entries: Iterator[dict[str, Any]]) -> Iterator[RangeBatches]:
    for head in entries:
        batches = _StoredBatches(entries)
        yield RangeBatches(
            PinnedObject(**head["pinned"]), batches, partial(getattr, batches, "line_feeds"), head["start"]
        )


def _ranges(piece: ObjectRange, partition_bytes: int) -> list[ObjectRange]:
    if not piece.options.in_place or piece.size <= partition_bytes:
        return [piece]
    count = -(-piece.size // partition_bytes)
    bounds = [piece.size * number // count for number in range(count + 1)]
    return [ObjectRange(piece.number, piece.pinned, piece.options, start, end) for start, end in pairwise(bounds)]


def _encode_pieces(pieces: Iterable[ObjectRange]) -> bytes:
    return json.dumps(
        [
            {
                "number": piece.number,
                "pinned": piece.pinned.as_dict(),
                "layout": piece.options.as_dict(),
                "start": piece.start,
                "end": piece.end,
            }
            for piece in pieces
        ]
    ).encode()


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"

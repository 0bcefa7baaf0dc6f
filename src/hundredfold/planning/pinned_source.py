"""A pinned source: what an ingest reads, fixed before anything is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hundredfold.planning.partitions import partition_ranges
from hundredfold.planning.ranges import ObjectRange, RangeBatches, batch_ranges, find_ranges
from hundredfold.planning.segments import find_segments, stage_segments
from hundredfold.ports import Sources, Tables, WorkObjects
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.spec import SourceSpec, TableSpec


@dataclass(frozen=True, slots=True)
class PinnedSource:
    """The source of an ingest, pinned.

    Attributes
    ----------
    spec : the source spec, with kind and compression filled in
    pinned : the source, if it is one object
    source_bytes : of the objects. Those of a table are known once it is staged; until then, they are 0.
    partitions : the ranges of each partition; empty if one call plans the whole source
    skipped_objects : how many listed objects only mark a folder
    ranges : the batches of each range. Nothing is read or staged before the first range is taken.
    """

    spec: SourceSpec
    pinned: PinnedObject | None
    source_bytes: int
    partitions: Sequence[list[ObjectRange]]
    ranges: Iterator[RangeBatches]
    skipped_objects: int = 0

    def staged(self) -> "PinnedSource":
        """Stage what cannot be batched in place, as far as `pinned` and `source_bytes` depend on it."""
        if isinstance(self.spec, TableSpec):
            segments = list(self.ranges)  # a table has no content to pin: what is staged is the source
            return replace(
                self,
                pinned=segments[0].pinned if len(segments) == 1 else None,
                source_bytes=sum(segment.pinned.size for segment in segments),
                ranges=iter(segments),
            )
        if self.pinned:
            only = next(self.ranges)
            return replace(self, pinned=only.pinned, ranges=iter([only]))
        return self


def pin_source(
    spec: SourceSpec,
    ingest_id: str,
    sources: Sources,
    tables: Tables,
    work: WorkObjects,
    *,
    max_records: int,
    max_bytes: int,
    partition_bytes: int,
) -> PinnedSource:
    """Pin the objects of a source, or describe its table.

    Parameters
    ----------
    max_records, max_bytes : the limits of a batch
    partition_bytes : the most bytes of a source that one call plans. A larger one has partitions.

    Raises
    ------
    InvalidIngestError, SourceMissingError, SourceChangedError
    """
    if isinstance(spec, TableSpec):
        segments = find_segments(spec, tables)
        staged = stage_segments(segments, ingest_id, tables, work, max_records=max_records, max_bytes=max_bytes)
        return PinnedSource(spec, None, 0, (), staged)
    found = find_ranges(spec, sources)
    spec, ranges = found.spec, found.ranges
    partitions = partition_ranges(ranges, partition_bytes=partition_bytes)
    return PinnedSource(
        spec,
        pinned=ranges[0].pinned if len(ranges) == 1 else None,
        source_bytes=sum(object_range.size for object_range in ranges),
        partitions=partitions if len(partitions) > 1 else (),
        ranges=batch_ranges(ranges, ingest_id, sources, work, max_records=max_records, max_bytes=max_bytes),
        skipped_objects=found.skipped_objects,
    )

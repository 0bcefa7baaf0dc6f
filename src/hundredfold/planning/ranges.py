"""Ranges: the objects of an ingest, whole or in byte ranges, in a fixed order. Each is batched on its own."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import batched, islice
from typing import Self

from hundredfold.batches import LEDGER_SHARDS, Batch
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.keys import staged_key
from hundredfold.planning.batching import cut_batches
from hundredfold.planning.owned_lines import OwnedLines
from hundredfold.ports import Sources, Upload, WorkObjects
from hundredfold.sources.content import check_chunks
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import is_read_in_place, read_as_lines
from hundredfold.sources.spec import ObjectsSpec

MOST_OBJECTS = 100_000
"""The most objects that one ingest reads under its prefix."""


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """A pinned object, or a byte range of one that is read in place.

    Attributes
    ----------
    number : the object's place in the ingest, from 0
    start, end : the first byte, and the byte after the last. The range owns the lines that start between them.
    """

    number: int
    pinned: PinnedObject
    options: ReadOptions
    start: int
    end: int

    @classmethod
    def whole(cls, number: int, pinned: PinnedObject, options: ReadOptions) -> Self:
        return cls(number, pinned, options, 0, pinned.size)

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class RangeBatches:
    """The batches of one range.

    Attributes
    ----------
    pinned : the object that the batches are byte ranges of
    batches : numbered from 0. Their lines are numbered from 1.
    line_feeds : returns how many line feeds the range has, once all its batches have been read
    start : the range's first byte in its object
    """

    pinned: PinnedObject
    batches: Iterable[Batch]
    line_feeds: Callable[[], int] = lambda: 0
    start: int = 0


@dataclass(frozen=True, slots=True)
class FoundRanges:
    """The objects of a source, pinned.

    Attributes
    ----------
    spec : with its kind and compression filled in
    ranges : one for each object
    skipped_objects : how many objects only mark a folder
    """

    spec: ObjectsSpec
    ranges: list[ObjectRange]
    skipped_objects: int


def find_ranges(spec: ObjectsSpec, sources: Sources) -> FoundRanges:
    """Pin the objects of a source spec.

    Raises
    ------
    SourceMissingError
        If no object is there.
    SourceChangedError
        If the object is not the one that the spec pins by its ETag.
    InvalidIngestError
        If the objects are of different kinds, or too many.
    """
    if spec.key:
        pinned = sources.pin(ObjectLocation(spec.bucket, spec.key))
        if spec.etag and spec.etag != pinned.etag:
            raise SourceChangedError(str(spec), since="started")
        listed = objects = [pinned]
    else:
        listed = list(islice(sources.list(spec.bucket, spec.prefix), MOST_OBJECTS + 1))
        objects = [pinned for pinned in listed if not pinned.marks_folder]
        if not objects:
            raise SourceMissingError(
                str(spec), "there is no object whose key begins so; check the bucket and the prefix"
            )
        if len(listed) > MOST_OBJECTS:
            raise InvalidIngestError(f"{spec} has more than {MOST_OBJECTS:,} objects; ingest it by longer prefixes")
    options = options_for_name(spec.options, objects[0].key)
    stray = next((pinned for pinned in objects if options_for_name(spec.options, pinned.key) != options), None)
    if stray:
        raise InvalidIngestError(
            f"{spec} has objects of different kinds, such as {objects[0].key} and {stray.key}; "
            "ingest each kind by a prefix of its own, or set the kind"
        )
    ranges = [ObjectRange.whole(number, pinned, options) for number, pinned in enumerate(objects)]
    return FoundRanges(replace(spec, options=options), ranges, len(listed) - len(objects))


def batch_range(
    object_range: ObjectRange,
    ingest_id: str,
    sources: Sources,
    work: WorkObjects,
    *,
    max_records: int,
    max_bytes: int,
) -> RangeBatches:
    """Batch one range. Stage it as JSON Lines first, unless it can be read in place.

    Raises
    ------
    SourceChangedError, InvalidIngestError
    """
    pinned, options = object_range.pinned, object_range.options
    if is_read_in_place(options):
        chunks = sources.stream(pinned, max(object_range.start - 1, 0))
        if not object_range.start:
            chunks = check_chunks(chunks, options, str(pinned))
        lines = OwnedLines(chunks, object_range.start, object_range.end)
        in_place = cut_batches(lines, max_records=max_records, max_bytes=max_bytes, offset=lines.offset)
        return RangeBatches(pinned, in_place, lambda: lines.line_feeds, object_range.start)
    with work.begin(staged_key(ingest_id, object_range.number)) as upload:
        records = read_as_lines(sources.open(pinned), options, str(pinned))
        # Find all batches before the first is handed on. They refer to the staged object, which exists once finished.
        batches = CompactBatches(cut_batches(_uploaded(records, upload), max_records=max_records, max_bytes=max_bytes))
        return RangeBatches(replace(upload.finish(), staged_from=str(pinned)), batches)


def batch_ranges(
    ranges: Iterable[ObjectRange],
    ingest_id: str,
    sources: Sources,
    work: WorkObjects,
    *,
    max_records: int,
    max_bytes: int,
) -> Iterator[RangeBatches]:
    """Batch each range when it is taken. Raises what `batch_range` raises."""
    for object_range in ranges:
        yield batch_range(object_range, ingest_id, sources, work, max_records=max_records, max_bytes=max_bytes)


def number_batches(ranges: Iterable[RangeBatches], *, one_object: bool) -> Iterator[Batch]:
    """Yield the batches of all ranges. Number them across the ingest, and their lines across each object.

    Parameters
    ----------
    one_object : whether all ranges belong to one object. If not, each batch names its object.
    """
    number = lines_before = 0
    for range_batches in ranges:
        lines_before = lines_before if range_batches.start else 0
        for batch in range_batches.batches:
            yield Batch(
                batch=number,
                shard=number % LEDGER_SHARDS,
                offset=batch.offset,
                length=batch.length,
                records=batch.records,
                line=batch.line + lines_before,
                pinned=None if one_object else range_batches.pinned,
            )
            number += 1
        lines_before += range_batches.line_feeds()


class CompactBatches:
    """The batches of one range, held in 32 bytes each."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._numbers = array("Q")
        for batch in batches:
            self._numbers.extend((batch.offset, batch.length, batch.records, batch.line))

    def __iter__(self) -> Iterator[Batch]:
        for number, (offset, length, records, line) in enumerate(batched(self._numbers, 4, strict=True)):
            yield Batch(number, number % LEDGER_SHARDS, offset, length, records, line)


def _uploaded(chunks: Iterable[bytes], upload: Upload) -> Iterator[bytes]:
    """Write chunks to an upload, and pass them on."""
    for chunk in chunks:
        upload.write(chunk)
        yield chunk

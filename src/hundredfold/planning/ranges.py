"""Pieces: what an origin of objects consists of, each read at one go and in a fixed order."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import batched
from typing import Self

from hundredfold.batches import LEDGER_SHARDS, Batch
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.keys import staged_key
from hundredfold.planning.batching import cut_batches
from hundredfold.planning.owned_lines import OwnedLines
from hundredfold.ports import Sources, Upload, WorkObjects
from hundredfold.sources.formats import read_as_lines
from hundredfold.sources.formats.compression import checked
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec, ReadOptions

MOST_OBJECTS = 100_000
"""Under one prefix, in one ingest."""


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """One object of an origin, pinned, or a byte range of one that is read in place.

    Attributes
    ----------
    number : the object's place in the ingest, from 0
    start, end : the first byte, and the one after the last; the piece has the lines that start between them
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
    """A piece that was cut.

    Attributes
    ----------
    pinned : the object that its batches are byte ranges of
    batches : numbered from 0, and their lines from 1
    line_feeds : how many the piece has of its object; known once all batches were taken
    start : the piece's first byte in its object
    """

    pinned: PinnedObject
    batches: Iterable[Batch]
    line_feeds: Callable[[], int] = lambda: 0
    start: int = 0


def find_ranges(spec: ObjectsSpec, sources: Sources) -> tuple[ObjectsSpec, list[ObjectRange]]:
    """Pin what an origin consists of; return it with kind and compression as they were found, and its pieces.

    Raises
    ------
    SourceMissingError
        If it is not there.
    SourceChangedError
        If it is another object than the one that was asked for.
    InvalidIngestError
        If its objects are of different kinds, or too many.
    """
    if spec.key:
        found = [sources.pin(ObjectLocation(spec.bucket, spec.key))]
        if spec.etag and spec.etag != found[0].etag:
            raise SourceChangedError(str(spec), since="started")
    else:
        found = list(_named(sources.list(spec.bucket, spec.prefix)))
        if not found:
            raise SourceMissingError(str(spec), "there is no object whose key begins so")
        if len(found) > MOST_OBJECTS:
            raise InvalidIngestError(f"{spec} has more than {MOST_OBJECTS:,} objects; ingest it by longer prefixes")
    options = spec.options.for_name(found[0].key)
    if other := next((source for source in found if spec.options.for_name(source.key) != options), None):
        raise InvalidIngestError(f"{spec} has objects of different kinds, such as {found[0].key} and {other.key}")
    pieces = [ObjectRange.whole(number, source, options) for number, source in enumerate(found)]
    return replace(spec, options=options), pieces


def batch_range(
    piece: ObjectRange, ingest_id: str, sources: Sources, work: WorkObjects, *, max_records: int, max_bytes: int
) -> RangeBatches:
    """Cut one piece into batches; stage it as JSON Lines first unless it can be read in place.

    Raises
    ------
    SourceChangedError, InvalidIngestError
    """
    if piece.options.in_place:
        chunks = sources.stream(piece.pinned, max(piece.start - 1, 0))
        if not piece.start:
            chunks = checked(chunks, piece.options, str(piece.pinned))
        lines = OwnedLines(chunks, piece.start, piece.end)
        in_place = cut_batches(lines, max_records=max_records, max_bytes=max_bytes, offset=lines.offset)
        return RangeBatches(piece.pinned, in_place, lambda: lines.line_feeds, piece.start)
    name = str(piece.pinned)
    with work.begin(staged_key(ingest_id, piece.number)) as upload:
        records = read_as_lines(sources.open(piece.pinned), piece.options, name)
        # All of them before the first is handed on: they need the object, which is there only when it is finished.
        batches = CompactBatches(cut_batches(_through(records, upload), max_records=max_records, max_bytes=max_bytes))
        return RangeBatches(replace(upload.finish(), staged_from=name), batches)


def number_batches(pieces: Iterable[RangeBatches], *, of_one: bool) -> Iterator[Batch]:
    """Yield the batches of all pieces, numbered as those of one ingest, and their lines as those of their objects.

    `of_one` : whether all pieces are of one object; if not, each batch says which it is of.
    """
    number = lines_before = 0
    for piece in pieces:
        lines_before = lines_before if piece.start else 0
        for batch in piece.batches:
            yield Batch(
                batch=number,
                shard=number % LEDGER_SHARDS,
                offset=batch.offset,
                length=batch.length,
                records=batch.records,
                line=batch.line + lines_before,
                pinned=None if of_one else piece.pinned,
            )
            number += 1
        lines_before += piece.line_feeds()


class CompactBatches:
    """Batches that were cut, in 32 bytes each."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._numbers = array("Q")
        for batch in batches:
            self._numbers.extend((batch.offset, batch.length, batch.records, batch.line))

    def __iter__(self) -> Iterator[Batch]:
        for number, (offset, length, records, line) in enumerate(batched(self._numbers, 4, strict=True)):
            yield Batch(number, number % LEDGER_SHARDS, offset, length, records, line)


def _named(found: Iterator[PinnedObject]) -> Iterator[PinnedObject]:
    """Leave out what stands for a folder."""
    for count, source in enumerate(one for one in found if not one.key.endswith("/")):
        yield source
        if count >= MOST_OBJECTS:
            return


def _through(lines: Iterator[bytes], upload: Upload) -> Iterator[bytes]:
    for piece in lines:
        upload.write(piece)
        yield piece

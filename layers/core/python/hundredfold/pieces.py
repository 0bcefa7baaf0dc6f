"""Pieces: what an origin consists of, each read at one go and in a fixed order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hundredfold.cutting import LEDGER_SHARDS, Batch, cut
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.ingest import staged_key
from hundredfold.origin import Layout, ObjectsOrigin, Origin
from hundredfold.ports import Sources, Upload, WorkObjects
from hundredfold.reading import read_as_lines
from hundredfold.source import ObjectLocation, Source

MOST_OBJECTS = 100_000
"""Under one prefix, in one ingest."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One object of an origin, pinned; `number` is its place in the ingest, from 0."""

    number: int
    source: Source
    layout: Layout


@dataclass(frozen=True, slots=True)
class CutPiece:
    """A piece that was cut: the object that its batches are byte ranges of, and the batches, numbered from 0."""

    source: Source
    batches: Iterable[Batch]


def find_pieces(origin: Origin, sources: Sources) -> tuple[Origin, list[Piece]]:
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
    if not isinstance(origin, ObjectsOrigin):
        raise InvalidIngestError(f"{origin} is a table, which is not read yet")
    if origin.key:
        found = [sources.pin(ObjectLocation(origin.bucket, origin.key))]
        if origin.etag and origin.etag != found[0].etag:
            raise SourceChangedError(str(origin), since="started")
    else:
        found = list(_named(sources.list(origin.bucket, origin.prefix)))
        if not found:
            raise SourceMissingError(str(origin), "there is no object whose key begins so")
        if len(found) > MOST_OBJECTS:
            raise InvalidIngestError(f"{origin} has more than {MOST_OBJECTS:,} objects; ingest it by longer prefixes")
    layout = origin.layout.of_name(found[0].key)
    if other := next((source for source in found if origin.layout.of_name(source.key) != layout), None):
        raise InvalidIngestError(f"{origin} has objects of different kinds, such as {found[0].key} and {other.key}")
    pieces = [Piece(number, source, layout) for number, source in enumerate(found)]
    return replace(origin, layout=layout), pieces


def cut_piece(
    piece: Piece, ingest_id: str, sources: Sources, work: WorkObjects, *, max_records: int, max_bytes: int
) -> CutPiece:
    """Cut one piece into batches; stage it as JSON Lines first unless it can be read in place.

    Raises
    ------
    SourceChangedError, InvalidIngestError
    """
    if piece.layout.in_place:
        chunks = sources.stream(piece.source)
        return CutPiece(piece.source, cut(chunks, max_records=max_records, max_bytes=max_bytes))
    name = str(piece.source)
    with work.begin(staged_key(ingest_id, piece.number)) as upload:
        lines = read_as_lines(sources.open(piece.source), piece.layout, name)
        # All of them before the first is handed on: they need the object, which is there only when it is finished.
        batches = list(cut(_through(lines, upload), max_records=max_records, max_bytes=max_bytes))
        return CutPiece(replace(upload.finish(), of=name), batches)


def numbered(batches: Iterable[Batch], first: int, source: Source | None) -> Iterator[Batch]:
    """Number batches from `first` on; with a `source`, each says that it is of that object."""
    for number, batch in enumerate(batches, start=first):
        yield replace(batch, batch=number, shard=number % LEDGER_SHARDS, source=source)


def _named(found: Iterator[Source]) -> Iterator[Source]:
    """Leave out what stands for a folder."""
    for count, source in enumerate(one for one in found if not one.key.endswith("/")):
        yield source
        if count >= MOST_OBJECTS:
            return


def _through(lines: Iterator[bytes], upload: Upload) -> Iterator[bytes]:
    for piece in lines:
        upload.write(piece)
        yield piece

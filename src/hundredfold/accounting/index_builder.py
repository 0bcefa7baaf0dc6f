"""Builds the index of an ingest's records, with flat memory: entries are spilled to files by the hash's first byte."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.packed import ids_of
from hundredfold.ports import WorkObjects
from hundredfold.record_index import BUCKETS, ENTRY_BYTES, HASH_BYTES, MOST_BATCHES, RecordIndex, entry_of

HELD_BYTES = 12_000_000
"""How many bytes of entries are held before they are spilled: those of a million records."""


class IndexBuilder:
    """Collects the records of each batch in any order, and writes their index. Use it as a context.

    Parameters
    ----------
    held_bytes : the most bytes of entries that are held in memory
    """

    def __init__(self, *, held_bytes: int = HELD_BYTES) -> None:
        self._most_held = held_bytes
        self._held = 0
        self._buckets = [bytearray() for _ in range(BUCKETS)]
        self._folder: TemporaryDirectory[str] | None = None

    def add(self, batch: int, record_ids: Iterable[str]) -> None:
        """Add the records of a batch that have a prediction."""
        for record_id in record_ids:
            entry = entry_of(record_id, batch)
            self._buckets[entry[0]] += entry
            self._held += ENTRY_BYTES
        if self._held >= self._most_held:
            self._spill()

    def write(self, key: str, work: WorkObjects) -> RecordIndex:
        """Write the index into the work bucket."""
        counts = []
        with work.begin(key) as upload:
            for number in range(BUCKETS):
                entries = self._sorted(number)
                upload.write(entries)
                counts.append(len(entries) // ENTRY_BYTES)
            return RecordIndex(upload.finish(), counts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._folder:
            self._folder.cleanup()

    def _spill(self) -> None:
        self._folder = self._folder or TemporaryDirectory(prefix="index-")
        for number, bucket in enumerate(self._buckets):
            with self._file(self._folder, number).open("ab") as file:
                file.write(bucket)
            bucket.clear()
        self._held = 0

    def _sorted(self, number: int) -> bytes:
        content = bytes(self._buckets[number])
        if self._folder:
            content += self._file(self._folder, number).read_bytes()
        entries = sorted(content[place : place + ENTRY_BYTES] for place in range(0, len(content), ENTRY_BYTES))
        return b"".join(
            entry
            for place, entry in enumerate(entries)
            # An id that very many batches have would pull all others away from where their hashes are expected.
            if place < MOST_BATCHES or entries[place - MOST_BATCHES][:HASH_BYTES] != entry[:HASH_BYTES]
        )

    @staticmethod
    def _file(folder: "TemporaryDirectory[str]", number: int) -> Path:
        return Path(folder.name, f"{number:02x}")


def indexed(
    entries: Iterable[tuple[int, BatchOutcome | BatchFailure | None, bytes]], builder: IndexBuilder
) -> Iterator[BatchOutcome | BatchFailure]:
    """Yield the entries of `Ledger.packed_entries`, and add the records of each batch to an index on the way."""
    for batch, entry, part in entries:
        if part:
            builder.add(batch, ids_of(part))
        if entry is not None:
            yield entry

"""The index of an ingest whose predictions are packed: which batch has the prediction of a record.

It is an object of entries of 12 bytes, in order: the first 8 bytes of the SHA-256 of the record's id, and the number of
the batch. Hashes are uniform, so the place of an id follows from the counts of the 256 first bytes, to within a few
hundred entries. docs/packed.md describes it for readers in other languages.
"""

import hashlib
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

from hundredfold.sources.objects import PinnedObject

HASH_BYTES, BATCH_BYTES = 8, 4
ENTRY_BYTES = HASH_BYTES + BATCH_BYTES
BUCKETS = 256
"""One for each first byte of a hash."""
MOST_BATCHES = 4
"""The most batches that the index names for one hash. Only an id that several batches have needs more than one."""

_COUNT_BYTES = 4
_RANGE_OF_HASHES = 1 << (8 * HASH_BYTES - 8)
"""How many hashes have the same first byte."""


def id_hash(record_id: str) -> bytes:
    """Return what the index knows a record's id by: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(record_id.encode()).digest()[:HASH_BYTES]


def entry_of(record_id: str, batch: int) -> bytes:
    """Return the index's entry of a record."""
    return id_hash(record_id) + batch.to_bytes(BATCH_BYTES)


@dataclass(frozen=True, slots=True)
class RecordIndex:
    """An index that was written.

    Attributes
    ----------
    pinned : the object that it is
    counts : how many entries each of the 256 first bytes has
    """

    pinned: PinnedObject
    counts: Sequence[int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the ingest's item in the ledger has it: about 1 KB."""
        counts = b"".join(count.to_bytes(_COUNT_BYTES) for count in self.counts)
        return {"pinned": self.pinned.as_dict(), "counts": counts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        counts = bytes(data["counts"])
        places = range(0, len(counts), _COUNT_BYTES)
        pinned = PinnedObject(**data["pinned"])
        return cls(pinned, tuple(int.from_bytes(counts[place : place + _COUNT_BYTES]) for place in places))

    def likely_range(self, record_id: str) -> tuple[int, int]:
        """Return the bytes in which a record's entries almost certainly lie: first, and the one after the last.

        Within a bucket of n entries, the place of a hash differs from where it would be if all hashes were evenly
        spread. The standard deviation is at most half of the square root of n. The range has 8 of them on either side.
        """
        first, last = self._bucket(record_id)
        count = last - first
        expected = int.from_bytes(id_hash(record_id)[1:]) * count // _RANGE_OF_HASHES
        margin = 4 * math.isqrt(count) + MOST_BATCHES + 1
        return (first + max(0, expected - margin)) * ENTRY_BYTES, (first + min(count, expected + margin)) * ENTRY_BYTES

    def whole_range(self, record_id: str) -> tuple[int, int]:
        """Return the bytes of all entries with the same first byte of the hash."""
        first, last = self._bucket(record_id)
        return first * ENTRY_BYTES, last * ENTRY_BYTES

    def batches(self, record_id: str, content: bytes, start: int) -> list[int] | None:
        """Return the batches that may have a record's prediction.

        Parameters
        ----------
        content : a range of the index
        start : the range's first byte

        Returns
        -------
        batches : empty if there is none; None if the range does not cover the hash
        """
        wanted = id_hash(record_id)
        entries = [content[place : place + ENTRY_BYTES] for place in range(0, len(content), ENTRY_BYTES)]
        place = bisect_left(entries, wanted)
        batches = []
        while place < len(entries) and entries[place].startswith(wanted):
            batches.append(int.from_bytes(entries[place][HASH_BYTES:]))
            place += 1
        whole_start, whole_end = self.whole_range(record_id)
        begins_before = start == whole_start or entries[:1] < [wanted]
        ends_after = start + len(content) == whole_end or place < len(entries)
        return batches if begins_before and ends_after else None

    def _bucket(self, record_id: str) -> tuple[int, int]:
        bounds = (0, *accumulate(self.counts))
        number = id_hash(record_id)[0]
        return bounds[number], bounds[number + 1]

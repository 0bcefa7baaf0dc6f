"""Checks the index of packed predictions: it has an entry for each prediction, in order, and no other."""

import hashlib
from collections.abc import Mapping
from typing import Any

from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.object_stream import find_object, open_stream
from hundredfold_cli.ingests.verification.shapes import IndexShape, MalformedError, read_shape
from hundredfold_cli.stack.deployment import Deployment

_HASH_BYTES, _ENTRY_BYTES, _COUNT_BYTES = 8, 12, 4
_MOST_BATCHES = 4
"""The most batches that the index names for one id."""
_READ_ENTRIES = 50_000
_MODULUS = 1 << 128


class IndexCheck:
    """Compares an index with stored predictions, with flat memory: both are added up by digests of their entries."""

    def __init__(self) -> None:
        self._sum = self._count = 0

    def add(self, record_id: str, batch: int) -> None:
        """Add a stored prediction."""
        entry = hashlib.sha256(record_id.encode()).digest()[:_HASH_BYTES] + batch.to_bytes(4)
        self._sum = (self._sum + _digest(entry)) % _MODULUS
        self._count += 1

    def check(
        self, deployment: Deployment, ingest_id: str, item: Mapping[str, Any], verification: Verification
    ) -> None:
        """Compare the index that an ingest's item names with the predictions that were added."""
        try:
            index = read_shape(item.get("index"), IndexShape)
        except MalformedError as error:
            verification.add(Store.INDEX, f"the ingest's item has none, or a malformed one: {error}")
            return
        pinned = index.pinned
        place = (deployment.work.bucket, f"index/{ingest_id}/{item.get('execution')}.bin")
        verification.compare(Store.INDEX, "its place", (pinned.bucket, pinned.key), place)
        found = find_object(deployment.s3, pinned.bucket, pinned.key)
        if found is None or (found.etag, found.size) != (pinned.etag, pinned.size):
            what = "is gone" if found is None else "is not the object that the ingest's item describes"
            verification.add(Store.INDEX, f"s3://{pinned.bucket}/{pinned.key} {what}")
            return
        try:
            with open_stream(deployment.s3, found.bucket, found.key, found.etag) as stream:
                self._compare(iter(lambda: stream.read(_READ_ENTRIES * _ENTRY_BYTES), b""), index.counts, verification)
        except (SourceChangedError, SourceMissingError) as error:
            verification.add(Store.INDEX, str(error))

    def _compare(self, chunks: Any, stored_counts: bytes, verification: Verification) -> None:
        total = entries = same_id = 0
        counts = [0] * 256
        before = b""
        is_sorted, names_all = True, True
        for chunk in chunks:
            for start in range(0, len(chunk), _ENTRY_BYTES):
                entry = chunk[start : start + _ENTRY_BYTES]
                is_sorted = is_sorted and before <= entry
                same_id = same_id + 1 if entry[:_HASH_BYTES] == before[:_HASH_BYTES] else 1
                names_all = names_all and same_id < _MOST_BATCHES
                total = (total + _digest(entry)) % _MODULUS
                counts[entry[0]] += 1
                entries += 1
                before = entry
        if not is_sorted:
            verification.add(Store.INDEX, "its entries are not in order")
        if b"".join(count.to_bytes(_COUNT_BYTES) for count in counts) != stored_counts:
            verification.add(Store.INDEX, "its counts of first bytes are not those of its entries")
        if not names_all:
            verification.leave_out("an id is in four batches or more: the index names no more, and was not compared")
        elif (entries, total) != (self._count, self._sum):
            verification.add(
                Store.INDEX, f"its {entries:,} entries are not those of the {self._count:,} stored predictions"
            )


def _digest(entry: bytes) -> int:
    return int.from_bytes(hashlib.sha256(entry).digest()[:16])

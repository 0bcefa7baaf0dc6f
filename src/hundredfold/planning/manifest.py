"""The manifest: the JSON array of an ingest's batches. The state machine's Map reads it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from hundredfold.batches import Batch
from hundredfold.ingest import Plan
from hundredfold.ports import Upload, WorkObjects


@contextmanager
def write_manifest(draft: Plan, batches: Iterable[Batch], work: WorkObjects) -> Iterator[tuple[Plan, Upload]]:
    """Write batches as the manifest of a plan, with flat memory.

    Yields
    ------
    plan : the draft, completed by the counts and the digest of what was written
    upload : the manifest. The object exists only once the caller finishes it.
    """
    digest = hashlib.sha256()
    batch_count = record_count = 0

    def counted() -> Iterator[Batch]:
        nonlocal batch_count, record_count
        for batch in batches:
            batch_count += 1
            record_count += batch.records
            yield batch

    with work.begin(draft.manifest.key) as upload:
        for entry in encode_manifest(counted()):
            digest.update(entry)
            upload.write(entry)
        plan = replace(draft, batches=batch_count, records=record_count, manifest_sha256=digest.hexdigest())
        yield plan, upload


def read_manifest(plan: Plan, work: WorkObjects) -> Iterator[Batch]:
    """Read the manifest of a plan, a batch at a time. A manifest that is gone has no batches."""
    return stream_manifest(work.stream(plan.manifest.key) or ())


def manifest_is_intact(plan: Plan, work: WorkObjects) -> bool:
    """Check that the manifest of a plan is there, byte for byte as it was planned."""
    digest = hashlib.sha256()
    for chunk in work.stream(plan.manifest.key) or ():
        digest.update(chunk)
    return digest.hexdigest() == plan.manifest_sha256


def encode_manifest(batches: Iterable[Batch]) -> Iterator[bytes]:
    """Encode batches as a JSON array with one batch a line. Yield a chunk for each batch."""
    separator = b"["
    for batch in batches:
        yield separator + json.dumps(batch.as_dict(), separators=(",", ":")).encode()
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]\n"


def decode_manifest(data: bytes) -> list[Batch]:
    """Decode a whole manifest."""
    return [Batch.from_dict(entry) for entry in json.loads(data)]


def stream_manifest(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Decode what `encode_manifest` wrote, a batch at a time, from chunks of any size."""
    for line in whole_lines(chunks):
        entry = line.strip().removeprefix(b"[").rstrip(b",]")
        if entry:
            yield Batch.from_dict(json.loads(entry))


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in chunks of any size, without their line feeds."""
    held = b""
    for chunk in chunks:
        *finished, held = (held + chunk).split(b"\n")
        yield from finished
    if held:
        yield held

"""The manifest: the JSON array of an ingest's groups of batches. The state machine's Map reads it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hundredfold.batches import Batch
from hundredfold.ingest import Plan
from hundredfold.ports import Upload, WorkObjects

GROUP_BYTES = 131_072
"""The most bytes of a group, as an entry of the manifest.

A state takes 262,144 bytes at most: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (2026-11).
The other half is for what all batches of a group share.
"""


@contextmanager
def write_manifest(
    draft: Plan, batches: Iterable[Batch], work: WorkObjects, *, group_batches: int
) -> Iterator[tuple[Plan, Upload]]:
    """Write batches in groups as the manifest of a plan, with flat memory.

    Parameters
    ----------
    group_batches : the most batches of a group

    Yields
    ------
    plan : the draft, completed by the counts and the digest of what was written
    upload : the manifest. The object exists only once the caller finishes it.
    """
    digest = hashlib.sha256()
    batch_count = record_count = group_count = 0

    def counted_batches() -> Iterator[Batch]:
        nonlocal batch_count, record_count
        for batch in batches:
            batch_count += 1
            record_count += batch.records
            yield batch

    def counted_groups() -> Iterator[bytes]:
        nonlocal group_count
        for group in encode_groups(counted_batches(), group_batches=group_batches):
            group_count += 1
            yield group

    with work.begin(draft.manifest.key) as upload:
        for chunk in encode_manifest(counted_groups()):
            digest.update(chunk)
            upload.write(chunk)
        yield (
            replace(
                draft,
                batches=batch_count,
                records=record_count,
                groups=group_count,
                manifest_sha256=digest.hexdigest(),
            ),
            upload,
        )


def read_manifest(plan: Plan, work: WorkObjects) -> Iterator[Batch]:
    """Read the batches of a plan's manifest, a group at a time. A manifest that is gone has no batches."""
    return stream_manifest(work.stream(plan.manifest.key) or ())


def manifest_is_intact(plan: Plan, work: WorkObjects) -> bool:
    """Check that the manifest of a plan is there, byte for byte as it was planned."""
    digest = hashlib.sha256()
    for chunk in work.stream(plan.manifest.key) or ():
        digest.update(chunk)
    return digest.hexdigest() == plan.manifest_sha256


def encode_groups(batches: Iterable[Batch], *, group_batches: int, group_bytes: int = GROUP_BYTES) -> Iterator[bytes]:
    """Group consecutive batches. Yield each group as an entry of the manifest.

    Parameters
    ----------
    group_batches, group_bytes : the most batches of a group, and the most bytes of its entry. A single batch may have
        more bytes.
    """
    before, between, after = b'{"batches":[', b",", b"]}"
    entries: list[bytes] = []
    size = len(before) + len(after)
    for batch in batches:
        entry = json.dumps(batch.as_dict(), separators=(",", ":")).encode()
        if entries and (len(entries) == group_batches or size + len(entry) > group_bytes):
            yield before + between.join(entries) + after
            entries, size = [], len(before) + len(after)
        entries.append(entry)
        size += len(entry) + len(between)
    if entries:
        yield before + between.join(entries) + after


def encode_manifest(groups: Iterable[bytes]) -> Iterator[bytes]:
    """Make a JSON array of groups, with one group a line. Yield a chunk for each group."""
    separator = b"["
    for group in groups:
        yield separator + group
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]\n"


def decode_manifest(data: bytes) -> list[Batch]:
    """Decode the batches of a whole manifest."""
    return [batch for group in json.loads(data) for batch in _batches(group)]


def stream_manifest(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Decode the batches of what `encode_manifest` wrote, a group at a time, from chunks of any size."""
    for line in whole_lines(chunks):
        group = line.strip().removeprefix(b"[").rstrip(b",]")
        if group:
            yield from _batches(json.loads(group))


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in chunks of any size, without their line feeds."""
    held = b""
    for chunk in chunks:
        *finished, held = (held + chunk).split(b"\n")
        yield from finished
    if held:
        yield held


def _batches(group: dict[str, Any]) -> Iterator[Batch]:
    return (Batch.from_dict(entry) for entry in group["batches"])

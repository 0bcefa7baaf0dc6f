"""The manifest: the JSON array that the state machine maps over."""

import json
from collections.abc import Iterable, Iterator

from hundredfold.batches import Batch


def encode_manifest(batches: Iterable[Batch]) -> Iterator[bytes]:
    """Write batches as the JSON array that the state machine's Map reads, a piece a batch."""
    separator = b"["
    for batch in batches:
        yield separator + json.dumps(batch.as_dict(), separators=(",", ":")).encode()
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]\n"


def decode_manifest(data: bytes) -> list[Batch]:
    """Read a whole manifest back."""
    return [Batch.from_dict(item) for item in json.loads(data)]


def stream_manifest(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Read a manifest back that `encode_manifest` wrote, a batch at a time, from pieces of any size."""
    for line in whole_lines(chunks):
        entry = line.strip().removeprefix(b"[").rstrip(b",]")
        if entry:
            yield Batch.from_dict(json.loads(entry))


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in pieces of any size, without their line feeds."""
    held = b""
    for chunk in chunks:
        *finished, held = (held + chunk).split(b"\n")
        yield from finished
    if held:
        yield held

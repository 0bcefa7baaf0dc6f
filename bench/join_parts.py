"""A manifest of a million batches, joined of a hundred parts: processor seconds and peak memory of JoinPlan's work.

Runs without a stack: what was planned of the parts is made up as it is read, and the manifest is counted and dropped.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import batched
from types import TracebackType
from typing import Any, Self

from bench.plan_once import peak_mib
from hundredfold.batches import Batch
from hundredfold.ingest import Model, Plan
from hundredfold.planning.planner import Planner
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import Compression, Kind, ObjectsSpec, ReadOptions

RECORD_BYTES = 147
SOURCE = PinnedObject("source", "records.jsonl", "e" * 32, 14_700_000_000)
INPUT = {"source": {"bucket": SOURCE.bucket, "key": SOURCE.key}}


class Dropped:
    """An upload of which the bytes are counted."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, content: bytes) -> None:
        self.size += len(content)

    def finish(self) -> PinnedObject:
        return SOURCE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


class MadeUp:
    """Work objects, of which each is what was planned of one part."""

    bucket = "work"

    def __init__(self, batches: int) -> None:
        self.manifest = Dropped()
        self._batches = batches

    def begin(self, _: str) -> Dropped:
        return self.manifest

    def stream(self, key: str) -> Iterator[bytes]:
        part = int(key.rpartition("/")[2].split(".")[0])
        first = part * self._batches
        lines = (
            json.dumps(
                Batch(n, n % 8, (first + n) * 100 * RECORD_BYTES, 100 * RECORD_BYTES, 100, 100 * n + 1).as_dict()
            )
            for n in range(self._batches)
        )
        yield json.dumps({"source": SOURCE.as_dict(), "start": first}).encode() + b"\n"
        for some in batched(lines, 10_000, strict=False):
            yield "".join(f"{line}\n" for line in some).encode()
        yield json.dumps({"line_feeds": 100 * self._batches}).encode() + b"\n"


class NoLedger:
    """A ledger that takes every ingest."""

    def begin(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=100)
    parser.add_argument("--batches", type=int, default=10_000, help="of each part")
    arguments = parser.parse_args()
    work = MadeUp(arguments.batches)
    started = time.process_time()
    for part in range(arguments.parts):
        for _ in work.stream(f"{part}.x"):
            pass
    making = time.process_time() - started
    outside: dict[str, Any] = {"work": work, "ledger": NoLedger(), "sources": None, "tables": None, "models": None}
    planner = Planner(**outside, batch_records=100, batch_bytes=4 * 1024 * 1024)
    origin = ObjectsSpec(SOURCE.bucket, SOURCE.key, layout=ReadOptions(Kind.JSONL, Compression.NONE))
    where = ObjectLocation("work", "parts.json")
    divided = Plan("i1", origin, SOURCE, SOURCE.size, where, 0, 0, Model("f:1", "1"), parts=arguments.parts)
    started = time.process_time()
    plan = planner.join(divided, None, INPUT, "i1", "2026-11-24T10:00:00Z")
    joining = time.process_time() - started - making
    sys.stdout.write(
        f"{plan.batches:,} batches, {plan.records:,} records of {arguments.parts} parts: {joining:.1f} s of processor, "
        f"a manifest of {work.manifest.size:,} bytes, peak memory {peak_mib():.1f} MiB\n"
    )


if __name__ == "__main__":
    main()

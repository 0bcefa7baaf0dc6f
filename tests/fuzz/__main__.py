"""Gives everything that reads a million hostile inputs, and keeps those that something fails for in the corpus."""

import argparse
import hashlib
import multiprocessing
import os
import sys
import time
from pathlib import Path

from tests.fuzz.find import Failure, run
from tests.fuzz.subjects import SUBJECTS

CORPUS = Path(__file__).parent / "corpus"
CHUNK = 2_000
REPORTED = 5
"""How many failures of a subject are kept."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many, for all subjects together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.process_cpu_count() or 1)
    options = parser.parse_args()
    each = -(-options.inputs // len(SUBJECTS))
    tasks = [
        (number, options.seed * 1_000_000 + begin, min(CHUNK, each - begin))
        for begin in range(0, each, CHUNK)
        for number in range(len(SUBJECTS))
    ]
    failures: dict[str, list[Failure]] = {}
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for done, found in enumerate(pool.imap_unordered(run, tasks), start=1):
            for failure in found:
                failures.setdefault(failure.subject, []).append(failure)
            if sys.stderr.isatty():
                print(f"\r{done} of {len(tasks)} parts, {len(failures)} subjects fail", end="", file=sys.stderr)
    print(f"\n{each * len(SUBJECTS):,} inputs of {len(SUBJECTS)} subjects, {time.monotonic() - started:.0f} s")
    for subject, found in failures.items():
        print(f"{subject}: {len(found)} failures")
        for failure in found[:REPORTED]:
            file = CORPUS / f"{subject.replace(' ', '-')}-{hashlib.sha256(failure.data).hexdigest()[:12]}"
            file.write_bytes(failure.data)
            print(f"  {failure.error}\n    kept as {file.name}: {failure.data[:120]!r}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

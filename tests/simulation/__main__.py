"""Runs seeds of the simulation by several processes, and reports those that fail."""

import argparse
import multiprocessing
import os
import sys
import time
from datetime import UTC, datetime

from tests.simulation import substitutes
from tests.simulation.many import Tally, run_seeds, seed_of_day
from tests.simulation.report import describe_failure

CHUNK = 100
REPORTED = 3
"""How many seeds that fail are shrunk and reported in full."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--from", dest="first", type=int, help="the first one; by default the day's")
    parser.add_argument("--processes", type=int, default=os.process_cpu_count() or 1)
    options = parser.parse_args()
    first = seed_of_day(datetime.now(UTC).date()) if options.first is None else options.first
    last = first + options.seeds
    print(f"seeds {first} to {last - 1}", flush=True)
    chunks = [range(begin, min(begin + CHUNK, last)) for begin in range(first, last, CHUNK)]
    tally, started = Tally(), time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for part in pool.imap_unordered(run_seeds, chunks):
            tally += part
            if sys.stderr.isatty():
                print(f"\r{tally}", end="", file=sys.stderr, flush=True)
    print(f"\n{tally}, {time.monotonic() - started:.0f} s")
    for seed, problem in sorted(tally.failed.items()):
        print(f"seed {seed}: {problem}")
    with substitutes.installed():
        for seed in sorted(tally.failed)[:REPORTED]:
            print(f"\n{describe_failure(seed)}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())

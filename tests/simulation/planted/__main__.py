"""Looks for the first seed that finds each planted bug, and prints them as a table."""

import argparse
import sys

from tests.simulation.planted.bugs import BUGS
from tests.simulation.planted.finding import first_seed_that_finds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.planted", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many are tried at most, from 0 on")
    parser.add_argument("bugs", nargs="*", help="parts of the names of those to look for; all by default")
    options = parser.parse_args()
    missed = 0
    for bug in BUGS:
        if options.bugs and not any(part in bug.name for part in options.bugs):
            continue
        found = first_seed_that_finds(bug, range(options.seeds))
        missed += found is None
        print(f"{bug.name}: " + (f"seed {found[0]}: {found[1][:120]}" if found else "NOT FOUND"), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

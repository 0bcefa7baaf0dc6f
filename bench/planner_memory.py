"""The planner's peak memory for small and large ingests of the same kind of records: it must not grow with them.

Each size is planned by a fresh process (`plan_once.py`) with the real adapters, against a local stack that is deployed
for it. Exits with 1 if the peaks are more than 64 MiB apart.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from itertools import batched
from pathlib import Path
from typing import Any

from fresh_stack import FOLDER, end_on_signals, fresh_stack, say
from hundredfold.ingest import upload_key
from hundredfold_cli.deployment import STACK_NAME, Deployment
from hundredfold_cli.local_stack import Process
from hundredfold_cli.project import ROOT

_FLAT_MIB = 64
_WRITTEN_AT_ONCE = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", type=Path, default=ROOT / "build/ingest-50000.jsonl", help="what is repeated")
    parser.add_argument(
        "--records", type=int, nargs="+", default=[50_000, 500_000, 5_000_000], help="sizes, in records"
    )
    arguments = parser.parse_args()
    if not arguments.example.exists():
        sys.exit(f"{arguments.example} is not there yet; run: make build build/ingest-50000.jsonl")
    end_on_signals()
    peaks = _measure(arguments.example, arguments.records)
    apart = max(peaks) - min(peaks)
    say(f"the peaks are {apart:.1f} MiB apart; {_FLAT_MIB} are allowed")
    if apart > _FLAT_MIB:
        sys.exit(1)


def _measure(example: Path, sizes: Iterable[int]) -> list[float]:
    """Plan an ingest of each size, print a line about it, and return the peaks in MiB."""
    peaks = []
    with fresh_stack("planner-memory") as (process, deployment):
        settings = _planner_settings(deployment)
        say(f"{'records':>10} {'bytes':>12} {'batches':>8} {'seconds':>8} {'peak MiB':>9}")
        for records in sizes:
            key = upload_key(f"of-{records}")
            size = _upload_repeated(deployment, example, records, key)
            planned = _plan(process, settings, f"of-{records}", deployment.source_bucket, key)
            deployment.s3.delete_object(Bucket=deployment.source_bucket, Key=key)
            if planned["records"] != records:
                sys.exit(f"{planned['records']} records were planned, and {records} are in the source")
            peaks.append(planned["peak_mib"])
            say(f"{records:>10,} {size:>12,} {planned['batches']:>8,} {planned['seconds']:>8.2f} {peaks[-1]:>9.1f}")
    return peaks


def _planner_settings(deployment: Deployment) -> dict[str, str]:
    """Return the environment variables that the template gives the planner function."""
    lambda_ = deployment.session.client("lambda", endpoint_url=deployment.endpoint)
    function = lambda_.get_function_configuration(FunctionName=f"{STACK_NAME}-plan-ingest")
    return function["Environment"]["Variables"]


def _upload_repeated(deployment: Deployment, example: Path, records: int, key: str) -> int:
    """Upload the example's records again and again, with new ids, until there are `records`; return the bytes."""
    with example.open("rb") as lines:
        bodies = [line.split(b", ", 1)[1] for line in lines]
    file = FOLDER / f"records-{records}.jsonl"
    try:
        with file.open("wb") as out:
            for numbers in batched(range(records), _WRITTEN_AT_ONCE, strict=False):
                out.writelines(b'{"id": "again-%08d", %b' % (n, bodies[n % len(bodies)]) for n in numbers)
        deployment.s3.upload_file(str(file), deployment.source_bucket, key)
        return file.stat().st_size
    finally:
        file.unlink(missing_ok=True)


def _plan(process: Process, settings: dict[str, str], ingest_id: str, bucket: str, key: str) -> dict[str, Any]:
    """Plan in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("plan_once.py")), ingest_id, bucket, key]
    environment = {**os.environ, **process.environment(), **settings}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    planned: dict[str, Any] = json.loads(done.stdout)
    return planned


if __name__ == "__main__":
    main()

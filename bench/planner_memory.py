"""The planner's time and peak memory for small and large ingests of several kinds: the memory must not grow with them.

Each size is planned by a fresh process with the real adapters, against a local stack that is deployed
for it. Exits with 1 if the peaks of a kind are more than 64 MiB apart.
"""

import argparse
import csv
import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from bench.fresh_stack import FOLDER, end_on_signals, fresh_stack, say
from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.models import LambdaModels
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.ingest import Plan
from hundredfold.keys import staged_key, upload_key
from hundredfold.planning.planner import Planner
from hundredfold.settings import Settings
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import Process

_FLAT_MIB = 64
_ROW_GROUP = 100_000

type Records = Iterator[tuple[str, str]]
"""Ids and texts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", type=Path, default=ROOT / "build/ingest-50000.jsonl", help="what is repeated")
    parser.add_argument(
        "--records", type=int, nargs="+", default=[50_000, 500_000, 5_000_000], help="sizes, in records"
    )
    parser.add_argument("--kinds", nargs="+", default=list(WRITERS), choices=list(WRITERS))
    parser.add_argument("--once", nargs=3, metavar=("INGEST", "BUCKET", "KEY"), help="plan one ingest, in this process")
    arguments = parser.parse_args()
    if arguments.once:
        _plan_once(*arguments.once)
        return
    if not arguments.example.exists():
        sys.exit(f"{arguments.example} is not there yet; run: make build build/ingest-50000.jsonl")
    end_on_signals()
    peaks = _measure(arguments.example, arguments.kinds, arguments.records)
    for kind, found in peaks.items():
        say(f"{kind}: the peaks are {max(found) - min(found):.1f} MiB apart; {_FLAT_MIB} are allowed")
    if any(max(found) - min(found) > _FLAT_MIB for found in peaks.values()):
        sys.exit(1)


def _measure(example: Path, kinds: Iterable[str], sizes: Iterable[int]) -> dict[str, list[float]]:
    """Plan an ingest of each kind and size, print a line about it, and return the peaks in MiB by kind."""
    texts = [json.loads(line)["text"] for line in example.read_text().splitlines()]
    peaks: dict[str, list[float]] = {}
    with fresh_stack("planner-memory") as (process, deployment):
        settings = _planner_settings(deployment)
        say(f"{'kind':9} {'records':>10} {'bytes':>12} {'batches':>8} {'seconds':>8} {'us/record':>9} {'peak MiB':>9}")
        for kind in kinds:
            for records in sizes:
                ingest_id = f"{kind.replace('.', '-')}-of-{records}"
                key = upload_key(ingest_id, "bench", f".{kind}")
                size = _upload(deployment, kind, _repeated(texts, records), key)
                planned = _plan(process, settings, ingest_id, deployment.source_bucket, key)
                deployment.s3.delete_object(Bucket=deployment.source_bucket, Key=key)
                deployment.s3.delete_object(Bucket=deployment.work_bucket, Key=staged_key(ingest_id, 0))
                if planned["records"] != records:
                    sys.exit(f"{planned['records']} records were planned, and {records} are in the source")
                peak, seconds = planned["peak_mib"], planned["seconds"]
                peaks.setdefault(kind, []).append(peak)
                say(
                    f"{kind:9} {records:>10,} {size:>12,} {planned['batches']:>8,} {seconds:>8.2f} "
                    f"{seconds / records * 1e6:>9.1f} {peak:>9.1f}"
                )
    return peaks


def _planner_settings(deployment: Deployment) -> dict[str, str]:
    """Return the environment variables that the template gives the planner function."""
    lambda_ = deployment.session.client("lambda", endpoint_url=deployment.endpoint)
    function = lambda_.get_function_configuration(FunctionName=f"{STACK_NAME}-plan-ingest")
    return function["Environment"]["Variables"]


def _repeated(texts: list[str], records: int) -> Records:
    """Yield the example's texts again and again, with new ids, until there are `records`."""
    for number in range(records):
        yield f"again-{number:08d}", texts[number % len(texts)]


def _upload(deployment: Deployment, kind: str, records: Records, key: str) -> int:
    """Upload records as an object of a kind; return its bytes."""
    file = FOLDER / f"records.{kind}"
    try:
        WRITERS[kind](file, records)
        deployment.s3.upload_file(str(file), deployment.source_bucket, key)
        return file.stat().st_size
    finally:
        file.unlink(missing_ok=True)


def _write_jsonl(file: Path, records: Records) -> None:
    with file.open("w") as out:
        out.writelines(f"{json.dumps({'id': one, 'text': text})}\n" for one, text in records)


def _write_gzip(file: Path, records: Records) -> None:
    with gzip.open(file, "wt", compresslevel=1, encoding="utf-8") as out:
        out.writelines(f"{json.dumps({'id': one, 'text': text})}\n" for one, text in records)


def _write_csv(file: Path, records: Records) -> None:
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "text"])
        rows.writerows(records)


def _write_parquet(file: Path, records: Records) -> None:
    schema = pa.schema({"id": pa.string(), "text": pa.string()})
    with ParquetWriter(file, schema) as out:
        for some in batched(records, _ROW_GROUP, strict=False):
            ids, texts = zip(*some, strict=True)
            out.write_table(pa.table({"id": ids, "text": texts}, schema))


WRITERS: dict[str, Callable[[Path, Records], None]] = {
    "jsonl": _write_jsonl,
    "jsonl.gz": _write_gzip,
    "csv": _write_csv,
    "parquet": _write_parquet,
}


def _plan(process: Process, settings: dict[str, str], ingest_id: str, bucket: str, key: str) -> dict[str, Any]:
    """Plan in a process of its own."""
    command = [sys.executable, "-m", "bench.planner_memory", "--once", ingest_id, bucket, key]
    environment = {**os.environ, **process.environment(), **settings}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    planned: dict[str, Any] = json.loads(done.stdout)
    return planned


def _plan_once(ingest_id: str, bucket: str, key: str) -> None:
    """Plan one ingest as the planner function does, with its environment variables, and print the figures."""
    settings = Settings.from_environment(os.environ)
    s3 = clients.s3()
    planner = Planner(
        sources=S3Sources(s3),
        tables=DynamoTables(clients.dynamodb()),
        work=S3WorkObjects(s3, settings.work_bucket),
        models=LambdaModels(clients.lambda_(), settings.live_alias),
        ledger=DynamoLedger(clients.dynamodb(), settings.ledger_table),
        batch_records=settings.batch_records,
        batch_bytes=settings.batch_bytes,
        group_batches=settings.group_batches,
    )
    source = {"source": {"bucket": bucket, "key": key}}
    started = time.perf_counter()
    plan = planner.plan(ingest_id, source, datetime.now(UTC).isoformat())
    seconds = time.perf_counter() - started
    assert isinstance(plan, Plan)
    figures = {"records": plan.records, "batches": plan.batches, "seconds": seconds, "peak_mib": peak_mib()}
    sys.stdout.write(json.dumps(figures))


def peak_mib() -> float:
    """Return the peak memory of this process so far."""
    # Not resource.getrusage: a process that subprocess has started inherits its parent's peak there, where that is
    # the higher one.
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if not found:
        sys.exit("this system does not tell a process its peak memory in /proc/self/status")
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()

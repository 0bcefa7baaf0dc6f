"""Plan one ingest as the planner function does, and print its peak memory; `planner_memory.py` runs it."""

import argparse
import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.models import LambdaModels
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.planning.planner import Planner
from hundredfold.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="The settings are the planner function's environment variables."
    )
    parser.add_argument("ingest_id")
    parser.add_argument("bucket", help="the source's bucket")
    parser.add_argument("key", help="the source's key")
    arguments = parser.parse_args()
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
    )
    source = {"source": {"bucket": arguments.bucket, "key": arguments.key}}
    started = time.perf_counter()
    plan = planner.plan(arguments.ingest_id, source, datetime.now(UTC).isoformat())
    seconds = time.perf_counter() - started
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

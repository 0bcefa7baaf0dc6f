"""Ten million records, planned in parts by the deployed state machine, and the manifest read by its Map.

The template is deployed to a local stack of its own with a small PartitionBytes. One object of JSON Lines is
uploaded, an execution is started, and stopped again when its Map has begun to infer, which is not measured here.
Then the manifest is checked (every line of the source in exactly one batch), and everything that went into a state or
came out of one, of the execution and of the children that planned, is held against the 256 KiB of a state.
Exits with 1 if any of that does not hold.
"""

import argparse
import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench.fresh_stack import end_on_signals, fresh_stack, say
from hundredfold.aws.objects import S3Sources
from hundredfold.batches import Batch
from hundredfold.ingest import Plan
from hundredfold.keys import partition_batches_key, upload_key
from hundredfold.planning.manifest import stream_manifest
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_stack import Process

STATE_BYTES = 262_144
UPLOAD_BYTES = 64 * 1024 * 1024
DEADLINE_SECONDS = 600
INFERRED = 20
"""How many children of the Map are to have ended before the execution is stopped."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", type=Path, default=ROOT / "build/ingest-50000.jsonl", help="what is repeated")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--partition-bytes", type=int, default=64 * 1024 * 1024)
    arguments = parser.parse_args()
    if not arguments.example.exists():
        sys.exit(f"{arguments.example} is not there yet; run: make build build/ingest-50000.jsonl")
    end_on_signals()
    with fresh_stack("plan-in-parts", {"PartitionBytes": str(arguments.partition_bytes)}) as (process, deployment):
        _measure(process, deployment, arguments.example, arguments.records)


def _measure(process: Process, deployment: Deployment, example: Path, records: int) -> None:
    ingest_id = f"of-{records}"
    key = upload_key(ingest_id, "bench")
    size = _upload(deployment, example, records, key)
    say(f"source: {records:,} records, {size:,} bytes")
    started = time.monotonic()
    execution = deployment.step_functions.start_execution(
        stateMachineArn=deployment.state_machine,
        name=ingest_id,
        input=json.dumps({"source": {"bucket": deployment.source_bucket, "key": key}}),
    )["executionArn"]
    counts = _wait_for_inference(deployment, execution)
    say(f"the Map has read its manifest {time.monotonic() - started:.1f} s after the start, and tells of {counts}")
    deployment.step_functions.stop_execution(executionArn=execution)
    say(f"peak memory of the planner's environments: {', '.join(f'{peak:.1f} MiB' for peak in _peaks_mib(process))}")
    plan = deployment.ledger.plan(ingest_id)
    if plan is None:
        sys.exit("the ingest is not in the ledger")
    _show_calls(deployment, plan, execution)
    problems = [*_wrong_in_manifest(deployment, plan, records), *_too_large(deployment, execution)]
    if counts["total"] != plan.groups:
        problems.append(f"the Map has {counts['total']:,} items, and {plan.groups:,} groups were planned")
    for problem in problems:
        say(f"WRONG: {problem}")
    if problems:
        sys.exit(1)


def _upload(deployment: Deployment, example: Path, records: int, key: str) -> int:
    """Upload the example's records again and again, with new ids, until there are `records`; return the bytes."""
    with example.open("rb") as lines:
        bodies = [line.split(b", ", 1)[1] for line in lines]
    s3, bucket = deployment.s3, deployment.source_bucket
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    partitions: list[Any] = []
    held, size = bytearray(), 0

    def send() -> None:
        number = len(partitions) + 1
        sent = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=bytes(held))
        partitions.append({"PartNumber": number, "ETag": sent["ETag"]})

    for number in range(records):
        held += b'{"id": "again-%08d", %b' % (number, bodies[number % len(bodies)])
        if len(held) >= UPLOAD_BYTES:
            size += len(held)
            send()
            held.clear()
    size += len(held)
    send()
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": partitions})
    return size


def _wait_for_inference(deployment: Deployment, execution: str) -> dict[str, int]:
    """Wait until the Map over the batches has ended some children; return how many items it has, by what became."""
    client = deployment.step_functions
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        for run in client.list_map_runs(executionArn=execution)["mapRuns"]:
            counts: Any = client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
            if "InferBatches" in run["mapRunArn"] and counts["succeeded"] >= INFERRED:
                return {name: int(count) for name, count in counts.items() if count}
        if (ended := client.describe_execution(executionArn=execution))["status"] != "RUNNING":
            sys.exit(f"the execution has ended: {ended.get('cause')}")
        time.sleep(0.5)
    sys.exit(f"the Map did not begin within {DEADLINE_SECONDS} s")


def _peaks_mib(process: Process) -> list[float]:
    """Return the peak memory of each environment of the planner that is still there."""
    peaks = []
    for worker in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if worker.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").endswith("plan-ingest"):
                status = Path(f"/proc/{worker.pid}/status").read_text()
                peaks += [int(found) / 1024 for found in re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)]
    return peaks


def _show_calls(deployment: Deployment, plan: Plan, execution: str) -> None:
    """Print what the planner's calls took, by their log lines, and the sizes of what they wrote."""
    others, partitions = list[float](), list[float]()
    for messages in _log_streams(deployment):
        planned_part = False
        for message in messages:
            planned_part |= '"partition planned"' in message
            if took := re.search(r"^REPORT .*?Duration: ([0-9.]+) ms", message):
                (partitions if planned_part else others).append(float(took[1]) / 1000)
                planned_part = False
    sizes = [
        deployment.s3.head_object(
            Bucket=deployment.work_bucket, Key=partition_batches_key(plan.ingest_id, plan.ingest_id, partition)
        )["ContentLength"]
        for partition in range(plan.partitions)
    ]
    manifest = deployment.s3.head_object(Bucket=plan.manifest.bucket, Key=plan.manifest.key)["ContentLength"]
    say(f"{plan.partitions} parts, {plan.groups:,} groups, {plan.batches:,} batches, {plan.records:,} records")
    if partitions:
        say(f"a part's call: {min(partitions):.2f} to {max(partitions):.2f} s, {sum(partitions):.1f} s together")
    say(f"the other calls (dividing, joining): {', '.join(f'{seconds:.2f} s' for seconds in others)}")
    say(f"a part's own manifest: up to {max(sizes):,} bytes; the joined one: {manifest:,} bytes")
    for name, seconds in _state_seconds(deployment, execution).items():
        say(f"  {name}: {seconds:.2f} s")


def _log_streams(deployment: Deployment) -> Iterator[list[str]]:
    """Yield the messages of each environment of the planner."""
    logs = deployment.session.client("logs", endpoint_url=deployment.endpoint)
    group = "/aws/lambda/hundredfold-plan-ingest"
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
        for stream in page["logStreams"]:
            events = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, logStreamNames=[stream["logStreamName"]]
            )
            yield [event["message"] for partition in events for event in partition["events"]]


def _events(deployment: Deployment, execution: str) -> list[dict[str, Any]]:
    pages = deployment.step_functions.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [dict(event) for page in pages for event in page["events"]]


def _state_seconds(deployment: Deployment, execution: str) -> dict[str, float]:
    entered: dict[str, datetime] = {}
    took = {}
    for event in _events(deployment, execution):
        if "stateEnteredEventDetails" in event:
            entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"]
        if "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            took[name] = (event["timestamp"] - entered[name]).total_seconds()
    return took


def _wrong_in_manifest(deployment: Deployment, plan: Plan, records: int) -> Iterator[str]:
    """Read the whole source again beside the manifest: its batches must be all of it, in order."""
    assert plan.pinned
    sources = S3Sources(deployment.s3)
    manifest = stream_manifest(sources.stream(sources.pin(plan.manifest)))
    content = sources.stream(plan.pinned)
    held, position, line, counted, number = b"", 0, 1, 0, -1
    for number, batch in enumerate(manifest):
        while len(held) < batch.length and (chunk := next(content, b"")):
            held += chunk
        taken, held = held[: batch.length], held[batch.length :]
        if wrong := _wrong_in_batch(batch, number, position, line, taken):
            yield f"batch {number}: {wrong}"
            return
        position += batch.length
        line += batch.records
        counted += batch.records
    if (counted, position) != (records, plan.pinned.size) or (number + 1, counted) != (plan.batches, plan.records):
        yield f"the manifest has {number + 1:,} batches, {counted:,} records and {position:,} bytes"
    say(f"the manifest has every line of the source in exactly one of {number + 1:,} batches")


def _wrong_in_batch(batch: Batch, number: int, position: int, line: int, content: bytes) -> str:
    if (batch.batch, batch.shard, batch.offset, batch.line) != (number, number % 8, position, line):
        return f"it is {batch}, and should begin at {position}, line {line}"
    if not 1 <= batch.records <= 100 or content.count(b"\n") != batch.records or not content.endswith(b"\n"):
        return f"it has {content.count(bytes([10]))} lines, not {batch.records}"
    # The id of record n of the source is again-<n>, whatever is in between.
    first = int(content[len(b'{"id": "again-') :][:8])
    return "" if first == line - 1 else f"its first record is {first}, and not {line - 1}"


def _too_large(deployment: Deployment, execution: str) -> Iterator[str]:
    """Measure all that went into a state or came out of one."""
    client = deployment.step_functions
    largest: dict[str, int] = {}

    def measure(name: str, content: object) -> None:
        largest[name] = max(len(str(content or "").encode()), largest.get(name, 0))

    events = _events(deployment, execution)
    for event in events:
        if entered := event.get("stateEnteredEventDetails"):
            measure(entered["name"], entered.get("input"))
        if exited := event.get("stateExitedEventDetails"):
            measure(exited["name"], exited.get("output"))
    children = 0
    for run in client.list_map_runs(executionArn=execution)["mapRuns"]:
        label = run["mapRunArn"].split("/")[1].split(":")[0]
        for page in client.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"]):
            for started in page["executions"]:
                children += 1
                child = client.describe_execution(executionArn=started["executionArn"])
                measure(f"a child of {label}", child.get("input"))
                measure(f"a child of {label}", child.get("output"))
    say(f"{len(events)} events in the history, and {children} children; the largest input or output of each:")
    for name, size in largest.items():
        say(f"  {name}: {size:,} bytes")
        if size > STATE_BYTES:
            yield f"{name} has {size:,} bytes"


if __name__ == "__main__":
    main()

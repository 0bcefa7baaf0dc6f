"""What stands in a record stays in the source: it is in no log, no history, no metric, no key and no ledger."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.deployed import Stack

MARKER = "Marker7f3aMarker"

HOSTILE = [
    b'{"id": "m-1", "text": "%s cut off',
    b'{"id": "m-2", "text": 5, "%s": 1}',
    b'{"id": "m-3", "%s": "no text"}',
    b'["%s"]',
    b'"%s"',
    b"%s",
    b'{"text": "%s has no id"}',
    b'{"id": {"%s": 1}, "text": "an object for an id"}',
    b'{"id": "m-4", "text": {"%s": "an object for a text"}}',
    b'{"id": "r-150", "text": "%s twice"}',
    b'{"id": "m-5", "text": "%s \\ud800"}',
    b'{"id": "m-6", "text": "%s' + b"x" * 300_000 + b'"}',
    b'{"id": "../../m-7", "text": "%s"}',
    b'{"id": "ingests/m-8/../", "text": "%s"}',
]


def everything_kept(stack: Stack, ingest_id: str) -> Iterator[tuple[str, str]]:
    """Read back all that an ingest leaves anywhere but in its source and in the predictions: its place, and it."""
    deployment = stack.deployment
    logs: Any = deployment.session.client("logs", endpoint_url=deployment.endpoint)
    events = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
    ]
    # Metrics are lines of the logs: the embedded metric format.
    assert any(ingest_id in event and "_aws" in event for event in events)
    yield "logs and metrics", "\n".join(events)

    history = deployment.step_functions.get_execution_history(executionArn=deployment.execution(ingest_id))
    yield "the execution's history", json.dumps(history["events"], default=str)
    yield (
        "the execution",
        json.dumps(
            deployment.step_functions.describe_execution(executionArn=deployment.execution(ingest_id)), default=str
        ),
    )

    pages = deployment.dynamodb.get_paginator("scan").paginate(TableName=deployment.ledger_table)
    yield "the ledger", json.dumps([item for page in pages for item in page["Items"]], default=str)

    listed = deployment.s3.list_objects_v2(Bucket=deployment.work_bucket, Prefix="ingests/")["Contents"]
    keys = [item["Key"] for item in listed]
    yield "keys of objects", "\n".join(keys)
    for key in keys:
        if key.startswith(f"ingests/{ingest_id}/"):
            body = deployment.s3.get_object(Bucket=deployment.work_bucket, Key=key)["Body"].read()
            yield key, body.decode()


def test_no_content_of_a_record_is_kept_anywhere_else(stack: Stack, tmp_path: Path, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()
    marked = [line.replace(b"%s", MARKER.encode()) for line in HOSTILE]
    plain = [json.dumps({"id": f"r-{number}", "text": f"{MARKER} is fine."}).encode() for number in range(200)]
    file = tmp_path / "records.jsonl"
    file.write_bytes(b"\n".join([*plain[:100], *marked, *plain[100:]]))

    summary = stack.read("ingest", str(file), "--id", ingest_id)

    assert (summary["predicted"], summary["rejected"]) == (202, 12)
    kept = dict(everything_kept(stack, ingest_id))
    assert {place for place, content in kept.items() if MARKER in content} == set()
    # What the ids of records are like makes no difference to where anything lies
    assert [place for place in kept if place.startswith(f"ingests/{ingest_id}/")] == [
        f"ingests/{ingest_id}/card.json",
        f"ingests/{ingest_id}/manifest.json",
        f"ingests/{ingest_id}/rejected/00000001.jsonl",
    ]
    assert stack.read("verify", ingest_id)["ok"] is True

"""Ingests that are too large for one call of the planner, which is made small for that: planned in parts, and whole."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hundredfold.keys import partitions_key, upload_key
from tests.support.deployed import Stack

PLANNER = "hundredfold-plan-ingest"
PARTITION_BYTES = 50_000


@contextmanager
def planned_in_small_parts(stack: Stack) -> Iterator[None]:
    """Let one call of the planner plan 50,000 bytes and no more."""
    client: Any = stack.deployment.session.client("lambda", endpoint_url=stack.deployment.endpoint)
    before = client.get_function_configuration(FunctionName=PLANNER)["Environment"]["Variables"]
    assert before["PARTITION_BYTES"] == str(1024**3)
    changed = {**before, "PARTITION_BYTES": str(PARTITION_BYTES)}
    client.update_function_configuration(FunctionName=PLANNER, Environment={"Variables": changed})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=PLANNER, Environment={"Variables": before})


@pytest.fixture
def small_parts(stack: Stack) -> Iterator[None]:
    with planned_in_small_parts(stack):
        yield


def run(stack: Stack, ingest_id: str, execution_input: object) -> tuple[dict[str, Any], list[str]]:
    """Start an execution by hand; return how it ended, and the states that it came by."""
    ended = stack.execute(ingest_id, execution_input)
    history = stack.deployment.step_functions.get_paginator("get_execution_history")
    events = (event for page in history.paginate(executionArn=ended["executionArn"]) for event in page["events"])
    entered = [event.get("stateEnteredEventDetails", {}).get("name") for event in events]
    return ended, [name for name in entered if name]


def lines_of(texts: list[str], first: int = 0) -> bytes:
    lines = (json.dumps({"id": f"r-{number:05d}", "text": text}) for number, text in enumerate(texts, first))
    return "".join(f"{line}\n" for line in lines).encode()


def predicted(stack: Stack, ingest_id: str) -> dict[str, tuple[str, float]]:
    rows = [json.loads(row) for row in stack.command("results", ingest_id).stdout.splitlines()]
    return {row["record_id"]: (row["label"], row["score"]) for row in rows}


@pytest.mark.usefixtures("small_parts")
def test_a_large_object_is_planned_in_parts_and_every_record_is_predicted_once(
    stack: Stack, texts: list[str], tmp_path: Path, new_id: Callable[[], str]
) -> None:
    # Given some 3,000 records with a byte order mark, blank lines and some that cannot be scored, in one object
    ingest_id = new_id()
    content = b"\xef\xbb\xbf" + lines_of(texts[:1_500]) + b"\n \nno json\n" + lines_of(texts[1_500:], 1_500)
    (tmp_path / "records.jsonl").write_bytes(content.rstrip(b"\n"))

    # When they are ingested
    summary = stack.read("ingest", str(tmp_path / "records.jsonl"), "--id", ingest_id)

    # Then they were planned in parts, and each is predicted or rejected once, at its own line
    plan = stack.deployment.ledger.plan(ingest_id)
    assert plan is not None
    assert plan.partitions == -(-plan.source_bytes // PARTITION_BYTES) > 3
    assert (summary["status"], summary["records"], summary["predicted"], summary["rejected"]) == (
        "COMPLETED", 3_002, 3_001, 1,
    )  # fmt: skip
    assert 31 <= summary["batches"] <= 31 + plan.partitions
    assert plan.groups == -(-summary["batches"] // 25)  # a group may have batches of two partitions
    verified = stack.read("verify", ingest_id)
    assert (verified["ok"], verified["records"]) == (True, 3_002)
    rejected = json.loads(stack.command("results", ingest_id, "--rejected").stdout)
    assert (rejected["line"], rejected["reason"]) == (1_503, "not_json")
    assert len(predicted(stack, ingest_id)) == 3_001


@pytest.mark.usefixtures("small_parts")
def test_many_objects_are_planned_in_few_parts_and_a_part_that_failed_is_planned_again_by_a_resume(
    stack: Stack, texts: list[str], new_id: Callable[[], str]
) -> None:
    # Given objects under a prefix, of which one is cut off
    ingest_id = new_id()
    s3, bucket = stack.deployment.s3, stack.deployment.source_bucket
    prefix = f"many/{ingest_id}/"
    packed = [gzip.compress(lines_of(texts[first : first + 300], first), 0) for first in range(0, 1_800, 300)]
    for number, content in enumerate(packed):
        whole = content if number != 4 else content[: len(content) // 2]
        s3.put_object(Bucket=bucket, Key=f"{prefix}{number}.jsonl.gz", Body=whole)
    asked = {"source": {"bucket": bucket, "prefix": prefix}}

    # When they are ingested
    ended, states = run(stack, ingest_id, asked)

    # Then the ingest fails, and says which part and why
    assert states == [
        "PlanIngest", "NeedsPartitioning?", "PlanPartitions", "JoinPartitions", "PlanFailed", "SummarizeIngest",
        "Completed?", "IngestFailed",
    ]  # fmt: skip
    listed = json.loads(
        s3.get_object(Bucket=stack.deployment.work_bucket, Key=partitions_key(ingest_id, ingest_id))["Body"].read()
    )
    assert sum(part["objects"] for part in listed) == 6
    assert 1 < len(listed) < 6
    assert f"of {len(listed)} could not be planned" in ended["cause"]
    assert f"{prefix}4.jsonl.gz is cut off" in ended["cause"]
    assert stack.deployment.ledger.plan(ingest_id) is None

    # And when the object is there whole, a resume plans it in parts again, and all records are predicted
    s3.put_object(Bucket=bucket, Key=f"{prefix}4.jsonl.gz", Body=packed[4])
    summary = stack.read("resume", ingest_id)
    assert (summary["status"], summary["records"], summary["predicted"]) == ("COMPLETED", 1_800, 1_800)
    plan = stack.deployment.ledger.plan(ingest_id)
    assert plan is not None
    assert (plan.partitions, plan.pinned) == (len(listed), None)
    assert stack.read("verify", ingest_id)["ok"] is True
    assert set(predicted(stack, ingest_id)) == {f"r-{number:05d}" for number in range(1_800)}


def test_an_ingest_within_a_part_is_planned_whole(stack: Stack, texts: list[str], new_id: Callable[[], str]) -> None:
    ingest_id = new_id()
    key = upload_key(ingest_id, "0123")
    stack.deployment.s3.put_object(Bucket=stack.deployment.source_bucket, Key=key, Body=lines_of(texts[:200]))

    _, states = run(stack, ingest_id, {"source": {"bucket": stack.deployment.source_bucket, "key": key}})

    assert states == [
        "PlanIngest", "NeedsPartitioning?", "HasBatches?", "InferBatches", "SummarizeIngest", "Completed?", "Completed",
    ]  # fmt: skip
    plan = stack.deployment.ledger.plan(ingest_id)
    assert plan is not None
    assert plan.partitions == 0

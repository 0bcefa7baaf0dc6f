"""Going on with ingests that ended half-way: only what is missing is done, and all ends as if undisturbed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployed import Stack
from hundredfold.ingest import rejections_key

DEADLINE_SECONDS = 60
COUNTS = ("status", "records", "predicted", "rejected", "failed", "batches", "batches_failed", "reasons", "failures")


def put_source(stack: Stack, ingest_id: str, content: bytes) -> None:
    stack.deployment.s3.put_object(
        Bucket=stack.deployment.source_bucket, Key=f"ingests/{ingest_id}/records.jsonl", Body=content
    )


def done_at(stack: Stack, ingest_id: str) -> dict[int, str]:
    """Read when each batch that is done was entered into the ledger."""
    found: dict[int, str] = {}
    for shard in range(8):
        items = stack.deployment.dynamodb.query(
            TableName=stack.deployment.ledger_table,
            KeyConditionExpression="ledger_key = :key",
            ExpressionAttributeValues={":key": {"S": f"{ingest_id}#{shard}"}},
        )["Items"]
        found |= {int(item["entry"]["S"]): item["done_at"]["S"] for item in items if item["status"]["S"] == "done"}
    return found


def start_and_break(stack: Stack, file: Path, ingest_id: str) -> dict[str, Any]:
    """Start an ingest, take its source away once a few batches are done, and return its summary."""
    assert stack.command("ingest", str(file), "--id", ingest_id, "--detach").returncode == 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(done_at(stack, ingest_id)) < 5:
        assert time.monotonic() < deadline, "no batch was done"
        time.sleep(0.02)
    put_source(stack, ingest_id, b"not these records")
    told = stack.command("watch", ingest_id, "--json")
    assert told.returncode == 1
    return dict(json.loads(told.stdout))


def test_a_resumed_ingest_does_only_what_is_missing(stack: Stack, records: Path, new_id: Callable[[], str]) -> None:
    # Given an undisturbed ingest, and one of the same records that failed half-way
    undisturbed = stack.read("ingest", str(records), "--id", new_id())
    ingest_id = new_id()
    broken = start_and_break(stack, records, ingest_id)
    assert 0 < broken["batches_failed"] < 31
    before = done_at(stack, ingest_id)
    assert len(before) == 31 - broken["batches_failed"]

    # When it is resumed too early, then it fails again, does nothing, and can still be resumed
    assert stack.command("resume", ingest_id).returncode == 1
    assert done_at(stack, ingest_id) == before

    # When its source is back and it is resumed
    put_source(stack, ingest_id, records.read_bytes())
    summary = stack.read("resume", ingest_id)

    # Then the batches that were done have not been touched, and the summary is that of the undisturbed ingest
    after = done_at(stack, ingest_id)
    assert len(after) == 31
    assert {batch: when for batch, when in after.items() if batch in before} == before
    assert min(when for batch, when in after.items() if batch not in before) > max(before.values())
    assert {name: summary[name] for name in COUNTS} == {name: undisturbed[name] for name in COUNTS}
    assert [resumed["batches"] for resumed in summary["resumed"]] == [broken["batches_failed"]] * 2
    assert stack.read("verify", ingest_id)["ok"] is True

    # And it is one ingest: its summary is the newest one, however many executions it took
    told = stack.command("summary")
    assert f"Ingest {ingest_id}\n" in told.stdout
    assert "2 times" in told.stdout

    # When a complete ingest is resumed, then there is nothing to do
    again = stack.read("resume", ingest_id)
    assert done_at(stack, ingest_id) == after
    assert again["resumed"][-1]["batches"] == 0
    assert {name: again[name] for name in COUNTS} == {name: undisturbed[name] for name in COUNTS}


def test_a_lost_or_damaged_manifest_is_made_again(stack: Stack, records: Path, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()
    start_and_break(stack, records, ingest_id)
    put_source(stack, ingest_id, records.read_bytes())
    stack.deployment.s3.put_object(
        Bucket=stack.deployment.work_bucket, Key=f"ingests/{ingest_id}/manifest.json", Body=b'[{"batch": 0,'
    )

    summary = stack.read("resume", ingest_id)

    assert (summary["status"], summary["predicted"], summary["failed"]) == ("COMPLETED", 3_001, 0)
    assert stack.read("verify", ingest_id)["ok"] is True


def test_rejected_records_are_offered_again(stack: Stack, tmp_path: Path, new_id: Callable[[], str]) -> None:
    # Given an ingest in which one record of the second batch was rejected, and what an earlier model left of another
    ingest_id = new_id()
    lines = [json.dumps({"id": f"r-{number}", "text": f"A fine film, number {number}."}) for number in range(250)]
    lines[120] = json.dumps({"id": "r-120", "text": ""})
    file = tmp_path / "records.jsonl"
    file.write_text("\n".join(lines))
    stack.read("ingest", str(file), "--id", ingest_id)
    before = done_at(stack, ingest_id)
    stack.deployment.dynamodb.put_item(
        TableName=stack.deployment.predictions_table,
        Item={
            "record_id": {"S": "r-120"},
            "ingest_id": {"S": ingest_id},
            "label": {"S": "positive"},
            "score": {"N": "0.9"},
            "model_version": {"S": "1"},
            "predicted_at": {"S": "2026-11-24T00:00:00.000+00:00"},
            "batch": {"N": "1"},
        },
    )
    assert stack.command("verify", ingest_id).returncode == 1

    # When it is resumed with its rejected records
    summary = stack.read("resume", ingest_id, "--rejected", "--model", "live")

    # Then that batch was done again, no other was, and what was left over is gone
    after = done_at(stack, ingest_id)
    assert {batch for batch in after if after[batch] != before[batch]} == {1}
    assert (summary["predicted"], summary["rejected"], summary["reasons"]) == (249, 1, {"empty_text": 1})
    assert stack.read("verify", ingest_id)["ok"] is True
    assert (
        stack.deployment.s3.list_objects_v2(Bucket=stack.deployment.work_bucket, Prefix=rejections_key(ingest_id, 1))[
            "KeyCount"
        ]
        == 1
    )


def test_an_ingest_that_was_never_planned_is_resumed_from_its_beginning(
    stack: Stack, records: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    client = stack.deployment.step_functions
    source = {"bucket": stack.deployment.source_bucket, "key": f"ingests/{ingest_id}/records.jsonl"}
    client.start_execution(
        stateMachineArn=stack.deployment.state_machine, name=ingest_id, input=json.dumps({"source": source})
    )
    assert stack.command("watch", ingest_id).returncode == 1
    put_source(stack, ingest_id, records.read_bytes())

    summary = stack.read("resume", ingest_id)

    assert (summary["status"], summary["records"], summary["predicted"]) == ("COMPLETED", 3_001, 3_001)
    assert stack.read("verify", ingest_id)["ok"] is True


def test_what_cannot_be_resumed_is_said_in_one_line(stack: Stack, few_records: Path, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()
    assert stack.command("ingest", str(few_records), "--id", ingest_id).returncode == 0

    unknown = stack.command("resume", "never-started")
    model = stack.command("resume", ingest_id, "--model", "999")
    execution = stack.command("resume", f"{ingest_id}.resume-1")

    assert (unknown.returncode, unknown.stderr.strip()) == (3, "error: there is no ingest never-started in the ledger")
    assert model.returncode == 3
    assert "there is no model version 999" in model.stderr
    assert execution.returncode == 2
    assert "end in no .resume-<number>" in execution.stderr

"""Going on with ingests that ended half-way: only what is missing is done, and all ends as if undisturbed."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from hundredfold.keys import rejections_key, upload_key
from hundredfold_cli.stack.deployment import FUNCTIONS
from tests.support.deployed import Stack

COUNTS = ("status", "records", "predicted", "rejected", "failed", "batches", "batches_failed", "reasons", "failures")


@pytest.fixture
def some_records(tmp_path: Path, texts: list[str]) -> Path:
    """Records of 12 batches."""
    lines = [json.dumps({"id": f"r-{number:05d}", "text": text}) for number, text in enumerate(texts[:1_200])]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


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


def lose(stack: Stack, ingest_id: str, batches: range) -> None:
    """Leave of a complete ingest what there would be if its execution had been lost before it did `batches`."""
    deployment = stack.deployment
    for batch in batches:
        key = {"ledger_key": {"S": f"{ingest_id}#{batch % 8}"}, "entry": {"S": str(batch)}}
        deployment.dynamodb.delete_item(TableName=deployment.ledger_table, Key=key)
        for number in range(100 * batch, 100 * batch + 100):
            record = {"record_id": {"S": f"r-{number:05d}"}, "ingest_id": {"S": ingest_id}}
            deployment.dynamodb.delete_item(TableName=deployment.predictions_table, Key=record)
    deployment.dynamodb.update_item(
        TableName=deployment.ledger_table,
        Key={"ledger_key": {"S": ingest_id}, "entry": {"S": "summary"}},
        UpdateExpression="SET #status = :running, execution = :lost",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":running": {"S": "RUNNING"}, ":lost": {"S": f"{ingest_id}.resume-7"}},
    )


def test_a_resumed_ingest_does_only_what_is_missing(
    stack: Stack, some_records: Path, new_id: Callable[[], str]
) -> None:
    # Given an ingest whose execution was lost half-way, and as what it would have ended
    ingest_id = new_id()
    undisturbed = stack.read("ingest", str(some_records), "--id", ingest_id)
    lose(stack, ingest_id, range(5, 12))
    before = done_at(stack, ingest_id)
    assert set(before) == set(range(5))
    lost = stack.read("summary", ingest_id)
    assert (lost["status"], lost["predicted"], lost["failed"]) == ("FAILED", 500, 700)
    assert lost["cause"].endswith("resume the ingest")

    # When it is resumed
    summary = stack.read("resume", ingest_id)

    # Then the batches that were done have not been touched, and its summary is that of the undisturbed ingest
    after = done_at(stack, ingest_id)
    assert set(after) == set(range(12))
    assert {batch: after[batch] for batch in before} == before
    assert min(after[batch] for batch in range(5, 12)) > max(before.values())
    assert {name: summary[name] for name in COUNTS} == {name: undisturbed[name] for name in COUNTS}
    assert [(resumed["execution"], resumed["batches"]) for resumed in summary["resumed"]] == [
        (f"{ingest_id}.resume-8", 7)
    ]
    assert stack.read("verify", ingest_id)["ok"] is True

    # And it is one ingest: its summary is the newest one, however many executions it took
    told = stack.command("summary")
    assert f"Ingest {ingest_id} " in told.stdout
    assert "once, last for 7 batches with model version" in told.stdout

    # And it is listed with its figures, and its logs have what was done of a batch, in both executions
    listed = [json.loads(line) for line in stack.command("list", "--limit", "500", "--json").stdout.splitlines()]
    [ours] = [ingest for ingest in listed if ingest["ingest_id"] == ingest_id]
    assert (ours["status"], ours["predicted"], ours["seconds"]) == ("COMPLETED", 1_200, summary["seconds"])
    assert stack.command("logs", ingest_id, "--batch", "7").stdout.count(" inferred ") == 2
    assert stack.command("logs", ingest_id, "--errors").stdout == ""

    # When a complete ingest is resumed, then there is nothing to do
    again = stack.command("resume", ingest_id)
    assert again.returncode == 2
    assert "is completed, and no batch of it is left to do" in again.stderr
    assert done_at(stack, ingest_id) == after
    unchanged = stack.read("summary", ingest_id)
    assert unchanged.pop("verified")["ok"] is True
    assert unchanged == summary


@pytest.mark.parametrize("model", [None, "1", "999", "abc", "live"])
def test_a_completed_ingest_cannot_become_another_status_by_asking(
    stack: Stack, few_records: Path, new_id: Callable[[], str], model: str | None
) -> None:
    ingest_id = new_id()
    stack.read("ingest", str(few_records), "--id", ingest_id)
    before = stack.deployment.ledger.ingest(ingest_id)

    # When the command is to resume it, and when any client starts an execution that is to resume it
    refused = stack.command("resume", ingest_id, *(("--model", model) if model else ()))
    execution = stack.execute(f"{ingest_id}.resume-1", {"resume": {"ingest_id": ingest_id, "model": model}})

    # Then the command starts nothing, the execution fails and says why, and the ingest is as it was
    assert refused.returncode in {2, 3}
    assert execution["status"] == "FAILED"
    cause = "must be the number of a version" if model == "abc" else "is completed, and no batch of it is left to do"
    assert cause in execution["cause"]
    assert stack.deployment.ledger.ingest(ingest_id) == before
    assert stack.read("summary", ingest_id)["status"] == "COMPLETED"


def test_a_resume_that_only_the_planner_refuses_is_reported_and_changes_nothing(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    file = tmp_path / "records.jsonl"
    file.write_text('{"id": "a", "text": "A fine film."}\n{"id": "b", "text": ""}\n')
    stack.read("ingest", str(file), "--id", ingest_id)
    before = stack.deployment.ledger.ingest(ingest_id)
    stack.replace_source(ingest_id, b"not these records")

    refused = stack.command("resume", ingest_id, "--rejected")

    assert refused.returncode == 1
    assert "the ingest was not resumed, and is as it was before: " in refused.stderr
    assert "was replaced after this ingest was planned" in refused.stderr
    assert stack.deployment.ledger.ingest(ingest_id) == before


def test_a_source_that_was_replaced_cannot_be_gone_on_with(
    stack: Stack, some_records: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    stack.read("ingest", str(some_records), "--id", ingest_id)
    lose(stack, ingest_id, range(1))
    before = done_at(stack, ingest_id)
    stack.replace_source(ingest_id, b"not these records")

    told = stack.command("resume", ingest_id)

    # It says so at once, and for a person; nothing was done
    assert told.returncode == 1
    assert "was replaced after this ingest was planned" in " ".join(told.stdout.split())
    assert done_at(stack, ingest_id) == before

    # When the source is put back, and the manifest is damaged too, then all the same it is finished
    stack.replace_source(ingest_id, some_records.read_bytes())
    stack.deployment.s3.put_object(
        Bucket=stack.deployment.work_bucket, Key=f"ingests/{ingest_id}/manifest.json", Body=b'[{"batch": 0,'
    )
    summary = stack.read("resume", ingest_id)
    assert (summary["status"], summary["predicted"], summary["failed"]) == ("COMPLETED", 1_200, 0)
    assert stack.read("verify", ingest_id)["ok"] is True


def metric_sums(stack: Stack, ingest_id: str) -> Counter[str]:
    """Add up the metrics that the functions have sent about an ingest, as a dashboard does."""
    sums: Counter[str] = Counter()
    for function in FUNCTIONS:
        for event in stack.deployment.log_events(function, 0, round(time.time() * 1000) + 1_000):
            document = json.loads(event["message"]) if '"_aws"' in event["message"] else {}
            if document.get("ingest_id") == ingest_id:
                for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    values = document[metric["Name"]]
                    sums[metric["Name"]] += sum(values) if isinstance(values, list) else values
    return sums


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

    # And its metrics add up to one ingest, its seconds and its cost to both executions
    sums = metric_sums(stack, ingest_id)
    assert {name: sums[name] for name in ("RecordsPredicted", "RecordsRejected", "RejectedEmptyText")} == {
        "RecordsPredicted": 249, "RecordsRejected": 1, "RejectedEmptyText": 1,
    }  # fmt: skip
    assert (sums["IngestsCompleted"], sums["IngestsFailed"], sums["RecordsFailed"]) == (1, 0, 0)
    first, second = summary["executions"]
    assert (first["batches"], second["batches"]) == (3, 1)
    assert summary["seconds"] == pytest.approx(first["seconds"] + second["seconds"], abs=0.001)
    assert summary["seconds"] == pytest.approx(sums["IngestDuration"], abs=0.001)
    assert summary["usd"] == pytest.approx(first["usd"] + second["usd"], abs=1e-6)
    assert summary["usd"] == pytest.approx(sums["IngestCost"], abs=1e-6)
    assert (
        stack.deployment.s3.list_objects_v2(Bucket=stack.deployment.work_bucket, Prefix=rejections_key(ingest_id, 1))[
            "KeyCount"
        ]
        == 1
    )


def test_an_ingest_that_was_never_planned_is_resumed_from_its_beginning(
    stack: Stack, some_records: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    client = stack.deployment.step_functions
    source = {"bucket": stack.deployment.source_bucket, "key": upload_key(ingest_id, "0123")}
    client.start_execution(
        stateMachineArn=stack.deployment.state_machine, name=ingest_id, input=json.dumps({"source": source})
    )
    assert stack.command("watch", ingest_id).returncode == 1
    stack.deployment.s3.put_object(Bucket=source["bucket"], Key=source["key"], Body=some_records.read_bytes())

    summary = stack.read("resume", ingest_id)

    assert (summary["status"], summary["records"], summary["predicted"]) == ("COMPLETED", 1_200, 1_200)
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
    assert "do not end in .resume-<number>" in execution.stderr

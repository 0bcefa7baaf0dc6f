"""What is done twice counts once: deliveries, summaries, and ids."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hundredfold_cli.ingests.status import ingest_status
from tests.support.deployed import Stack


def metric_lines(stack: Stack, ingest_id: str, metric: str) -> int:
    """Count the lines of the logs that have a metric of an ingest, in the embedded metric format."""
    logs: Any = stack.deployment.session.client("logs", endpoint_url=stack.deployment.endpoint)
    messages = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
    ]
    return sum('"_aws"' in message and ingest_id in message and f'"{metric}"' in message for message in messages)


def without_time(summary: dict[str, Any]) -> dict[str, Any]:
    """Leave out the time until the last summary, and the cost of what ran again, of the ingest and its executions."""
    executions = [{**execution, "seconds": 0, "usd": 0} for execution in summary["executions"]]
    return {**summary, "seconds": 0, "usd": 0, "executions": executions}


def test_a_batch_and_a_summary_that_are_run_again_are_counted_once(
    stack: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given a complete ingest of three batches
    ingest_id = new_id()
    summary = stack.read("ingest", str(few_records), "--id", ingest_id)
    assert metric_lines(stack, ingest_id, "RecordsPredicted") == 3
    assert metric_lines(stack, ingest_id, "IngestsCompleted") == 1
    plan = ingest_status(stack.deployment, ingest_id).plan
    assert plan is not None

    # When a batch is delivered again, and the summary run again
    client: Any = stack.deployment.session.client("lambda", endpoint_url=stack.deployment.endpoint)
    [group] = json.loads(
        stack.deployment.s3.get_object(Bucket=plan.manifest.bucket, Key=plan.manifest.key)["Body"].read()
    )
    task = {**plan.as_dict(), "action": "infer_batch", "execution": "", "batch": group["batches"][1]}
    again = client.invoke(FunctionName=plan.model.function, Payload=json.dumps(task).encode())
    assert json.loads(again["Payload"].read()) == {"predicted": 100, "rejected": 0}
    event = {
        "execution_name": ingest_id,
        "execution": stack.deployment.execution(ingest_id),
        "started_at": summary["started_at"],
        "input": {},
        "state": {"plan": plan.as_dict()},
    }
    once_more = client.invoke(FunctionName="hundredfold-summarize-ingest", Payload=json.dumps(event).encode())
    assert json.loads(once_more["Payload"].read())["predicted"] == 250

    # Then counts, metrics and results are those of one run
    # (but for the time until the last summary, and what the second delivery itself has cost)
    after = stack.read("summary", ingest_id)
    assert without_time(after) == without_time(summary)
    assert metric_lines(stack, ingest_id, "RecordsPredicted") == 3
    assert metric_lines(stack, ingest_id, "IngestsCompleted") == 1
    # Only the duration shows that the summary was run once more, after the execution had ended
    [problem] = json.loads(stack.command("verify", ingest_id, "--json").stdout)["problems"]
    assert problem["what"].startswith("seconds, which the execution returned, is ")


def test_an_id_that_stands_in_two_batches_is_found_and_named(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    lines = [{"id": f"r-{number}", "text": f"A fine film, number {number}."} for number in range(150)]
    lines[129]["id"] = "r-5"
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ingest_id = new_id()

    # Each batch by itself is right, and so is the sum of lines
    summary = stack.read("ingest", str(file), "--id", ingest_id)
    assert (summary["records"], summary["predicted"], summary["rejected"], summary["failed"]) == (150, 150, 0, 0)

    # The recount sees that one prediction took another's place
    command = stack.command("verify", ingest_id, "--json")
    recount = json.loads(command.stdout)
    assert command.returncode == 1
    counts = ("records", "predicted", "missing", "doubled", "overwritten")
    assert [recount[name] for name in counts] == [150, 149, 0, 0, 1]
    [problem] = recount["problems"]
    assert problem["what"] in (
        "batch 0: line 6 has an id that batch 1 has too, and its prediction",
        "batch 1: line 130 has an id that batch 0 has too, and its prediction",
    )

    # From then on the summary has the count
    verified = stack.read("summary", ingest_id)["verified"]
    assert (verified["ok"], verified["problems"], verified["overwritten"]) == (False, 1, 1)
    assert "1 problems, 1 records overwritten" in stack.command("summary", ingest_id).stdout

    # The results say of both records whose the prediction is
    for arguments in ((), ("--join",)):
        results = stack.command("results", ingest_id, *arguments)
        rows = [json.loads(line) for line in results.stdout.splitlines()]
        assert results.returncode == 1
        assert len(rows) == 150
        assert "149 predictions of" in results.stderr
        assert "1 more has no prediction: another batch has a record with the same id" in results.stderr
        kept, lost = sorted((row for row in rows if row["record_id"] == "r-5"), key=lambda row: "overwritten_by" in row)
        assert kept["label"] in {"positive", "negative"}
        assert (lost["label"], lost["overwritten_by"]) == (None, kept["batch"])
        assert {kept["batch"], lost["batch"]} == {0, 1}
    exported = stack.command("results", ingest_id, "--format", "csv")
    assert exported.returncode == 1
    assert exported.stdout.splitlines()[0].endswith(",batch,overwritten_by")
    [row] = [line for line in exported.stdout.splitlines() if line.startswith("r-5,,,")]
    assert row.endswith((",0,1", ",1,0"))

"""Starting by itself: an object that lands, a schedule that is due; and the event when it is done. No command is given.

On a local stack of its own, since its schedule starts an ingest each minute.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hundredfold.planning.start_events import Start, start_for
from tests.support.deployed import Stack, deployed

SECONDS = 150
SCHEDULED = "s3://hundredfold-source-000000000000-us-east-1/daily/"
EVENTS = Path(__file__).parents[1] / "events"


@pytest.fixture(scope="module")
def starting() -> Iterator[Stack]:
    parameters = {"StartOnArrival": "yes", "ScheduleExpression": "rate(1 minute)", "ScheduleSource": SCHEDULED}
    with deployed("starting", parameters) as stack:
        yield stack


@pytest.fixture(scope="module")
def heard(starting: Stack) -> Callable[[str], list[dict[str, Any]]]:
    """Return the events of one kind so far, as somebody else's rule and queue receive them."""
    deployment = starting.deployment
    events: Any = deployment.session.client("events", endpoint_url=deployment.endpoint)
    sqs: Any = deployment.session.client("sqs", endpoint_url=deployment.endpoint)
    queue = sqs.create_queue(QueueName="whoever-comes-next")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="whoever-comes-next", EventPattern=json.dumps({"source": ["hundredfold"]}))
    events.put_targets(Rule="whoever-comes-next", Targets=[{"Id": "queue", "Arn": arn}])
    received: list[dict[str, Any]] = []

    def of_kind(kind: str) -> list[dict[str, Any]]:
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in received if event["detail-type"] == kind]

    return of_kind


def content(texts: list[str]) -> bytes:
    return b"".join(json.dumps({"id": f"r-{n}", "text": text}).encode() + b"\n" for n, text in enumerate(texts))


def executions(stack: Stack, stem: str) -> dict[str, str]:
    """Return the status of each execution whose name begins with `stem`."""
    pages = stack.deployment.step_functions.get_paginator("list_executions").paginate(
        stateMachineArn=stack.deployment.state_machine
    )
    return {one["name"]: one["status"] for page in pages for one in page["executions"] if one["name"].startswith(stem)}


def ended(stack: Stack, stem: str, count: int = 1) -> list[str]:
    """Wait until `count` executions whose names begin with `stem` have ended, and return the names."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = {name for name, status in executions(stack, stem).items() if status != "RUNNING"}
        if len(found) >= count:
            return sorted(found)
        assert time.monotonic() < deadline, f"{executions(stack, stem)} after {SECONDS} s"
        time.sleep(0.25)


def arrival(stack: Stack, key: str) -> dict[str, Any]:
    """The event of the object that is there now. The local stack leaves the version out, which S3 sends."""
    head = stack.deployment.s3.head_object(Bucket=stack.deployment.source_bucket, Key=key)
    event: dict[str, Any] = json.loads((EVENTS / "object_created.json").read_text())
    event["detail"]["bucket"]["name"] = stack.deployment.source_bucket
    event["detail"]["object"] = {"key": key, "size": head["ContentLength"], "etag": head["ETag"].strip('"')}
    return event


def invoke(stack: Stack, event: Mapping[str, Any]) -> dict[str, Any]:
    answer = stack.deployment.lambda_.invoke(
        FunctionName="hundredfold-start-ingest", Payload=json.dumps(event).encode()
    )
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    assert not answer.get("FunctionError"), told
    return told


def test_an_object_that_lands_becomes_predictions_and_an_event_once(
    starting: Stack, heard: Callable[[str], list[dict[str, Any]]], texts: list[str]
) -> None:
    # Given nothing but an upload
    key = "ingests/landed here.jsonl"
    starting.deployment.s3.put_object(Bucket=starting.deployment.source_bucket, Key=key, Body=content(texts[:250]))

    # Then there is one ingest, of that object, with a prediction for every record
    [ingest_id] = ended(starting, "landed-here-")
    summary = starting.read("summary", ingest_id)
    assert (summary["status"], summary["predicted"], summary["rejected"]) == ("COMPLETED", 250, 0)
    assert summary["source"] == f"s3://{starting.deployment.source_bucket}/{key}"
    assert starting.read("verify", ingest_id)["ok"] is True
    asked = start_for(arrival(starting, key), "")
    assert isinstance(asked, Start)
    assert asked.ingest_id == ingest_id

    # And whoever listens is told, once, with the summary
    told = [event["detail"] for event in heard("IngestCompleted") if event["detail"]["ingest_id"] == ingest_id]
    assert [{name: value for name, value in one.items() if value is not None} for one in told] == [
        {name: value for name, value in summary.items() if value is not None and name in told[0]}
    ]
    assert {"ingest_id", "status", "records", "predicted", "source"} <= told[0].keys()

    # When the same event comes again, asked for and not
    again = arrival(starting, key)
    assert invoke(starting, again) == {"ingest_id": ingest_id, "started": False}
    starting.deployment.lambda_.invoke(
        FunctionName="hundredfold-start-ingest", InvocationType="Event", Payload=json.dumps(again).encode()
    )
    time.sleep(3)

    # Then nothing else was started
    assert list(executions(starting, "landed-here-")) == [ingest_id]


def test_two_contents_of_one_key_are_two_ingests_and_neither_has_the_others_records(
    starting: Stack, heard: Callable[[str], list[dict[str, Any]]], texts: list[str]
) -> None:
    # Given an object that was overwritten, whose first event comes (again) only then
    key, bucket = "ingests/replaced.jsonl", starting.deployment.source_bucket
    starting.deployment.s3.put_object(Bucket=bucket, Key="elsewhere.jsonl", Body=content(texts[:120]))
    late = arrival(starting, "elsewhere.jsonl")
    late["detail"]["object"] |= {"key": key, "version-id": "the-first"}
    starting.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content(texts[200:300]))
    [second] = ended(starting, "replaced-")

    first = invoke(starting, late)["ingest_id"]

    # Then the new content is predicted under the id of its own event, and the old event predicts nothing
    assert ended(starting, "replaced-", 2) == sorted([first, second])
    assert starting.read("summary", second)["predicted"] == 100
    failed = starting.read("summary", first)
    assert (failed["status"], failed["predicted"]) == ("FAILED", 0)
    assert f"s3://{bucket}/{key} was replaced after this ingest was started" in failed["cause"]
    told = [event["detail"] for event in heard("IngestFailed") if event["detail"]["ingest_id"] == first]
    assert [one["cause"] for one in told] == [failed["cause"]]


def test_what_started_no_ingest_is_looked_at_sent_again_and_dropped(starting: Stack, texts: list[str]) -> None:
    # Given two events in the queue, as Lambda and EventBridge put them there
    deployment, key = starting.deployment, "given-up.jsonl"
    deployment.s3.put_object(Bucket=deployment.source_bucket, Key=key, Body=content(texts[:120]))
    event = arrival(starting, key)
    sqs = deployment.client("sqs")
    queue = sqs.get_queue_url(QueueName="hundredfold-not-started")["QueueUrl"]
    wrapped = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(wrapped))
    sqs.send_message(QueueUrl=queue, MessageBody='{"source": "nobody"}')

    # When one looks, then both are there, and stay
    for _ in range(2):
        looked = starting.command("redeliver")
        assert looked.returncode == 0, looked.stderr
        assert "not-started: 2 messages" in looked.stdout
        assert f"s3://{deployment.source_bucket}/{key}" in looked.stdout

    # When they are sent again, then the first starts its ingest, and the other fails again and stays
    sent = starting.command("redeliver", "not-started", "--send")
    assert sent.returncode == 1
    assert "the function failed again" in sent.stderr
    assert "the event is neither of an object that was created in S3 nor of a schedule" in sent.stderr
    assert "not-started: 1 left" in sent.stdout
    [ingest_id] = ended(starting, "given-up-")
    assert starting.read("summary", ingest_id)["predicted"] == 120

    # When that one is dropped, then the queue is empty
    dropped = starting.command("redeliver", "not-started", "--drop")
    assert dropped.returncode == 0, dropped.stderr
    assert "not-started: 0 left" in dropped.stdout


def test_folders_unknown_kinds_and_other_places_start_nothing(starting: Stack, texts: list[str]) -> None:
    bucket = starting.deployment.source_bucket
    before = set(executions(starting, ""))
    for key in ("ingests/aside/", "ingests/aside.pdf", "ingests/_SUCCESS", "uploads/aside.jsonl", "aside.jsonl"):
        starting.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content(texts[:1]))
    starting.deployment.s3.put_object(Bucket=bucket, Key="ingests/beside.jsonl", Body=content(texts[:1]))

    [beside] = ended(starting, "beside-")

    started = set(executions(starting, "")) - before
    assert {name for name in started if not name.startswith("daily-")} == {beside}
    events = starting.deployment.logs.filter_log_events(logGroupName="/aws/lambda/hundredfold-start-ingest")["events"]
    left = [json.loads(event["message"]) for event in events if '"left alone"' in event["message"]]
    assert {(one["source"].removeprefix(f"s3://{bucket}/"), one["why"]) for one in left} == {
        ("ingests/aside/", "it stands for a folder"),
        ("ingests/aside.pdf", "its name ends in no kind that is known"),
        ("ingests/_SUCCESS", "its name ends in no kind that is known"),
    }


def test_a_schedule_starts_an_ingest_of_all_that_is_under_its_prefix(starting: Stack, texts: list[str]) -> None:
    # Given objects under the prefix, put there between two times of the schedule
    bucket = starting.deployment.source_bucket
    before = set(executions(starting, "daily-"))
    starting.deployment.s3.put_object(Bucket=bucket, Key="daily/1.jsonl", Body=content(texts[:120]))
    starting.deployment.s3.put_object(Bucket=bucket, Key="daily/2.jsonl", Body=b'{"id": "s-1", "text": "So good."}')

    # When it is due
    names = ended(starting, "daily-", len(before) + 2)

    # Then an ingest has all of them, named after the time
    last = names[-1]
    summary = starting.read("summary", last)
    assert (summary["status"], summary["predicted"], summary["source"]) == ("COMPLETED", 121, SCHEDULED)
    assert starting.read("verify", last)["ok"] is True
    at = datetime.strptime(last.split("-")[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - at).total_seconds()) < SECONDS


def test_a_real_scheduled_event_is_one_ingest_however_often_it_comes(starting: Stack) -> None:
    event = {**json.loads((EVENTS / "schedule.json").read_text()), "id": str(uuid.uuid4())}

    first, again = invoke(starting, event), invoke(starting, event)

    assert first["ingest_id"].startswith("daily-20151008T165306-")
    assert (first["started"], again) == (True, {**first, "started": False})


def test_an_event_that_starts_nothing_is_kept(starting: Stack) -> None:
    deployment = starting.deployment
    sqs: Any = deployment.session.client("sqs", endpoint_url=deployment.endpoint)
    broken = {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "b"}}}

    deployment.lambda_.invoke(
        FunctionName="hundredfold-start-ingest", InvocationType="Event", Payload=json.dumps(broken).encode()
    )

    queue = sqs.get_queue_url(QueueName="hundredfold-not-started")["QueueUrl"]
    deadline = time.monotonic() + SECONDS
    while not (messages := sqs.receive_message(QueueUrl=queue).get("Messages")):
        assert time.monotonic() < deadline, "the event is not in the queue"
        time.sleep(0.25)
    told = json.loads(messages[0]["Body"])
    assert told["requestPayload"] == broken
    assert "the event lacks something" in json.dumps(told)

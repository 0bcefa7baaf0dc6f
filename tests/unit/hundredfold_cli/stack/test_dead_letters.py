"""The dead-letter queues: what is in them, and what is sent again, exactly as Lambda would have sent it."""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hundredfold_cli.stack.dead_letters import DeadLetterQueue, NotDeliveredError, QueueName

ARRIVAL = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "b"}, "object": {"key": "ingests/a.jsonl"}},
}
RETRIED = {
    "requestContext": {"condition": "RetriesExhausted"},
    "requestPayload": ARRIVAL,
    "responsePayload": {"errorType": "ClientError"},
}
KINESIS_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/reviews"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/items/stream/2026-11-24T00:00:00.000"


def gave_up(kind: str, arn: str, first: int, last: int) -> dict[str, Any]:
    info = {"shardId": "shard-0", "startSequenceNumber": str(first), "endSequenceNumber": str(last)}
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        kind: {**info, "batchSize": last - first + 1, "streamArn": arn},
    }


@dataclass
class Services:
    """SQS, Lambda and the streams in memory, as far as the queues need them."""

    bodies: list[Any] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    visible: list[int] = field(default_factory=list)
    invocations: list[tuple[str, Any]] = field(default_factory=list)
    answer: Any = None
    fails: bool = False
    stream: list[int] = field(default_factory=lambda: list(range(100, 500)))
    has_queue: bool = True
    empty_calls: int = 0

    def __post_init__(self) -> None:
        self.visible = list(range(len(self.bodies)))
        self.deleted: list[int] = []

    @property
    def deployment(self) -> Any:
        clients = {"sqs": self, "kinesis": Stream(self, "kinesis"), "dynamodbstreams": Stream(self, "dynamodb")}
        return SimpleNamespace(
            client=clients.__getitem__, lambda_=self, stack="hundredfold", infer_function="hundredfold-infer-batch"
        )

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803 - boto3's names
        if not self.has_queue:
            raise ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "GetQueueUrl")
        return {"QueueUrl": f"url/{QueueName}"}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        left = len(self.bodies) - len(self.deleted)
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return {"Attributes": dict(zip(names, (str(len(self.visible)), str(left - len(self.visible))), strict=True))}

    def receive_message(self, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        numbers, self.visible = self.visible[:MaxNumberOfMessages], self.visible[MaxNumberOfMessages:]
        attributes = {name: {"StringValue": value} for name, value in self.attributes.items()}
        return {
            "Messages": [
                {"Body": json.dumps(self.bodies[n]), "ReceiptHandle": str(n), "MessageAttributes": attributes}
                for n in numbers
            ]
        }

    def change_message_visibility(self, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        self.visible.append(int(ReceiptHandle))

    def delete_message(self, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        self.deleted.append(int(ReceiptHandle))

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.invocations.append((FunctionName, json.loads(Payload)))
        answer = {"errorType": "StoreBusyError", "errorMessage": "busy"} if self.fails else self.answer
        failed = {"FunctionError": "Unhandled"} if self.fails else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}


@dataclass
class Stream:
    """A shard whose records have the services' sequence numbers; 100 a call."""

    services: Services
    kind: str

    def get_shard_iterator(self, **request: Any) -> dict[str, str]:
        start = int(request.get("StartingSequenceNumber") or request["SequenceNumber"])
        return {"ShardIterator": str(next(n for n, s in enumerate(self.services.stream) if s >= start))}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        first = int(ShardIterator)
        if self.services.empty_calls:
            self.services.empty_calls -= 1
            return {"Records": [], "NextShardIterator": ShardIterator}
        numbers = self.services.stream[first : first + 100]
        records = [self.record(number) for number in numbers]
        return {"Records": records, "NextShardIterator": str(first + 100)}

    def record(self, number: int) -> dict[str, Any]:
        time = datetime.fromtimestamp(1_795_500_000, UTC)
        if self.kind == "kinesis":
            arrived = {"ApproximateArrivalTimestamp": time}
            return {"SequenceNumber": str(number), "PartitionKey": "p", "Data": b"{}", **arrived}
        image = {"id": {"S": str(number)}, "raw": {"B": b"\x00\x01"}}
        change = {"SequenceNumber": str(number), "NewImage": image, "ApproximateCreationDateTime": time}
        return {"eventID": f"e{number}", "eventName": "INSERT", "eventVersion": "1.1", "dynamodb": change}


def test_what_is_in_a_queue_is_shown_and_stays_there() -> None:
    services = Services([RETRIED, ARRIVAL], attributes={"ERROR_CODE": "NO_PERMISSIONS"})
    queue = DeadLetterQueue(services.deployment, QueueName.NOT_STARTED)

    letters = queue.read(100)
    queue.put_back(letters)

    assert [(letter.what, letter.why) for letter in letters] == [
        ("s3://b/ingests/a.jsonl", "NO_PERMISSIONS, RetriesExhausted, ClientError"),
        ("s3://b/ingests/a.jsonl", "NO_PERMISSIONS"),
    ]
    assert queue.count() == 2
    assert services.visible == [0, 1]


@pytest.mark.parametrize("body", [RETRIED, ARRIVAL], ids=["from Lambda", "from EventBridge"])
def test_an_event_that_started_nothing_is_handed_over_again_and_removed(body: dict[str, Any]) -> None:
    services = Services([body])
    queue = DeadLetterQueue(services.deployment, QueueName.NOT_STARTED)

    queue.send(queue.read(1)[0])

    assert services.invocations == [("hundredfold-start-ingest", ARRIVAL)]
    assert queue.count() == 0


def test_what_fails_again_stays_in_its_queue() -> None:
    services = Services([RETRIED], fails=True)
    queue = DeadLetterQueue(services.deployment, QueueName.NOT_STARTED)

    with pytest.raises(NotDeliveredError, match="the function failed again: StoreBusyError: busy"):
        queue.send(queue.read(1)[0])

    assert queue.count() == 1


def test_records_of_a_kinesis_stream_are_read_and_scored_by_the_live_model() -> None:
    services = Services([gave_up("KinesisBatchInfo", KINESIS_ARN, 150, 299)], answer={"batchItemFailures": []})
    queue = DeadLetterQueue(services.deployment, QueueName.STREAM_FAILURES, lambda _: None)
    [letter] = queue.read(10)
    assert letter.what == "150 records of reviews, shard shard-0, from 150 to 299"

    queue.send(letter)

    assert [function for function, _ in services.invocations] == ["hundredfold-infer-batch:live"] * 2
    records = [record for _, payload in services.invocations for record in payload["Records"]]
    assert [int(record["kinesis"]["sequenceNumber"]) for record in records] == list(range(150, 300))
    assert records[0] == {
        "eventSource": "aws:kinesis",
        "eventSourceARN": KINESIS_ARN,
        "eventID": "shard-0:150",
        "eventName": "aws:kinesis:record",
        "eventVersion": "1.0",
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "p",
            "sequenceNumber": "150",
            "data": "e30=",
            "approximateArrivalTimestamp": 1_795_500_000.0,
        },
    }


def test_a_call_that_returns_no_record_is_no_end_of_the_stream() -> None:
    services = Services([gave_up("KinesisBatchInfo", KINESIS_ARN, 150, 160)], answer=None, empty_calls=3)
    queue = DeadLetterQueue(services.deployment, QueueName.STREAM_FAILURES, lambda _: None)

    queue.send(queue.read(1)[0])

    assert len(services.invocations[0][1]["Records"]) == 11
    assert queue.count() == 0


def test_changes_of_a_table_are_read_with_their_bytes_in_base64() -> None:
    services = Services([gave_up("DDBStreamBatchInfo", TABLE_ARN, 100, 101)], answer={"batchItemFailures": []})
    queue = DeadLetterQueue(services.deployment, QueueName.STREAM_FAILURES, lambda _: None)

    queue.send(queue.read(1)[0])

    [(_, payload)] = services.invocations
    first = payload["Records"][0]
    assert (first["eventSource"], first["eventSourceARN"]) == ("aws:dynamodb", TABLE_ARN)
    assert first["dynamodb"]["NewImage"] == {"id": {"S": "100"}, "raw": {"B": "AAE="}}
    assert len(payload["Records"]) == 2


@pytest.mark.parametrize(("first", "last"), [(50, 120), (450, 600)], ids=["begun too early", "ends too late"])
def test_records_that_the_stream_no_longer_has_stay_in_the_queue(first: int, last: int) -> None:
    services = Services([gave_up("KinesisBatchInfo", KINESIS_ARN, first, last)], answer={"batchItemFailures": []})
    queue = DeadLetterQueue(services.deployment, QueueName.STREAM_FAILURES, lambda _: None)

    with pytest.raises(NotDeliveredError, match="no longer has"):
        queue.send(queue.read(1)[0])

    assert queue.count() == 1


def test_records_that_could_not_be_stored_stay_in_the_queue() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "100"}]}
    services = Services([gave_up("KinesisBatchInfo", KINESIS_ARN, 100, 104)], answer=answer)
    queue = DeadLetterQueue(services.deployment, QueueName.STREAM_FAILURES, lambda _: None)

    with pytest.raises(NotDeliveredError, match="1 of 5 records could not be stored"):
        queue.send(queue.read(1)[0])

    assert queue.count() == 1


def test_a_stack_without_the_queue_has_none() -> None:
    assert not DeadLetterQueue(Services(has_queue=False).deployment, QueueName.STREAM_FAILURES).exists

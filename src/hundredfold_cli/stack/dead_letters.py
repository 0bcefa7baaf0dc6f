"""The two dead-letter queues: events that started no ingest, and records of a stream that were given up.

Sources of the messages' shapes (2026-11):
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-on-failure-destination.html
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold_cli.stack.deployment import Deployment

_READ_SECONDS = 120
"""How long messages that were read are hidden from others, unless they are put back."""
_RECORDS_A_CALL = 100
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_MOST_EMPTY, _PAUSE_SECONDS = 20, 0.25
"""How often in all a shard may have no record to return, and the pause then: a shard takes five calls a second."""
_EXPIRED = {"TrimmedDataAccessException", "InvalidArgumentException", "ResourceNotFoundException"}


class QueueName(StrEnum):
    """A dead-letter queue. The stack's name is put before it."""

    NOT_STARTED = "not-started"
    STREAM_FAILURES = "stream-failures"


class NotDeliveredError(Exception):
    """A message could not be sent again. It stays in its queue."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of a dead-letter queue.

    Attributes
    ----------
    body : as JSON
    why : why it is here
    receipt : by which it is deleted or put back
    """

    queue: QueueName
    body: Mapping[str, Any]
    why: str
    receipt: str

    @property
    def what(self) -> str:
        """What the message is about, in a line. It has no content of a record."""
        if self.queue is QueueName.STREAM_FAILURES:
            batch = _batch_info(self.body)
            return (
                f"{batch['batchSize']:,} records of {batch['streamArn'].split('/')[1]}, shard {batch['shardId']}, "
                f"from {batch['startSequenceNumber']} to {batch['endSequenceNumber']}"
            )
        event = self.event
        if event.get("source") == "aws.s3":
            return f"s3://{event['detail']['bucket']['name']}/{event['detail']['object']['key']}"
        return f"schedule of {event.get('time', 'an unknown time')}"

    @property
    def event(self) -> Mapping[str, Any]:
        """The event of EventBridge. Lambda wraps it, and EventBridge itself does not."""
        event: Mapping[str, Any] = self.body.get("requestPayload", self.body)
        return event


class DeadLetterQueue:
    """One of the queues, if the stack has it."""

    def __init__(self, deployment: Deployment, name: QueueName, sleep: Callable[[float], None] = time.sleep) -> None:
        self._deployment = deployment
        self._sleep = sleep
        self._sqs = deployment.client("sqs")
        self.name = name
        self._url = self._find(f"{deployment.stack}-{name}")

    @property
    def exists(self) -> bool:
        return bool(self._url)

    def count(self) -> int:
        """Return how many messages there are, about: those that can be read, and those that somebody reads."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(answer["Attributes"].get(name, 0)) for name in names)

    def read(self, limit: int) -> list[DeadLetter]:
        """Read messages, and hide them from others for two minutes."""
        letters: list[DeadLetter] = []
        while len(letters) < limit:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(10, limit - len(letters)),
                VisibilityTimeout=_READ_SECONDS,
                MessageAttributeNames=["All"],
                WaitTimeSeconds=1,
            )
            messages = answer.get("Messages", [])
            if not messages:
                break
            letters += [_read(self.name, message) for message in messages]
        return letters

    def put_back(self, letters: Sequence[DeadLetter]) -> None:
        """Let others read messages again at once."""
        for letter in letters:
            self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)

    def drop(self, letter: DeadLetter) -> None:
        """Delete a message."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def send(self, letter: DeadLetter) -> None:
        """Hand a message's event or records to the function that they were for, and delete the message.

        Raises
        ------
        NotDeliveredError
            If the function failed again, or the stream no longer has the records.
        """
        if self.name is QueueName.NOT_STARTED:
            _invoke(self._deployment, f"{self._deployment.stack}-start-ingest", letter.event)
        else:
            for records in _chunks(read_stream_records(self._deployment, _batch_info(letter.body), self._sleep)):
                answer = _invoke(self._deployment, f"{self._deployment.infer_function}:live", {"Records": records})
                if failed := (answer or {}).get("batchItemFailures"):
                    raise NotDeliveredError(f"{len(failed):,} of {len(records):,} records could not be stored")
        self.drop(letter)

    def _find(self, name: str) -> str:
        try:
            return str(self._sqs.get_queue_url(QueueName=name)["QueueUrl"])
        except ClientError as error:
            if error_code(error) in _NO_QUEUE:
                return ""
            raise


def read_stream_records(
    deployment: Deployment, batch: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep
) -> Iterator[dict[str, Any]]:
    """Yield the records between two sequence numbers of a stream, as Lambda hands them to a function.

    Raises
    ------
    NotDeliveredError
        If the stream no longer has them.
    """
    is_kinesis = ":kinesis:" in batch["streamArn"]
    start, end = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
    is_first = True
    try:
        for record in _records_from(deployment, batch, sleep, is_kinesis=is_kinesis):
            number = int(record["SequenceNumber"] if is_kinesis else record["dynamodb"]["SequenceNumber"])
            if is_first and number != start:
                raise NotDeliveredError("the stream no longer has its first record")
            is_first = False
            yield _kinesis_event(record, batch) if is_kinesis else _dynamodb_event(record, batch)
            if number >= end:
                return
    except ClientError as error:
        if error_code(error) in _EXPIRED:
            raise NotDeliveredError(f"the stream no longer has its records: {error_code(error)}") from None
        raise
    raise NotDeliveredError("the stream no longer has all of its records")


def _records_from(
    deployment: Deployment, batch: Mapping[str, Any], sleep: Callable[[float], None], *, is_kinesis: bool
) -> Iterator[Mapping[str, Any]]:
    """Yield all records of a shard from a batch's first one on.

    A call may return none though more come: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
    """
    client = deployment.client("kinesis" if is_kinesis else "dynamodbstreams")
    place = {"ShardId": batch["shardId"], "ShardIteratorType": "AT_SEQUENCE_NUMBER"}
    first = batch["startSequenceNumber"]
    if is_kinesis:
        name = batch["streamArn"].split("/")[1]
        answer = client.get_shard_iterator(StreamName=name, StartingSequenceNumber=first, **place)
    else:
        answer = client.get_shard_iterator(StreamArn=batch["streamArn"], SequenceNumber=first, **place)
    iterator, empty = answer["ShardIterator"], 0
    while iterator and empty < _MOST_EMPTY:
        answer = client.get_records(ShardIterator=iterator)
        yield from answer["Records"]
        iterator = answer.get("NextShardIterator")
        if not answer["Records"]:
            empty += 1
            sleep(_PAUSE_SECONDS)


def _kinesis_event(record: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    # https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html (2026-11)
    return {
        "eventSource": "aws:kinesis",
        "eventSourceARN": batch["streamArn"],
        "eventID": f"{batch['shardId']}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "eventVersion": "1.0",
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
    }


def _dynamodb_event(record: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "eventSource": "aws:dynamodb", "eventSourceARN": batch["streamArn"]}


def _batch_info(body: Mapping[str, Any]) -> Mapping[str, Any]:
    info: Mapping[str, Any] = body.get("KinesisBatchInfo") or body["DDBStreamBatchInfo"]
    return info


def _read(queue: QueueName, message: Mapping[str, Any]) -> DeadLetter:
    body = json.loads(message["Body"])
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    response, context = body.get("responsePayload"), body.get("requestContext", {})
    reasons = [
        attributes.get("ERROR_CODE", ""),
        str(context.get("condition", "")),
        str(response.get("errorType", "")) if isinstance(response, dict) else "",
    ]
    return DeadLetter(queue, body, ", ".join(filter(None, reasons)) or "unknown", message["ReceiptHandle"])


def _invoke(deployment: Deployment, function: str, payload: object) -> Any:
    content = json.dumps(payload, default=_encoded).encode()
    answer = deployment.lambda_.invoke(FunctionName=function, Payload=content)
    result = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        kind = result.get("errorType", "an error") if isinstance(result, dict) else "an error"
        message = result.get("errorMessage", "") if isinstance(result, dict) else ""
        raise NotDeliveredError(f"the function failed again: {kind}: {message}".removesuffix(": "))
    return result


def _encoded(value: object) -> object:
    """Encode what JSON has no type for as Lambda does: bytes in base64, and times in seconds."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value).__name__)


def _chunks(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _RECORDS_A_CALL:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

"""Both kinds of streams: the mapping is made, records are scored, and one that cannot be ends in the queue, alone."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from hundredfold_cli.deployment_checks import faulty_model
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.stack.deployment import Deployment

HARMLESS = ("check-stream-0", "check-stream-1", "check-stream-2")
POISON = "check-stream-poison"
ENABLED_SECONDS, SCORED_SECONDS, QUEUE_SECONDS = 300, 180, 300
RETRIES = 1
"""Of a record that fails, so that it reaches the queue soon."""
WAYS = {"KinesisBatchInfo": "Kinesis", "DDBStreamBatchInfo": "DynamoDB"}
"""What a message of the queue calls the records that were given up.
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"""


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of the records of one stream.

    Attributes
    ----------
    state : of the mapping
    scored : which of the harmless records have a prediction
    given_up : the numbers of records in the messages of the queue; None if no poison was sent
    """

    state: str
    scored: tuple[str, ...]
    given_up: tuple[int, ...] | None = None


class Source(Protocol):
    """A stream, and what puts records on it."""

    arn: str

    def put(self, record: Mapping[str, str]) -> None: ...


def judge(seen: Observation) -> Answer:
    """Judge one stream: all harmless records are scored, and the poisonous one was halved out alone."""
    words = f"mapping {seen.state}, {len(seen.scored)} of {len(HARMLESS)} harmless records scored"
    agrees = seen.state == "Enabled" and set(seen.scored) == set(HARMLESS)
    if seen.given_up is None:
        return Answer(words, agrees)
    alone = f"{len(seen.given_up)} messages in the queue, of {', '.join(map(str, seen.given_up)) or 'no'} records"
    return Answer(f"{words}; {alone}", agrees and seen.given_up == (1,))


def records_given_up(body: str) -> int:
    """Return how many records a message of the queue is about; raises KeyError if it is of another kind."""
    message = json.loads(body)
    name = next(name for name in WAYS if name in message)
    return int(message[name]["batchSize"])


def _ask(stage: Stage, made: Callable[[Deployment], Any]) -> Answer:
    if stage.redeploy is None:
        raise CannotAskError("it changes the stack")
    stage.faulty_version  # noqa: B018 - its records are texts
    with made(stage.deployment) as source:
        stage.say(f"deploying with {source.arn} ...")
        stage.redeploy({"StreamArn": source.arn, "StreamRetries": str(RETRIES), "StreamBatchWindowSeconds": "0"})
        try:
            return judge(_observe(stage, source))
        finally:
            stage.redeploy({"StreamArn": ""})


def _observe(stage: Stage, source: Source) -> Observation:
    deployment = stage.deployment
    state = until(lambda: _mapping_state(deployment, source.arn), ENABLED_SECONDS) or "never enabled"
    texts = [*((id_, "harmless") for id_ in HARMLESS[:2])]
    if stage.on_aws:
        texts.append((POISON, faulty_model.KILL))
    texts += [(id_, "harmless") for id_ in HARMLESS[2:]]
    for id_, text in texts:
        source.put({"id": id_, "text": text})
    until(lambda: len(_scored(deployment)) == len(HARMLESS) or None, SCORED_SECONDS)
    given_up = _given_up(deployment) if stage.on_aws else None
    return Observation(state, tuple(_scored(deployment)), given_up)


def _mapping_state(deployment: Deployment, stream: str) -> str | None:
    mappings = deployment.lambda_.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"]
    return next((mapping["State"] for mapping in mappings if mapping["State"] == "Enabled"), None)


def _scored(deployment: Deployment) -> list[str]:
    """Return which of the harmless records have a prediction of a stream."""
    return [
        id_
        for id_ in HARMLESS
        if deployment.dynamodb.query(
            TableName=deployment.predictions_table,
            KeyConditionExpression="record_id = :id",
            ExpressionAttributeValues={":id": {"S": id_}},
            Limit=1,
        )["Items"]
    ]


def _forget(deployment: Deployment) -> None:
    """Delete the predictions of another stream's records, which have the same ids."""
    for id_ in HARMLESS:
        items = deployment.dynamodb.query(
            TableName=deployment.predictions_table,
            KeyConditionExpression="record_id = :id",
            ExpressionAttributeValues={":id": {"S": id_}},
        )["Items"]
        for item in items:
            key = {name: item[name] for name in ("record_id", "ingest_id")}
            deployment.dynamodb.delete_item(TableName=deployment.predictions_table, Key=key)


def _given_up(deployment: Deployment) -> tuple[int, ...]:
    sqs = deployment.session.client("sqs", endpoint_url=deployment.endpoint)
    url = sqs.get_queue_url(QueueName=f"{deployment.stack}-stream-failures")["QueueUrl"]

    def messages() -> Sequence[Any] | None:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        return list(received.get("Messages", [])) or None

    return tuple(records_given_up(message["Body"]) for message in until(messages, QUEUE_SECONDS) or ())


@dataclass(frozen=True, slots=True)
class _KinesisSource:
    client: Any
    arn: str

    def put(self, record: Mapping[str, str]) -> None:
        self.client.put_record(StreamARN=self.arn, Data=json.dumps(record).encode(), PartitionKey="check")


@dataclass(frozen=True, slots=True)
class _TableSource:
    client: Any
    table: str
    arn: str

    def put(self, record: Mapping[str, str]) -> None:
        self.client.put_item(TableName=self.table, Item={name: {"S": value} for name, value in record.items()})


@contextmanager
def _kinesis(deployment: Deployment) -> Iterator[_KinesisSource]:
    _forget(deployment)
    client = deployment.session.client("kinesis", endpoint_url=deployment.endpoint)
    name = f"{deployment.stack}-source"
    client.create_stream(StreamName=name, ShardCount=1)
    try:
        client.get_waiter("stream_exists").wait(StreamName=name)
        summary = client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        yield _KinesisSource(client, summary["StreamARN"])
    finally:
        client.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


@contextmanager
def _table(deployment: Deployment) -> Iterator[_TableSource]:
    _forget(deployment)
    client, name = deployment.dynamodb, f"{deployment.stack}-source"
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    try:
        client.get_waiter("table_exists").wait(TableName=name)
        yield _TableSource(client, name, client.describe_table(TableName=name)["Table"]["LatestStreamArn"])
    finally:
        client.delete_table(TableName=name)


def _ask_kinesis(stage: Stage) -> Answer:
    return _ask(stage, _kinesis)


def _ask_table(stage: Stage) -> Answer:
    return _ask(stage, _table)


KINESIS = Check(
    "stream-kinesis",
    "a Kinesis stream is mapped and scored; a record that fails is halved out, and its message is in the queue",
    "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-errors.html",
    _ask_kinesis,
    needs_own_stack=True,
)
TABLE = Check(
    "stream-table",
    "a table's stream is mapped and scored; a record that fails is halved out, and its message is in the queue",
    "https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html",
    _ask_table,
    needs_own_stack=True,
)

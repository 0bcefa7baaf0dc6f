"""Streams through the deployed template: what is put on one is predicted by the model that is live.

The local stack hands over records by 100 as Lambda does, and nothing more: it takes no report of failures, halves and
gives up nothing, and waits no window. That is in tests/unit/test_stream_inference.py, and in the template.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from hundredfold.model.bundle import Bundle
from tests.support.deployed import STREAM, TABLES, Stack

DEADLINE_SECONDS = 120


def predictions_of(stack: Stack, record_id: str) -> list[dict[str, Any]]:
    answer: Any = stack.deployment.dynamodb.query(
        TableName=stack.deployment.predictions_table,
        KeyConditionExpression="record_id = :id",
        ExpressionAttributeValues={":id": {"S": record_id}},
        ConsistentRead=True,
    )
    items: list[dict[str, Any]] = answer["Items"]
    return items


def wait_for(what: Callable[[], bool], said: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not what():
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def rejections(stack: Stack, stream: str) -> list[dict[str, Any]]:
    s3, bucket = stack.deployment.s3, stack.deployment.work_bucket
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"streams/{stream}/rejected/").get("Contents", [])
    return [json.loads(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()) for one in listed]


def test_what_is_put_on_a_kinesis_stream_is_predicted(
    stack: Stack, kinesis: Any, texts: list[str], bundle: Bundle
) -> None:
    # Given the mapping of the template, of the alias that is live
    [mapping] = stack.deployment.lambda_.list_event_source_mappings()["EventSourceMappings"]
    assert mapping["FunctionArn"].endswith(":hundredfold-infer-batch:live")
    told = {
        name: mapping.get(name) for name in ("BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes")
    }
    assert told == {
        "BatchSize": 100, "MaximumBatchingWindowInSeconds": 1, "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }  # fmt: skip

    # When 250 records are put on the stream, plain ones and items in turn, with three that cannot be scored
    some = texts[:250]
    data = [
        {"id": f"k-{number}", "text": text}
        if number % 2
        else {"eventName": "INSERT", "dynamodb": {"NewImage": {"id": {"S": f"k-{number}"}, "text": {"S": text}}}}
        for number, text in enumerate(some)
    ]
    sent: list[bytes] = [json.dumps(one).encode() for one in data]
    sent[100:100] = [
        b"no JSON",
        b'{"id": "k-bad"}',
        json.dumps({"eventName": "REMOVE", "dynamodb": {"Keys": {}}}).encode(),
    ]
    for first in range(0, len(sent), 100):
        answer = kinesis.put_records(
            StreamName=STREAM,
            Records=[
                {"Data": one, "PartitionKey": str(number)} for number, one in enumerate(sent[first : first + 100])
            ],
        )
        assert answer["FailedRecordCount"] == 0

    # Then all of them have their prediction, under the stream's name and their place in it
    wait_for(
        lambda: all(predictions_of(stack, f"k-{number}") for number in range(250)), "not all records were predicted"
    )
    live = stack.deployment.lambda_.get_alias(FunctionName="hundredfold-infer-batch", Name="live")["FunctionVersion"]
    for number, (label, score) in enumerate(bundle.predict([(text,) for text in some])):
        [item] = predictions_of(stack, f"k-{number}")
        assert item["ingest_id"]["S"].startswith(f"{STREAM}/shardId-")
        assert item["ingest_id"]["S"].rpartition("/")[2].isdecimal()
        assert (item["label"], item["model_version"]) == ({"S": label}, {"S": live})
        assert float(item["score"]["N"]) == pytest.approx(score, abs=1e-6)
        assert "batch" not in item
    wait_for(lambda: len(rejections(stack, STREAM)) == 2, "the two rejections were not kept")
    assert sorted((one["reason"], one["record_id"]) for one in rejections(stack, STREAM)) == [
        ("missing_field", "k-bad"), ("not_json", None),
    ]  # fmt: skip


def test_records_of_a_stream_that_were_given_up_are_scored_by_redelivering_them(stack: Stack, kinesis: Any) -> None:
    # Given three records whose predictions are gone, and the message that Lambda sends if it gives them up
    data = [json.dumps({"id": f"again-{number}", "text": "A fine film."}).encode() for number in range(3)]
    put = [kinesis.put_record(StreamName=STREAM, Data=one, PartitionKey="same") for one in data]
    wait_for(lambda: all(predictions_of(stack, f"again-{n}") for n in range(3)), "not all records were predicted")
    for number in range(3):
        [item] = predictions_of(stack, f"again-{number}")
        key = {name: item[name] for name in ("record_id", "ingest_id")}
        stack.deployment.dynamodb.delete_item(TableName=stack.deployment.predictions_table, Key=key)
    batch = {
        "shardId": put[0]["ShardId"], "startSequenceNumber": put[0]["SequenceNumber"],
        "endSequenceNumber": put[-1]["SequenceNumber"], "batchSize": 3,
        "streamArn": f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}",
    }  # fmt: skip
    sqs = stack.deployment.client("sqs")
    queue = sqs.get_queue_url(QueueName="hundredfold-stream-failures")["QueueUrl"]
    body = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "KinesisBatchInfo": batch}
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))

    sent = stack.command("redeliver", "stream-failures", "--send")

    assert sent.returncode == 0, sent.stderr
    assert f"3 records of {STREAM}, shard {put[0]['ShardId']}" in sent.stdout
    assert "stream-failures: 0 left" in sent.stdout
    for number in range(3):
        [item] = predictions_of(stack, f"again-{number}")
        assert item["ingest_id"]["S"] == f"{STREAM}/{put[number]['ShardId']}/{put[number]['SequenceNumber']}"


@contextmanager
def streaming_table(stack: Stack, name: str, key_type: Literal["S", "N"]) -> Iterator[None]:
    """Have a table whose key is `id`, and whose changes go to the inference function."""
    deployment = stack.deployment
    described = deployment.dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": key_type}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    mapping = deployment.lambda_.create_event_source_mapping(
        EventSourceArn=described["LatestStreamArn"],
        FunctionName=f"{deployment.infer_function}:live",
        StartingPosition="TRIM_HORIZON",
        BatchSize=100,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    try:
        yield
    finally:
        deployment.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
        deployment.dynamodb.delete_table(TableName=name)


def test_changes_of_a_table_are_predicted(stack: Stack, bundle: Bundle, new_id: Callable[[], str]) -> None:
    # Given a table with a stream, and the same function for it
    name = f"{TABLES}{new_id()[-8:]}"
    deployment = stack.deployment
    with streaming_table(stack, name, "N"):
        # When an item is put, changed and deleted
        before, after = "A wonderful film.", "A terrible, boring film."
        number = str(int(new_id()[-8:], 16) + 10**12)
        for text in (before, after):
            deployment.dynamodb.put_item(TableName=name, Item={"id": {"N": number}, "text": {"S": text}})
        deployment.dynamodb.put_item(TableName=name, Item={"id": {"N": "1"}, "text": {"N": "5"}})
        deployment.dynamodb.delete_item(TableName=name, Key={"id": {"N": number}})

        # Then both that it was are predicted, in their order, and what cannot be is rejected
        wait_for(lambda: len(predictions_of(stack, number)) == 2, "the two images were not predicted")
        items = predictions_of(stack, number)
        assert [item["label"]["S"] for item in items] == [label for label, _ in bundle.predict([(before,), (after,)])]
        assert all(item["ingest_id"]["S"].startswith(f"{name}/") for item in items)
        wait_for(lambda: len(rejections(stack, name)) == 1, "the rejection was not kept")
        [rejection] = rejections(stack, name)
        assert (rejection["reason"], rejection["record_id"], rejection["shard"]) == ("wrong_type", "1", "")


def test_the_deployed_function_reports_nothing_if_all_is_stored_and_takes_no_other_events(stack: Stack) -> None:
    record = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": "495",
            "data": base64.b64encode(b'{"id": "k-direct", "text": "A fine film."}').decode(),
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventID": "shardId-000000000000:495",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/direct",
    }

    def invoke(event: dict[str, Any]) -> tuple[Any, bool]:
        answer = stack.deployment.lambda_.invoke(
            FunctionName=f"{stack.deployment.infer_function}:live", Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read()), "FunctionError" in answer

    assert invoke({"Records": [record]}) == ({"batchItemFailures": []}, False)
    assert [item["ingest_id"]["S"] for item in predictions_of(stack, "k-direct")] == ["direct/shardId-000000000000/495"]
    told, failed = invoke({"Records": [{"eventSource": "aws:sqs", "body": "x"}]})
    assert failed
    assert "neither of a Kinesis stream nor of a DynamoDB table's stream" in told["errorMessage"]

"""Answers written back onto items: what is really sent, what counts as outdated, and how it ends."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hundredfold.aws import clients
from hundredfold.aws.source_items import DynamoSourceItems
from hundredfold.errors import HundredfoldError, InvalidIngestError, OutOfTimeError, SourceMissingError, StoreBusyError
from hundredfold.ingest import Model
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.spec import TableSpec
from tests.unit.answering_server import AnsweringServer, Reply, dynamodb_error, json_reply

NOW = "2026-11-24T10:00:00.000+00:00"
WRITTEN = json_reply({"ConsumedCapacity": {"TableName": "reviews", "CapacityUnits": 3.0}})


class Back:
    """A `DynamoSourceItems` on a real client, and the pauses that it made."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.client = clients.dynamodb(validate=False)
        self.pool = ThreadPoolExecutor(1)
        self.items = DynamoSourceItems(self.client, lambda: NOW, self.pool, self.pauses.append)

    def write(self, count: int = 1, time_left: Callable[[], float] = lambda: 60.0) -> WriteBackResult:
        answers = [
            ItemAnswer(
                {"shelf": {"S": f"s{number}"}, "place": {"N": "1"}},
                {"body": {"S": "good"}, "price": {"N": "12345678901234567890.125"}},
                Prediction(f"r{number}", "pos", 0.5),
            )
            for number in range(count)
        ]
        spec = TableSpec("reviews", write_back="verdict")
        return self.items.write_back(spec, "i1", Model("arn:infer:7", "7"), answers, time_left)


@pytest.fixture
def back(aws: AnsweringServer) -> Iterator[Back]:
    aws.answer = lambda _: WRITTEN
    back = Back()
    yield back
    back.pool.shutdown()
    back.client.close()


def test_an_answer_is_set_if_the_item_is_what_was_read(aws: AnsweringServer, back: Back) -> None:
    assert back.write() == WriteBackResult(1, 0, 3.0)

    assert aws.requests[0].json == {
        "TableName": "reviews",
        "Key": {"shelf": {"S": "s0"}, "place": {"N": "1"}},
        "UpdateExpression": "SET #to=:to",
        "ConditionExpression": "attribute_exists(#key) AND #0=:0 AND #1=:1",
        "ExpressionAttributeNames": {"#to": "verdict", "#key": "shelf", "#0": "body", "#1": "price"},
        "ExpressionAttributeValues": {
            ":to": {
                "M": {
                    "label": {"S": "pos"},
                    "score": {"N": "0.5"},
                    "ingest_id": {"S": "i1"},
                    "model_version": {"S": "7"},
                    "predicted_at": {"S": NOW},
                }
            },
            ":0": {"S": "good"},
            ":1": {"N": "12345678901234567890.125"},
        },
        "ReturnConsumedCapacity": "TOTAL",
    }


def test_items_that_are_not_what_was_read_are_counted_and_paid_for(aws: AnsweringServer, back: Back) -> None:
    aws.answer_in_turn(WRITTEN, dynamodb_error("ConditionalCheckFailedException"), WRITTEN)

    assert back.write(3) == WriteBackResult(2, 1, 7.0)


def test_a_table_that_throttles_is_waited_for(aws: AnsweringServer, back: Back) -> None:
    aws.answer_in_turn(*[dynamodb_error("ThrottlingException")] * 6, WRITTEN)  # botocore asks three times

    assert back.write().written == 1
    assert len(back.pauses) == 2


def test_a_table_that_throttles_for_too_long_runs_the_batch_out_of_time(aws: AnsweringServer, back: Back) -> None:
    aws.answer = lambda _: dynamodb_error("ThrottlingException")

    with pytest.raises(OutOfTimeError, match="throttled the writing back of answers until time was out"):
        back.write(time_left=lambda: 2.0 - sum(back.pauses))

    assert sum(back.pauses) <= 2.0


def test_nothing_is_sent_when_time_is_out(aws: AnsweringServer, back: Back) -> None:
    with pytest.raises(OutOfTimeError, match="still to be written back when time was out"):
        back.write(time_left=lambda: 0.0)

    assert aws.requests == []


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply(b"", 503), StoreBusyError, "DynamoDB did not take answers for dynamodb://reviews: "),
        (dynamodb_error("ResourceNotFoundException", "Jane"), SourceMissingError, "there is no such table any more"),
        (
            dynamodb_error("AccessDeniedException", "Jane"),
            SourceMissingError,
            "access is denied; functions may write back to it if",
        ),
        (dynamodb_error("ValidationException", "Jane"), InvalidIngestError, "an item may have 400 KB with it"),
    ],
    ids=["busy", "gone", "denied", "refused"],
)
def test_an_error_does_not_quote_the_item(
    aws: AnsweringServer, back: Back, reply: Reply, error: type[HundredfoldError], message: str
) -> None:
    aws.answer = lambda _: reply

    with pytest.raises(error, match=message) as raised:
        back.write(2)

    assert "Jane" not in str(raised.value)

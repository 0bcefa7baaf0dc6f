"""Tables in DynamoDB: their description, and the requests that read them page by page."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws import clients
from hundredfold.aws.source_tables import READ_ATTEMPTS, DynamoTables
from hundredfold.errors import SourceMissingError, StoreBusyError
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import TableSpec
from tests.unit.answering_server import AnsweringServer, Reply, dynamodb_error, json_reply

TABLE = Table("shelf", ("shelf", "place"), {"shelf": "S", "place": "N"}, 0, True)
DESCRIBED: dict[str, Any] = {
    "TableName": "reviews",
    "TableStatus": "ACTIVE",
    "TableSizeBytes": 1_000,
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind} for name, kind in (("shelf", "S"), ("place", "N"), ("mood", "S"))
    ],
    # DynamoDB lists the partition key first, but nobody promises that.
    "KeySchema": [{"AttributeName": "place", "KeyType": "RANGE"}, {"AttributeName": "shelf", "KeyType": "HASH"}],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "near",
            "IndexSizeBytes": 10,
            "KeySchema": [
                {"AttributeName": "shelf", "KeyType": "HASH"},
                {"AttributeName": "mood", "KeyType": "RANGE"},
            ],
        }
    ],
    "GlobalSecondaryIndexes": [
        {"IndexName": "far", "IndexSizeBytes": 20, "KeySchema": [{"AttributeName": "mood", "KeyType": "HASH"}]}
    ],
}


class Read:
    """A `DynamoTables` on a real client, and the pauses that it made."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.client = clients.dynamodb()
        self.tables = DynamoTables(self.client, self.pauses.append)

    def items(self, spec: TableSpec, number: int = 0, of: int = 1, table: Table = TABLE) -> list[Any]:
        return [item for page in self.tables.read(Segment(number, of, spec, table)) for item in page]


@pytest.fixture
def read(aws: AnsweringServer) -> Iterator[Read]:
    read = Read()
    yield read
    read.client.close()


@pytest.mark.parametrize(
    ("index", "partition", "size", "consistent"),
    [("", "shelf", 1_000, True), ("near", "shelf", 10, True), ("far", "mood", 20, False)],
)
def test_a_table_and_its_indexes_are_described(
    aws: AnsweringServer, read: Read, index: str, partition: str, size: int, consistent: bool
) -> None:
    aws.answer = lambda _: json_reply({"Table": DESCRIBED})

    table = read.tables.describe("reviews", index)

    assert table == Table(partition, ("shelf", "place"), {"shelf": "S", "place": "N", "mood": "S"}, size, consistent)


def test_a_table_that_is_all_is_scanned_page_by_page(aws: AnsweringServer, read: Read) -> None:
    last = {"shelf": {"S": "a"}, "place": {"N": "1"}}
    aws.answer_in_turn(
        json_reply({"Items": [{"id": {"S": "1"}}], "LastEvaluatedKey": last}),
        json_reply({"Items": [], "LastEvaluatedKey": last}),
        json_reply({"Items": [{"id": {"S": "2"}}]}),
    )

    assert read.items(TableSpec("reviews")) == [{"id": {"S": "1"}}, {"id": {"S": "2"}}]

    assert [request.headers["X-Amz-Target"].rpartition(".")[2] for request in aws.requests] == ["Scan"] * 3
    assert aws.requests[0].json == {"TableName": "reviews", "ConsistentRead": True}
    assert aws.requests[2].json == {"TableName": "reviews", "ConsistentRead": True, "ExclusiveStartKey": last}


def test_a_segment_of_an_index_with_columns_is_asked_for_as_such(aws: AnsweringServer, read: Read) -> None:
    aws.answer = lambda _: json_reply({"Items": []})
    spec = TableSpec("reviews", "far", options=ReadOptions(columns=("id", "dotted.name")), write_back="verdict")

    read.items(spec, 3, 8, replace(TABLE, consistent=False))

    assert aws.requests[0].json == {
        "TableName": "reviews",
        "IndexName": "far",
        "ConsistentRead": False,
        "Segment": 3,
        "TotalSegments": 8,
        "ProjectionExpression": "#a0, #a1, #a2, #a3",
        "ExpressionAttributeNames": {"#a0": "id", "#a1": "dotted.name", "#a2": "shelf", "#a3": "place"},
    }


@pytest.mark.parametrize(("value", "sent"), [("a", {"S": "a"}), (17, {"N": "17"}), (-1.5, {"N": "-1.5"})])
def test_one_partition_is_queried(aws: AnsweringServer, read: Read, value: Any, sent: dict[str, str]) -> None:
    aws.answer = lambda _: json_reply({"Items": []})

    read.items(TableSpec("reviews", partition={"shelf": value}))

    assert aws.requests[0].headers["X-Amz-Target"].endswith(".Query")
    assert aws.requests[0].json == {
        "TableName": "reviews",
        "ConsistentRead": True,
        "KeyConditionExpression": "#partition = :value",
        "ExpressionAttributeNames": {"#partition": "shelf"},
        "ExpressionAttributeValues": {":value": sent},
    }


def test_a_table_that_throttles_is_waited_for(aws: AnsweringServer, read: Read) -> None:
    throttled = dynamodb_error("ProvisionedThroughputExceededException")
    aws.answer_in_turn(*[throttled] * 6, json_reply({"Items": [{"id": {"S": "1"}}]}))  # botocore asks three times

    assert read.items(TableSpec("reviews")) == [{"id": {"S": "1"}}]
    assert len(read.pauses) == 2


@pytest.mark.parametrize(
    ("reply", "asks"),
    [
        (dynamodb_error("ThrottlingException"), 3 * READ_ATTEMPTS),
        (dynamodb_error("InternalServerError", status=500), 3),
    ],
)
def test_a_table_that_stays_busy_raises_a_retryable_error(
    aws: AnsweringServer, read: Read, reply: Reply, asks: int
) -> None:
    aws.answer = lambda _: reply

    with pytest.raises(StoreBusyError, match="DynamoDB did not answer for dynamodb://reviews: "):
        read.items(TableSpec("reviews"))

    assert len(aws.requests) == asks


@pytest.mark.parametrize(
    "ask", [lambda read: read.tables.describe("reviews"), lambda read: read.items(TableSpec("reviews"))]
)
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("ResourceNotFoundException", "there is no such table"),
        (
            "AccessDeniedException",
            "access is denied; functions may read it if its ARN, and its indexes', are in the parameter",
        ),
    ],
)
def test_a_table_that_is_not_there_or_may_not_be_read_is_named(
    aws: AnsweringServer, read: Read, ask: Callable[[Read], object], code: str, why: str
) -> None:
    aws.answer = lambda _: dynamodb_error(code, "reviews of Jane")

    with pytest.raises(SourceMissingError, match=f"cannot read dynamodb://reviews: {why}") as raised:
        ask(read)

    assert "Jane" not in str(raised.value)


def test_an_index_that_is_not_there_is_named_with_those_that_are(aws: AnsweringServer, read: Read) -> None:
    aws.answer = lambda _: json_reply({"Table": DESCRIBED})

    with pytest.raises(SourceMissingError, match="dynamodb://reviews/x: the table has no such index; it has far, near"):
        read.tables.describe("reviews", "x")


def test_a_table_that_is_being_made_is_not_there_yet(aws: AnsweringServer, read: Read) -> None:
    aws.answer = lambda _: json_reply({"Table": {**DESCRIBED, "TableStatus": "CREATING"}})

    with pytest.raises(SourceMissingError, match="dynamodb://reviews: the table is CREATING"):
        read.tables.describe("reviews")


def test_any_other_refusal_is_raised_as_it_is(aws: AnsweringServer, read: Read) -> None:
    aws.answer = lambda _: dynamodb_error("ValidationException")

    with pytest.raises(ClientError, match="ValidationException"):
        read.items(TableSpec("reviews"))

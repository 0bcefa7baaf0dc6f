"""Tables and their items against the local stack's DynamoDB: segments, pages, and conditions that hold exactly."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hundredfold.aws.source_items import DynamoSourceItems
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.errors import SourceMissingError
from hundredfold.ingest import Model
from hundredfold.planning.segments import find_segments
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import item_line
from hundredfold.sources.dynamodb.members import read_key, read_members, scalar_value
from hundredfold.sources.dynamodb.segments import Segment, segment_lines
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.spec import TableSpec
from tests.support.deployed import TABLES, Stack

ITEMS = 2_500
DIGITS = "12345678901234567890123456789012345.678"  # 38 of them: all that DynamoDB has, and 21 more than a float
MODEL = Model("arn:infer:7", "7")


@pytest.fixture(scope="module")
def table(stack: Stack) -> Iterator[str]:
    """A table with a binary key, of 2.5 MB: three pages and more."""
    name = f"{TABLES}{uuid.uuid4().hex[:8]}"
    dynamodb = stack.deployment.dynamodb
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "B"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for first in range(0, ITEMS, 25):
        puts: list[Any] = [{"PutRequest": {"Item": item(number)}} for number in range(first, first + 25)]
        assert dynamodb.batch_write_item(RequestItems={name: puts})["UnprocessedItems"] == {}
    yield name
    dynamodb.delete_table(TableName=name)


def item(number: int) -> dict[str, Any]:
    return {
        "pk": {"B": number.to_bytes(2, "big")},
        "id": {"S": f"r{number}"},
        "text": {"S": f"{number} " + "x" * 1_000},
        "price": {"N": DIGITS},
    }


def lines(stack: Stack, spec: TableSpec, count: int) -> list[bytes]:
    tables = DynamoTables(stack.deployment.dynamodb)
    described = find_segments(spec, tables)[0].table
    segments = [Segment(number, count, spec, described) for number in range(count)]
    pages = [page for segment in segments for page in segment_lines(segment, tables.read(segment))]
    return [line for page in pages for line in page.splitlines()]


@pytest.mark.parametrize("segments", [1, 4])
def test_all_segments_together_have_every_item_once(stack: Stack, table: str, segments: int) -> None:
    read_lines = lines(stack, TableSpec(table, write_back="verdict"), segments)

    expected = [item_line(item(number), TableSpec(table).options, key=("pk",)) for number in range(ITEMS)]
    members = {read_members(line)["id"]: read_members(line) for line in read_lines}
    assert len(read_lines) == ITEMS
    assert [members[read_members(line)["id"]] for line in expected] == [read_members(line) for line in expected]


def test_answers_are_written_onto_items_that_are_exactly_what_was_read(stack: Stack, table: str) -> None:
    # Given four items as they were read, of which one changes in its last digit, one in its text, and one goes
    dynamodb = stack.deployment.dynamodb
    read = [read_members(item_line(item(number), TableSpec(table).options, key=("pk",))) for number in range(4)]
    answers = [
        ItemAnswer(
            read_key(members),
            {name: scalar_value(members[name]) for name in ("text", "price")},
            Prediction(f"r{number}", "pos", 0.25),
        )
        for number, members in enumerate(read)
    ]
    changes = {1: ("price", {"N": DIGITS[:-1] + "9"}), 2: ("text", {"S": "another"})}
    for number, (name, value) in changes.items():
        dynamodb.put_item(TableName=table, Item={**item(number), name: value})
    dynamodb.delete_item(TableName=table, Key={"pk": item(3)["pk"]})

    # When answers are written back, twice
    with ThreadPoolExecutor(4) as pool:
        items = DynamoSourceItems(dynamodb, lambda: "2026-11-24T10:00:00.000+00:00", pool)
        results = [
            items.write_back(TableSpec(table, write_back="verdict"), "i1", MODEL, answers, lambda: 60.0)
            for _ in range(2)
        ]

    # Then only the first item has its answer, and the one that went stays gone
    assert [(result.written, result.outdated) for result in results] == [(1, 3), (1, 3)]
    now: list[Any] = [
        dynamodb.get_item(TableName=table, Key={"pk": item(number)["pk"]}).get("Item") for number in range(4)
    ]
    assert now[3] is None
    assert [("verdict" in item) for item in now[:3]] == [True, False, False]
    assert now[0].pop("verdict") == {
        "M": {
            "label": {"S": "pos"},
            "score": {"N": "0.25"},
            "ingest_id": {"S": "i1"},
            "model_version": {"S": "7"},
            "predicted_at": {"S": "2026-11-24T10:00:00.000+00:00"},
        }
    }
    assert now[0] == item(0)


def test_no_answers_are_nothing_to_write(stack: Stack, table: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        items = DynamoSourceItems(stack.deployment.dynamodb, lambda: "t", pool)

        assert (
            items.write_back(TableSpec(table, write_back="verdict"), "i1", MODEL, [], lambda: 60.0) == WriteBackResult()
        )


def test_a_table_that_is_not_there_is_named(stack: Stack) -> None:
    with pytest.raises(SourceMissingError, match="dynamodb://nowhere: there is no such table"):
        DynamoTables(stack.deployment.dynamodb).describe("nowhere")

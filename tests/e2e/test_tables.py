"""A DynamoDB table as origin, through the deployed template: read, predicted, and written back onto its items."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hundredfold.batches import BatchOutcome
from hundredfold.ingest import Plan
from hundredfold.model.bundle import Bundle
from hundredfold_cli.ingests.outcomes import read_manifest
from tests.support.deployed import TABLES, Stack

type Item = dict[str, dict[str, Any]]

ITEMS = 300


class Reviews:
    """A table of reviews: `shelf` and the number `place` are its key, `sku` is what the records' id is taken from."""

    def __init__(self, stack: Stack, texts: list[str]) -> None:
        self.name = f"{TABLES}{uuid.uuid4().hex[:8]}"
        self.texts = texts[:ITEMS]
        self._dynamodb = stack.deployment.dynamodb
        self._dynamodb.create_table(
            TableName=self.name,
            AttributeDefinitions=[
                {"AttributeName": "shelf", "AttributeType": "S"},
                {"AttributeName": "place", "AttributeType": "N"},
                {"AttributeName": "mood", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "shelf", "KeyType": "HASH"},
                {"AttributeName": "place", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-mood",
                    "KeySchema": [{"AttributeName": "mood", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        for number, text in enumerate(self.texts):
            item: Item = {
                **self.key(number),
                "sku": {"N": str(number)},
                "body": {"S": text},
                "tags": {"SS": ["new"]},
                "scan": {"B": b"\x00\xff"},
            }
            if number % 3 == 0:
                item["mood"] = {"S": "calm"}
            self._dynamodb.put_item(TableName=self.name, Item=item)

    def key(self, number: int) -> Item:
        return {"shelf": {"S": f"shelf {number % 7}"}, "place": {"N": f"{number}.5"}}

    def item(self, number: int) -> Item | None:
        answer: Any = self._dynamodb.get_item(TableName=self.name, Key=self.key(number), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def delete(self, number: int) -> None:
        self._dynamodb.delete_item(TableName=self.name, Key=self.key(number))

    def change(self, number: int, text: str) -> None:
        self._dynamodb.update_item(
            TableName=self.name,
            Key=self.key(number),
            UpdateExpression="SET body = :text",
            ExpressionAttributeValues={":text": {"S": text}},
        )

    def spec(self, **more: object) -> dict[str, Any]:
        return {"source": {"table": self.name, "fields": {"id": "sku", "text": "body"}, **more}}

    def drop(self) -> None:
        self._dynamodb.delete_table(TableName=self.name)


@pytest.fixture
def reviews(stack: Stack, texts: list[str]) -> Iterator[Reviews]:
    reviews = Reviews(stack, texts)
    yield reviews
    reviews.drop()


def test_every_item_of_a_table_is_predicted_and_gets_its_prediction_back(
    stack: Stack, reviews: Reviews, bundle: Bundle, new_id: Callable[[], str]
) -> None:
    # Given a table with one item that has no text, and one that has no id
    ingest_id = new_id()
    client = stack.deployment.dynamodb
    client.update_item(TableName=reviews.name, Key=reviews.key(1), UpdateExpression="REMOVE body")
    client.update_item(TableName=reviews.name, Key=reviews.key(2), UpdateExpression="REMOVE sku")

    # When all of it is ingested
    ended = stack.execute(ingest_id, reviews.spec(write_back="verdict"))

    # Then every other item has a prediction, in the table of predictions and on the item
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    summary = stack.read("summary", ingest_id)
    counted = ("records", "predicted", "rejected", "failed", "batches", "written_back", "outdated")
    assert [summary[name] for name in counted] == [300, 298, 2, 0, 3, 298, 0]
    assert summary["reasons"] == {"missing_field": 1, "missing_id": 1}
    assert summary["source"] == f"dynamodb://{reviews.name}"
    assert "written back" in stack.command("summary", ingest_id).stdout
    assert stack.read("verify", ingest_id)["ok"] is True
    rows = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
    predictions = {row["record_id"]: row for row in rows}
    expected = bundle.predict([(text,) for text in reviews.texts])
    assert set(predictions) == {str(number) for number in range(300)} - {"1", "2"}
    for number, (label, score) in enumerate(expected):
        item = reviews.item(number)
        assert item is not None
        if number in {1, 2}:
            assert "verdict" not in item
            continue
        assert predictions[str(number)]["label"] == label
        verdict = item.pop("verdict")["M"]
        assert verdict["label"] == {"S": label}
        assert float(verdict["score"]["N"]) == pytest.approx(score, abs=1e-6)
        assert (verdict["ingest_id"], verdict["model_version"]) == ({"S": ingest_id}, {"S": summary["model_version"]})
        assert verdict["predicted_at"]["S"].startswith("20")
        # and nothing else of the item has changed
        assert item["body"] == {"S": reviews.texts[number]}
        assert set(item) >= {"shelf", "place", "sku", "body", "tags", "scan"}

    # And a second ingest reads the items as before: what was written back is no part of the records
    again = new_id()
    assert stack.execute(again, reviews.spec(write_back="verdict"))["status"] == "SUCCEEDED"
    assert stack.read("summary", again)["written_back"] == 298
    item = reviews.item(0)
    assert item is not None
    assert item["verdict"]["M"]["ingest_id"] == {"S": again}


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"key": {"shelf": "shelf 3"}}, range(3, 300, 7)),
        ({"index": "by-mood"}, range(0, 300, 3)),
        ({"index": "by-mood", "key": {"mood": "calm"}, "columns": ["sku", "body"]}, range(0, 300, 3)),
    ],
    ids=["a-partition", "an-index", "a-partition-of-an-index"],
)
def test_some_of_a_table_is_ingested(
    stack: Stack, reviews: Reviews, new_id: Callable[[], str], asked: dict[str, object], numbers: range
) -> None:
    ingest_id = new_id()

    assert stack.execute(ingest_id, reviews.spec(**asked, write_back="verdict"))["status"] == "SUCCEEDED"

    rows = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
    assert {row["record_id"] for row in rows} == {str(number) for number in numbers}
    assert stack.read("summary", ingest_id)["written_back"] == len(numbers)
    assert stack.read("verify", ingest_id)["ok"] is True
    written = {number for number in range(ITEMS) if "verdict" in (reviews.item(number) or {})}
    assert written == set(numbers)


def test_items_that_changed_or_went_after_they_were_read_are_counted_and_left_alone(
    stack: Stack, reviews: Reviews, new_id: Callable[[], str]
) -> None:
    # Given an ingest that is planned
    ingest_id = new_id()
    steps = Steps(stack, ingest_id)
    plan = steps.plan(reviews.spec(write_back="verdict"))

    # When items are deleted and changed before they are predicted
    for number in range(10):
        reviews.delete(number)
    for number in range(10, 15):
        reviews.change(number, "Something else altogether.")
    reviews.change(15, "for a moment")
    reviews.change(15, reviews.texts[15])
    outcomes = steps.infer(plan)

    # Then these get no answer, but are predicted as they were read, and all others get theirs
    assert (sum(one.predicted for one in outcomes), sum(one.rejected for one in outcomes)) == (300, 0)
    assert (sum(one.written_back for one in outcomes), sum(one.outdated for one in outcomes)) == (285, 15)
    assert sum(one.stats.write_back_units for one in outcomes if one.stats) >= 285
    assert [reviews.item(number) for number in range(10)] == [None] * 10
    assert [number for number in range(10, 300) if "verdict" not in (reviews.item(number) or {})] == [
        10, 11, 12, 13, 14,
    ]  # fmt: skip
    summary = steps.summarize(plan)
    assert (summary["status"], summary["written_back"], summary["outdated"]) == ("COMPLETED", 285, 15)
    assert stack.read("verify", ingest_id)["ok"] is True
    assert "15 items changed or gone since" in stack.command("summary", ingest_id).stdout

    # And doing it again changes nothing but the time
    assert steps.infer(plan) != []
    assert [number for number in range(300) if "verdict" not in (reviews.item(number) or {})] == list(range(15))


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        ({"table": f"{TABLES}nowhere"}, f"dynamodb://{TABLES}nowhere: there is no such table"),
        ({"index": "by-colour"}, "the table has no such index; it has by-mood"),
        ({"key": {"place": 3}}, "the partition key of table {table} is 'shelf'"),
        ({"key": {"shelf": 3}}, "is text, and the value in the source's key is a number"),
        ({"columns": ["body"]}, "the source's columns must list 'sku', which the field id comes from"),
        ({"write_back": "place"}, "names 'place', a key of"),
        ({"write_back": "mood"}, "names 'mood', a key of"),
        ({"write_back": "sku"}, "'sku', the records' id"),
        ({"write_back": "body"}, "which the model's field 'text' is taken from"),
    ],
    ids=["no-table", "no-index", "no-key", "number-for-text", "no-id", "key", "key-of-index", "id", "field"],
)
def test_what_does_not_fit_fails_with_one_clear_cause(
    stack: Stack, reviews: Reviews, new_id: Callable[[], str], asked: dict[str, object], cause: str
) -> None:
    ingest_id = new_id()

    ended = stack.execute(ingest_id, reviews.spec(**asked))

    assert ended["status"] == "FAILED"
    summary = stack.read("summary", ingest_id)
    # What the planner cannot know, the model's fields, fails the batches.
    told = " ".join([str(summary["cause"]), *summary["failures"]])
    assert cause.format(table=reviews.name) in told
    assert "verdict" not in (reviews.item(0) or {})


class Steps:
    """The functions of an ingest, called one after the other as the state machine does, with time between them."""

    def __init__(self, stack: Stack, ingest_id: str) -> None:
        self._stack = stack
        self._common: dict[str, Any] = {
            "execution_name": ingest_id,
            "execution": stack.deployment.execution(ingest_id),
            "started_at": "2026-11-24T10:00:00Z",
        }
        self._id = ingest_id

    def plan(self, execution_input: dict[str, Any]) -> Plan:
        self._common["input"] = execution_input
        event = {**self._common, "action": "plan"}
        return Plan.from_dict(self._call(f"{self._stack.deployment.stack}-plan-ingest", event))

    def infer(self, plan: Plan) -> list[BatchOutcome]:
        deployment = self._stack.deployment
        for batch in read_manifest(deployment, plan):
            pinned = plan.pinned_of(batch).as_dict()
            task = {**plan.as_dict(), "action": "infer_batch", "execution": "", "pinned": pinned}
            self._call(plan.model.function, {**task, "batch": {**_entry(batch), "pinned": pinned}})
        return [entry for entry in deployment.ledger.entries(self._id) if isinstance(entry, BatchOutcome)]

    def summarize(self, plan: Plan) -> dict[str, Any]:
        told: dict[str, Any] = self._call(
            f"{self._stack.deployment.stack}-summarize-ingest", {**self._common, "state": {}}
        )
        return told

    def _call(self, function: str, payload: dict[str, Any]) -> Any:
        answer = self._stack.deployment.lambda_.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        told = json.loads(answer["Payload"].read())
        assert not answer.get("FunctionError"), told
        return told


def _entry(batch: Any) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in ("batch", "shard", "offset", "length", "records", "line")}

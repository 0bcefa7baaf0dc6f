"""The ledger in DynamoDB: its items, reading them back, and its errors."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hundredfold.adapters import clients
from hundredfold.adapters.ledger import DynamoLedger, batch_key
from hundredfold.errors import IngestExistsError, StoreBusyError
from hundredfold.ingest import Model, ObjectLocation, Plan, Source
from hundredfold.outcomes import BatchFailure, BatchOutcome, Status, Summary

from tests.unit.answering_server import AnsweringServer, Reply, Request, dynamodb_error, json_reply

PLAN = Plan(
    ingest_id="i1",
    source=Source("records", "reviews.jsonl", etag="e1", size=16),
    manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
    batches=2,
    records=3,
    model=Model("arn:infer:7", "7"),
)
SUMMARY = Summary(
    ingest_id="i1",
    status=Status.FAILED,
    records=3,
    predicted=1,
    rejected=1,
    failed=1,
    batches=2,
    batches_failed=1,
    seconds=20.75,
    started_at="t0",
    model_version="7",
    source="s3://records/reviews.jsonl",
    reasons={"not_json": 1},
    failures={},
    cause="StoreBusyError: busy",
)
OUTCOME = BatchOutcome(
    batch=11, records=5, predicted=3, rejected=2, reasons={"not_json": 2}, milliseconds={"read": 4, "write": 120}
)
OUTCOME_ITEM = {
    "ledger_key": {"S": "i1#3"},
    "entry": {"S": "11"},
    "status": {"S": "done"},
    "records": {"N": "5"},
    "predicted": {"N": "3"},
    "rejected": {"N": "2"},
    "reasons": {"M": {"not_json": {"N": "2"}}},
    "milliseconds": {"M": {"read": {"N": "4"}, "write": {"N": "120"}}},
}
FAILURE_ITEM = {  # as the state machine writes it
    "ledger_key": {"S": "i1#4"},
    "entry": {"S": "12"},
    "status": {"S": "failed"},
    "error": {"S": "OutOfTimeError"},
    "cause": {"S": "{}"},
    "records": {"N": "5"},
}
BUSY = [dynamodb_error("ProvisionedThroughputExceededException"), dynamodb_error("InternalServerError", status=500)]


@pytest.fixture
def ledger(aws: AnsweringServer) -> Iterator[DynamoLedger]:
    client = clients.dynamodb()
    yield DynamoLedger(client, "ledger")
    client.close()


def test_a_batch_lies_in_the_partition_that_the_state_machine_computes() -> None:
    assert batch_key("i1", 0) == "i1#0"
    assert batch_key("i1", 7) == "i1#7"
    assert batch_key("i1", 8) == "i1#0"
    assert batch_key("i1", 499) == "i1#3"


def test_a_finished_batch_is_put_whole(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    ledger.batch_done("i1", OUTCOME)

    [request] = aws.requests
    assert request.headers["X-Amz-Target"].endswith(".PutItem")
    assert request.json == {"TableName": "ledger", "Item": OUTCOME_ITEM}


def test_an_ingest_is_entered_unless_another_execution_has_its_id(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    ledger.begin(PLAN, "t0")

    [request] = aws.requests
    assert request.json == {
        "TableName": "ledger",
        "Item": {
            "ledger_key": {"S": "i1"},
            "entry": {"S": "summary"},
            "status": {"S": "RUNNING"},
            "started_at": {"S": "t0"},
            "plan": {
                "M": {
                    "ingest_id": {"S": "i1"},
                    "source": {
                        "M": {
                            "bucket": {"S": "records"},
                            "key": {"S": "reviews.jsonl"},
                            "etag": {"S": "e1"},
                            "size": {"N": "16"},
                        }
                    },
                    "manifest": {"M": {"bucket": {"S": "work"}, "key": {"S": "ingests/i1/manifest.json"}}},
                    "batches": {"N": "2"},
                    "records": {"N": "3"},
                    "model": {"M": {"function": {"S": "arn:infer:7"}, "version": {"S": "7"}}},
                }
            },
        },
        "ConditionExpression": "attribute_not_exists(ledger_key) OR started_at = :started",
        "ExpressionAttributeValues": {":started": {"S": "t0"}},
    }


def test_an_id_that_is_taken_is_named(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: dynamodb_error("ConditionalCheckFailedException")

    with pytest.raises(IngestExistsError) as raised:
        ledger.begin(PLAN, "t1")

    assert raised.value.ingest_id == "i1"
    assert len(aws.requests) == 1


def test_a_finished_ingest_keeps_its_plan(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    entered = {
        "ledger_key": {"S": "i1"},
        "entry": {"S": "summary"},
        "status": {"S": "RUNNING"},
        "started_at": {"S": "t0"},
        "plan": {"M": {"records": {"N": "3"}}},
    }
    aws.answer_in_turn(json_reply({"Item": entered}), json_reply({}))

    ledger.finish(SUMMARY)

    put = aws.requests[1].json
    assert put["ConditionExpression"] == "attribute_not_exists(ledger_key) OR started_at = :started"
    assert put["ExpressionAttributeValues"] == {":started": {"S": "t0"}}
    assert put["Item"] == {
        "ledger_key": {"S": "i1"},
        "entry": {"S": "summary"},
        "plan": {"M": {"records": {"N": "3"}}},
        "ingest_id": {"S": "i1"},
        "status": {"S": "FAILED"},
        "records": {"N": "3"},
        "predicted": {"N": "1"},
        "rejected": {"N": "1"},
        "failed": {"N": "1"},
        "batches": {"N": "2"},
        "batches_failed": {"N": "1"},
        "seconds": {"N": "20.75"},
        "started_at": {"S": "t0"},
        "model_version": {"S": "7"},
        "source": {"S": "s3://records/reviews.jsonl"},
        "reasons": {"M": {"not_json": {"N": "1"}}},
        "failures": {"M": {}},
        "cause": {"S": "StoreBusyError: busy"},
        "drift": {"NULL": True},
        "usd": {"NULL": True},
    }


def test_a_summary_of_another_execution_is_refused(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer_in_turn(json_reply({}), dynamodb_error("ConditionalCheckFailedException"))

    with pytest.raises(IngestExistsError):
        ledger.finish(SUMMARY)


def test_an_ingest_is_read_back_as_plain_values(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    item = {"ledger_key": {"S": "i1"}, "seconds": {"N": "20.75"}, "records": {"N": "3"}, "cause": {"NULL": True}}
    aws.answer = lambda _: json_reply({"Item": {**item, "plan": {"M": {"batches": {"N": "2"}}}}})

    found = ledger.ingest("i1")

    assert found == {"ledger_key": "i1", "seconds": 20.75, "records": 3, "cause": None, "plan": {"batches": 2}}
    assert found is not None
    assert type(found["records"]) is int
    assert json.loads(json.dumps(found)) == found
    assert aws.requests[0].json == {
        "TableName": "ledger",
        "Key": {"ledger_key": {"S": "i1"}, "entry": {"S": "summary"}},
        "ConsistentRead": True,
    }


def test_an_ingest_that_is_not_there_is_none(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    assert ledger.ingest("i1") is None


@pytest.mark.parametrize("seconds", [0.1, 20.75, 1e-05, 123456.789, 3.0])
def test_seconds_are_kept_exactly(aws: AnsweringServer, ledger: DynamoLedger, seconds: float) -> None:
    kept: dict[str, Any] = {}

    def keep(request: Request) -> Reply:
        kept.update(request.json.get("Item", {}))
        return json_reply({"Item": kept} if kept else {})

    aws.answer = keep

    ledger.finish(Summary(**{**SUMMARY.as_dict(), "seconds": seconds}))

    assert Decimal(kept["seconds"]["N"]) == Decimal(repr(seconds))
    assert (ledger.ingest("i1") or {})["seconds"] == seconds


def answer_by_partition(pages: dict[str, list[list[dict[str, Any]]]]) -> Any:
    """Answer queries by partition key, a page a query."""

    def answer(request: Request) -> Reply:
        query = request.json
        left = pages.get(query["ExpressionAttributeValues"][":key"]["S"], [[]])
        page = int(query.get("ExclusiveStartKey", {}).get("entry", {}).get("S", 0))
        more = {"LastEvaluatedKey": {"entry": {"S": str(page + 1)}}} if page + 1 < len(left) else {}
        return json_reply({"Items": left[page], "Count": len(left[page]), **more})

    return answer


def test_entries_are_read_from_all_partitions_and_pages(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    second = {**OUTCOME_ITEM, "entry": {"S": "3"}, "reasons": {"M": {}}, "milliseconds": {"M": {}}}
    aws.answer = answer_by_partition({"i1#3": [[OUTCOME_ITEM], [second]], "i1#4": [[FAILURE_ITEM]]})

    entries = list(ledger.entries("i1"))

    assert entries == [
        OUTCOME,
        BatchOutcome(batch=3, records=5, predicted=3, rejected=2, reasons={}, milliseconds={}),
        BatchFailure(batch=12, error="OutOfTimeError", cause="{}"),
    ]
    queries = [request.json for request in aws.requests]
    assert len(queries) == 9
    assert {query["ExpressionAttributeValues"][":key"]["S"] for query in queries} == {
        *("i1#0", "i1#1", "i1#2", "i1#3", "i1#4", "i1#5", "i1#6", "i1#7")
    }
    assert all(query["ConsistentRead"] for query in queries)
    assert all(query["KeyConditionExpression"] == "ledger_key = :key" for query in queries)


@pytest.mark.parametrize("reply", BUSY, ids=["throttled", "failing"])
def test_a_table_that_stays_busy_is_said_to_be(aws: AnsweringServer, ledger: DynamoLedger, reply: Reply) -> None:
    aws.answer = lambda _: reply
    message = "DynamoDB did not answer about the ledger: "

    with pytest.raises(StoreBusyError, match=message):
        ledger.batch_done("i1", OUTCOME)
    with pytest.raises(StoreBusyError, match=message):
        ledger.begin(PLAN, "t0")
    with pytest.raises(StoreBusyError, match=message):
        ledger.finish(SUMMARY)
    with pytest.raises(StoreBusyError, match=message):
        list(ledger.entries("i1"))


def test_an_error_that_trying_again_cannot_help_is_raised_as_it_is(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: dynamodb_error("ResourceNotFoundException")

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ledger.batch_done("i1", OUTCOME)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        list(ledger.entries("i1"))

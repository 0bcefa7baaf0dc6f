"""The ledger in DynamoDB: its items, reading them back, and its errors."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger, batch_key
from hundredfold.batches import BatchFailure, BatchOutcome, EarlierOutcome, InvocationStats
from hundredfold.errors import IngestClaimedError, IngestExistsError, StoreBusyError
from hundredfold.ingest import Claim, Model, Plan
from hundredfold.packed import PackedPredictions
from hundredfold.records import Prediction
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.summary import ExecutionPart, History, Reported, Status, Summary
from tests.unit.answering_server import AnsweringServer, Reply, Request, dynamodb_error, json_reply
from tests.unit.aws_services import AwsServices

PLAN = Plan(
    ingest_id="i1",
    spec=ObjectsSpec("records", "reviews.jsonl"),
    pinned=PinnedObject("records", "reviews.jsonl", etag="e1", size=16),
    source_bytes=16,
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
CLAIM = Claim("0123", "alice on build-7", "2026-11-24T05:00:00+00:00")
OTHER_CLAIM = Claim("4567", "bob on build-8", "2026-11-24T05:00:01+00:00")
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
    "done_at": {"S": "2026-11-24T05:00:00.000+00:00"},
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
    now = datetime(2026, 11, 24, 5, tzinfo=UTC)
    yield DynamoLedger(client, "ledger", now=lambda: now, sleep=lambda _: None)
    client.close()


def test_a_batch_lies_in_the_partition_that_the_state_machine_computes() -> None:
    assert batch_key("i1", 0) == "i1#0"
    assert batch_key("i1", 7) == "i1#7"
    assert batch_key("i1", 8) == "i1#0"
    assert batch_key("i1", 499) == "i1#3"


def test_a_finished_batch_is_put_whole(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    earlier = ledger.batch_done("i1", OUTCOME)

    assert earlier == EarlierOutcome()
    [request] = aws.requests
    assert request.headers["X-Amz-Target"].endswith(".PutItem")
    assert request.json == {"TableName": "ledger", "Item": OUTCOME_ITEM, "ReturnValues": "ALL_OLD"}


@pytest.mark.parametrize(("before", "repeated"), [(OUTCOME_ITEM, True), (FAILURE_ITEM, False)], ids=["done", "failed"])
def test_a_batch_that_was_done_already_is_reported(
    aws: AnsweringServer, ledger: DynamoLedger, before: dict[str, Any], repeated: bool
) -> None:
    aws.answer = lambda _: json_reply({"Attributes": before})

    assert ledger.batch_done("i1", OUTCOME).done is repeated


def test_a_throttled_ledger_is_waited_for(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    throttled = [dynamodb_error("ThrottlingException")] * 12  # botocore asks three times, and so do we, four times
    aws.answer_in_turn(*throttled, json_reply({}))

    ledger.batch_done("i1", OUTCOME)

    assert len(aws.requests) == 13


OWN_THAT_RUNS = (
    "(started_at = :started AND #status = :running AND #plan.#model.#version = :version AND "
    "(attribute_not_exists(#plan.#pinned.#etag) OR attribute_exists(#plan.#pinned.#staged_from) OR "
    "#plan.#pinned.#etag = :etag))"
)


def test_a_resumed_ingest_is_taken_over_from_an_earlier_execution_only(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    entered = {
        "ledger_key": {"S": "i1"},
        "entry": {"S": "summary"},
        "status": {"S": "FAILED"},
        "started_at": {"S": "t0"},
        "resumed": {"L": [{"M": {"execution": {"S": "i1.resume-1"}}}, {"M": {"execution": {"S": "i1.resume-2"}}}]},
    }
    aws.answer_in_turn(json_reply({"Item": entered}), json_reply({}))

    ledger.resume(PLAN, "t2", "i1.resume-2", batches=4)  # again: a retry of the planner

    put = aws.requests[1].json
    assert put["ConditionExpression"] == (
        "attribute_not_exists(started_at) OR started_at < :started OR " + OWN_THAT_RUNS
    )
    assert put["ExpressionAttributeValues"] == {
        ":started": {"S": "t2"},
        ":running": {"S": "RUNNING"},
        ":version": {"S": "7"},
        ":etag": {"S": "e1"},
    }
    assert put["Item"]["status"] == {"S": "RUNNING"}
    assert put["Item"]["execution"] == {"S": "i1.resume-2"}
    assert put["Item"]["resumed"] == {
        "L": [
            {"M": {"execution": {"S": "i1.resume-1"}}},
            {
                "M": {
                    "execution": {"S": "i1.resume-2"},
                    "started_at": {"S": "t2"},
                    "batches": {"N": "4"},
                    "model_version": {"S": "7"},
                }
            },
        ]
    }


@pytest.mark.parametrize(
    ("before", "repeated"),
    [({"status": "RUNNING", "started_at": "t0"}, False), ({"status": "FAILED", "started_at": "t0"}, True)],
    ids=["once", "twice"],
)
def test_a_repeated_summary_is_reported(
    aws: AnsweringServer, ledger: DynamoLedger, before: dict[str, str], repeated: bool
) -> None:
    item = {name: {"S": value} for name, value in before.items()}
    aws.answer_in_turn(json_reply({"Item": item}), json_reply({"Attributes": item}))

    assert ledger.finish(SUMMARY) is repeated


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
            "began_at": {"S": "t0"},
            "records": {"N": "3"},
            "batches": {"N": "2"},
            "model_version": {"S": "7"},
            "source": {"S": "s3://records/reviews.jsonl"},
            "execution": {"S": "i1"},
            "plan": {
                "M": {
                    "ingest_id": {"S": "i1"},
                    "groups": {"N": "0"},
                    "manifest_sha256": {"S": ""},
                    "partitions": {"N": "0"},
                    "layout": {"S": "item"},
                    "spec": {"M": {"bucket": {"S": "records"}, "key": {"S": "reviews.jsonl"}}},
                    "source_bytes": {"N": "16"},
                    "needs_partitioning": {"BOOL": False},
                    "pinned": {
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
                    "model": {"M": {"function": {"S": "arn:infer:7"}, "version": {"S": "7"}, "card": {"S": ""}}},
                }
            },
        },
        "ConditionExpression": ("attribute_not_exists(started_at) OR " + OWN_THAT_RUNS),
        "ExpressionAttributeNames": {
            f"#{name}": name for name in ("status", "plan", "model", "version", "pinned", "etag", "staged_from")
        },
        "ExpressionAttributeValues": {
            ":started": {"S": "t0"},
            ":running": {"S": "RUNNING"},
            ":version": {"S": "7"},
            ":etag": {"S": "e1"},
        },
        "ReturnValues": "ALL_OLD",
    }


def test_the_history_of_an_ingest_is_kept_through_failures_stops_and_resumes(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    AwsServices(aws)
    assert ledger.history("i1", "i1") == History()
    ledger.begin(PLAN, "t0")
    assert ledger.history("i1", "i1") == History(began_at="t0")
    first = ExecutionPart("i1", "t0", "7", 20.75, 1, 0.01)
    failed = replace(SUMMARY, usd=0.01, executions=(first,), began_at="t0")
    assert ledger.finish(failed) is False

    # A first resume is stopped, and a second one takes over
    ledger.resume(PLAN, "t1", "i1.resume-1", batches=1)
    assert ledger.history("i1", "i1.resume-1") == History((first,), Reported.of(failed.as_dict()), "t0")
    ledger.resume(PLAN, "t2", "i1.resume-2", batches=1)
    ledger.resume(PLAN, "t2", "i1.resume-2", batches=1)  # a retry of the planner

    history = ledger.history("i1", "i1.resume-2")
    stopped = ExecutionPart("i1.resume-1", "t1", "7")
    assert history == History((first, stopped), Reported.of(failed.as_dict()), "t0")

    # It completes the ingest. A repeated summary reports what the first one did.
    parts = (first, replace(stopped, seconds=1.0), ExecutionPart("i1.resume-2", "t2", "7", 2.0, 1))
    completed = replace(failed, status=Status.COMPLETED, started_at="t2", executions=parts)
    assert ledger.finish(completed, "i1.resume-2") is False
    assert ledger.history("i1", "i1.resume-2").reported == history.reported
    assert ledger.finish(completed, "i1.resume-2") is True

    # What comes later knows that it was completed, whatever becomes of it
    ledger.resume(PLAN, "t3", "i1.resume-3", batches=1)
    third = ExecutionPart("i1.resume-3", "t3", "7", 20.75, 1, 0.01)
    ledger.finish(replace(failed, started_at="t3", executions=(*parts, third)), "i1.resume-3")
    ledger.resume(PLAN, "t4", "i1.resume-4", batches=1)
    last = ledger.history("i1", "i1.resume-4")
    assert last.executions == (*parts, third)
    assert last.reported == Reported.of(failed.as_dict(), completed=True)


def test_a_batch_that_is_offered_again_keeps_what_was_counted_of_it_also_if_it_fails(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    services = AwsServices(aws)
    ledger.batch_done("i1", OUTCOME)
    ledger.reopen("i1", 11, 5)
    services.items["i1#3", "11"] |= {"error": {"S": "States.Timeout"}}  # as the state machine updates it

    assert ledger.batch_done("i1", replace(OUTCOME, predicted=4, rejected=1)) == EarlierOutcome(False, 3, 2)


def test_a_late_call_of_the_planner_does_not_begin_again_what_has_ended(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    AwsServices(aws)
    ledger.begin(PLAN, "t0")
    ledger.finish(COMPLETED)
    with pytest.raises(StoreBusyError, match="another call of the planner has planned ingest i1 meanwhile"):
        ledger.begin(PLAN, "t0")

    ledger.resume(PLAN, "t1", "i1.resume-1", batches=1)
    ledger.resume(PLAN, "t1", "i1.resume-1", batches=1)  # a retry of the planner
    ledger.finish(replace(COMPLETED, started_at="t1"), "i1.resume-1")
    with pytest.raises(StoreBusyError):
        ledger.resume(PLAN, "t1", "i1.resume-1", batches=1)
    with pytest.raises(IngestExistsError):
        ledger.resume(PLAN, "t0", "i1.resume-0", batches=1)

    assert (ledger.ingest("i1") or {})["status"] == "COMPLETED"


def test_two_calls_of_the_planner_plan_with_one_model_and_one_object(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    AwsServices(aws)
    assert PLAN.pinned
    other = replace(PLAN, model=replace(PLAN.model, version="8"))
    replaced = replace(PLAN, pinned=replace(PLAN.pinned, etag="e2"))
    staged = replace(PLAN, ingest_id="i2", pinned=replace(PLAN.pinned, staged_from="dynamodb://reviews"))
    assert ledger.planned_before("i1", "t0") is None

    ledger.begin(PLAN, "t0")
    for another in (other, replaced):
        with pytest.raises(StoreBusyError):
            ledger.begin(another, "t0")
    ledger.begin(staged, "t0")
    ledger.begin(replace(staged, pinned=replaced.pinned), "t0")  # a table is staged anew

    assert ledger.planned_before("i1", "t0") == PLAN
    assert ledger.planned_before("i1", "t1") is None, "of another execution"
    ledger.resume(other, "t1", "i1.resume-1", batches=1)
    assert ledger.planned_before("i1", "t1") == other


def test_an_id_that_is_taken_is_named(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer_in_turn(
        dynamodb_error("ConditionalCheckFailedException"), json_reply({"Item": {"started_at": {"S": "t0"}}})
    )

    with pytest.raises(IngestExistsError) as raised:
        ledger.begin(PLAN, "t1")

    assert raised.value.ingest_id == "i1"
    assert len(aws.requests) == 2


def test_an_id_is_claimed_by_one_start(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    services = AwsServices(aws)
    ledger.claim("i1", CLAIM)
    ledger.claim("i1", CLAIM)  # once more by the same start, whose first answer was lost

    assert services.ingest_item("i1") == {
        "ledger_key": {"S": "i1"},
        "entry": {"S": "summary"},
        "claim_token": {"S": "0123"},
        "claimed_by": {"S": "alice on build-7"},
        "claimed_at": {"S": "2026-11-24T05:00:00+00:00"},
    }
    with pytest.raises(IngestClaimedError, match="claimed by alice on build-7 at 2026-11-24T05:00:00"):
        ledger.claim("i1", OTHER_CLAIM)
    assert ledger.ingest("i1") is None, "it has not begun"
    assert ledger.plan("i1") is None


def test_a_claim_that_is_released_leaves_the_id_free(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    AwsServices(aws)
    ledger.claim("i1", CLAIM)

    ledger.release_claim("i1", OTHER_CLAIM)
    with pytest.raises(IngestClaimedError):
        ledger.claim("i1", OTHER_CLAIM)

    ledger.release_claim("i1", CLAIM)
    ledger.claim("i1", OTHER_CLAIM)


def test_an_ingest_that_has_begun_cannot_be_released_or_reclaimed(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    AwsServices(aws)
    ledger.claim("i1", CLAIM)
    ledger.begin(PLAN, "t0", CLAIM.token)

    ledger.release_claim("i1", CLAIM)
    for claim in (CLAIM, OTHER_CLAIM):
        with pytest.raises(IngestExistsError):
            ledger.claim("i1", claim, reclaim=True)

    assert ledger.plan("i1") == PLAN


@pytest.mark.parametrize("token", ["0123", ""], ids=["its own claim", "no claim"])
def test_an_ingest_begins_in_place_of_its_claim(aws: AnsweringServer, ledger: DynamoLedger, token: str) -> None:
    AwsServices(aws)
    ledger.claim("i1", CLAIM)

    ledger.check("i1", "t0", token)
    ledger.begin(PLAN, "t0", token)
    ledger.begin(PLAN, "t0", token)  # a retry of the planner

    assert ledger.plan("i1") == PLAN
    for other in (token, "4567"):
        with pytest.raises(IngestExistsError):
            ledger.begin(PLAN, "t1", other)


def test_a_start_does_not_begin_in_place_of_the_claim_of_another(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    AwsServices(aws)
    ledger.claim("i1", CLAIM)

    with pytest.raises(IngestClaimedError):
        ledger.check("i1", "t0", OTHER_CLAIM.token)
    with pytest.raises(IngestClaimedError):
        ledger.begin(PLAN, "t0", OTHER_CLAIM.token)

    ledger.claim("i1", CLAIM)


def test_a_start_begins_although_its_claim_is_gone(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    AwsServices(aws)

    ledger.begin(PLAN, "t0", CLAIM.token)

    assert ledger.plan("i1") == PLAN


@pytest.mark.parametrize("resumed_by", [None, "i1.resume-1"])
def test_an_execution_that_failed_before_its_ingest_began_is_entered(
    aws: AnsweringServer, ledger: DynamoLedger, resumed_by: str | None
) -> None:
    AwsServices(aws)
    ledger.claim("i1", CLAIM)

    ledger.finish(SUMMARY, resumed_by)

    assert (ledger.ingest("i1") or {})["status"] == "FAILED"


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
    assert put["ConditionExpression"] == "attribute_not_exists(started_at) OR started_at = :started"
    assert put["ExpressionAttributeValues"] == {":started": {"S": "t0"}}
    assert put["Item"] == {
        "ledger_key": {"S": "i1"},
        "entry": {"S": "summary"},
        "execution": {"S": "i1"},
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
        "began_at": {"S": ""},
        "executions": {"L": []},
        "models": {"L": []},
        "drift": {"NULL": True},
        "usd": {"NULL": True},
        "written_back": {"N": "0"},
        "outdated": {"N": "0"},
        "skipped_objects": {"N": "0"},
    }


FAILED_RESUME = replace(SUMMARY, started_at="t5", cause="InvalidIngestError: there is no version 999 of the model")
COMPLETED = replace(SUMMARY, status=Status.COMPLETED, cause=None)


def test_a_resume_that_was_refused_does_not_end_an_ingest_that_is_completed(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    AwsServices(aws)
    ledger.begin(PLAN, "t0")
    ledger.finish(COMPLETED)
    before = ledger.ingest("i1")

    with pytest.raises(IngestExistsError):
        ledger.finish(FAILED_RESUME, "i1.resume-1")

    assert ledger.is_completed("i1")
    assert ledger.ingest("i1") == before


def test_a_resume_that_was_refused_does_not_end_an_ingest_that_another_execution_has(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    AwsServices(aws)
    ledger.begin(PLAN, "t0")
    ledger.resume(PLAN, "t2", "i1.resume-1", batches=4)
    before = ledger.ingest("i1")

    with pytest.raises(IngestExistsError):
        ledger.finish(FAILED_RESUME, "i1.resume-2")

    assert not ledger.is_completed("i1")
    assert ledger.ingest("i1") == before
    ledger.finish(replace(COMPLETED, started_at="t2"), "i1.resume-1")
    assert ledger.is_completed("i1")


def test_a_resume_that_was_refused_says_why_of_an_ingest_that_failed(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    AwsServices(aws)
    ledger.begin(PLAN, "t0")
    ledger.finish(SUMMARY)

    ledger.finish(FAILED_RESUME, "i1.resume-1")

    assert (ledger.ingest("i1") or {})["cause"] == FAILED_RESUME.cause


def test_a_resume_ends_the_completed_ingest_that_it_has_taken_over(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    AwsServices(aws)
    ledger.begin(PLAN, "t0")
    ledger.finish(COMPLETED)
    ledger.resume(PLAN, "t5", "i1.resume-1", batches=4)

    assert ledger.finish(FAILED_RESUME, "i1.resume-1") is False
    assert ledger.finish(FAILED_RESUME, "i1.resume-1") is True


def test_a_summary_of_another_execution_is_refused(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer_in_turn(json_reply({}), dynamodb_error("ConditionalCheckFailedException"))

    with pytest.raises(IngestExistsError):
        ledger.finish(SUMMARY)


def test_an_ingest_is_read_back_as_plain_values(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    item = {"ledger_key": {"S": "i1"}, "seconds": {"N": "20.75"}, "records": {"N": "3"}, "cause": {"NULL": True}}
    aws.answer = lambda _: json_reply({"Item": {**item, "plan": {"M": {"batches": {"N": "2"}}}}})

    ingest = ledger.ingest("i1")

    assert ingest == {"ledger_key": "i1", "seconds": 20.75, "records": 3, "cause": None, "plan": {"batches": 2}}
    assert ingest is not None
    assert type(ingest["records"]) is int
    assert json.loads(json.dumps(ingest)) == ingest
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
def test_a_table_that_stays_busy_raises_a_retryable_error(
    aws: AnsweringServer, ledger: DynamoLedger, reply: Reply
) -> None:
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


def test_any_other_refusal_is_raised_as_it_is(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: dynamodb_error("ResourceNotFoundException")

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ledger.batch_done("i1", OUTCOME)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        list(ledger.entries("i1"))


@pytest.mark.parametrize("item", [None, {"started_at": {"S": "t0"}}])
def test_an_id_that_is_free_or_of_the_same_execution_is_not_refused(
    aws: AnsweringServer, ledger: DynamoLedger, item: dict[str, object] | None
) -> None:
    aws.answer_in_turn(json_reply({"Item": item} if item else {}))

    ledger.check("i1", "t0")

    assert len(aws.requests) == 1


def test_an_id_that_another_execution_has_is_refused(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer_in_turn(json_reply({"Item": {"started_at": {"S": "t0"}}}))

    with pytest.raises(IngestExistsError):
        ledger.check("i1", "t1")


def test_why_a_partition_failed_is_read_where_the_state_machine_enters_it(
    aws: AnsweringServer, ledger: DynamoLedger
) -> None:
    item = {"error": {"S": "SourceChangedError"}, "cause": {"S": "replaced"}}
    aws.answer_in_turn(json_reply({"Item": item}), json_reply({}))

    assert ledger.partition_failure("i1.resume-2", 11) == ("SourceChangedError", "replaced")
    assert ledger.partition_failure("i1.resume-2", 12) is None
    assert aws.requests[0].json["Key"] == {"ledger_key": {"S": "i1.resume-2#partitions"}, "entry": {"S": "11"}}


def test_how_a_shadow_compares_is_entered_into_the_ingests_own_item(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer_in_turn(json_reply({"Item": {"started_at": {"S": "t0"}}}), json_reply({}))

    assert ledger.enter_shadow("i1", {"version": "3", "compared": 100, "disagreed": 2})

    update = aws.requests[1]
    assert update.headers["X-Amz-Target"].endswith(".UpdateItem")
    assert update.json == {
        "TableName": "ledger",
        "Key": {"ledger_key": {"S": "i1"}, "entry": {"S": "summary"}},
        "UpdateExpression": "SET shadow = :shadow",
        "ExpressionAttributeValues": {
            ":shadow": {"M": {"version": {"S": "3"}, "compared": {"N": "100"}, "disagreed": {"N": "2"}}}
        },
    }


def test_a_verification_is_entered_into_the_ingests_own_item(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: json_reply({})

    ledger.enter_verification("i1", {"at": "t1", "ok": False, "problems": 3})

    [update] = aws.requests
    assert update.json["Key"] == {"ledger_key": {"S": "i1"}, "entry": {"S": "summary"}}
    assert update.json["UpdateExpression"] == "SET verified = :verified"
    assert update.json["ExpressionAttributeValues"] == {
        ":verified": {"M": {"at": {"S": "t1"}, "ok": {"BOOL": False}, "problems": {"N": "3"}}}
    }


@pytest.mark.parametrize(
    "reply",
    [json_reply({}), json_reply({"Item": {"shadow": {"M": {"version": {"S": "3"}, "compared": {"N": "100"}}}}})],
    ids=["no such ingest", "entered before"],
)
def test_a_shadow_that_is_not_new_is_not_entered(aws: AnsweringServer, ledger: DynamoLedger, reply: Reply) -> None:
    aws.answer_in_turn(reply)

    assert not ledger.enter_shadow("i1", {"version": "3", "compared": 100})

    assert len(aws.requests) == 1


@pytest.mark.parametrize("reply", BUSY, ids=["throttled", "failing"])
def test_a_busy_table_that_does_not_take_a_shadow_raises_a_retryable_error(
    aws: AnsweringServer, ledger: DynamoLedger, reply: Reply
) -> None:
    entered = json_reply({"Item": {"started_at": {"S": "t0"}}})
    aws.answer = lambda request: entered if request.headers["X-Amz-Target"].endswith(".GetItem") else reply

    with pytest.raises(StoreBusyError, match="DynamoDB did not answer about the ledger: "):
        ledger.enter_shadow("i1", {"version": "3"})


def test_packed_predictions_are_in_the_item_of_their_batch(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: json_reply({})
    packed = PackedPredictions(
        "7", [Prediction(f"review-{number}-{number * 37:x}", "pos", 1 / (number + 3)) for number in range(120)]
    )
    outcome = replace(OUTCOME, stats=InvocationStats("e", 1))

    ledger.batch_done("i1", outcome, packed)

    [request] = aws.requests
    item = request.json["Item"]
    assert request.headers["X-Amz-Target"].endswith(".PutItem")
    assert "ConditionExpression" not in request.json
    [part] = packed.parts(item["done_at"]["S"])
    assert b64decode(item["predictions"]["B"]) == part
    # 1,024 bytes are a write unit; the entry without its predictions takes 0.3 KB.
    assert 1_024 < len(part) < 1_600
    assert item["stats"]["M"]["write_units"] == {"N": "2"}


def test_an_entry_without_its_predictions_is_asked_for(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: json_reply({"Items": []})

    assert list(ledger.entries("i1")) == []

    names = aws.requests[0].json["ExpressionAttributeNames"]
    assert aws.requests[0].json["ProjectionExpression"] == ", ".join(names)
    assert {name for name in OUTCOME_ITEM if name not in names.values()} == {"ledger_key", "done_at"}
    assert "predictions" not in names.values()


def test_a_batch_that_is_offered_again_keeps_its_predictions(aws: AnsweringServer, ledger: DynamoLedger) -> None:
    aws.answer = lambda _: json_reply({})

    ledger.reopen("i1", 11, 5)

    [request] = aws.requests
    assert request.headers["X-Amz-Target"].endswith(".UpdateItem")
    assert request.json["Key"] == {"ledger_key": {"S": "i1#3"}, "entry": {"S": "11"}}
    assert request.json["UpdateExpression"] == (
        "SET #status = :status, #records = :records, #error = :error, #cause = :cause"
    )
    assert request.json["ExpressionAttributeValues"][":status"] == {"S": "failed"}

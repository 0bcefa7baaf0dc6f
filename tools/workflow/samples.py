"""What the tasks of this definition return, made with the classes that they make it with: typical, and the largest.

A new Task needs its sample here; `make workflow-check` says so.
"""

import json
from dataclasses import replace
from functools import cache
from itertools import repeat
from typing import Any

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import LEDGER_SHARDS, Batch, BatchFailure, BatchOutcome
from hundredfold.ingest import MOST_ID_CHARACTERS, Model, PartitionedPlan, Plan
from hundredfold.keys import manifest_key, partitions_key, upload_key
from hundredfold.planning.manifest import encode_groups
from hundredfold.records import Reason
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import PLAIN_JSON_LINES
from hundredfold.sources.spec import ObjectsSpec
from tools.workflow.dataflow import Samples

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-infer-batch"
SOURCE_BUCKET = "source-bucket"
WORK_BUCKET = "hundredfold-work-000000000000-us-east-1"
STARTED, FINISHED = "2026-11-24T10:00:00.000Z", "2026-11-24T10:00:11.500Z"

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html,
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html and bucketnamingrules.html, 2026-11-24
WIDEST = "\U0001f3ac"  # a character of four bytes
WIDEST_IN_JSON = "\x01"  # a character of one byte, and of six in JSON
CAUSE_CHARACTERS, ERROR_CHARACTERS, KEY_BYTES, BUCKET_CHARACTERS = 32_768, 256, 1_024, 63


def invoked(payload: object) -> dict[str, Any]:
    """Return what Step Functions hands on of a Lambda call that answered with this payload."""
    return {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}


def plan_of(batches: int, *, partitions: int = 0, ingest_id: str = "ingest-1") -> Plan:
    """A plan of full batches, as the planner makes it."""
    key = upload_key(ingest_id, "5f0c93ae41d2b768")
    return Plan(
        ingest_id=ingest_id,
        spec=ObjectsSpec(SOURCE_BUCKET, key, options=PLAIN_JSON_LINES),
        pinned=PinnedObject(SOURCE_BUCKET, key, "9b2cf535f27731c974343645a3985328", 7_654),
        source_bytes=7_654,
        manifest=ObjectLocation(WORK_BUCKET, manifest_key(ingest_id)),
        batches=batches,
        records=100 * batches,
        groups=-(-batches // 25),
        model=Model(f"{FUNCTION}:1", "1"),
        partitions=partitions,
    )


def partitioned_plan(plan: Plan, partitions: int) -> PartitionedPlan:
    """What the planner answers in place of this plan if it takes so many partitions."""
    return PartitionedPlan(
        ingest_id=plan.ingest_id,
        spec=plan.spec,
        pinned=plan.pinned,
        source_bytes=plan.source_bytes,
        model=plan.model,
        partitions=partitions,
        partition_list=ObjectLocation(plan.manifest.bucket, partitions_key(plan.ingest_id, plan.ingest_id)),
    )


def partition(number: int) -> dict[str, int]:
    """Entry `number` of the list of an ingest's partitions."""
    return {"partition": number, "objects": 1, "bytes": 1_073_741_824}


def group(first: int, batches: int) -> dict[str, list[dict[str, int]]]:
    """Entry of a manifest: a group of full batches of 10,000 bytes, from batch `first` on."""
    return {"batches": [batch(number) for number in range(first, first + batches)]}


def batch(number: int) -> dict[str, int]:
    """Batch `number` of such a manifest."""
    return {
        "batch": number,
        "shard": number % LEDGER_SHARDS,
        "offset": 10_000 * number,
        "length": 10_000,
        "records": 100,
        "line": 100 * number + 1,
    }


def summary_of(plan: Plan | None, *, failed: int = 0, failure: dict[str, str] | None = None) -> dict[str, Any]:
    """The summary of an ingest, the first `failed` of whose batches were given up."""
    batches = plan.batches if plan else 0
    entries: list[BatchOutcome | BatchFailure] = [
        BatchFailure(number, "StoreBusyError", '{"errorMessage": "DynamoDB did not take predictions: Throttling"}')
        if number < failed
        else BatchOutcome(number, 100, 100, 0)
        for number in range(batches)
    ]
    return summarize("ingest-1", STARTED, FINISHED, plan, entries, failure).as_dict()


FAILURE = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "The tolerated failure threshold was exceeded"}
MAP_RESULT = {
    "MapRunArn": "arn:aws:states:us-east-1:000000000000:mapRun:hundredfold-batch-inference/InferBatches:1",
    "ResultWriterDetails": {"Bucket": WORK_BUCKET, "Key": "ingests/ingest-1/map-run/1/manifest.json"},
}
PARTS_RESULT = {
    "MapRunArn": "arn:aws:states:us-east-1:000000000000:mapRun:hundredfold-batch-inference/PlanPartitions:1",
    "ResultWriterDetails": {
        "Bucket": WORK_BUCKET,
        "Key": "ingests/ingest-1/partitions/ingest-1/map-run/1/manifest.json",
    },
}


def typical() -> Samples:
    """Return every kind of answer, of usual size: ingests of three batches and of none, completed and failed, planned
    whole and in parts.
    """
    plans = [plan_of(3), plan_of(0)]
    answers: list[Plan | PartitionedPlan] = [*plans, partitioned_plan(plans[0], 2)]
    return Samples(
        inputs=[{"source": {"bucket": "source-bucket", "key": "records.jsonl"}}],
        results={
            "PlanIngest": [invoked(plan.as_dict()) for plan in answers],
            "PlanPartition": [invoked({"partition": 1, "batches": 2, "records": 200})],
            "RecordPartitionFailure": [{}],
            "PlanPartitions": [PARTS_RESULT],
            "JoinPartitions": [invoked(plan_of(3, partitions=2).as_dict())],
            "InferBatch": [invoked({"predicted": 97, "rejected": 3})],
            "RecordBatchFailure": [{}],
            "InferBatches": [MAP_RESULT],
            "SummarizeIngest": [
                invoked(summary_of(plans[0])),
                invoked(summary_of(plans[0], failed=1, failure=FAILURE)),
            ],
        },
        items={"PlanPartitions": [partition(1)], "InferBatches": [group(2, batches=2)]},
        error=FAILURE,
        context=_context("ingest-1"),
    )


@cache
def largest(records: int, group_batches: int) -> Samples:
    """Return answers as large as they can get for an ingest of so many records, in batches of 100.

    Every name is as long as AWS lets it be, and every batch failed, each for a reason of its own, told in the widest
    characters. Groups have `group_batches` batches, or as many as the planner puts into one: of one object, and of many
    objects whose keys take more room in JSON than any others.
    """
    batches = records // 100
    ingest_id, bucket, key = "i" * MOST_ID_CHARACTERS, "b" * BUCKET_CHARACTERS, "k" * KEY_BYTES
    plan = Plan(
        ingest_id=ingest_id,
        spec=ObjectsSpec(bucket, key, options=PLAIN_JSON_LINES),
        pinned=PinnedObject(bucket, key, "e" * 128, 5 * 1024**4),
        source_bytes=5 * 1024**4,
        manifest=ObjectLocation(bucket, manifest_key(ingest_id)),
        batches=batches,
        records=records,
        groups=batches,
        model=Model("arn:aws:lambda:us-gov-northwest-1:000000000000:function:" + "f" * 64 + ":1000000", "1000000"),
    )
    error = {"Error": WIDEST * ERROR_CHARACTERS, "Cause": WIDEST * CAUSE_CHARACTERS}
    of_one_object = Batch(batches, batches % LEDGER_SHARDS, 5 * 1024**4, 4 * 1024**2, 100, records, again=True)
    widest_key = WIDEST_IN_JSON * KEY_BYTES
    staged_from = f"s3://{bucket}/{widest_key}"
    of_many = replace(of_one_object, pinned=PinnedObject(bucket, widest_key, "e" * 128, 5 * 1024**4, staged_from))
    entries: list[BatchOutcome | BatchFailure] = [
        BatchFailure(number, WIDEST * ERROR_CHARACTERS, f"{number}{WIDEST * CAUSE_CHARACTERS}") for number in range(30)
    ]
    entries += [
        # Lambda writes the id of the request into the message of a timeout, so that no two are the same.
        BatchFailure(number, "Sandbox.Timedout", f"RequestId: {number:036d} Error: Task timed out after 20.00 seconds")
        for number in range(30, batches)
    ]
    entries += [BatchOutcome(batches, 0, 0, 0, reasons={reason.value: records for reason in Reason})]
    summary = summarize(ingest_id, STARTED, FINISHED, plan, entries, error).as_dict()
    return Samples(
        inputs=[{"source": {"bucket": bucket, "key": key}}],
        results={
            "PlanIngest": [invoked(plan.as_dict()), invoked(partitioned_plan(plan, 5 * 1024).as_dict())],
            "PlanPartition": [invoked({"partition": 5 * 1024, "batches": batches, "records": records})],
            "RecordPartitionFailure": [{}],
            "PlanPartitions": [PARTS_RESULT],
            "JoinPartitions": [invoked(plan.as_dict())],
            "InferBatch": [invoked({"predicted": 100, "rejected": 100})],
            "RecordBatchFailure": [{}],
            "InferBatches": [MAP_RESULT],
            "SummarizeIngest": [invoked(summary)],
        },
        items={
            "PlanPartitions": [partition(5 * 1024)],
            "InferBatches": [_largest_group(of_one_object, group_batches), _largest_group(of_many, group_batches)],
        },
        error=error,
        context=_context(ingest_id),
    )


def _largest_group(batch: Batch, group_batches: int) -> Any:
    """Return the first group of a manifest of so large batches, as the planner writes it."""
    return json.loads(next(encode_groups(repeat(batch, group_batches), group_batches=group_batches)))


def _context(ingest_id: str) -> dict[str, Any]:
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:hundredfold-batch-inference"
    return {
        "Execution": {
            "Id": f"{machine.replace('stateMachine', 'execution')}:{ingest_id}",
            "Name": ingest_id,
            "StartTime": STARTED,
            "Input": {"source": {"bucket": "source-bucket", "key": "records.jsonl"}},
            "RoleArn": "arn:aws:iam::000000000000:role/hundredfold",
        },
        "StateMachine": {"Id": machine, "Name": "hundredfold-batch-inference"},
    }

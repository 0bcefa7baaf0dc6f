"""Each state on its own, as the TestState API shows it: what goes in, what is mocked, and what is to come out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.support.interpreters.cases import DYNAMODB

PINNED = {"bucket": "source", "key": "records.jsonl", "etag": '"e1"', "size": 30_000}
MODEL = {"function": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-infer-batch:7", "version": "7"}
PLAN = {
    "needs_partitioning": False,
    "ingest_id": "ingest-1",
    "spec": {"bucket": "source", "key": "records.jsonl"},
    "pinned": PINNED,
    "manifest": {"bucket": "work", "key": "ingests/ingest-1/manifest.json"},
    "batches": 3,
    "records": 300,
    "model": MODEL,
    "partitions": 0,
    "layout": "item",
}
PARTITIONED = {
    "needs_partitioning": True,
    "ingest_id": "ingest-1",
    "spec": PLAN["spec"],
    "pinned": PINNED,
    "source_bytes": 30_000,
    "model": MODEL,
    "partitions": 2,
    "partition_list": {"bucket": "work", "key": "ingests/ingest-1/partitions/ingest-1/partitions.json"},
}
PARTS = [{"partition": 0, "objects": 1, "bytes": 15_000}, {"partition": 1, "objects": 1, "bytes": 15_000}]
BATCHES = [
    {"batch": 11, "shard": 3, "offset": 0, "length": 10_000, "records": 100, "line": 1},
    {"batch": 12, "shard": 4, "offset": 10_000, "length": 10_000, "records": 100, "line": 101},
    {"batch": 13, "shard": 5, "offset": 20_000, "length": 10_000, "records": 100, "line": 201},
]
FAILURE = {"Error": "StoreBusyError", "Cause": "DynamoDB did not take predictions"}
SUMMARY = {
    "ingest_id": "ingest-1", "status": "COMPLETED", "records": 300, "predicted": 297, "rejected": 3, "failed": 0,
    "batches": 3, "batches_failed": 0, "seconds": 11.5, "started_at": "2026-11-24T10:00:00.000Z", "model_version": "7",
    "source": "s3://source/records.jsonl", "reasons": {"empty_text": 3}, "failures": {}, "cause": None,
}  # fmt: skip
TOLD = {
    "status": "COMPLETED", "records": 300, "predicted": 297, "rejected": 3, "failed": 0, "batches": 3, "seconds": 11.5,
    "model_version": "7", "cause": None,
}  # fmt: skip
CONTEXT = {
    "Execution": {
        "Id": "arn:aws:states:us-east-1:000000000000:execution:hundredfold-batch-inference:ingest-1",
        "Name": "ingest-1",
        "StartTime": "2026-11-24T10:00:00.000Z",
        "Input": {"source": {"bucket": "source", "key": "records.jsonl"}},
    },
    "StateMachine": {
        "Id": "arn:aws:states:us-east-1:000000000000:stateMachine:hundredfold-batch-inference",
        "Name": "hundredfold-batch-inference",
    },
}
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:hundredfold-batch-inference:ingest-1"
PLANNER = "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-plan-ingest"
SHARED = {
    "ingest_id": "ingest-1",
    "execution": EXECUTION,
    "spec": PLAN["spec"],
    "pinned": PINNED,
    "model": MODEL,
    "layout": "item",
}
"""What all batches of an ingest are given."""
GROUPS = [{"batches": BATCHES[:2]}, {"batches": BATCHES[2:]}]
GROUP = {**SHARED, "batches": BATCHES}
ITEM = {"action": "infer_batch", **SHARED, "batch": BATCHES[0]}
PART = {
    "action": "plan_partition",
    "ingest_id": "ingest-1",
    "execution_name": "ingest-1",
    "execution": EXECUTION,
    "partition": 1,
}
PARTS_RESULT = {
    "MapRunArn": "arn:aws:states:us-east-1:000000000000:mapRun:hundredfold-batch-inference/PlanPartitions:1",
    "ResultWriterDetails": {"Bucket": "work", "Key": "ingests/ingest-1/partitions/ingest-1/map-run/1/manifest.json"},
}
MAP_RESULT = {
    "MapRunArn": "arn:aws:states:us-east-1:000000000000:mapRun:hundredfold-batch-inference/InferBatches:1",
    "ResultWriterDetails": {"Bucket": "work", "Key": "ingests/ingest-1/map-run/1/manifest.json"},
}


@dataclass(frozen=True)
class Seen:
    """What TestState says of a state. None in what is wanted means that it is not looked at.

    Attributes
    ----------
    status : SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR; CALL_FAILED if the interpreter itself gave up
    following : the state that comes next, or "" for none
    retry, catch : which retrier and which catcher took the error, from 0
    seconds : how long it waits before the next attempt, before jitter
    parameters : what the service is called with
    item : what the children of a Map are given, before what is each one's own
    """

    status: str
    following: str = ""
    error: str | None = None
    output: Any = None
    retry: int | None = None
    catch: int | None = None
    seconds: int | None = None
    parameters: Any = None
    item: Any = None
    concurrency: int | None = None
    tolerance: int | None = None


@dataclass(frozen=True)
class StateCase:
    """One state, what it is given, and what is mocked: an answer, or an error after a number of retries."""

    name: str
    state: str
    given: Any
    wanted: Seen
    answer: Any = None
    fails_with: str | None = None
    after_retries: int = 0
    items: list[Any] | None = None
    failed_items: int = 0
    tolerance: str = "3"

    def request(self) -> dict[str, Any]:
        """Return the parameters of TestState, without definition and inspection level."""
        request: dict[str, Any] = {"stateName": self.state, "input": json.dumps(self.given)}
        here = {"Name": self.state, "EnteredTime": "2026-11-24T10:00:01.000Z", "RetryCount": self.after_retries}
        request["context"] = json.dumps({**CONTEXT, "State": here})
        # localstack wants it always; an empty one is what AWS assumes.
        configuration: dict[str, Any] = {}
        if self.fails_with:
            request["mock"] = {"errorOutput": {"error": self.fails_with, "cause": "mocked"}}
            configuration["retrierRetryCount"] = self.after_retries
        elif self.answer is not None:
            # What an answer may look like is checked in MockConfigFile.json; see tools/workflow/mocks.py.
            request["mock"] = {"result": json.dumps(self.answer), "fieldValidationMode": "NONE"}
        if self.items is not None:
            configuration["mapItemReaderData"] = json.dumps(self.items)
        if self.failed_items:
            configuration["mapIterationFailureCount"] = self.failed_items
        return {**request, "stateConfiguration": configuration}


def invoked(payload: Any) -> dict[str, Any]:
    return {"ExecutedVersion": "7", "Payload": payload, "StatusCode": 200}


def retried(state: str, given: Any, error: str, waits: list[int], retry: int, then: Seen) -> list[StateCase]:
    """Make a case for each retry of an error, and one for when they are used up."""
    tries = [
        StateCase(
            f"{state} waits {seconds} s before retry {number + 1} after {error}",
            state,
            given,
            Seen("RETRIABLE", error=error, retry=retry, seconds=seconds),
            fails_with=error,
            after_retries=number,
        )
        for number, seconds in enumerate(waits)
    ]
    last = StateCase(
        f"{state} gives up after {len(waits)} retries of {error}",
        state,
        given,
        replace(then, error=error),
        fails_with=error,
        after_retries=len(waits),
    )
    return [*tries, last]


TOO_MANY = "States.ExceedToleratedFailureThreshold"
GAVE_UP = Seen("CAUGHT_ERROR", "RecordBatchFailure", catch=0)
RECORD = {**ITEM, "failure": FAILURE}

STATE_CASES = [
    StateCase(
        "PlanIngest is told who asks for what, and keeps the plan",
        "PlanIngest",
        {"source": {"bucket": "source", "key": "records.jsonl"}},
        Seen(
            "SUCCEEDED",
            "NeedsPartitioning?",
            output={"plan": PLAN},
            parameters={
                "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-plan-ingest",
                "Payload": {
                    "action": "plan",
                    "execution_name": "ingest-1",
                    "execution": "arn:aws:states:us-east-1:000000000000:execution:hundredfold-batch-inference:ingest-1",
                    "started_at": "2026-11-24T10:00:00.000Z",
                    "input": {"source": {"bucket": "source", "key": "records.jsonl"}},
                },
            },
        ),
        answer=invoked(PLAN),
    ),
    StateCase(
        "PlanIngest hands on why an input that is no object was refused",
        "PlanIngest",
        ["no", "object"],
        Seen(
            "CAUGHT_ERROR",
            "PlanFailed",
            error="InvalidIngestError",
            catch=0,
            output={"Error": "InvalidIngestError", "Cause": "mocked"},
        ),
        fails_with="InvalidIngestError",
    ),
    *retried(
        "PlanIngest",
        {},
        "Lambda.TooManyRequestsException",
        [1, 2, 4, 8, 16, 30],
        0,
        Seen("CAUGHT_ERROR", "PlanFailed", catch=0),
    ),
    StateCase(
        "PlanFailed keeps why", "PlanFailed", FAILURE, Seen("SUCCEEDED", "SummarizeIngest", output={"failure": FAILURE})
    ),
    StateCase(
        "NeedsPartitioning? goes past the parts of a plan that is whole",
        "NeedsPartitioning?",
        {"plan": PLAN},
        Seen("SUCCEEDED", "HasBatches?"),
    ),
    StateCase(
        "NeedsPartitioning? goes to the parts",
        "NeedsPartitioning?",
        {"plan": PARTITIONED},
        Seen("SUCCEEDED", "PlanPartitions"),
    ),
    StateCase(
        "PlanPartitions gives each child its part, and forgets what they answer",
        "PlanPartitions",
        {"plan": PARTITIONED},
        Seen(
            "SUCCEEDED",
            "JoinPartitions",
            output={"plan": PARTITIONED},
            item=[{**PART, "partition": number} for number in range(2)],
            concurrency=8,
        ),
        answer=PARTS_RESULT,
        items=PARTS,
    ),
    StateCase(
        "PlanPartitions leaves it to JoinPartitions to say what failed",
        "PlanPartitions",
        {"plan": PARTITIONED},
        Seen("CAUGHT_ERROR", "JoinPartitions", error=TOO_MANY, catch=0),
        answer=PARTS_RESULT,
        items=PARTS,
        failed_items=1,
    ),
    StateCase(
        "PlanPartitions hands on why the list of parts could not be read",
        "PlanPartitions",
        {"plan": PARTITIONED},
        Seen(
            "CAUGHT_ERROR",
            "JoinPartitions",
            error="States.ItemReaderFailed",
            catch=0,
            output={"plan": PARTITIONED, "failure": {"Error": "States.ItemReaderFailed", "Cause": "mocked"}},
        ),
        fails_with="States.ItemReaderFailed",
        items=PARTS,
    ),
    StateCase(
        "PlanPartition calls the planner with its part, and answers with counts",
        "PlanPartition",
        PART,
        Seen(
            "SUCCEEDED",
            output={"batches": 2, "records": 150},
            parameters={"FunctionName": PLANNER, "Payload": PART},
        ),
        answer=invoked({"partition": 1, "batches": 2, "records": 150}),
    ),
    *retried(
        "PlanPartition",
        PART,
        "StoreBusyError",
        [1, 2, 4, 8, 16, 30],
        0,
        Seen("CAUGHT_ERROR", "RecordPartitionFailure", catch=0),
    ),
    StateCase(
        "PlanPartition does not retry what cannot help",
        "PlanPartition",
        PART,
        Seen(
            "CAUGHT_ERROR",
            "RecordPartitionFailure",
            error="SourceChangedError",
            catch=0,
            output={**PART, "failure": {"Error": "SourceChangedError", "Cause": "mocked"}},
        ),
        fails_with="SourceChangedError",
    ),
    StateCase(
        "RecordPartitionFailure enters why a part could not be planned under its execution",
        "RecordPartitionFailure",
        {**PART, "failure": FAILURE},
        Seen(
            "SUCCEEDED",
            "PartitionFailed",
            output={**PART, "failure": FAILURE},
            parameters={
                "TableName": "hundredfold-ledger",
                "Key": {"ledger_key": {"S": "ingest-1#partitions"}, "entry": {"S": "1"}},
                "UpdateExpression": "SET #error = :error, #cause = :cause",
                "ExpressionAttributeNames": {"#error": "error", "#cause": "cause"},
                "ExpressionAttributeValues": {
                    ":error": {"S": "StoreBusyError"},
                    ":cause": {"S": "DynamoDB did not take predictions"},
                },
            },
        ),
        answer={},
    ),
    *retried(
        "RecordPartitionFailure",
        {**PART, "failure": FAILURE},
        "DynamoDB.ThrottlingException",
        [1, 2, 4],
        0,
        Seen("CAUGHT_ERROR", "PartitionFailed", catch=0),
    ),
    StateCase(
        "PartitionFailed fails the child",
        "PartitionFailed",
        {**PART, "failure": FAILURE},
        Seen("FAILED", error="PartitionFailed"),
    ),
    StateCase(
        "JoinPartitions is told what was divided and what failed, and keeps the plan",
        "JoinPartitions",
        {"plan": PARTITIONED, "failure": FAILURE},
        Seen(
            "SUCCEEDED",
            "HasBatches?",
            output={"plan": {**PLAN, "partitions": 2}},
            parameters={
                "FunctionName": PLANNER,
                "Payload": {
                    "action": "join_partitions",
                    "execution_name": "ingest-1",
                    "execution": EXECUTION,
                    "started_at": "2026-11-24T10:00:00.000Z",
                    "input": {"source": {"bucket": "source", "key": "records.jsonl"}},
                    "state": {"plan": PARTITIONED, "failure": FAILURE},
                },
            },
        ),
        answer=invoked({**PLAN, "partitions": 2}),
    ),
    StateCase(
        "JoinPartitions hands on which part failed",
        "JoinPartitions",
        {"plan": PARTITIONED},
        Seen(
            "CAUGHT_ERROR",
            "PlanFailed",
            error="PartitionFailedError",
            catch=0,
            output={"Error": "PartitionFailedError", "Cause": "mocked"},
        ),
        fails_with="PartitionFailedError",
    ),
    *retried(
        "JoinPartitions",
        {"plan": PARTITIONED},
        "Lambda.TooManyRequestsException",
        [1, 2, 4, 8, 16, 30],
        0,
        Seen("CAUGHT_ERROR", "PlanFailed", catch=0),
    ),
    StateCase("HasBatches? goes to the Map", "HasBatches?", {"plan": PLAN}, Seen("SUCCEEDED", "InferBatches")),
    StateCase(
        "HasBatches? goes past the Map without batches",
        "HasBatches?",
        {"plan": {**PLAN, "batches": 0}},
        Seen("SUCCEEDED", "SummarizeIngest"),
    ),
    StateCase(
        "InferBatches gives each child its group, and forgets what they answer",
        "InferBatches",
        {"plan": PLAN},
        Seen(
            "SUCCEEDED",
            "SummarizeIngest",
            output={"plan": PLAN},
            item=[{**SHARED, **group} for group in GROUPS],
            concurrency=1,
            tolerance=3,
        ),
        answer=MAP_RESULT,
        items=GROUPS,
    ),
    StateCase(
        "InferBatches bears three groups that failed where three may",
        "InferBatches",
        {"plan": PLAN},
        Seen("SUCCEEDED", "SummarizeIngest", tolerance=3),
        answer=MAP_RESULT,
        items=GROUPS * 3,
        failed_items=3,
    ),
    StateCase(
        "InferBatches fails for four groups where three may, and lets calls end",
        "InferBatches",
        {"plan": PLAN},
        Seen("CAUGHT_ERROR", "AwaitCalls", error=TOO_MANY, catch=0, tolerance=3),
        answer=MAP_RESULT,
        items=GROUPS * 3,
        failed_items=4,
    ),
    StateCase(
        "InferBatches fails for one group where none may",
        "InferBatches",
        {"plan": PLAN},
        Seen("CAUGHT_ERROR", "AwaitCalls", error=TOO_MANY, catch=0, tolerance=0),
        answer=MAP_RESULT,
        items=GROUPS,
        failed_items=1,
        tolerance="0",
    ),
    StateCase(
        "InferBatches hands on why the manifest could not be read",
        "InferBatches",
        {"plan": PLAN},
        Seen(
            "CAUGHT_ERROR",
            "AwaitCalls",
            error="States.ItemReaderFailed",
            catch=0,
            output={"plan": PLAN, "failure": {"Error": "States.ItemReaderFailed", "Cause": "mocked"}},
        ),
        fails_with="States.ItemReaderFailed",
        items=GROUPS,
    ),
    StateCase(
        "AwaitCalls keeps what is known",
        "AwaitCalls",
        {"plan": PLAN, "failure": FAILURE},
        Seen("SUCCEEDED", "SummarizeIngest", output={"plan": PLAN, "failure": FAILURE}),
    ),
    StateCase(
        "InferGroup gives each iteration its batch, and keeps how each ended",
        "InferGroup",
        GROUP,
        Seen(
            "SUCCEEDED",
            "AnyBatchDone?",
            output={"outcomes": ["failed", "done", "failed"], "any_done": True},
            item=[{"action": "infer_batch", **SHARED, "batch": batch} for batch in BATCHES],
            concurrency=40,
        ),
        answer=["failed", "done", "failed"],
    ),
    StateCase(
        "InferGroup says if no batch was done",
        "InferGroup",
        GROUP,
        Seen("SUCCEEDED", "AnyBatchDone?", output={"outcomes": ["failed"] * 3, "any_done": False}),
        answer=["failed"] * 3,
    ),
    StateCase(
        "InferGroup fails its group if an iteration fails, which none does",
        "InferGroup",
        GROUP,
        Seen("CAUGHT_ERROR", "GroupFailed", error="States.Timeout", catch=0),
        fails_with="States.Timeout",
    ),
    StateCase(
        "AnyBatchDone? takes a group with a batch that was done",
        "AnyBatchDone?",
        {"outcomes": ["failed", "done"], "any_done": True},
        Seen("SUCCEEDED", "GroupDone"),
    ),
    StateCase(
        "AnyBatchDone? takes a group without one",
        "AnyBatchDone?",
        {"outcomes": ["failed", "failed"], "any_done": False},
        Seen("SUCCEEDED", "GroupFailed"),
    ),
    StateCase(
        "GroupDone answers with how each batch ended",
        "GroupDone",
        {"outcomes": ["failed", "done"], "any_done": True},
        Seen("SUCCEEDED", output={"outcomes": ["failed", "done"], "any_done": True}),
    ),
    StateCase(
        "GroupFailed fails the child",
        "GroupFailed",
        {"outcomes": ["failed", "failed"], "any_done": False},
        Seen("FAILED", error="GroupFailed"),
    ),
    StateCase(
        "InferBatch calls the pinned version with its batch, and answers with counts",
        "InferBatch",
        ITEM,
        Seen(
            "SUCCEEDED",
            "BatchDone",
            output={"predicted": 99, "rejected": 1},
            parameters={"FunctionName": MODEL["function"], "Payload": ITEM},
        ),
        answer=invoked({"predicted": 99, "rejected": 1}),
    ),
    *retried("InferBatch", ITEM, "Lambda.TooManyRequestsException", [1, 2, 4, 8, 10], 0, GAVE_UP),
    *retried("InferBatch", ITEM, "StoreBusyError", [1, 3, 9], 1, GAVE_UP),
    *(
        StateCase(
            f"InferBatch retries {error}", "InferBatch", ITEM, Seen("RETRIABLE", error=error, retry=1), fails_with=error
        )
        for error in (
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.Unknown",
            "Sandbox.Timedout",
            "States.Timeout",
            "OutOfTimeError",
        )
    ),
    *(
        StateCase(
            f"InferBatch does not retry {error}",
            "InferBatch",
            ITEM,
            Seen(
                "CAUGHT_ERROR",
                "RecordBatchFailure",
                error=error,
                catch=0,
                output={**ITEM, "failure": {"Error": error, "Cause": "mocked"}},
            ),
            fails_with=error,
        )
        for error in ("SourceChangedError", "BundleRefusedError", "ModelMisbehavedError", "KeyError")
    ),
    StateCase(
        "RecordBatchFailure enters the batch's failure under its key",
        "RecordBatchFailure",
        RECORD,
        Seen(
            "SUCCEEDED",
            "BatchFailed",
            output=RECORD,
            parameters={
                "TableName": "hundredfold-ledger",
                "Key": {"ledger_key": {"S": "ingest-1#3"}, "entry": {"S": "11"}},
                "UpdateExpression": "SET #status = :failed, #error = :error, #cause = :cause, #records = :records "
                "ADD #attempts :one",
                "ConditionExpression": "attribute_not_exists(#status) OR #status = :failed",
                "ExpressionAttributeNames": {
                    "#status": "status",
                    "#error": "error",
                    "#cause": "cause",
                    "#records": "records",
                    "#attempts": "attempts",
                },
                "ExpressionAttributeValues": {
                    ":failed": {"S": "failed"},
                    ":error": {"S": "StoreBusyError"},
                    ":cause": {"S": "DynamoDB did not take predictions"},
                    ":records": {"N": "100"},
                    ":one": {"N": "1"},
                },
            },
        ),
        answer={},
    ),
    StateCase(
        "RecordBatchFailure leaves a batch that is done alone",
        "RecordBatchFailure",
        RECORD,
        Seen(
            "CAUGHT_ERROR",
            "BatchDone",
            error="DynamoDB.ConditionalCheckFailedException",
            catch=0,
            output=RECORD,
        ),
        fails_with="DynamoDB.ConditionalCheckFailedException",
    ),
    *retried(
        "RecordBatchFailure",
        RECORD,
        "DynamoDB.ThrottlingException",
        [1, 2, 4],
        0,
        Seen("CAUGHT_ERROR", "BatchFailed", catch=1),
    ),
    StateCase(
        "RecordBatchFailure does not retry what cannot help, and stops no other batch",
        "RecordBatchFailure",
        RECORD,
        Seen("CAUGHT_ERROR", "BatchFailed", error="DynamoDB.ResourceNotFoundException", catch=1, output=RECORD),
        fails_with="DynamoDB.ResourceNotFoundException",
    ),
    StateCase("BatchDone says so", "BatchDone", {"predicted": 99, "rejected": 1}, Seen("SUCCEEDED", output="done")),
    StateCase("BatchFailed says so", "BatchFailed", RECORD, Seen("SUCCEEDED", output="failed")),
    StateCase(
        "SummarizeIngest is told all that is known, and adds the summary",
        "SummarizeIngest",
        {"plan": PLAN, "failure": FAILURE},
        Seen(
            "SUCCEEDED",
            "Completed?",
            output={"plan": PLAN, "failure": FAILURE, "summary": TOLD},
            parameters={
                "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-summarize-ingest",
                "Payload": {
                    "execution_name": "ingest-1",
                    "execution": "arn:aws:states:us-east-1:000000000000:execution:hundredfold-batch-inference:ingest-1",
                    "started_at": "2026-11-24T10:00:00.000Z",
                    "input": {"source": {"bucket": "source", "key": "records.jsonl"}},
                    "state": {"plan": PLAN, "failure": FAILURE},
                },
            },
        ),
        answer=invoked(SUMMARY),
    ),
    *retried("SummarizeIngest", {"plan": PLAN}, "StoreBusyError", [1, 2, 4, 8, 16, 30], 0, Seen("FAILED")),
    StateCase(
        "Completed? takes a completed ingest",
        "Completed?",
        {"summary": TOLD},
        Seen("SUCCEEDED", "Completed"),
    ),
    StateCase(
        "Completed? takes one that failed",
        "Completed?",
        {"summary": {**TOLD, "status": "FAILED", "cause": "why"}},
        Seen("SUCCEEDED", "IngestFailed"),
    ),
    StateCase(
        "Completed answers with the summary",
        "Completed",
        {"plan": PLAN, "summary": TOLD},
        Seen("SUCCEEDED", output=TOLD),
    ),
    StateCase(
        "IngestFailed fails with the summary's cause",
        "IngestFailed",
        {"summary": {"cause": "why"}},
        Seen("FAILED", error="IngestFailed"),
    ),
]


@dataclass(frozen=True)
class StateDeviation:
    """What localstack says instead, and why; a test fails once it is mended."""

    why: str
    instead: Mapping[str, Any]


MAX_DELAY = "MaxDelaySeconds is left out of the wait that it tells of"
ONE_AT_A_TIME = "it says that a Map runs one child at a time, whatever MaxConcurrency is, and nothing of ItemSelector"
NO_WAIT = "a Wait is an error of its own: it is said to be running still"

LOCALSTACK_DEVIATIONS: Mapping[str, StateDeviation] = {
    "PlanIngest waits 30 s before retry 6 after Lambda.TooManyRequestsException": StateDeviation(
        MAX_DELAY, {"seconds": 32}
    ),
    "InferBatch waits 10 s before retry 5 after Lambda.TooManyRequestsException": StateDeviation(
        MAX_DELAY, {"seconds": 16}
    ),
    "SummarizeIngest waits 30 s before retry 6 after StoreBusyError": StateDeviation(MAX_DELAY, {"seconds": 32}),
    "PlanPartition waits 30 s before retry 6 after StoreBusyError": StateDeviation(MAX_DELAY, {"seconds": 32}),
    "JoinPartitions waits 30 s before retry 6 after Lambda.TooManyRequestsException": StateDeviation(
        MAX_DELAY, {"seconds": 32}
    ),
    "PlanPartitions gives each child its part, and forgets what they answer": StateDeviation(
        ONE_AT_A_TIME, {"concurrency": 1, "item": ""}
    ),
    "InferBatches gives each child its group, and forgets what they answer": StateDeviation(
        ONE_AT_A_TIME, {"concurrency": 1, "item": ""}
    ),
    "AwaitCalls keeps what is known": StateDeviation(
        NO_WAIT, {"status": "CALL_FAILED", "following": "", "error": "InternalError"}
    ),
    "InferGroup gives each iteration its batch, and keeps how each ended": StateDeviation(
        ONE_AT_A_TIME, {"concurrency": 1, "item": ""}
    ),
    **{
        case.name: StateDeviation(
            DYNAMODB,
            {
                "status": "CAUGHT_ERROR",
                "following": following,
                "error": "DynamoDB.AmazonDynamoDBException",
                "retry": None,
                "catch": catch,
                "seconds": None,
            },
        )
        for state, following, catch in (
            ("RecordPartitionFailure", "PartitionFailed", 0),
            ("RecordBatchFailure", "BatchFailed", 1),
        )
        for case in STATE_CASES
        if case.state == state and case.fails_with
    },
}

"""The workflow's cases: what each is to come to, on any interpreter, and where one is known to be wrong.

The answers that a case is run with are in workflows/MockConfigFile.json, under the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from itertools import chain
from typing import Any


class Interpreter(StrEnum):
    """What runs the definition."""

    LOCAL_STACK = "local stack"
    LOCALSTACK = "localstack"
    LOCALSTACK_INLINE = "localstack, projected"
    STEP_FUNCTIONS_LOCAL = "Step Functions Local"


TOLERANCES = {"strict": "0", "tolerant": "3"}
"""The state machines of MockConfigFile.json, and their `ToleratedFailureCount`."""

MANIFESTS = {"one": (1,), "three": (3,), "five": (3, 2)}
"""The ingests that are planned in the cases, and how many batches each of their groups has. Those in parts have as many
parts as batches."""


@dataclass(frozen=True)
class Outcome:
    """What became of one execution.

    What an interpreter does not show is None, and is not compared.

    Attributes
    ----------
    path : the states that the execution entered, without those of its children
    error : the error that it failed with, or None
    caught : the error that SummarizeIngest was told of, or None
    succeeded, failed : how many children ended so
    children : the states that each child entered
    attempts : how often each Task was attempted, in the execution and all its children
    """

    status: str
    path: tuple[str, ...]
    error: str | None = None
    caught: str | None = None
    succeeded: int | None = 0
    failed: int | None = 0
    children: tuple[tuple[str, ...], ...] | None = ()
    attempts: Mapping[str, int] | None = None

    def differences(self, other: "Outcome") -> list[str]:
        """Say where another outcome is not this one, leaving out what either does not show."""
        return [
            f"{field.name}: {_shown(other_value)} instead of {_shown(value)}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != (other_value := getattr(other, field.name))
            and (field.name in ("error", "caught") or (value is not None and other_value is not None))
        ]


@dataclass(frozen=True)
class Case:
    """One case: its names in MockConfigFile.json, and what it is to come to.

    Attributes
    ----------
    groups : how many batches each of its groups has
    parts : in how many it is planned
    """

    machine: str
    name: str
    outcome: Outcome
    groups: tuple[int, ...] = ()
    parts: int = 0

    @property
    def id(self) -> str:
        return f"{self.machine}#{self.name}"


@dataclass(frozen=True)
class Deviation:
    """What an interpreter does instead, and why. A test fails once it does as AWS does: then take this out."""

    why: str
    instead: Mapping[str, Any]

    def applied_to(self, outcome: Outcome) -> Outcome:
        return replace(outcome, **self.instead)


TO_THE_MAP = ("PlanIngest", "NeedsPartitioning?", "HasBatches?", "InferBatches")
COMPLETED = (*TO_THE_MAP, "SummarizeIngest", "Completed?", "Completed")
FAILED = (*TO_THE_MAP, "SummarizeIngest", "Completed?", "IngestFailed")
STOPPED = (*TO_THE_MAP, "AwaitCalls", "SummarizeIngest", "Completed?", "IngestFailed")
IN_PARTS = ("PlanIngest", "NeedsPartitioning?", "PlanPartitions", "JoinPartitions")
NOT_PLANNED = (*IN_PARTS, "PlanFailed", "SummarizeIngest", "Completed?", "IngestFailed")
PART_GIVEN_UP = ("PlanPartition", "RecordPartitionFailure", "PartitionFailed")
DONE = ("InferBatch", "BatchDone")
GIVEN_UP = ("InferBatch", "RecordBatchFailure", "BatchFailed")


def child(*batches: tuple[str, ...], end: str = "GroupDone") -> tuple[str, ...]:
    """Return the states that the child of a group enters, with those of each of its batches."""
    return ("InferGroup", *chain.from_iterable(batches), "AnyBatchDone?", end)


TOO_MANY = "States.ExceedToleratedFailureThreshold"

CASES = [
    Case(
        "strict",
        "HappyPath",
        Outcome(
            "SUCCEEDED",
            COMPLETED,
            succeeded=2,
            children=(child(DONE, DONE, DONE), child(DONE, DONE)),
            attempts={"PlanIngest": 1, "InferBatch": 5, "SummarizeIngest": 1},
        ),
        groups=(3, 2),
    ),
    Case(
        "strict",
        "EmptyIngest",
        Outcome(
            "SUCCEEDED",
            ("PlanIngest", "NeedsPartitioning?", "HasBatches?", "SummarizeIngest", "Completed?", "Completed"),
            attempts={"PlanIngest": 1, "SummarizeIngest": 1},
        ),
    ),
    Case(
        "strict",
        "PlanRejected",
        Outcome(
            "FAILED",
            ("PlanIngest", "PlanFailed", "SummarizeIngest", "Completed?", "IngestFailed"),
            error="IngestFailed",
            caught="InvalidIngestError",
            attempts={"PlanIngest": 1, "SummarizeIngest": 1},
        ),
    ),
    Case(
        "strict",
        "PlanThrottledThenOk",
        Outcome(
            "SUCCEEDED",
            ("PlanIngest", "NeedsPartitioning?", "HasBatches?", "SummarizeIngest", "Completed?", "Completed"),
            attempts={"PlanIngest": 2, "SummarizeIngest": 1},
        ),
    ),
    Case(
        "strict",
        "ThrottledThenOk",
        Outcome(
            "SUCCEEDED",
            COMPLETED,
            succeeded=1,
            children=(child(DONE),),
            attempts={"PlanIngest": 1, "InferBatch": 3, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
    Case(
        "strict",
        "ServiceErrorThenOk",
        Outcome(
            "SUCCEEDED",
            COMPLETED,
            succeeded=1,
            children=(child(DONE),),
            attempts={"PlanIngest": 1, "InferBatch": 2, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
    Case(
        "strict",
        "OneOfThreeFails",
        Outcome(
            "FAILED",
            FAILED,
            error="IngestFailed",
            succeeded=1,
            children=(child(GIVEN_UP, DONE, DONE),),
            attempts={"PlanIngest": 1, "InferBatch": 3, "RecordBatchFailure": 1, "SummarizeIngest": 1},
        ),
        groups=(3,),
    ),
    Case(
        "strict",
        "GroupFails",
        Outcome(
            "FAILED",
            STOPPED,
            error="IngestFailed",
            caught=TOO_MANY,
            failed=1,
            children=(child(GIVEN_UP, end="GroupFailed"),),
            attempts={"PlanIngest": 1, "InferBatch": 4, "RecordBatchFailure": 1, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
    Case(
        "strict",
        "SummaryFails",
        Outcome(
            "FAILED",
            ("PlanIngest", "NeedsPartitioning?", "HasBatches?", "SummarizeIngest"),
            error="IngestExistsError",
            attempts={"PlanIngest": 1, "SummarizeIngest": 1},
        ),
    ),
    Case(
        "strict",
        "LedgerWriteFails",
        Outcome(
            "FAILED",
            STOPPED,
            error="IngestFailed",
            caught=TOO_MANY,
            failed=1,
            children=(child(GIVEN_UP, end="GroupFailed"),),
            attempts={"PlanIngest": 1, "InferBatch": 1, "RecordBatchFailure": 1, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
    Case(
        "strict",
        "UnknownErrorFails",
        Outcome(
            "FAILED",
            STOPPED,
            error="IngestFailed",
            caught=TOO_MANY,
            failed=1,
            children=(child(GIVEN_UP, end="GroupFailed"),),
            attempts={"PlanIngest": 1, "InferBatch": 1, "RecordBatchFailure": 1, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
    Case(
        "strict",
        "DoneByAnother",
        Outcome(
            "SUCCEEDED",
            COMPLETED,
            succeeded=1,
            children=(child(("InferBatch", "RecordBatchFailure", "BatchDone")),),
            attempts={"PlanIngest": 1, "InferBatch": 1, "RecordBatchFailure": 1, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
    Case(
        "strict",
        "PlannedInPartitions",
        Outcome(
            "SUCCEEDED",
            (*IN_PARTS, "HasBatches?", "InferBatches", "SummarizeIngest", "Completed?", "Completed"),
            succeeded=4,
            children=(("PlanPartition",),) * 3 + (child(DONE, DONE, DONE),),
            attempts={"PlanIngest": 1, "PlanPartition": 3, "JoinPartitions": 1, "InferBatch": 3, "SummarizeIngest": 1},
        ),
        groups=(3,),
        parts=3,
    ),
    Case(
        "strict",
        "PartitionThrottledThenOk",
        Outcome(
            "SUCCEEDED",
            (*IN_PARTS, "HasBatches?", "SummarizeIngest", "Completed?", "Completed"),
            succeeded=1,
            children=(("PlanPartition",),),
            attempts={"PlanIngest": 1, "PlanPartition": 2, "JoinPartitions": 1, "SummarizeIngest": 1},
        ),
        parts=1,
    ),
    Case(
        "strict",
        "PartitionFails",
        Outcome(
            "FAILED",
            NOT_PLANNED,
            error="IngestFailed",
            caught="PartitionFailedError",
            failed=1,
            children=(PART_GIVEN_UP,),
            attempts={
                "PlanIngest": 1,
                "PlanPartition": 1,
                "RecordPartitionFailure": 1,
                "JoinPartitions": 1,
                "SummarizeIngest": 1,
            },
        ),
        parts=1,
    ),
    Case(
        "strict",
        "JoinFails",
        Outcome(
            "FAILED",
            NOT_PLANNED,
            error="IngestFailed",
            caught="IngestExistsError",
            succeeded=1,
            children=(("PlanPartition",),),
            attempts={"PlanIngest": 1, "PlanPartition": 1, "JoinPartitions": 1, "SummarizeIngest": 1},
        ),
        parts=1,
    ),
    Case(
        "tolerant",
        "GroupOfThreeFails",
        Outcome(
            "FAILED",
            FAILED,
            error="IngestFailed",
            failed=1,
            children=(child(GIVEN_UP, GIVEN_UP, GIVEN_UP, end="GroupFailed"),),
            attempts={"PlanIngest": 1, "InferBatch": 3, "RecordBatchFailure": 3, "SummarizeIngest": 1},
        ),
        groups=(3,),
    ),
    Case(
        "tolerant",
        "BatchExhausted",
        Outcome(
            "SUCCEEDED",
            COMPLETED,
            failed=1,
            children=(child(GIVEN_UP, end="GroupFailed"),),
            attempts={"PlanIngest": 1, "InferBatch": 4, "RecordBatchFailure": 1, "SummarizeIngest": 1},
        ),
        groups=(1,),
    ),
]

STICKY = "an answer that is an error is given to every retry too, so that no retry ever succeeds"
NO_TOLERANCE = "ToleratedFailureCount has no effect: a Distributed Map never fails for its children"
INLINE = "an inline Map has no tolerance: the first child that fails ends it, with the child's own error"
DYNAMODB = "every mocked error of a DynamoDB integration becomes DynamoDB.AmazonDynamoDBException"

# What follows where an answer that is an error is sticky: the group of one batch fails, and the Map with it.
_GROUP_LOST = {
    "path": (*STOPPED[:-1], "Completed"),
    "caught": TOO_MANY,
    "succeeded": 0,
    "failed": 1,
}
# What follows where the Map fails with the child's own error.
_STOPPED_BY_CHILD = {"caught": "GroupFailed"}
_INLINE: Mapping[str, Mapping[str, Any]] = {
    "strict#GroupFails": _STOPPED_BY_CHILD,
    "strict#LedgerWriteFails": _STOPPED_BY_CHILD,
    "strict#UnknownErrorFails": _STOPPED_BY_CHILD,
    "tolerant#GroupOfThreeFails": {**_STOPPED_BY_CHILD, "path": STOPPED},
    "tolerant#BatchExhausted": {**_STOPPED_BY_CHILD, "path": (*STOPPED[:-1], "Completed")},
}

DEVIATIONS: Mapping[tuple[Interpreter, str], Deviation] = {
    (Interpreter.LOCAL_STACK, "strict#PlanThrottledThenOk"): Deviation(
        STICKY,
        {
            "path": ("PlanIngest", "PlanFailed", "SummarizeIngest", "Completed?", "Completed"),
            "caught": "Lambda.TooManyRequestsException",
        },
    ),
    (Interpreter.LOCAL_STACK, "strict#ThrottledThenOk"): Deviation(STICKY, _GROUP_LOST),
    (Interpreter.LOCAL_STACK, "strict#ServiceErrorThenOk"): Deviation(STICKY, _GROUP_LOST),
    (Interpreter.LOCAL_STACK, "strict#PartitionThrottledThenOk"): Deviation(STICKY, {"succeeded": 0, "failed": 1}),
    **{
        (Interpreter.LOCALSTACK, f"strict#{name}"): Deviation(NO_TOLERANCE, {"path": FAILED, "caught": None})
        for name in ("GroupFails", "LedgerWriteFails", "UnknownErrorFails")
    },
    (Interpreter.LOCALSTACK, "strict#DoneByAnother"): Deviation(DYNAMODB, {"succeeded": 0, "failed": 1}),
    (Interpreter.LOCALSTACK_INLINE, "strict#DoneByAnother"): Deviation(
        f"{INLINE}; and {DYNAMODB}",
        {
            "path": (*STOPPED[:-1], "Completed"),
            **_STOPPED_BY_CHILD,
            "succeeded": 0,
            "failed": 1,
            "children": (child(GIVEN_UP, end="GroupFailed"),),
        },
    ),
    # Of Step Functions Local, none is run yet (docs/testing.md): what follows from the projection, wherever it is run.
    **{
        (interpreter, case): Deviation(INLINE, instead)
        for interpreter in (Interpreter.LOCALSTACK_INLINE, Interpreter.STEP_FUNCTIONS_LOCAL)
        for case, instead in _INLINE.items()
    },
}


def expected(case: Case, interpreter: Interpreter) -> tuple[Outcome, Deviation | None]:
    """Return what this interpreter is known to make of a case, and the deviation if that is not what AWS would."""
    deviation = DEVIATIONS.get((interpreter, case.id))
    return (deviation.applied_to(case.outcome) if deviation else case.outcome), deviation


class Verdict(StrEnum):
    """What a run says about the workflow and its interpreter."""

    AS_EXPECTED = "as expected"
    AS_KNOWN = "wrong, as known"
    MENDED = "mended"
    WRONG = "wrong"


def judge(case: Case, interpreter: Interpreter, found: Outcome) -> tuple[Verdict, list[str]]:
    """Say whether a case came to what it should, or to what the interpreter is known to do; and what differs."""
    wanted, deviation = expected(case, interpreter)
    if not (differences := wanted.differences(found)):
        return (Verdict.AS_KNOWN, [deviation.why]) if deviation else (Verdict.AS_EXPECTED, [])
    if deviation and not case.outcome.differences(found):
        return Verdict.MENDED, [f"it does as AWS does now: take its mark ({deviation.why}) out of DEVIATIONS"]
    return Verdict.WRONG, differences


def _shown(value: object) -> str:
    match value:
        case tuple():
            return " > ".join(part if isinstance(part, str) else f"({' > '.join(part)})" for part in value) or "none"
        case _:
            return str(value)

"""What others have measured on AWS and recorded, as this project cannot: answers, with the place of each record.

They are facts, not code: each was read in a test or a changelog of another project, on the day that stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FLOCI = "https://github.com/floci-io/floci/blob/34708acc76208d25a554a5863762f2f0daa6b7a3/src/test/java/io/github/\
hectorvent/floci/services/stepfunctions/StepFunctionsDescribeMapRunIntegrationTest.java"
"""Its head says: every asserted value was measured against us-east-1 with a distributed Map run of the same shape."""

READ = "2026-11-24"


@dataclass(frozen=True)
class Measured:
    """An answer of AWS, as it was measured.

    Attributes
    ----------
    of : what was asked
    answer : without what is another one each time: ARNs, times, ids
    source : where it is recorded
    """

    of: str
    answer: Mapping[str, Any]
    source: str


def counts(**some: int) -> dict[str, int]:
    """Return a set of DescribeMapRun's ten counters; those that are not named are zero."""
    names = (
        "pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten",
        "failuresNotRedrivable", "pendingRedrive",
    )  # fmt: skip
    assert set(some) <= set(names)
    return {name: some.get(name, 0) for name in names}


MAP_RUN_SUCCEEDED = Measured(
    "DescribeMapRun of three items that succeeded, in STANDARD children, without MaxConcurrency",
    {
        "status": "SUCCEEDED",
        "maxConcurrency": 2_147_483_647,
        "toleratedFailurePercentage": 0.0,
        "toleratedFailureCount": 0,
        "redriveCount": 0,
        "itemCounts": counts(succeeded=3, total=3, resultsWritten=3),
        "executionCounts": counts(succeeded=3, total=3, resultsWritten=3),
    },
    FLOCI,
)
MAP_RUN_FAILED = Measured(
    "DescribeMapRun of one item whose child failed, with no tolerance",
    {"status": "FAILED", "itemCounts": {"succeeded": 0, "failed": 1, "aborted": 0, "total": 1, "resultsWritten": 1}},
    FLOCI,
)
MAP_RUN_UNKNOWN = Measured(
    "DescribeMapRun of an ARN that no Map Run has",
    {"Code": "ResourceNotFound", "Message": "Resource not found: '{arn}'"},
    FLOCI,
)
TIMED_OUT = Measured(
    "the payload of Invoke, of a function that was out of time after one second",
    {
        "errorMessage": "RequestId: 00000000-0000-0000-0000-000000000000 Error: Task timed out after 1.00 seconds",
        "errorType": "Sandbox.Timedout",
    },
    "https://github.com/seek-oss/aws-codedeploy-hooks/pull/81",
)
OUT_OF_MEMORY = Measured(
    "the names under which a function that was out of memory has arrived",
    {"errorType": ["Runtime.ExitError", "Runtime.OutOfMemory"]},
    "https://github.com/awslabs/amazon-s3-find-and-forget/pull/283 and https://github.com/nasa-gcn/gcn.nasa.gov/pull/3628",
)

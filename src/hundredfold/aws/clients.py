"""boto3 clients with the time-outs and retries that a batch needs."""

from typing import TYPE_CHECKING, NoReturn

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import SourceMissingError, StoreBusyError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

# One attempt may take 1 + 5 s, and three of them with botocore's jittered back-off (under 1 + 2 s) about 21 s at
# the very worst; throttling is answered in milliseconds, so the usual three attempts end within a second or two.
# "standard" also retries what "legacy" does not (5xx and time-outs of every operation), without the client-side
# rate limit of "adaptive", which would let one hot partition slow down the writes to all others.
_RETRIES = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=8,
)

NOT_FOUND = frozenset({"NoSuchKey", "NoSuchBucket", "404", "NotFound", "ResourceNotFoundException"})
CHANGED = frozenset({"PreconditionFailed", "412", "InvalidRange", "416"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
BUSY = _THROTTLED | {
    "InternalError",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "RequestTimeout",
    "ServiceUnavailable",
    "TransactionInProgressException",
}
_FAILING = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses. An answer without a body, as to HEAD, or from something before the service has no other code."""


def error_code(error: ClientError) -> str:
    """Return AWS's code for an error. Its message is never looked at, and never passed on: it may quote the data."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def is_busy(error: ClientError | BotoCoreError) -> bool:
    """Tell whether the service was busy, failing or out of reach, so that trying again later can help."""
    if isinstance(error, BotoCoreError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return error_code(error) in BUSY or status in _FAILING


def raise_ours(error: ClientError | BotoCoreError, location: str, *, busy: str, missing: str, denied: str) -> NoReturn:
    """Raise what a service's refusal means for a source: StoreBusyError, SourceMissingError, or the refusal itself.

    Parameters
    ----------
    busy : what the service did not do
    missing, denied : why the source at `location` cannot be used then
    """
    if is_busy(error):
        raise StoreBusyError(f"{busy}: {type(error).__name__}") from None
    assert isinstance(error, ClientError)  # noqa: S101 - is_busy took all others
    if error_code(error) in NOT_FOUND:
        raise SourceMissingError(location, missing) from None
    if error_code(error) in DENIED:
        raise SourceMissingError(location, denied) from None
    raise error


def is_throttled(error: ClientError) -> bool:
    """Tell whether the service works, but wants to be asked less often."""
    return error_code(error) in _THROTTLED


def s3() -> "S3Client":
    return boto3.client("s3", config=_RETRIES)


def dynamodb(*, validate: bool = True) -> "DynamoDBClient":
    """A DynamoDB client; `validate=False` leaves out botocore's check of parameters, for the hot path."""
    return boto3.client("dynamodb", config=_RETRIES.merge(Config(parameter_validation=validate)))


def lambda_() -> "LambdaClient":
    return boto3.client("lambda", config=_RETRIES)


def step_functions() -> "SFNClient":
    return boto3.client("stepfunctions", config=_RETRIES)


def events() -> "EventBridgeClient":
    return boto3.client("events", config=_RETRIES)

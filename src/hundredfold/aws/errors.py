"""Errors of AWS services, mapped to ours in one place.

`mapped_errors` surrounds a call. What it raises in place of botocore's errors:

- `StoreBusyError` if the service throttled, failed or was out of reach, so that trying again later can help.
- The caller's own error for the codes that mean something to it: an object that is missing, a condition that failed.
- The error itself, if it means nothing known.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import HundredfoldError, StoreBusyError

type Codes = frozenset[str]

CHANGED: Codes = frozenset({"PreconditionFailed", "412", "InvalidRange", "416"})
CONDITION_FAILED: Codes = frozenset({"ConditionalCheckFailedException"})
DENIED: Codes = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})
INVALID: Codes = frozenset({"ValidationException"})
NOT_FOUND: Codes = frozenset({"NoSuchKey", "NoSuchBucket", "404", "NotFound", "ResourceNotFoundException"})
NOT_READY: Codes = frozenset(
    {
        "ResourceConflictException",
        "ResourceNotReadyException",
        "SnapStartException",
        "SnapStartNotReadyException",
        "SnapStartTimeoutException",
    }
)
"""Lambda's, of a version that is not active: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
THROTTLED: Codes = frozenset(
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
BUSY: Codes = THROTTLED | {
    "InternalError",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "RequestTimeout",
    "ServiceUnavailable",
    "TransactionInProgressException",
}
_BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses. An answer without a body, as to HEAD, or from something before the service has no other code."""


def error_code(error: ClientError) -> str:
    """Return AWS's code for an error. Its message is never read, and never passed on: it may quote the data."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def error_name(error: ClientError | BotoCoreError) -> str:
    """Return what a message may say of an error: the service's code, or the kind of a failed connection."""
    return error_code(error) if isinstance(error, ClientError) else type(error).__name__


def is_busy(error: ClientError | BotoCoreError) -> bool:
    """Tell whether the service was busy, failing or out of reach, so that trying again later can help."""
    if isinstance(error, BotoCoreError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return error_code(error) in BUSY or status in _BUSY_STATUSES


def is_throttled(error: ClientError) -> bool:
    """Tell whether the service works, but takes no more requests now."""
    return error_code(error) in THROTTLED


def is_failed_condition(error: ClientError) -> bool:
    """Tell whether DynamoDB refused a write because its condition did not hold."""
    return error_code(error) in CONDITION_FAILED


@contextmanager
def mapped_errors(busy: str, meanings: Mapping[Codes, HundredfoldError] | None = None) -> Iterator[None]:
    """Raise our errors in place of those of the AWS call inside.

    Parameters
    ----------
    busy : what a busy service did not do: the message of StoreBusyError, which the error's name follows
    meanings : the error to raise for each group of codes

    Raises
    ------
    StoreBusyError
        If the service was busy, failing or out of reach.
    HundredfoldError
        The one that `meanings` has for the code.

    Examples
    --------
    >>> from hundredfold.errors import SourceMissingError
    >>> missing = SourceMissingError("s3://bucket/key", "there is no such object")
    >>> with mapped_errors("S3 did not answer for s3://bucket/key", {NOT_FOUND: missing}):
    ...     raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
    Traceback (most recent call last):
    ...
    hundredfold.errors.SourceMissingError: cannot read s3://bucket/key: there is no such object
    """
    try:
        yield
    except BotoCoreError as error:
        raise StoreBusyError(f"{busy}: {error_name(error)}") from None
    except ClientError as error:
        if is_busy(error):
            raise StoreBusyError(f"{busy}: {error_name(error)}") from None
        code = error_code(error)
        meaning = next((meaning for codes, meaning in (meanings or {}).items() if code in codes), None)
        if meaning is None:
            raise
        raise meaning from None

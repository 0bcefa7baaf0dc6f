"""What errors of AWS services mean here: the one place that maps them."""

from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import SourceMissingError, StoreBusyError

if TYPE_CHECKING:
    pass


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


def raise_mapped(
    error: ClientError | BotoCoreError, location: str, *, busy: str, missing: str, denied: str
) -> NoReturn:
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

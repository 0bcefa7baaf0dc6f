"""Errors of AWS services, mapped to ours in one place.

`mapped_errors` surrounds a call. What it raises in place of botocore's errors:

- `StoreBusyError` if the service throttled, failed or was out of reach, so that trying again later can help.
- `NotConfiguredError` if credentials, region or endpoint are missing or wrong.
- `RequestInvalidError` if botocore refused the request for any other reason.
- The caller's own error for the codes that mean something to it: an object that is missing, a condition that failed.
- The error itself, if it means nothing known.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import HundredfoldError, NotConfiguredError, RequestInvalidError, StoreBusyError

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

_TRANSIENT = (
    exceptions.CapacityNotAvailableError,
    exceptions.ChecksumError,
    exceptions.ConnectionError,
    exceptions.FlexibleChecksumError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
)
"""botocore's own errors of a connection or of an answer that was cut off. All others come back with every attempt."""
_SET_CREDENTIALS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws configure"
_SIGN_IN = "sign in again, with: aws sso login, or: aws login"
_CONFIGURATION: tuple[tuple[tuple[type[BotoCoreError], ...], str], ...] = (
    ((exceptions.NoCredentialsError, exceptions.UnknownCredentialError), f"no credentials: {_SET_CREDENTIALS}"),
    ((exceptions.PartialCredentialsError,), f"only a part of the credentials: {_SET_CREDENTIALS}"),
    (
        (
            exceptions.LoginError,
            exceptions.NoAuthTokenError,
            exceptions.RefreshWithMFAUnsupportedError,
            exceptions.SSOError,
            exceptions.TokenRetrievalError,
            exceptions.UnknownTokenProviderError,
        ),
        f"the session has ended, or there is none: {_SIGN_IN}",
    ),
    (
        (exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError),
        f"the credentials could not be read: run aws sts get-caller-identity to see why, or {_SET_CREDENTIALS}",
    ),
    (
        (exceptions.ProfileNotFound,),
        "no such profile: set AWS_PROFILE to one of those of: aws configure list-profiles",
    ),
    (
        (exceptions.NoRegionError, exceptions.InvalidRegionError, exceptions.UnknownRegionError),
        # botocore reads AWS_DEFAULT_REGION only, other SDKs read AWS_REGION too: botocore/configprovider.py (2026-11)
        (
            "no region, or none that AWS has (AWS_REGION is not read): set AWS_DEFAULT_REGION, or run: "
            "aws configure set region REGION"
        ),
    ),
    (
        (
            exceptions.BaseEndpointResolverError,
            exceptions.EndpointProviderError,
            exceptions.InvalidEndpointConfigurationError,
            exceptions.InvalidProxiesConfigError,
        ),
        "no usable endpoint: check AWS_ENDPOINT_URL, AWS_DEFAULT_REGION and the proxy's variables",
    ),
    (
        (exceptions.ConfigNotFound, exceptions.ConfigParseError, exceptions.InvalidConfigError),
        "the configuration cannot be read: check the file that AWS_CONFIG_FILE names, or ~/.aws/config",
    ),
    (
        (exceptions.MissingDependencyException,),
        "a package for this way to sign in is missing: pip install botocore[crt]",
    ),
)
"""What to do about botocore's errors of configuration; the first that fits counts."""
_EXPIRED: Codes = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_CREDENTIALS: Codes = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""


def error_code(error: ClientError) -> str:
    """Return AWS's code for an error. Its message is never read, and never passed on: it may quote the data."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def error_name(error: ClientError | BotoCoreError) -> str:
    """Return what a message may say of an error: the service's code, or the kind of a failed connection."""
    return error_code(error) if isinstance(error, ClientError) else type(error).__name__


def is_busy(error: ClientError | BotoCoreError) -> bool:
    """Tell whether the service was busy, failing or out of reach, so that trying again later can help."""
    if isinstance(error, BotoCoreError):
        return isinstance(error, _TRANSIENT)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return error_code(error) in BUSY or status in _BUSY_STATUSES


def is_throttled(error: ClientError) -> bool:
    """Tell whether the service works, but takes no more requests now."""
    return error_code(error) in THROTTLED


def is_failed_condition(error: ClientError) -> bool:
    """Tell whether DynamoDB refused a write because its condition did not hold."""
    return error_code(error) in CONDITION_FAILED


def configuration_advice(error: ClientError | BotoCoreError) -> str:
    """Return what is missing of credentials, region or endpoint and how to set it; empty if that is not the error."""
    if isinstance(error, BotoCoreError):
        return next((advice for kinds, advice in _CONFIGURATION if isinstance(error, kinds)), "")
    if error_code(error) in _EXPIRED:
        return f"the credentials have expired: {_SIGN_IN}"
    if error_code(error) in _UNKNOWN_CREDENTIALS:
        return f"AWS does not know these credentials: {_SET_CREDENTIALS}"
    return ""


def botocore_error(error: BotoCoreError, busy: str) -> HundredfoldError:
    """Return our error for one of botocore's own.

    Parameters
    ----------
    busy : what was not done: the message, which the error's name follows
    """
    name = error_name(error)
    if is_busy(error):
        return StoreBusyError(f"{busy}: {name}")
    if advice := configuration_advice(error):
        return NotConfiguredError(f"{advice} ({name})")
    return RequestInvalidError(f"{busy}: {name}")


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
    NotConfiguredError
        If credentials, region or endpoint are missing or wrong.
    RequestInvalidError
        If botocore refused the request for any other reason.
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
        raise botocore_error(error, busy) from None
    except ClientError as error:
        if is_busy(error):
            raise StoreBusyError(f"{busy}: {error_name(error)}") from None
        if advice := configuration_advice(error):
            raise NotConfiguredError(f"{advice} ({error_name(error)})") from None
        code = error_code(error)
        meaning = next((meaning for codes, meaning in (meanings or {}).items() if code in codes), None)
        if meaning is None:
            raise
        raise meaning from None

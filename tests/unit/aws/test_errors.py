"""What an error of a service means: whether trying again can help, and which error of ours it becomes."""

from pathlib import Path

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    InvalidEndpointConfigurationError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)

from hundredfold.aws.errors import (
    CONDITION_FAILED,
    DENIED,
    NOT_FOUND,
    error_code,
    error_name,
    is_busy,
    is_failed_condition,
    is_throttled,
    mapped_errors,
)
from hundredfold.errors import IngestExistsError, SourceMissingError, StoreBusyError


def client_error(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")  # type: ignore[arg-type]  # botocore gives no more either


@pytest.mark.parametrize(
    "error",
    [
        # DynamoDB says with status 400 that it throttles.
        client_error("ProvisionedThroughputExceededException"),
        client_error("ThrottlingException"),
        client_error("RequestLimitExceeded"),
        client_error("InternalServerError", 500),
        client_error("SlowDown", 503),
        client_error("ServiceUnavailable", 503),
        client_error("RequestTimeout"),
        client_error("TooManyRequestsException", 429),
        client_error("ServiceException", 500),
        # Without a body, the status is the code.
        client_error("503", 503),
        client_error("502", 502),
        client_error("504", 504),
        ConnectTimeoutError(endpoint_url="e"),
        ReadTimeoutError(endpoint_url="e"),
        EndpointConnectionError(endpoint_url="e"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
    ids=lambda error: error_code(error) if isinstance(error, ClientError) else type(error).__name__,
)
def test_trying_again_can_help_if_a_service_is_busy_failing_or_out_of_reach(error: ClientError) -> None:
    assert is_busy(error)


@pytest.mark.parametrize(
    "error",
    [
        client_error("ValidationException"),
        client_error("AccessDeniedException"),
        client_error("AccessDenied", 403),
        client_error("ResourceNotFoundException"),
        client_error("NoSuchKey", 404),
        client_error("PreconditionFailed", 412),
        client_error("ConditionalCheckFailedException"),
        client_error("UnrecognizedClientException"),
        client_error("NotImplemented", 501),
        ClientError({}, "Operation"),
        NoCredentialsError(),
        NoRegionError(),
        ParamValidationError(report="r"),
        InvalidEndpointConfigurationError(msg="m"),
    ],
    ids=error_name,
)
def test_trying_again_cannot_help_if_the_request_is_at_fault(error: ClientError) -> None:
    assert not is_busy(error)


def test_an_error_without_a_code_is_unknown() -> None:
    assert error_code(ClientError({}, "Operation")) == "Unknown"
    assert error_code(client_error("NoSuchKey")) == "NoSuchKey"


def test_only_a_throttled_service_takes_the_same_request_a_moment_later() -> None:
    assert is_throttled(client_error("SlowDown", 503))
    assert not is_throttled(client_error("InternalServerError", 500))


def test_a_failed_condition_is_distinguished_from_other_refusals() -> None:
    assert is_failed_condition(client_error("ConditionalCheckFailedException"))
    assert not is_failed_condition(client_error("ValidationException"))


MISSING = SourceMissingError("s3://b/k", "there is no such object")
REFUSED = SourceMissingError("s3://b/k", "access is denied")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (client_error("SlowDown", 503), "SlowDown"),
        (client_error("500", 500), "500"),
        (ReadTimeoutError(endpoint_url="e"), "ReadTimeoutError"),
    ],
)
def test_a_busy_service_is_named_with_what_it_did_not_do(error: Exception, name: str) -> None:
    with pytest.raises(StoreBusyError) as raised, mapped_errors("S3 did not answer", {NOT_FOUND: MISSING}):
        raise error

    assert str(raised.value) == f"S3 did not answer: {name}"
    assert raised.value.__suppress_context__  # whose message may quote the data


@pytest.mark.parametrize(
    ("code", "expected"), [("NoSuchKey", MISSING), ("404", MISSING), ("AccessDenied", REFUSED), ("403", REFUSED)]
)
def test_a_code_that_means_something_becomes_the_error_of_its_meaning(code: str, expected: SourceMissingError) -> None:
    with (
        pytest.raises(SourceMissingError) as raised,
        mapped_errors("S3 did not answer", {NOT_FOUND: MISSING, DENIED: REFUSED}),
    ):
        raise client_error(code)

    assert raised.value is expected
    assert raised.value.__suppress_context__


def test_a_code_that_means_nothing_is_raised_as_it_is_from_where_it_came() -> None:
    refusal = client_error("ValidationException")

    with pytest.raises(ClientError) as raised, mapped_errors("S3 did not answer", {NOT_FOUND: MISSING}):
        raise refusal

    assert raised.value is refusal
    assert Path(raised.traceback[-1].path) == Path(__file__)


def test_an_outer_map_has_a_meaning_that_an_inner_one_lacks() -> None:
    exists = IngestExistsError("i1")

    with (
        pytest.raises(IngestExistsError) as raised,
        mapped_errors("outer", {CONDITION_FAILED: exists}),
        mapped_errors("inner"),
    ):
        raise client_error("ConditionalCheckFailedException")

    assert raised.value is exists


def test_our_own_errors_and_those_of_python_pass_unchanged() -> None:
    for error in (StoreBusyError("ours"), KeyError("python's")):
        with pytest.raises(type(error)) as raised, mapped_errors("S3 did not answer"):
            raise error
        assert raised.value is error


def test_what_a_message_says_of_an_error_is_its_code_or_its_kind() -> None:
    assert error_name(client_error("NoSuchKey", 404)) == "NoSuchKey"
    assert error_name(ConnectTimeoutError(endpoint_url="e")) == "ConnectTimeoutError"

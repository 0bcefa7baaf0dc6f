"""Clients: which errors trying again can help with, and the limits of one attempt."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ParamValidationError,
    ReadTimeoutError,
)

from hundredfold.aws import clients
from hundredfold.aws.errors import error_code, is_busy
from tests.unit.answering_server import AnsweringServer, Reply, dynamodb_error, json_reply


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
    ],
    ids=error_code,
)
def test_trying_again_cannot_help_if_the_request_is_at_fault(error: ClientError) -> None:
    assert not is_busy(error)


def test_an_error_without_a_code_is_unknown() -> None:
    assert error_code(ClientError({}, "Operation")) == "Unknown"
    assert error_code(client_error("NoSuchKey")) == "NoSuchKey"


def test_one_attempt_is_three_requests(aws: AnsweringServer) -> None:
    aws.answer = lambda _: dynamodb_error("ThrottlingException")
    client = clients.dynamodb()

    with pytest.raises(ClientError) as raised:
        client.get_item(TableName="t", Key={"k": {"S": "1"}})

    assert is_busy(raised.value)
    assert len(aws.requests) == 3
    client.close()


def test_a_failure_in_passing_is_not_noticed(aws: AnsweringServer) -> None:
    aws.answer_in_turn(Reply(b"<html>bad gateway</html>", 502), json_reply({"Item": {"k": {"S": "1"}}}))
    client = clients.dynamodb()

    assert client.get_item(TableName="t", Key={"k": {"S": "1"}})["Item"] == {"k": {"S": "1"}}
    assert len(aws.requests) == 2
    client.close()


def test_an_answer_that_is_no_answer_of_aws_counts_as_failing(aws: AnsweringServer) -> None:
    aws.answer = lambda _: Reply(b"<html>bad gateway</html>", 502)
    client = clients.dynamodb()

    with pytest.raises(ClientError) as raised:
        client.get_item(TableName="t", Key={"k": {"S": "1"}})

    assert is_busy(raised.value)
    client.close()


def test_what_is_sent_is_validated_unless_told_otherwise(aws: AnsweringServer) -> None:
    key: Any = {"k": {"S": 1}}
    validating, trusting = clients.dynamodb(), clients.dynamodb(validate=False)

    with pytest.raises(ParamValidationError):
        validating.get_item(TableName="t", Key=key)
    trusting.get_item(TableName="t", Key=key)

    assert [request.json["Key"] for request in aws.requests] == [key]
    validating.close()
    trusting.close()


@pytest.mark.parametrize("make", [clients.s3, clients.dynamodb, clients.lambda_])
def test_an_answer_is_not_waited_for_beyond_seconds(aws: AnsweringServer, make: Callable[[], Any]) -> None:
    client = make()

    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (1, 5)
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 3}
    client.close()

"""Starting executions: a name is used once."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from hundredfold.aws.executions import StepFunctionsExecutions
from hundredfold.errors import StoreBusyError


class Client:
    """Takes every start, or raises `error` at each."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.requests: list[dict[str, Any]] = []

    def start_execution(self, **request: Any) -> dict[str, str]:
        self.requests.append(request)
        if self._error:
            raise self._error
        return {"executionArn": "arn"}


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "StartExecution")


def start(client: Client) -> bool:
    return StepFunctionsExecutions(cast("Any", client), "machine").start("i1", {"source": {"bucket": "b", "key": "k"}})


def test_an_execution_is_started_with_its_name_and_input() -> None:
    client = Client()

    assert start(client) is True
    assert client.requests == [
        {"stateMachineArn": "machine", "name": "i1", "input": '{"source": {"bucket": "b", "key": "k"}}'}
    ]


def test_an_execution_that_exists_is_not_started_again() -> None:
    assert start(Client(refused("ExecutionAlreadyExists"))) is False


@pytest.mark.parametrize(
    "error", [refused("ThrottlingException"), refused("Unknown", 503), ReadTimeoutError(endpoint_url="e")]
)
def test_a_busy_service_is_an_error_that_the_caller_may_retry(error: Exception) -> None:
    with pytest.raises(StoreBusyError, match="did not start i1") as raised:
        start(Client(error))
    assert "secret" not in str(raised.value)


def test_a_refusal_is_raised() -> None:
    with pytest.raises(ClientError):
        start(Client(refused("AccessDeniedException")))

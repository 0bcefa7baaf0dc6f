"""The live model: the published version that the alias points to."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws import clients
from hundredfold.aws.models import PAUSE_SECONDS, READY_SECONDS, LambdaModels
from hundredfold.errors import InvalidIngestError, StoreBusyError
from hundredfold.ingest import Model
from tests.unit.answering_server import AnsweringServer, Reply, Request, json_reply

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:hundredfold-infer-batch"


@pytest.fixture
def models(aws: AnsweringServer) -> Iterator[LambdaModels]:
    client = clients.lambda_()
    yield LambdaModels(client, f"{FUNCTION}:live")
    client.close()


def lambda_error(code: str, status: int) -> Reply:
    return Reply(b'{"Message": "no"}', status, {"x-amzn-errortype": code})


def test_the_live_model_is_the_version_that_the_alias_points_to(aws: AnsweringServer, models: LambdaModels) -> None:
    variables = {"MODEL_CARD_SHA256": "ab12"}

    def answer(request: Request) -> Reply:
        if "/aliases/" in request.path:
            return json_reply({"Name": "live", "FunctionVersion": "12"})
        return json_reply({"Version": "12", "Environment": {"Variables": variables}})

    aws.answer = answer

    assert models.live() == Model(f"{FUNCTION}:12", "12", "ab12")
    alias, version = aws.requests
    assert alias.method == version.method == "GET"
    assert alias.path.endswith("hundredfold-infer-batch/aliases/live")
    assert version.path.endswith("hundredfold-infer-batch/configuration?Qualifier=12")


def test_a_version_without_a_released_card_has_none(aws: AnsweringServer, models: LambdaModels) -> None:
    aws.answer = lambda _: json_reply({"Version": "3"})

    assert models.version("3") == Model(f"{FUNCTION}:3", "3")


def test_a_version_that_is_not_there_is_refused(aws: AnsweringServer, models: LambdaModels) -> None:
    aws.answer = lambda _: lambda_error("ResourceNotFoundException", 404)

    with pytest.raises(InvalidIngestError, match="there is no version 99 of the model"):
        models.version("99")


def test_an_alias_of_what_is_not_published_is_refused(aws: AnsweringServer, models: LambdaModels) -> None:
    aws.answer = lambda _: json_reply({"Name": "live", "FunctionVersion": "$LATEST"})

    with pytest.raises(InvalidIngestError, match=r"alias live points to \$LATEST, which is not a published version"):
        models.live()


@pytest.mark.parametrize(("code", "status"), [("TooManyRequestsException", 429), ("ServiceException", 500)])
def test_lambda_that_stays_busy_raises_a_retryable_error(
    aws: AnsweringServer, models: LambdaModels, code: str, status: int
) -> None:
    aws.answer = lambda _: lambda_error(code, status)

    with pytest.raises(StoreBusyError, match=f"Lambda did not say which model is live: {code}"):
        models.live()

    assert len(aws.requests) == 3


def test_an_alias_that_is_not_there_is_no_reason_to_try_again(aws: AnsweringServer, models: LambdaModels) -> None:
    aws.answer = lambda _: lambda_error("ResourceNotFoundException", 404)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        models.live()


# Lambda answers as its documentation says (read 2026-11):
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html
def test_an_inactive_version_is_invoked_and_waited_for(aws: AnsweringServer) -> None:
    # Given a version with SnapStart that nobody has invoked for 14 days
    states = iter(["Inactive", "Pending", "Pending", "Active"])
    pauses: list[float] = []

    def answer(request: Request) -> Reply:
        if request.path.endswith("/invocations?Qualifier=7"):
            return lambda_error("SnapStartNotReadyException", 409)
        return json_reply({"Version": "7", "State": next(states)})

    aws.answer = answer

    # When an ingest is pinned to it
    model = LambdaModels(clients.lambda_(), f"{FUNCTION}:live", pauses.append).version("7")

    # Then it is invoked once, without effects, and active when it is returned
    assert model == Model(f"{FUNCTION}:7", "7")
    assert [request.json for request in aws.requests if request.method == "POST"] == [{"action": "smoke_test"}]
    assert pauses == [PAUSE_SECONDS] * 3


def test_a_version_that_does_not_get_ready_can_be_tried_again(aws: AnsweringServer) -> None:
    aws.answer = lambda _: json_reply({"Version": "7", "State": "Pending"})
    pauses: list[float] = []

    with pytest.raises(StoreBusyError, match="version 7 of the model was not ready after 600 seconds: Pending"):
        LambdaModels(clients.lambda_(), f"{FUNCTION}:live", pauses.append).version("7")

    assert sum(pauses) == READY_SECONDS


def test_a_version_that_failed_is_refused_with_lambda_s_reason(aws: AnsweringServer, models: LambdaModels) -> None:
    aws.answer = lambda _: json_reply({"Version": "7", "State": "Failed", "StateReasonCode": "FunctionError"})

    with pytest.raises(InvalidIngestError, match=r"Lambda calls it Failed \(FunctionError\); release the model again"):
        models.version("7")


def test_lambda_that_refuses_to_invoke_an_inactive_version_is_reported(
    aws: AnsweringServer, models: LambdaModels
) -> None:
    aws.answer = lambda request: (
        lambda_error("AccessDeniedException", 403)
        if request.method == "POST"
        else json_reply({"Version": "7", "State": "Inactive"})
    )

    with pytest.raises(ClientError, match="AccessDeniedException"):
        models.version("7")

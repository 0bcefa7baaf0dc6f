"""The live model: the published version that the alias points to."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws import clients
from hundredfold.aws.models import LambdaModels
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

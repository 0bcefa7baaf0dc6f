"""Errors that end the command: the exit code tells what kind, the message is one line."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    LoginRefreshRequired,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from hundredfold.aws.errors import mapped_errors
from hundredfold.errors import HundredfoldError, InvalidIngestError, StoreBusyError
from hundredfold_cli.errors import DeploymentError, ExitCode, IngestNotFoundError, NotThereError, OptionError, explain


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InvalidIngestError("no such file"), ExitCode.BAD_INPUT, "no such file"),
        (OptionError("--join is for all"), ExitCode.BAD_INPUT, "--join is for all"),
        (HundredfoldError("any other of ours"), ExitCode.BAD_INPUT, "any other of ours"),
        (NotThereError("start it with make up"), ExitCode.NOT_THERE, "start it with make up"),
        (IngestNotFoundError("i1"), ExitCode.NOT_THERE, "there is no ingest i1 in the ledger"),
        (DeploymentError("it did not start"), ExitCode.SERVICE_ERROR, "it did not start"),
        (StoreBusyError("throttled"), ExitCode.SERVICE_ERROR, "throttled"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "GetItem"),
            ExitCode.SERVICE_ERROR,
            "GetItem was refused: AccessDenied",
        ),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
            ExitCode.SERVICE_ERROR,
            'Could not connect to the endpoint URL: "http://127.0.0.1:1"',
        ),
        (ZeroDivisionError("division"), ExitCode.SERVICE_ERROR, "ZeroDivisionError: division (--debug shows where)"),
    ],
)
def test_an_error_has_an_exit_code_and_a_message(error: Exception, code: ExitCode, message: str) -> None:
    assert explain(error) == (code, message)


UNCONFIGURED: list[tuple[BotoCoreError | ClientError, str]] = [
    (NoCredentialsError(), "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws configure"),
    (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "AWS_SECRET_ACCESS_KEY"),
    (ProfileNotFound(profile="work"), "aws configure list-profiles"),
    (NoRegionError(), "(AWS_REGION is not read): set AWS_DEFAULT_REGION, or run: aws configure set region REGION"),
    (InvalidRegionError(region_name="us east"), "set AWS_DEFAULT_REGION"),
    (UnauthorizedSSOTokenError(), "aws sso login"),
    (LoginRefreshRequired(), "aws login"),
    (ClientError({"Error": {"Code": "ExpiredToken", "Message": "m"}}, "GetItem"), "aws sso login"),
    (ClientError({"Error": {"Code": "InvalidClientTokenId", "Message": "m"}}, "GetItem"), "AWS_PROFILE"),
]


@pytest.mark.parametrize(("error", "advice"), UNCONFIGURED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("mapped", [True, False])
def test_what_is_not_configured_is_named_with_the_variable_or_the_command(
    error: BotoCoreError | ClientError, advice: str, mapped: bool
) -> None:
    raised: Exception = error
    if mapped:
        with pytest.raises(HundredfoldError) as info, mapped_errors("DynamoDB did not answer"):
            raise error
        raised = info.value

    code, message = explain(raised)

    assert code == ExitCode.SERVICE_ERROR
    assert advice in message


def test_a_request_that_botocore_refuses_is_neither_busy_nor_bad_input() -> None:
    refused = ParamValidationError(report="Invalid type for parameter Key.id, value: secret")

    with pytest.raises(HundredfoldError) as info, mapped_errors("DynamoDB did not answer"):
        raise refused

    assert explain(info.value) == (ExitCode.SERVICE_ERROR, "DynamoDB did not answer: ParamValidationError")
    assert not info.value.retryable

"""Errors that end the command: the exit code tells what kind, the message is one line."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

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

"""Errors of the command itself, its exit codes, and which error ends it with which code."""

from enum import IntEnum

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import configuration_advice, error_code, error_name
from hundredfold.errors import HundredfoldError, NotConfiguredError, RequestInvalidError, StoreBusyError


class ExitCode(IntEnum):
    """How the command ended."""

    OK = 0
    INGEST_FAILED = 1
    """The ingest failed, or `verify` found records without exactly one outcome; `doctor` or a check was not content."""
    BAD_INPUT = 2
    """The command cannot do what it was asked for: an option, a file or an ingest's id is wrong."""
    NOT_THERE = 3
    """The local stack, the deployment, the ingest or the model version is not there."""
    SERVICE_ERROR = 4
    """AWS or the local stack refused, did not answer, or cannot be called with these credentials."""
    INTERRUPTED = 130
    """Ctrl-C."""


class OptionError(HundredfoldError):
    """An option of the command is wrong, or does not go with another."""


class NotThereError(HundredfoldError):
    """Something is not there; the message says how to get it."""


class DeploymentError(HundredfoldError):
    """The local stack did not start, or could not be deployed to."""


class IngestNotFoundError(HundredfoldError):
    """No ingest of this id is in the ledger."""

    def __init__(self, ingest_id: str) -> None:
        super().__init__(f"there is no ingest {ingest_id} in the ledger")
        self.ingest_id = ingest_id


def explain(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code for an error that ended the command, and a message in one line."""
    match error:
        case NotThereError() | IngestNotFoundError():
            return ExitCode.NOT_THERE, str(error)
        case DeploymentError() | StoreBusyError() | NotConfiguredError() | RequestInvalidError():
            return ExitCode.SERVICE_ERROR, str(error)
        case HundredfoldError():
            return ExitCode.BAD_INPUT, str(error)
        case ClientError() | BotoCoreError() if advice := configuration_advice(error):
            return ExitCode.SERVICE_ERROR, f"{advice} ({error_name(error)})"
        case ClientError():
            return ExitCode.SERVICE_ERROR, f"{error.operation_name} was refused: {error_code(error)}"
        case BotoCoreError():
            return ExitCode.SERVICE_ERROR, str(error)
        case _:
            return ExitCode.SERVICE_ERROR, f"{type(error).__name__}: {error} (--debug shows where)"

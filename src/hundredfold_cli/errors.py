"""Errors of the command itself, and the exit codes that say what happened."""

from enum import IntEnum

from hundredfold.errors import HundredfoldError


class ExitCode(IntEnum):
    """How the command ended."""

    OK = 0
    INGEST_FAILED = 1
    """The ingest failed, or `verify` found records without exactly one outcome."""
    BAD_INPUT = 2
    """What was asked for cannot be done as asked: an option, a file, an ingest's id."""
    NOT_THERE = 3
    """The local stack, the deployment or the ingest is not there."""
    SERVICE_ERROR = 4
    """AWS or the local stack refused or did not answer."""
    INTERRUPTED = 130
    """Ctrl-C."""


class NotThereError(HundredfoldError):
    """Something must be started or deployed first; the message says how."""


class DeploymentError(HundredfoldError):
    """The local stack did not start, or could not be deployed to."""


class IngestNotFoundError(HundredfoldError):
    """No ingest of this id is in the ledger."""

    def __init__(self, ingest_id: str) -> None:
        super().__init__(f"there is no ingest {ingest_id} in the ledger")
        self.ingest_id = ingest_id

"""Everything that can go wrong with an ingest, and whether trying again can help.

On Lambda the name of the class is the name of the error that Step Functions sees, so the state machine's
`Retry` lists the retryable ones by name (`workflows/checks.py` holds the two together, and so does
`tests/unit/test_workflow_definition.py`).
"""

from typing import ClassVar


class HundredfoldError(Exception):
    """Base of all errors raised on purpose; its message is written for a person."""

    retryable: ClassVar[bool] = False


class InvalidIngestError(HundredfoldError):
    """The ingest was asked for wrongly: its id, its input, its source or its settings."""


class IngestExistsError(HundredfoldError):
    """An ingest of this id was started before."""

    def __init__(self, ingest_id: str) -> None:
        super().__init__(f"ingest {ingest_id} exists already; choose another id, or watch that one")
        self.ingest_id = ingest_id


class SourceMissingError(HundredfoldError):
    """The object that holds the records is not there, or may not be read."""

    def __init__(self, location: str, why: str) -> None:
        super().__init__(f"cannot read {location}: {why}")
        self.location = location


class SourceChangedError(HundredfoldError):
    """The object that holds the records is no longer the one that the ingest was planned from, or started for."""

    def __init__(self, location: str, since: str = "planned") -> None:
        super().__init__(
            f"{location} was replaced after this ingest was {since}; start a new ingest for the new object"
        )
        self.location = location


class ManifestDamagedError(HundredfoldError):
    """The manifest is not the one that was planned, and cannot be made again."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"{location} is not the manifest that was planned, and cutting the source again with the batch limits "
            "of now gives another; deploy the limits of then, or start a new ingest"
        )
        self.location = location


class PartitionFailedError(HundredfoldError):
    """A partition of an ingest could not be planned."""

    def __init__(self, partition: int, partitions: int, why: str) -> None:
        super().__init__(f"partition {partition + 1} of {partitions} could not be planned: {why}")
        self.partition = partition


class BundleRefusedError(HundredfoldError):
    """The model bundle is not what its card says, or needs other versions than are here."""


class ModelMisbehavedError(HundredfoldError):
    """The model answered with something else than one answer for each record."""


class OutOfTimeError(HundredfoldError):
    """The batch would not have been finished before Lambda's own timeout; nothing of it is in the ledger."""

    retryable = True


class StoreBusyError(HundredfoldError):
    """A store throttled or failed for longer than this attempt could wait."""

    retryable = True

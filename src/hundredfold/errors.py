"""Errors: what can go wrong with an ingest, and whether a retry can help.

::

    HundredfoldError
        InvalidIngestError      the request is wrong: id, input, source or settings
        IngestExistsError       the id was used before
        IngestClaimedError      the id is claimed by another start
        SourceMissingError      the source is not there, or may not be read
        SourceChangedError      the source was replaced
        ManifestDamagedError    the manifest is damaged and cannot be made again
        PartitionFailedError    a partition could not be planned
        NotIndexedError         the ingest has no index of its records yet
        BundleRefusedError      the model's files do not match its card or this environment
        ModelMisbehavedError    the model did not give one answer for each record
        NotConfiguredError      credentials, region or endpoint of AWS are missing or wrong
        RequestInvalidError     a request to AWS is not one that AWS knows
        OutOfTimeError          Lambda's timeout was too near         a retry can help
        StoreBusyError          a store was busy for too long         a retry can help

On Lambda, Step Functions sees the name of the class as the name of the error. The state machine's `Retry` lists the
retryable errors by name. `tools/workflow/checks.py` checks that both lists agree.
"""

from typing import ClassVar


class HundredfoldError(Exception):
    """The base of all errors that are raised on purpose. The message is written for a person."""

    retryable: ClassVar[bool] = False


class InvalidIngestError(HundredfoldError):
    """The request for an ingest is wrong: its id, its input, its source or its settings."""


class IngestExistsError(HundredfoldError):
    """An ingest with this id was started before."""

    def __init__(self, ingest_id: str) -> None:
        super().__init__(f"ingest {ingest_id} exists already; choose another id, or watch that one")
        self.ingest_id = ingest_id


class IngestClaimedError(HundredfoldError):
    """Another start has claimed this id, and its ingest has not begun."""

    def __init__(self, ingest_id: str, by: str, at: str) -> None:
        super().__init__(
            f"the id {ingest_id} was claimed by {by} at {at}, for an ingest that has not begun; choose another id or, "
            "if that command has ended, start this one with --reclaim, which takes the id from it"
        )
        self.ingest_id = ingest_id


class SourceMissingError(HundredfoldError):
    """The source is not there, or may not be read."""

    def __init__(self, location: str, why: str) -> None:
        super().__init__(f"cannot read {location}: {why}")
        self.location = location


class SourceChangedError(HundredfoldError):
    """The source is no longer the object that the ingest was started for or planned from.

    Parameters
    ----------
    since : "planned" or "started"
    """

    def __init__(self, location: str, since: str = "planned") -> None:
        super().__init__(
            f"{location} was replaced after this ingest was {since}; start a new ingest for the new object"
        )
        self.location = location


class ManifestDamagedError(HundredfoldError):
    """The manifest is not as it was planned, and cannot be made again."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"{location} is not the manifest that was planned, and the current batch limits give another one; "
            "deploy the earlier limits and resume again, or start a new ingest"
        )
        self.location = location


class PartitionFailedError(HundredfoldError):
    """A partition of an ingest could not be planned."""

    def __init__(self, partition: int, partitions: int, why: str) -> None:
        super().__init__(f"partition {partition + 1} of {partitions} could not be planned: {why}")
        self.partition = partition


class NotIndexedError(HundredfoldError):
    """The predictions of an ingest are packed, and the index that finds one record's is not written yet."""

    def __init__(self, ingest_id: str) -> None:
        super().__init__(
            f"the predictions of ingest {ingest_id} are packed, and the index that finds one record is written at its "
            "end; look the record up again then"
        )
        self.ingest_id = ingest_id


class BundleRefusedError(HundredfoldError):
    """The model's files do not match its card, or this environment has other versions than the card requires."""


class ModelMisbehavedError(HundredfoldError):
    """The model did not give one answer for each record."""


class NotConfiguredError(HundredfoldError):
    """AWS cannot be called: credentials, region or endpoint are missing or wrong. The message says what to do."""


class RequestInvalidError(HundredfoldError):
    """A request to AWS has a parameter that AWS does not know or take. It was not sent."""


class OutOfTimeError(HundredfoldError):
    """The batch could not be finished before Lambda's timeout. The ledger has no entry of it."""

    retryable = True


class StoreBusyError(HundredfoldError):
    """A store was throttled or failed for longer than this attempt could wait."""

    retryable = True

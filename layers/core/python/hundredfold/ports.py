"""What the domain needs of the outside, as protocols. `hundredfold.adapters` has the real ones, tests have fakes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from hundredfold.ingest import Model, ObjectLocation, Plan, Source
from hundredfold.outcomes import BatchFailure, BatchOutcome, Prediction, Summary

type TimeLeft = Callable[[], float]
"""Seconds until the work must be done."""


class Sources(Protocol):
    """Where records come from."""

    def pin(self, location: ObjectLocation) -> Source:
        """Find the object as it is now; raises SourceMissingError."""
        ...

    def read(self, source: Source, offset: int, length: int) -> bytes:
        """Read a byte range of the pinned object; raises SourceChangedError if it was replaced since."""
        ...

    def stream(self, source: Source) -> Iterator[bytes]:
        """Read all of the pinned object in pieces; raises SourceChangedError if it was replaced since."""
        ...


class WorkObjects(Protocol):
    """Objects that belong to an ingest: its manifest and its rejections."""

    bucket: str

    def write(self, key: str, content: bytes) -> None:
        """Write an object; written twice, it is there once."""
        ...

    def read(self, key: str) -> bytes | None:
        """Read an object; None if there is none."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""
        ...


class Models(Protocol):
    """The released models."""

    def live(self) -> Model:
        """Return the version of the inference function that is live now."""
        ...


class Predictions(Protocol):
    """Where predictions go."""

    def write(
        self, ingest_id: str, batch: int, model: Model, predictions: Sequence[Prediction], time_left: TimeLeft
    ) -> float:
        """Write all, or raise OutOfTimeError or StoreBusyError; written twice, they are there once.

        Returns the write units that were consumed.
        """
        ...

    def withdraw(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> None:
        """Remove what an earlier attempt at this batch predicted for records; other batches' predictions stay."""
        ...


class Ledger(Protocol):
    """What became of each batch and each ingest."""

    def begin(self, plan: Plan, started_at: str) -> None:
        """Enter an ingest; raises IngestExistsError if one of this id began at another time."""
        ...

    def resume(self, plan: Plan, started_at: str, execution: str, batches: int) -> None:
        """Let a later execution take an ingest over; raises IngestExistsError if a still later one has.

        `batches` is how many it has to do; of an ingest that was never planned, this is the beginning.
        """
        ...

    def plan(self, ingest_id: str) -> Plan | None:
        """Read what was planned; None if nothing was."""
        ...

    def reopen(self, ingest_id: str, batch: int, records: int) -> None:
        """Enter a batch that was complete as not complete, since it is offered again."""
        ...

    def batch_done(self, ingest_id: str, outcome: BatchOutcome) -> bool:
        """Enter a batch as complete; return whether it was so already."""
        ...

    def entries(self, ingest_id: str) -> Iterable[BatchOutcome | BatchFailure]:
        """Read what became of each batch so far, in no order."""
        ...

    def finish(self, summary: Summary, resumed_by: str | None = None) -> bool:
        """Enter what became of an ingest; return whether this execution has done so already.

        Raises IngestExistsError if one of this id began at another time; with `resumed_by`, the execution that
        resumes it, only if it began at a later one.
        """
        ...

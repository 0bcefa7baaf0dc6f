"""What the domain needs of the outside, as protocols. `hundredfold.aws` has the real ones, tests have fakes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.ingest import Model, Plan
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import Item
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import TableSpec
from hundredfold.summary import Summary

type TimeLeft = Callable[[], float]
"""Seconds until the work must be done."""


class Sources(Protocol):
    """Where records come from."""

    def pin(self, location: ObjectLocation) -> PinnedObject:
        """Find the object as it is now; raises SourceMissingError."""
        ...

    def list(self, bucket: str, prefix: str) -> Iterator[PinnedObject]:
        """Find all objects whose keys begin with `prefix`, in the order of their keys; raises SourceMissingError."""
        ...

    def open(self, source: PinnedObject) -> BinaryIO:
        """Open the pinned object as a file that can be sought; reading raises SourceChangedError as `read` does."""
        ...

    def read(self, source: PinnedObject, offset: int, length: int) -> bytes:
        """Read a byte range of the pinned object; raises SourceChangedError if it was replaced since."""
        ...

    def stream(self, source: PinnedObject, start: int = 0) -> Iterator[bytes]:
        """Read the pinned object in pieces from byte `start` on; raises SourceChangedError if it was replaced since."""
        ...


class Tables(Protocol):
    """DynamoDB tables that records come from."""

    def describe(self, table: str, index: str = "") -> Table:
        """Look at a table, or an index of it; raises SourceMissingError if it is not there or may not be read."""
        ...

    def read(self, segment: Segment) -> Iterator[Sequence[Item]]:
        """Read the items of a segment, a page at a time; raises SourceMissingError, or StoreBusyError."""
        ...


class Upload(Protocol):
    """An object that is written in pieces, and is there only once it is finished; left unfinished, it never was."""

    def write(self, content: bytes) -> None:
        """Add a piece."""
        ...

    def finish(self) -> PinnedObject:
        """Let the object be there, and return it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class WorkObjects(Protocol):
    """Objects that belong to an ingest: its manifest, what is staged of its origin, and its rejections."""

    bucket: str

    def begin(self, key: str) -> Upload:
        """Begin to write an object in pieces, with flat memory."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """Write an object; written twice, it is there once."""
        ...

    def read(self, key: str) -> bytes | None:
        """Read an object; None if there is none."""
        ...

    def stream(self, key: str) -> Iterator[bytes] | None:
        """Read an object in pieces; None if there is none."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""
        ...


class Models(Protocol):
    """The released models."""

    def live(self) -> Model:
        """Return the version of the inference function that is live now."""
        ...

    def version(self, number: str) -> Model:
        """Return a published version of the inference function; raises InvalidIngestError if there is none."""
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

    def write_each(self, model: Model, predictions: Mapping[str, Prediction], time_left: TimeLeft) -> frozenset[str]:
        """Write predictions that are of no ingest, each under what it came from, as `write` does.

        Returns what those came from that a store which was busy, or time that was out, may have kept from being
        written; all others are.
        """
        ...

    def withdraw(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> None:
        """Remove what an earlier attempt at this batch predicted for records; other batches' predictions stay."""
        ...


class SourceItems(Protocol):
    """The items that records came from, as a place for their predictions."""

    def write_back(
        self, spec: TableSpec, ingest_id: str, model: Model, answers: Sequence[ItemAnswer], time_left: TimeLeft
    ) -> "WriteBackResult":
        """Write each answer onto its item if that is still there with the values that were read.

        Written twice, it is there once. Raises OutOfTimeError or StoreBusyError; SourceMissingError if the table is
        not there or may not be written.
        """
        ...


class Ledger(Protocol):
    """What became of each batch and each ingest."""

    def check(self, ingest_id: str, started_at: str) -> None:
        """Raise IngestExistsError if an ingest of this id began at another time; nothing is entered."""
        ...

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

    def partition_failure(self, execution: str, part: int) -> tuple[str, str] | None:
        """Return error and cause of a part that an execution could not plan; None if it has none."""
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


class Executions(Protocol):
    """The executions of the state machine."""

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start one; return whether that is new: False if there has been one of this name.

        Raises StoreBusyError if trying again can help.
        """
        ...

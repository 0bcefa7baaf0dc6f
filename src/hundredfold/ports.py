"""Ports: what the domain needs from the outside, as protocols. `hundredfold.aws` implements them; tests have fakes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from hundredfold.batches import BatchFailure, BatchOutcome, EarlierOutcome
from hundredfold.ingest import Model, Plan
from hundredfold.packed import PackedPredictions
from hundredfold.record_index import RecordIndex
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import Item
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import TableSpec
from hundredfold.summary import History, Summary

type TimeLeft = Callable[[], float]
"""Returns the seconds until the work must be done."""


class Sources(Protocol):
    """Objects that records come from."""

    def pin(self, location: ObjectLocation) -> PinnedObject:
        """Pin the object as it is now. Raise SourceMissingError if it is not there."""
        ...

    def list(self, bucket: str, prefix: str) -> Iterator[PinnedObject]:
        """Pin all objects whose keys begin with `prefix`, in the order of their keys. May raise SourceMissingError."""
        ...

    def open(self, pinned: PinnedObject) -> BinaryIO:
        """Open the pinned object as a seekable file. Reading raises SourceChangedError as `read` does."""
        ...

    def read(self, pinned: PinnedObject, offset: int, length: int) -> bytes:
        """Read a byte range of the pinned object. Raise SourceChangedError if it was replaced."""
        ...

    def stream(self, pinned: PinnedObject, start: int = 0) -> Iterator[bytes]:
        """Read the pinned object from byte `start` on, in chunks. Raise SourceChangedError if it was replaced."""
        ...


class Tables(Protocol):
    """DynamoDB tables that records come from."""

    def describe(self, table: str, index: str = "") -> Table:
        """Describe a table or one of its indexes. Raise SourceMissingError if it is not there or may not be read."""
        ...

    def read(self, segment: Segment) -> Iterator[Sequence[Item]]:
        """Read the items of a segment, a page at a time. Raise SourceMissingError or StoreBusyError."""
        ...


class Upload(Protocol):
    """An object that is written in chunks. It exists only once it is finished."""

    def write(self, content: bytes) -> None:
        """Append a chunk."""
        ...

    def finish(self) -> PinnedObject:
        """Make the object visible, and return it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class WorkObjects(Protocol):
    """The objects of an ingest in the work bucket: its manifest, staged records and rejections."""

    bucket: str

    def begin(self, key: str) -> Upload:
        """Begin to write an object in chunks, with flat memory."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """Write an object, or replace it."""
        ...

    def read(self, key: str) -> bytes | None:
        """Read an object. Return None if there is none."""
        ...

    def stream(self, key: str) -> Iterator[bytes] | None:
        """Read an object in chunks. Return None if there is none."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""
        ...


class Models(Protocol):
    """The released models."""

    def live(self) -> Model:
        """Return the live version of the inference function, as `version` does."""
        ...

    def version(self, number: str) -> Model:
        """Return a published version of the inference function once it can be invoked.

        Raise InvalidIngestError if there is none, or StoreBusyError if it takes too long.
        """
        ...


class Predictions(Protocol):
    """The table of predictions."""

    def write(
        self, ingest_id: str, batch: int, model: Model, predictions: Sequence[Prediction], time_left: TimeLeft
    ) -> float:
        """Write all predictions of a batch. A second call replaces them. Raise OutOfTimeError or StoreBusyError.

        Returns
        -------
        float
            The write units that were consumed.
        """
        ...

    def write_each(self, model: Model, predictions: Mapping[str, Prediction], time_left: TimeLeft) -> frozenset[str]:
        """Write predictions that belong to no ingest, each under its place in a stream. A second call replaces them.

        Returns
        -------
        frozenset
            The places whose predictions may not have been written, because the table was busy or time was out.
        """
        ...

    def withdraw(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> None:
        """Remove what an earlier attempt at this batch predicted for records. Predictions of other batches stay."""
        ...


class SourceItems(Protocol):
    """The table items that records came from. Predictions can be written back onto them."""

    def write_back(
        self, spec: TableSpec, ingest_id: str, model: Model, answers: Sequence[ItemAnswer], time_left: TimeLeft
    ) -> WriteBackResult:
        """Write each answer onto its item, if the item still has the values that were read. A second call is harmless.

        Raises
        ------
        OutOfTimeError, StoreBusyError
        SourceMissingError
            If the table is not there or may not be written.
        """
        ...


class Ledger(Protocol):
    """What became of each batch and each ingest."""

    def check(self, ingest_id: str, started_at: str, claim: str = "") -> None:
        """Check that an execution may begin an ingest. Write nothing.

        Parameters
        ----------
        claim : the token of the start's claim; empty if it made none

        Raises
        ------
        IngestExistsError
            If an ingest with this id began at another time.
        IngestClaimedError
            If the start's claim is not the one that the ledger has. A start without a claim is not refused: Step
            Functions has given it the id as its name, and can give it to no other.
        """
        ...

    def begin(self, plan: Plan, started_at: str, claim: str = "") -> None:
        """Enter an ingest, in place of a claim.

        A second call for the same execution enters it again, as long as the ingest runs, and model and object stay.

        Raises
        ------
        IngestExistsError, IngestClaimedError
            As `check` does.
        StoreBusyError
            If another call of the same execution has planned it otherwise, or it has ended.
        """
        ...

    def resume(self, plan: Plan, started_at: str, execution: str, batches: int) -> None:
        """Hand an ingest over to a later execution. If it was never planned, this enters it.

        Parameters
        ----------
        plan : of the whole ingest
        batches : how many batches the execution has to infer

        Raises
        ------
        IngestExistsError
            If a still later execution has taken the ingest over.
        StoreBusyError
            As `begin` does.
        """
        ...

    def plan(self, ingest_id: str) -> Plan | None:
        """Read the plan of an ingest. Return None if it was never planned."""
        ...

    def history(self, ingest_id: str, execution: str) -> History:
        """Read what is known of an ingest from before an execution."""
        ...

    def planned_before(self, ingest_id: str, started_at: str) -> Plan | None:
        """Return the plan that an earlier call of the same execution has entered. Return None if none has.

        Parameters
        ----------
        started_at : when the execution started
        """
        ...

    def is_completed(self, ingest_id: str) -> bool:
        """Return whether an ingest has ended, and has the status COMPLETED."""
        ...

    def partition_failure(self, execution: str, partition: int) -> tuple[str, str] | None:
        """Return the error and cause of a partition that an execution could not plan. Return None if there is none."""
        ...

    def reopen(self, ingest_id: str, batch: int, records: int) -> None:
        """Mark a batch as not done, because it is to be inferred again."""
        ...

    def batch_done(
        self, ingest_id: str, outcome: BatchOutcome, packed: PackedPredictions | None = None
    ) -> EarlierOutcome:
        """Enter the outcome of a batch. Return what there was of the batch before.

        Parameters
        ----------
        packed : the batch's predictions, if they are stored with its entry
        """
        ...

    def entries(self, ingest_id: str) -> Iterable[BatchOutcome | BatchFailure]:
        """Read what became of each batch so far, in any order."""
        ...

    def packed_entries(self, ingest_id: str) -> Iterable[tuple[int, BatchOutcome | BatchFailure | None, bytes]]:
        """Read what became of each batch so far, with its packed predictions.

        Returns
        -------
        entries : of each part the number of the batch, the batch's entry (with its first part only), and the part;
            empty if the batch has no predictions
        """
        ...

    def finish(self, summary: Summary, resumed_by: str | None = None, index: RecordIndex | None = None) -> bool:
        """Enter the summary of an ingest. Return whether this execution has entered one already.

        Parameters
        ----------
        resumed_by : the execution that resumed the ingest; None for its first execution
        index : of the records of an ingest whose predictions are packed

        Raises
        ------
        IngestExistsError
            If an ingest with this id began at another time. With `resumed_by`: if another execution has the ingest,
            unless that one failed earlier.
        """
        ...

"""The shapes of what an ingest stores. What does not fit one is malformed.

A ledger entry may have attributes that are not named here, which nothing reads. All else must have exactly its names.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats, Sketch

type Count = Annotated[int, msgspec.Meta(ge=0)]
type Positive = Annotated[int, msgspec.Meta(gt=0)]
type Text = Annotated[str, msgspec.Meta(min_length=1)]


class PinnedShape(msgspec.Struct, forbid_unknown_fields=True):
    """An object that a batch is a range of."""

    bucket: Text
    key: Text
    etag: Text
    size: Count
    staged_from: str = ""


class ManifestShape(msgspec.Struct, forbid_unknown_fields=True):
    """An entry of the manifest."""

    batch: Count
    shard: Count
    offset: Count
    length: Positive
    records: Positive
    line: Positive
    again: bool = False
    pinned: PinnedShape | None = None


class GroupShape(msgspec.Struct, forbid_unknown_fields=True):
    """A group of the manifest. Each of its batches is read as a `ManifestShape`, so that one may be malformed."""

    batches: list[Any]


class RejectionShape(msgspec.Struct, forbid_unknown_fields=True):
    """A line of an object of rejections."""

    ingest_id: str
    batch: Count
    line: Positive
    offset: Count
    reason: str
    detail: Text
    record_id: str | None
    source: str | None = None


class IndexShape(msgspec.Struct, forbid_unknown_fields=True):
    """The index of packed predictions, as the ingest's item has it."""

    pinned: PinnedShape
    counts: bytes


class StatsShape(msgspec.Struct):
    """What the ledger says of an invocation."""

    environment: Text
    started_at: Positive
    init_milliseconds: Count
    memory_mb: Count
    write_units: Annotated[float, msgspec.Meta(ge=0)]
    write_back_units: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class SketchShape(msgspec.Struct):
    """Counts of inputs and predictions."""

    labels: list[Count]
    scores: list[Count]
    inputs: list[list[Count]]
    unseen: Count


class DoneShape(msgspec.Struct):
    """A ledger entry of a batch that is done."""

    records: Positive
    predicted: Count
    rejected: Count
    reasons: dict[str, Positive]
    milliseconds: dict[str, Count]
    done_at: Text
    model: str = ""
    written_back: Count = 0
    outdated: Count = 0
    stats: StatsShape | None = None
    sketch: SketchShape | None = None
    predictions: bytes | None = None
    parts: Positive = 1


class FailedShape(msgspec.Struct):
    """A ledger entry of a batch that is not done."""

    records: Positive
    error: str
    cause: str


class MalformedError(ValueError):
    """Something stored does not have its shape; the message says where and why."""


def read_shape[Shape](value: Any, shape: type[Shape]) -> Shape:
    """Return a value in a shape. Raise MalformedError if it does not fit."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise MalformedError(str(error)) from None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A ledger entry of a batch.

    Attributes
    ----------
    records : of the batch, as the entry has them
    done_at : when it was done, as the entry has it; empty if it is not done
    parts : in how many parts its packed predictions are; 0 if it has none
    """

    outcome: BatchOutcome | BatchFailure
    records: int
    done_at: str = ""
    parts: int = 0


def read_entry(batch: int, values: dict[str, Any]) -> LedgerEntry:
    """Return the ledger entry of a batch. Raise MalformedError if it does not fit."""
    match values.get("status"):
        case "done":
            done = read_shape(values, DoneShape)
            outcome = BatchOutcome(
                batch=batch,
                records=done.records,
                predicted=done.predicted,
                rejected=done.rejected,
                reasons=done.reasons,
                milliseconds=done.milliseconds,
                stats=InvocationStats(**msgspec.structs.asdict(done.stats)) if done.stats else None,
                sketch=Sketch.from_dict(msgspec.structs.asdict(done.sketch)) if done.sketch else None,
                model_version=done.model,
                written_back=done.written_back,
                outdated=done.outdated,
            )
            return LedgerEntry(outcome, done.records, done.done_at, 0 if done.predictions is None else done.parts)
        case "failed":
            failed = read_shape(values, FailedShape)
            return LedgerEntry(BatchFailure(batch, failed.error, failed.cause), failed.records)
    raise MalformedError(f"its status is {values.get('status')!r}")

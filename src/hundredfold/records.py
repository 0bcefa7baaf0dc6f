"""What becomes of records and batches: predictions, rejections, and the counts that must agree."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

MAX_ID_BYTES = 1024
"""The longest id in UTF-8. DynamoDB allows a partition key 2,048 bytes; an id twice as short leaves room."""


class Reason(StrEnum):
    """Why a record was not scored."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_ID = "missing_id"
    INVALID_ID = "invalid_id"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    EMPTY_TEXT = "empty_text"
    DUPLICATE_ID = "duplicate_id"
    TOO_LARGE = "too_large"
    UNREADABLE_ROW = "unreadable_row"
    NOT_PREDICTABLE = "not_predictable"


type Label = str | float | Mapping[str, str | float]
"""What a model answers: a class, a number if it is a regressor, or one of these for each output that it names."""

type Score = float | Mapping[str, float | None] | None
"""How sure a model is of its label, from 0 to 1; None for a number and where the model gives no probabilities."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's answer for one record: its label, and how sure the model is of it."""

    record_id: str
    label: Label
    score: Score


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that was not scored, and why.

    `line` counts from 1 and `offset` from 0, both in the source; of a source that was staged, `line` is the number of
    the row or record in what it was staged from. `detail` says more for a person, and never holds anything of the
    record's content; `record_id` is None where it could not be read.
    """

    line: int
    offset: int
    reason: Reason
    detail: str
    record_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a batch took, beside the time of its steps, which are in its outcome.

    Attributes
    ----------
    worker : the function's environment, told by its log stream or process
    started_at : milliseconds since 1970
    init_milliseconds : how long the environment took to start, if this batch was its first; else 0
    memory_mb : of the function
    write_units, write_back_units : of DynamoDB, that its predictions consumed, and their writing back onto items
    """

    worker: str
    started_at: int
    init_milliseconds: int = 0
    memory_mb: int = 0
    write_units: float = 0.0
    write_back_units: float = 0.0

    @property
    def cold_start(self) -> bool:
        return self.init_milliseconds > 0


@dataclass(frozen=True, slots=True)
class Sketch:
    """Counts of what a batch held, in the bins of the model's baseline (`hundredfold.health`).

    Attributes
    ----------
    labels : of the predictions, in the order of the model's classes
    scores : of the predictions
    inputs : of the records, for each thing that is measured
    unseen : records with an input that is out of range or unknown
    """

    labels: tuple[int, ...]
    scores: tuple[int, ...]
    inputs: tuple[tuple[int, ...], ...]
    unseen: int

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        inputs = tuple(tuple(bins) for bins in data["inputs"])
        return cls(tuple(data["labels"]), tuple(data["scores"]), inputs, data["unseen"])

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "scores": list(self.scores),
            "inputs": [list(bins) for bins in self.inputs],
            "unseen": self.unseen,
        }

    def __add__(self, other: "Sketch") -> "Sketch":
        """Add up two sketches of one baseline."""
        return Sketch(
            _add(self.labels, other.labels),
            _add(self.scores, other.scores),
            tuple(_add(ours, theirs) for ours, theirs in zip(self.inputs, other.inputs, strict=True)),
            self.unseen + other.unseen,
        )

    @classmethod
    def sum(cls, sketches: Iterable["Sketch"]) -> "Sketch | None":
        """Add up sketches of one baseline; None if there is none."""
        whole = None
        for sketch in sketches:
            whole = sketch if whole is None else whole + sketch
        return whole


def _add(ours: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an ingest is from the model's baseline: population stability indices, and a share.

    Attributes
    ----------
    labels, scores : index of the predictions
    inputs : the largest index of what is measured of the inputs
    unseen : share of records with an input that is out of range or unknown
    """

    labels: float
    scores: float
    inputs: float
    unseen: float

    @property
    def largest(self) -> float:
        return max(self.labels, self.scores, self.inputs)


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of one batch, written to the ledger once its predictions and rejections are stored.

    Attributes
    ----------
    records : how many it had; `predicted + rejected` is the same number
    reasons : how many were rejected for each reason
    milliseconds : how long each step took: read, decode, predict, sketch (if there is a baseline), write
    effort : what it took beside that; None of outcomes from before that was kept
    sketch : what it held; None if the model has no baseline
    repeated : whether the ledger had it already: the batch was delivered twice, and must be counted once
    written_back, outdated : of the predictions, how many were written back onto their items, and how many were not
        since the item had changed or gone; both 0 if nothing is written back
    """

    batch: int
    records: int
    predicted: int
    rejected: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    milliseconds: Mapping[str, int] = field(default_factory=dict)
    effort: Effort | None = None
    sketch: Sketch | None = None
    repeated: bool = False
    written_back: int = 0
    outdated: int = 0


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """One batch that was given up, as the state machine recorded it."""

    batch: int
    error: str
    cause: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over the batches of an ingest, as far as they have got."""

    batches_done: int = 0
    predicted: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[BatchFailure, ...] = ()
    written_back: int = 0
    outdated: int = 0

    @classmethod
    def of(cls, entries: Iterable[BatchOutcome | BatchFailure]) -> Self:
        """Add up the ledger's entries of one ingest."""
        batches = predicted = rejected = written_back = outdated = 0
        reasons: Counter[str] = Counter()
        failures: list[BatchFailure] = []
        for entry in entries:
            if isinstance(entry, BatchFailure):
                failures.append(entry)
                continue
            batches += 1
            predicted += entry.predicted
            rejected += entry.rejected
            written_back += entry.written_back
            outdated += entry.outdated
            reasons.update(entry.reasons)
        return cls(
            batches,
            predicted,
            rejected,
            dict(reasons.most_common()),
            tuple(sorted(failures, key=lambda f: f.batch)),
            written_back,
            outdated,
        )


class Status(StrEnum):
    """How an ingest stands."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an ingest. `records = predicted + rejected + failed`, always.

    Attributes
    ----------
    failed : records of the batches that are not complete: given up, or never finished
    batches_failed : how many batches that are
    seconds : from the start of the execution to the summary
    failures : the error and the number of batches that were given up for it, the most frequent first; those of the
        20 most frequent, and the rest in one sum
    cause : why the ingest as a whole failed, or None
    drift : how far it is from the model's baseline; None if there is none, or too few records to tell
    usd : what it cost by the ledger and the list prices; None where no prices are known
    written_back, outdated : of the predictions of a table's items, how many were written back onto them, and how many
        were not since the item had changed or gone; both 0 if nothing is written back
    """

    ingest_id: str
    status: Status
    records: int
    predicted: int
    rejected: int
    failed: int
    batches: int
    batches_failed: int
    seconds: float
    started_at: str
    model_version: str
    source: str
    reasons: Mapping[str, int]
    failures: Mapping[str, int]
    cause: str | None = None
    drift: Drift | None = None
    usd: float | None = None
    written_back: int = 0
    outdated: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

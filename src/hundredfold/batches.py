"""Batches: up to 100 records each. A batch is a byte range, and it has an outcome or a failure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hundredfold.sources.objects import PinnedObject


@dataclass(frozen=True, slots=True)
class InvocationStats:
    """The invocation that scored a batch: where it ran, when, and what it consumed.

    Attributes
    ----------
    environment : name of the function's environment, from its log stream or process
    started_at : milliseconds since 1970
    init_milliseconds : how long the environment took to start, if this batch was its first; else 0
    memory_mb : of the function
    write_units : DynamoDB write units that the predictions consumed
    write_back_units : DynamoDB write units that writing them back onto their items consumed
    """

    environment: str
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
    """Counts of inputs and predictions, in the bins of the model's baseline (`hundredfold.model.drift`).

    Attributes
    ----------
    labels : predictions of each label, in the order of the model's classes
    scores : predictions in each bin of scores
    inputs : for each measure, records in each of its bins
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
        """Add up two sketches with the same bins."""
        return Sketch(
            _add(self.labels, other.labels),
            _add(self.scores, other.scores),
            tuple(_add(ours, theirs) for ours, theirs in zip(self.inputs, other.inputs, strict=True)),
            self.unseen + other.unseen,
        )

    @classmethod
    def sum(cls, sketches: Iterable["Sketch"]) -> "Sketch | None":
        """Add up sketches with the same bins. Return None for no sketches."""
        total = None
        for sketch in sketches:
            total = sketch if total is None else total + sketch
        return total


def _add(ours: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class EarlierOutcome:
    """What the ledger had of a batch before its outcome was entered.

    Attributes
    ----------
    done : whether the batch was done. Then it was delivered twice, and counts once.
    predicted, rejected : what metrics have counted of it, if it was done and is inferred again
    """

    done: bool = False
    predicted: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The outcome of one batch. It is written to the ledger once all predictions and rejections are stored.

    Attributes
    ----------
    records : the number of records, which is `predicted + rejected`
    reasons : how many records were rejected for each reason
    milliseconds : the time of each step: read, decode, predict, sketch (if there is a baseline), write
    stats : of the invocation that scored the batch; None if the ledger has none
    sketch : counts of inputs and predictions; None if the model has no baseline
    earlier : what the ledger had of the batch before
    model_version : that scored it; empty if the ledger has none
    written_back : how many predictions were written back onto their items
    outdated : how many predictions were not written back, because the item had changed or was gone
    """

    batch: int
    records: int
    predicted: int
    rejected: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    milliseconds: Mapping[str, int] = field(default_factory=dict)
    stats: InvocationStats | None = None
    sketch: Sketch | None = None
    earlier: EarlierOutcome = EarlierOutcome()
    model_version: str = ""
    written_back: int = 0
    outdated: int = 0


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """A batch that failed, as the state machine recorded it."""

    batch: int
    error: str
    cause: str


LEDGER_SHARDS = 8
"""How many partition keys of the ledger hold the batches of one ingest."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 100 consecutive records: a byte range of an object.

    Attributes
    ----------
    batch : the number of the batch, from 0
    shard : `batch` modulo 8. It is part of the ledger key, and the state machine cannot compute it.
    offset, length : the byte range. It begins with the first record, and ends with the line end of the last one.
    records : how many records there are, which is the number of lines that are not blank
    line : the number of the first line in the object, from 1
    again : whether an earlier execution may have stored something of the batch. That is then replaced.
    pinned : the object, if the ingest has several; else None
    """

    batch: int
    shard: int
    offset: int
    length: int
    records: int
    line: int
    again: bool = False
    pinned: PinnedObject | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the batch as a group of the manifest has it."""
        entry: dict[str, Any] = {
            "batch": self.batch,
            "shard": self.shard,
            "offset": self.offset,
            "length": self.length,
            "records": self.records,
            "line": self.line,
        }
        if self.again:
            entry["again"] = True
        if self.pinned:
            entry["pinned"] = self.pinned.as_dict()
        return entry

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the batch from a group of the manifest."""
        return cls(**{**data, "pinned": PinnedObject(**data["pinned"])}) if data.get("pinned") else cls(**data)

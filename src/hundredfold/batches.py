"""Batches: up to 100 records each, and what becomes of them."""

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
    """Counts of what a batch held, in the bins of the model's baseline (`hundredfold.model.drift`).

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
class BatchOutcome:
    """What became of one batch, written to the ledger once its predictions and rejections are stored.

    Attributes
    ----------
    records : how many it had; `predicted + rejected` is the same number
    reasons : how many were rejected for each reason
    milliseconds : how long each step took: read, decode, predict, sketch (if there is a baseline), write
    stats : of the invocation that scored it; None if the ledger has none
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
    stats: InvocationStats | None = None
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


LEDGER_SHARDS = 8
"""Over how many partition keys an ingest's batches are spread in the ledger."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 100 consecutive records, as a byte range of their source.

    Attributes
    ----------
    batch : its number, from 0
    shard : `batch` modulo 8, part of its ledger key; here because the state machine cannot compute it
    offset, length : the bytes of its source that hold it, from the first byte of its first record to the last
        byte of its last one, line end included
    records : how many records it has, which is the number of its lines that are not blank
    line : the number of its first line in the source, from 1
    again : whether an earlier execution may have left something of it behind, which must be replaced
    pinned : the object that it is of, if the ingest has several; else None
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
        """Return it as an entry of the manifest."""
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
        """Read an entry of the manifest."""
        return cls(**{**data, "pinned": PinnedObject(**data["pinned"])}) if data.get("pinned") else cls(**data)

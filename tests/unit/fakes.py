"""Fakes: `hundredfold.ports` in memory.

Each fake appends what it does to a list of effects. A test can give several fakes one list, to check the order of
effects across them. That order is what makes a repeated call harmless.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Self

from hundredfold.batches import BatchFailure, BatchOutcome, EarlierOutcome
from hundredfold.errors import (
    IngestClaimedError,
    IngestExistsError,
    InvalidIngestError,
    SourceChangedError,
    SourceMissingError,
)
from hundredfold.ingest import Model, PartitionedPlan, Plan
from hundredfold.packed import PackedPredictions
from hundredfold.ports import TimeLeft
from hundredfold.record_index import RecordIndex
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import AttributeValue, Item
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import TableSpec
from hundredfold.summary import History, Status, Summary


@dataclass
class MemorySources:
    """Fulfils `ports.Sources`. The ETag is the content's digest, as in S3. It is streamed `chunk_bytes` at a time."""

    objects: dict[ObjectLocation, bytes] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    chunk_bytes: int = 7

    def pin(self, location: ObjectLocation) -> PinnedObject:
        if location not in self.objects:
            raise SourceMissingError(str(location), "there is no such object")
        content = self.objects[location]
        return PinnedObject(location.bucket, location.key, etag(content), len(content))

    def list(self, bucket: str, prefix: str) -> Iterator[PinnedObject]:
        for location in sorted(self.objects, key=lambda location: location.key):
            if location.bucket == bucket and location.key.startswith(prefix):
                yield self.pin(location)

    def open(self, pinned: PinnedObject) -> BinaryIO:
        return io.BytesIO(self._content(pinned))

    def read(self, pinned: PinnedObject, offset: int, length: int) -> bytes:
        self.effects.append(f"read {pinned.key} {offset} {length}")
        return self._content(pinned)[offset : offset + length]

    def stream(self, pinned: PinnedObject, start: int = 0) -> Iterator[bytes]:
        for offset in range(start, pinned.size, self.chunk_bytes):
            yield self._content(pinned)[offset : offset + self.chunk_bytes]

    def _content(self, pinned: PinnedObject) -> bytes:
        content = self.objects[pinned.location]
        if etag(content) != pinned.etag:
            raise SourceChangedError(str(pinned.location))
        return content


@dataclass
class MemoryTables:
    """Fulfils `ports.Tables` with one table. Segment k of n has every nth item from item k on, in pages of two."""

    table: Table = field(default_factory=lambda: Table("id", ("id",), {"id": "S"}, 0, True))
    items: list[Item] = field(default_factory=list)
    error: Exception | None = None

    def describe(self, table: str, index: str = "") -> Table:
        if self.error is not None:
            raise self.error
        return self.table

    def read(self, segment: Segment) -> Iterator[Sequence[Item]]:
        items = self.items[segment.number :: segment.total]
        for first in range(0, len(items) or 1, 2):
            yield items[first : first + 2]


class MemoryUpload:
    """Fulfils `ports.Upload`."""

    def __init__(self, work: "MemoryWork", key: str) -> None:
        self._work = work
        self._key = key
        self._content = b""

    def write(self, content: bytes) -> None:
        self._content += content

    def finish(self) -> PinnedObject:
        self._work.write(self._key, self._content)
        return PinnedObject(self._work.bucket, self._key, etag(self._content), len(self._content))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class MemoryWork:
    """Fulfils `ports.WorkObjects`. If `error` is set, raises it instead of writing."""

    bucket: str = "work"
    objects: dict[str, bytes] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    error: Exception | None = None

    def begin(self, key: str) -> MemoryUpload:
        return MemoryUpload(self, key)

    def write(self, key: str, content: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.objects[key] = content
        self.effects.append(f"write {key}")

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def stream(self, key: str) -> Iterator[bytes] | None:
        content = self.objects.get(key)
        return None if content is None else (content[start : start + 7] for start in range(0, len(content), 7))

    def remove(self, key: str) -> None:
        self.objects.pop(key, None)
        self.effects.append(f"remove {key}")


@dataclass
class FixedModels:
    """Fulfils `ports.Models`. `missing` has the numbers that no version has."""

    model: Model
    missing: frozenset[str] = frozenset()

    def live(self) -> Model:
        return self.model

    def version(self, number: str) -> Model:
        if number in self.missing:
            raise InvalidIngestError(f"there is no version {number} of the model")
        return Model(f"{self.model.function.rpartition(':')[0]}:{number}", number)


@dataclass
class MemoryPredictions:
    """Fulfils `ports.Predictions`. If `error` is set, raises it before writing.

    Attributes
    ----------
    items : prediction, batch and model, by record id and ingest id
    refused : the places whose predictions `write_each` does not write, as if the table were busy
    """

    items: dict[tuple[str, str], tuple[Prediction, int, Model]] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    error: Exception | None = None
    refused: frozenset[str] = frozenset()

    def write(
        self, ingest_id: str, batch: int, model: Model, predictions: Sequence[Prediction], time_left: TimeLeft
    ) -> float:
        if self.error is not None:
            raise self.error
        for prediction in predictions:
            self.items[prediction.record_id, ingest_id] = (prediction, batch, model)
        self.effects.append(f"predictions {batch} {len(predictions)}")
        return float(len(predictions))

    def write_each(self, model: Model, predictions: Mapping[str, Prediction], time_left: TimeLeft) -> frozenset[str]:
        if self.error is not None:
            raise self.error
        for place, prediction in predictions.items():
            if place not in self.refused:
                self.items[prediction.record_id, place] = (prediction, -1, model)
        self.effects.append(f"each {len(predictions)}")
        return self.refused & frozenset(predictions)

    def withdraw(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> None:
        for record_id in record_ids:
            if (record_id, ingest_id) in self.items and self.items[record_id, ingest_id][1] == batch:
                del self.items[record_id, ingest_id]
        self.effects.append(f"withdraw {batch} {','.join(record_ids)}")


@dataclass
class MemoryItems:
    """Fulfils `ports.SourceItems`. `items` has the attributes of each item by the value of its only key."""

    items: dict[str, dict[str, AttributeValue]] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)

    def write_back(
        self, spec: TableSpec, ingest_id: str, model: Model, answers: Sequence[ItemAnswer], time_left: TimeLeft
    ) -> WriteBackResult:
        written = 0
        for answer in answers:
            [key] = answer.key.values()
            item = self.items.get(next(iter(key.values())), {})
            if item and all(item.get(name) == value for name, value in answer.read.items()):
                item[spec.write_back] = {"S": str(answer.prediction.label)}
                written += 1
        self.effects.append(f"back {spec.table} {spec.write_back} {written}")
        return WriteBackResult(written, len(answers) - written, float(len(answers)))


@dataclass
class MemoryLedger:
    """Fulfils `ports.Ledger`. `claims` has the token of each claimed id."""

    claims: dict[str, str] = field(default_factory=dict)
    ingests: dict[str, tuple[str, Plan]] = field(default_factory=dict)
    batches: dict[tuple[str, int], BatchOutcome | BatchFailure] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    partition_failures: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    packed: dict[tuple[str, int], PackedPredictions] = field(default_factory=dict)
    indexes: dict[str, RecordIndex] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)

    def partition_failure(self, execution: str, partition: int) -> tuple[str, str] | None:
        return self.partition_failures.get((execution, partition))

    def begin(self, plan: Plan, started_at: str, claim: str = "") -> None:
        self.check(plan.ingest_id, started_at, claim)
        self.claims.pop(plan.ingest_id, None)
        self.ingests[plan.ingest_id] = (started_at, plan)
        self.effects.append(f"begin {plan.ingest_id}")

    def resume(self, plan: Plan, started_at: str, execution: str, batches: int) -> None:
        if plan.ingest_id in self.ingests and self.ingests[plan.ingest_id][0] > started_at:
            raise IngestExistsError(plan.ingest_id)
        self.ingests[plan.ingest_id] = (started_at, plan)
        self.summaries.pop(plan.ingest_id, None)
        self.effects.append(f"resume {plan.ingest_id} {execution} {batches}")

    def planned_before(self, ingest_id: str, started_at: str) -> Plan | None:
        began, plan = self.ingests.get(ingest_id, ("", None))
        return plan if began == started_at else None

    def plan(self, ingest_id: str) -> Plan | None:
        return self.ingests[ingest_id][1] if ingest_id in self.ingests else None

    def reopen(self, ingest_id: str, batch: int, records: int) -> None:
        self.batches[ingest_id, batch] = BatchFailure(batch, "Reoffered", "its rejected records are offered again")
        self.effects.append(f"reopen {batch} {records}")

    def history(self, ingest_id: str, execution: str) -> History:
        return self.histories.get(ingest_id, History())

    def batch_done(
        self, ingest_id: str, outcome: BatchOutcome, packed: PackedPredictions | None = None
    ) -> EarlierOutcome:
        before = self.batches.get((ingest_id, outcome.batch))
        if packed:
            self.packed[ingest_id, outcome.batch] = packed
        self.batches[ingest_id, outcome.batch] = outcome
        self.effects.append(f"done {outcome.batch}")
        if isinstance(before, BatchOutcome):
            return EarlierOutcome(True, before.predicted, before.rejected)
        return EarlierOutcome()

    def entries(self, ingest_id: str) -> Iterable[BatchOutcome | BatchFailure]:
        return [entry for (ingest, _), entry in self.batches.items() if ingest == ingest_id]

    def packed_entries(self, ingest_id: str) -> Iterable[tuple[int, BatchOutcome | BatchFailure | None, bytes]]:
        for (ingest, batch), entry in self.batches.items():
            if ingest == ingest_id:
                parts = self.packed[ingest, batch].parts("t0") if (ingest, batch) in self.packed else []
                yield batch, entry, parts[0] if parts else b""
                yield from ((batch, None, part) for part in parts[1:])

    def finish(self, summary: Summary, resumed_by: str | None = None, index: RecordIndex | None = None) -> bool:
        if index:
            self.indexes[summary.ingest_id] = index
        if resumed_by is None:
            self.check(summary.ingest_id, summary.started_at)
        repeated = summary.ingest_id in self.summaries
        self.summaries[summary.ingest_id] = summary
        return repeated

    def is_completed(self, ingest_id: str) -> bool:
        return ingest_id in self.summaries and self.summaries[ingest_id].status == Status.COMPLETED

    def check(self, ingest_id: str, started_at: str, claim: str = "") -> None:
        if claim and self.claims.get(ingest_id, claim) != claim:
            raise IngestClaimedError(ingest_id, "alice", "t0")
        if ingest_id in self.ingests and self.ingests[ingest_id][0] != started_at:
            raise IngestExistsError(ingest_id)


def etag(content: bytes) -> str:
    """Return the ETag that `MemorySources` gives to an object of this content."""
    return hashlib.sha256(content).hexdigest()


def as_plan(plan: Plan | PartitionedPlan) -> Plan:
    """Return the plan of an ingest that one call planned; fail for a partitioned one."""
    assert isinstance(plan, Plan)
    return plan


def as_partitioned(plan: Plan | PartitionedPlan) -> PartitionedPlan:
    """Return the plan of a partitioned ingest; fail for one that one call planned."""
    assert isinstance(plan, PartitionedPlan)
    return plan

"""The outside in memory: small classes that fulfil `hundredfold.ports`.

Each of them enters what it does into one list of effects, which a test can hand to several of them: their order is
what makes doing it twice doing it once.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Self

from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.errors import IngestExistsError, SourceChangedError, SourceMissingError
from hundredfold.ingest import Model, PartitionedPlan, Plan
from hundredfold.ports import TimeLeft
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import AttributeValue, Item
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import TableSpec
from hundredfold.summary import Summary


@dataclass
class MemorySources:
    """Fulfils `ports.Sources`; the ETag is the content's digest, as in S3. `streamed_by`: bytes of a piece."""

    objects: dict[ObjectLocation, bytes] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    streamed_by: int = 7

    def pin(self, location: ObjectLocation) -> PinnedObject:
        if location not in self.objects:
            raise SourceMissingError(str(location), "there is no such object")
        content = self.objects[location]
        return PinnedObject(location.bucket, location.key, _etag(content), len(content))

    def list(self, bucket: str, prefix: str) -> Iterator[PinnedObject]:
        for location in sorted(self.objects, key=lambda location: location.key):
            if location.bucket == bucket and location.key.startswith(prefix):
                yield self.pin(location)

    def open(self, source: PinnedObject) -> BinaryIO:
        return io.BytesIO(self._pinned(source))

    def read(self, source: PinnedObject, offset: int, length: int) -> bytes:
        self.effects.append(f"read {source.key} {offset} {length}")
        return self._pinned(source)[offset : offset + length]

    def stream(self, source: PinnedObject, start: int = 0) -> Iterator[bytes]:
        for offset in range(start, source.size, self.streamed_by):
            yield self._pinned(source)[offset : offset + self.streamed_by]

    def _pinned(self, source: PinnedObject) -> bytes:
        content = self.objects[source.location]
        if _etag(content) != source.etag:
            raise SourceChangedError(str(source.location))
        return content


@dataclass
class MemoryTables:
    """Fulfils `ports.Tables`: one table, of which each segment has every so-manieth item, in pages of two."""

    table: Table = field(default_factory=lambda: Table("id", ("id",), {"id": "S"}, 0, True))
    items: list[Item] = field(default_factory=list)
    error: Exception | None = None

    def describe(self, table: str, index: str = "") -> Table:
        if self.error is not None:
            raise self.error
        return self.table

    def read(self, segment: Segment) -> Iterator[Sequence[Item]]:
        mine = self.items[segment.number :: segment.total]
        for first in range(0, len(mine) or 1, 2):
            yield mine[first : first + 2]


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
        return PinnedObject(self._work.bucket, self._key, _etag(self._content), len(self._content))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class MemoryWork:
    """Fulfils `ports.WorkObjects`; raises `error`, if there is one, in place of writing."""

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
        return None if content is None else (content[place : place + 7] for place in range(0, len(content), 7))

    def remove(self, key: str) -> None:
        self.objects.pop(key, None)
        self.effects.append(f"remove {key}")


@dataclass
class FixedModels:
    """Fulfils `ports.Models`."""

    model: Model

    def live(self) -> Model:
        return self.model

    def version(self, number: str) -> Model:
        return Model(f"{self.model.function.rpartition(':')[0]}:{number}", number)


@dataclass
class MemoryPredictions:
    """Fulfils `ports.Predictions`: `items` by the table's keys; raises `error`, if there is one, before writing.

    `refused` is what a busy table does not take of `write_each`.
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
        for spec, prediction in predictions.items():
            if spec not in self.refused:
                self.items[prediction.record_id, spec] = (prediction, -1, model)
        self.effects.append(f"each {len(predictions)}")
        return self.refused & frozenset(predictions)

    def withdraw(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> None:
        for record_id in record_ids:
            if (record_id, ingest_id) in self.items and self.items[record_id, ingest_id][1] == batch:
                del self.items[record_id, ingest_id]
        self.effects.append(f"withdraw {batch} {','.join(record_ids)}")


@dataclass
class MemoryItems:
    """Fulfils `ports.SourceItems`: `there` has the items' attributes by the value of their one key."""

    there: dict[str, dict[str, AttributeValue]] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)

    def write_back(
        self, spec: TableSpec, ingest_id: str, model: Model, answers: Sequence[ItemAnswer], time_left: TimeLeft
    ) -> WriteBackResult:
        written = 0
        for answer in answers:
            [key] = answer.key.values()
            item = self.there.get(next(iter(key.values())), {})
            if item and all(item.get(name) == value for name, value in answer.read.items()):
                item[spec.write_back] = {"S": str(answer.prediction.label)}
                written += 1
        self.effects.append(f"back {spec.table} {spec.write_back} {written}")
        return WriteBackResult(written, len(answers) - written, float(len(answers)))


@dataclass
class MemoryLedger:
    """Fulfils `ports.Ledger`."""

    ingests: dict[str, tuple[str, Plan]] = field(default_factory=dict)
    batches: dict[tuple[str, int], BatchOutcome | BatchFailure] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    part_failures: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)

    def partition_failure(self, execution: str, part: int) -> tuple[str, str] | None:
        return self.part_failures.get((execution, part))

    def begin(self, plan: Plan, started_at: str) -> None:
        self.check(plan.ingest_id, started_at)
        self.ingests[plan.ingest_id] = (started_at, plan)
        self.effects.append(f"begin {plan.ingest_id}")

    def resume(self, plan: Plan, started_at: str, execution: str, batches: int) -> None:
        if plan.ingest_id in self.ingests and self.ingests[plan.ingest_id][0] > started_at:
            raise IngestExistsError(plan.ingest_id)
        self.ingests[plan.ingest_id] = (started_at, plan)
        self.effects.append(f"resume {plan.ingest_id} {execution} {batches}")

    def plan(self, ingest_id: str) -> Plan | None:
        return self.ingests[ingest_id][1] if ingest_id in self.ingests else None

    def reopen(self, ingest_id: str, batch: int, records: int) -> None:
        self.batches[ingest_id, batch] = BatchFailure(batch, "Reoffered", "its rejected records are offered again")
        self.effects.append(f"reopen {batch} {records}")

    def batch_done(self, ingest_id: str, outcome: BatchOutcome) -> bool:
        repeated = isinstance(self.batches.get((ingest_id, outcome.batch)), BatchOutcome)
        self.batches[ingest_id, outcome.batch] = outcome
        self.effects.append(f"done {outcome.batch}")
        return repeated

    def entries(self, ingest_id: str) -> Iterable[BatchOutcome | BatchFailure]:
        return [entry for (ingest, _), entry in self.batches.items() if ingest == ingest_id]

    def finish(self, summary: Summary, resumed_by: str | None = None) -> bool:
        if resumed_by is None:
            self.check(summary.ingest_id, summary.started_at)
        repeated = summary.ingest_id in self.summaries
        self.summaries[summary.ingest_id] = summary
        return repeated

    def check(self, ingest_id: str, started_at: str) -> None:
        if ingest_id in self.ingests and self.ingests[ingest_id][0] != started_at:
            raise IngestExistsError(ingest_id)


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def whole(plan: Plan | PartitionedPlan) -> Plan:
    """Return a plan that one call of the planner made."""
    assert isinstance(plan, Plan)
    return plan


def partitioned(plan: Plan | PartitionedPlan) -> PartitionedPlan:
    """Return a plan that is made in partitions."""
    assert isinstance(plan, PartitionedPlan)
    return plan

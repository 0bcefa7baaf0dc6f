"""Planning an ingest: pin its source and its model, cut it into batches, write the manifest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import ManifestDamagedError, PartitionFailedError, SourceChangedError
from hundredfold.failures import quote_failure
from hundredfold.ingest import LIVE, Model, PartitionedPlan, Plan, Resume, check_ingest_id, resume_from_input
from hundredfold.keys import card_key, manifest_key, model_card_key, partitions_key, resumed_manifest_key
from hundredfold.planning.manifest import encode_manifest, stream_manifest
from hundredfold.planning.partitions import (
    PARTITION_BYTES,
    PlannedPartition,
    partition_ranges,
    read_partition,
    read_partition_ranges,
    write_partition,
    write_partitions,
)
from hundredfold.planning.ranges import ObjectRange, RangeBatches, batch_range, find_ranges, number_batches
from hundredfold.planning.segments import find_segments, stage_segments
from hundredfold.planning.shadows import shadow_from_input
from hundredfold.ports import Ledger, Models, Sources, Tables, Upload, WorkObjects
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import Compression, Kind, ReadOptions, SourceSpec, TableSpec, spec_from_input

type Choose = Callable[[Iterable[Batch]], Iterable[Batch]]
"""Which batches of all are in the manifest."""


@dataclass(frozen=True, slots=True)
class _PinnedSource:
    """A source as it was found: its partitions if it needs some, and its batches as they are cut in one go."""

    ingest_id: str
    spec: SourceSpec
    pinned: PinnedObject | None
    source_bytes: int
    partitions: Sequence[list[ObjectRange]]
    batches: Iterator[RangeBatches]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans ingests, and what is missing of them.

    One call plans an ingest of up to `partition_bytes` whole. A larger one is only partitioned by `plan` and `resume`:
    `plan_partition` plans each partition, and `join_partitions` makes one plan of them.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    partition_bytes : the most bytes of a source that one call plans
    """

    sources: Sources
    tables: Tables
    work: WorkObjects
    models: Models
    ledger: Ledger
    batch_records: int
    batch_bytes: int
    partition_bytes: int = PARTITION_BYTES

    def plan(self, ingest_id: str, execution_input: object, started_at: str) -> Plan | PartitionedPlan:
        """Pin an ingest's source and model, cut it into batches, and write the manifest.

        Doing it twice for the same execution is doing it once. The memory that it needs does not grow with a source
        that is read in place.

        Returns
        -------
        plan : a `PartitionedPlan` if the source is larger than one call plans

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        IngestExistsError
            If another execution has used this id before.
        """
        check_ingest_id(ingest_id)
        spec = spec_from_input(execution_input)
        shadow = shadow_from_input(execution_input)
        if shadow and isinstance(spec, TableSpec):
            spec = replace(spec, write_back="")  # a shadow's answers are compared, and nothing else
        model = self.models.version(shadow.version) if shadow else self.models.live()
        pinned = self._pin(ingest_id, spec)
        # Before anything is written: the staged objects and partitions of an id that is taken must not be replaced.
        self.ledger.check(ingest_id, started_at)
        if pinned.partitions:
            return self._partitioned(pinned, model, ingest_id)
        with self._whole(pinned, model, _choice(execution_input)) as (plan, manifest):
            # Nor must its manifest be, if another execution has taken the id since.
            self.ledger.begin(plan, started_at)
            manifest.finish()
        self._keep_card(plan)
        return plan

    def resume(
        self, resume: Resume, execution_input: object, execution: str, started_at: str
    ) -> Plan | PartitionedPlan:
        """Plan what is missing of an ingest: the batches that the ledger does not have as done.

        The source stays the pinned one. So does the model, unless another is asked for. Doing it twice for the same
        execution is doing it once. Only the number of each batch that is done is held in memory.

        Parameters
        ----------
        execution_input : has a `source` too, which counts only if the ingest was never planned
        execution : the name of the execution that resumes it

        Returns
        -------
        plan : of this execution: its manifest has only what is missing. The ledger keeps the plan of the whole.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError, ManifestDamagedError
        IngestExistsError
            If a later execution has taken the ingest over.
        """
        planned = self.ledger.plan(resume.ingest_id)
        if planned is None:
            return self._resume_unplanned(resume, execution_input, execution, started_at)
        if planned.pinned and self.sources.pin(planned.pinned.location) != replace(planned.pinned, staged_from=""):
            raise SourceChangedError(str(planned.pinned))  # once, and not for every batch
        whole = replace(planned, model=self._model_of(resume, planned.model))
        done, reoffered = set[int](), dict[int, int]()
        for entry in self.ledger.entries(resume.ingest_id):
            if isinstance(entry, BatchOutcome):
                if resume.rejected and entry.rejected:
                    reoffered[entry.batch] = entry.records
                else:
                    done.add(entry.batch)
        with self._remaining(whole, execution, leaving_out=done) as (remaining, manifest):
            # First into the ledger: from here on the earlier execution, if it still runs, cannot end the ingest.
            self.ledger.resume(whole, started_at, execution, remaining.batches)
            for batch, records in sorted(reoffered.items()):
                self.ledger.reopen(resume.ingest_id, batch, records)
            manifest.finish()
        self._keep_card(whole)
        return remaining

    def plan_partition(self, ingest_id: str, execution: str, partition: int) -> PlannedPartition:
        """Cut one partition of an ingest into batches. Doing it twice is doing it once.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        """
        ranges = read_partition_ranges(ingest_id, execution, partition, self.work)
        return write_partition(self._cut(ranges, ingest_id), ingest_id, execution, partition, self.work)

    def join_partitions(
        self,
        partitioned: PartitionedPlan,
        failure: Mapping[str, Any] | None,
        execution_input: object,
        execution: str,
        started_at: str,
    ) -> Plan:
        """Join the partitions of an ingest into one manifest, as `plan` or `resume` would have written it.

        Parameters
        ----------
        partitioned : what `plan` or `resume` returned
        failure : the error and cause that the planning of the partitions ended with, or None

        Raises
        ------
        PartitionFailedError
            If a partition was not planned.
        IngestExistsError
            As `plan` and `resume` do.
        """
        resume = resume_from_input(execution_input)
        planned = self._planned(partitioned, failure, execution)
        batches = _choice(execution_input)(number_batches(planned, of_one=partitioned.pinned is not None))
        draft = Plan(
            ingest_id=partitioned.ingest_id,
            spec=partitioned.spec,
            pinned=partitioned.pinned,
            source_bytes=partitioned.source_bytes,
            manifest=self._location(manifest_key(partitioned.ingest_id)),
            batches=0,
            records=0,
            model=partitioned.model,
            partitions=partitioned.partitions,
        )
        with self._manifest(draft, batches) as (plan, manifest):
            if resume:
                self.ledger.resume(plan, started_at, execution, plan.batches)
            else:
                self.ledger.begin(plan, started_at)
            manifest.finish()
        self._keep_card(plan)
        return self._offered_again(plan, execution) if resume else plan

    def _resume_unplanned(
        self, resume: Resume, execution_input: object, execution: str, started_at: str
    ) -> Plan | PartitionedPlan:
        """Plan an ingest whose earlier executions did not get so far."""
        model = self._model_of(resume, None)
        pinned = self._pin(resume.ingest_id, spec_from_input(execution_input))
        if pinned.partitions:
            return self._partitioned(pinned, model, execution)
        with self._whole(pinned, model, iter) as (whole, manifest):
            self.ledger.resume(whole, started_at, execution, whole.batches)
            manifest.finish()
        self._keep_card(whole)
        return self._offered_again(whole, execution)

    def _model_of(self, resume: Resume, pinned: Model | None) -> Model:
        if resume.model is None and pinned:
            return pinned
        if resume.model in {None, LIVE}:
            return self.models.live()
        return self.models.version(str(resume.model))

    def _keep_card(self, plan: Plan) -> None:
        """Keep the model's card with the ingest, for the summary and the report. A release without a card has none."""
        card = self.work.read(model_card_key(plan.model.card)) if plan.model.card else None
        if card is not None:
            self.work.write(card_key(plan.ingest_id), card)

    def _pin(self, ingest_id: str, spec: SourceSpec) -> _PinnedSource:
        if isinstance(spec, TableSpec):
            segments = find_segments(spec, self.tables)
            batches = stage_segments(segments, ingest_id, self.tables, self.work, **self._limits)
            return _PinnedSource(ingest_id, spec, None, 0, (), batches)
        spec, ranges = find_ranges(spec, self.sources)
        partitions = partition_ranges(ranges, partition_bytes=self.partition_bytes)
        return _PinnedSource(
            ingest_id,
            spec,
            pinned=ranges[0].pinned if len(ranges) == 1 else None,
            source_bytes=sum(one.size for one in ranges),
            partitions=partitions if len(partitions) > 1 else (),
            batches=self._cut(ranges, ingest_id),
        )

    def _partitioned(self, source: _PinnedSource, model: Model, execution: str) -> PartitionedPlan:
        write_partitions(source.partitions, source.ingest_id, execution, self.work)
        return PartitionedPlan(
            ingest_id=source.ingest_id,
            spec=source.spec,
            pinned=source.pinned,
            source_bytes=source.source_bytes,
            model=model,
            partitions=len(source.partitions),
            partition_list=self._location(partitions_key(source.ingest_id, execution)),
        )

    @contextmanager
    def _whole(self, source: _PinnedSource, model: Model, choose: Choose) -> Iterator[tuple[Plan, Upload]]:
        """Plan a whole ingest in one go: its plan, and its manifest, which is written but not finished."""
        pinned, source_bytes, cut = source.pinned, source.source_bytes, source.batches
        if isinstance(source.spec, TableSpec):
            staged = list(cut)  # a table has no content that could be pinned: what is staged is the source
            source_bytes = sum(one.pinned.size for one in staged)
            pinned, cut = staged[0].pinned if len(staged) == 1 else None, iter(staged)
        elif pinned:
            only = next(cut)
            pinned, cut = only.pinned, iter([only])  # the object that it is staged as, if it is
        draft = Plan(
            ingest_id=source.ingest_id,
            spec=source.spec,
            pinned=pinned,
            source_bytes=source_bytes,
            manifest=self._location(manifest_key(source.ingest_id)),
            batches=0,
            records=0,
            model=model,
        )
        with self._manifest(draft, choose(number_batches(cut, of_one=pinned is not None))) as written:
            yield written

    @contextmanager
    def _remaining(self, whole: Plan, execution: str, leaving_out: set[int]) -> Iterator[tuple[Plan, Upload]]:
        """Plan what is missing of an ingest: its plan, and its manifest, which is written but not finished."""
        missing = (replace(batch, again=True) for batch in self._stored(whole) if batch.batch not in leaving_out)
        manifest = self._location(resumed_manifest_key(whole.ingest_id, execution))
        with self._manifest(replace(whole, manifest=manifest), missing) as written:
            yield written

    def _offered_again(self, whole: Plan, execution: str) -> Plan:
        """Write the manifest of an ingest, all of which is offered again, and return its plan."""
        with self._remaining(whole, execution, leaving_out=set()) as (remaining, manifest):
            manifest.finish()
        return remaining

    @contextmanager
    def _manifest(self, plan: Plan, batches: Iterable[Batch]) -> Iterator[tuple[Plan, Upload]]:
        """Write a manifest, which is not finished yet, and complete its plan."""
        with self.work.begin(plan.manifest.key) as manifest:
            written = _Written()
            for entry in encode_manifest(written.of(batches)):
                written.digest.update(entry)
                manifest.write(entry)
            completed = replace(
                plan,
                batches=written.batches,
                records=written.records,
                manifest_sha256=written.digest.hexdigest(),
            )
            yield completed, manifest

    def _location(self, key: str) -> ObjectLocation:
        return ObjectLocation(self.work.bucket, key)

    @property
    def _limits(self) -> dict[str, int]:
        return {"max_records": self.batch_records, "max_bytes": self.batch_bytes}

    def _cut(self, pieces: Iterable[ObjectRange], ingest_id: str) -> Iterator[RangeBatches]:
        return (batch_range(piece, ingest_id, self.sources, self.work, **self._limits) for piece in pieces)

    def _planned(
        self, partitioned: PartitionedPlan, failure: Mapping[str, Any] | None, execution: str
    ) -> Iterator[RangeBatches]:
        """Read back what was planned of each partition, in order."""
        for partition in range(partitioned.partitions):
            pieces = read_partition(partitioned.ingest_id, execution, partition, self.work)
            if pieces is None:
                error, cause = self.ledger.partition_failure(execution, partition) or _error_and_cause(failure)
                raise PartitionFailedError(partition, partitioned.partitions, quote_failure(error, cause))
            yield from pieces

    def _stored(self, plan: Plan) -> Iterator[Batch]:
        """Read an ingest's manifest back; one that is gone or damaged is made again of the object that it is of."""
        if self._digest(plan) != plan.manifest_sha256:
            if plan.pinned is None:
                raise ManifestDamagedError(str(plan.manifest))
            pieces = [ObjectRange.whole(0, plan.pinned, ReadOptions(Kind.JSONL, Compression.NONE))]
            if plan.partitions:
                pieces = [
                    piece
                    for partition in partition_ranges(pieces, partition_bytes=self.partition_bytes)
                    for piece in partition
                ]
            batches = number_batches(self._cut(pieces, plan.ingest_id), of_one=True)
            with self._manifest(plan, batches) as (again, manifest):
                if again.manifest_sha256 != plan.manifest_sha256:
                    raise ManifestDamagedError(str(plan.manifest))
                manifest.finish()
        yield from stream_manifest(self.work.stream(plan.manifest.key) or ())

    def _digest(self, plan: Plan) -> str:
        digest = hashlib.sha256()
        for chunk in self.work.stream(plan.manifest.key) or ():
            digest.update(chunk)
        return digest.hexdigest()


def _choice(execution_input: object) -> Choose:
    shadow = shadow_from_input(execution_input)
    return shadow.choose if shadow else iter


def _error_and_cause(failure: Mapping[str, Any] | None) -> tuple[str, str]:
    if not failure:
        return "", "nothing was heard of it"
    return str(failure.get("Error", "")), str(failure.get("Cause", ""))


@dataclass(slots=True)
class _Written:
    """What was written of a manifest so far."""

    batches: int = 0
    records: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def of(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Count batches and records as they pass."""
        for batch in batches:
            self.batches += 1
            self.records += batch.records
            yield batch

"""Planning an ingest: pin its origin and its model, cut it into batches, write the manifest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import ManifestDamagedError, PartitionFailedError, SourceChangedError
from hundredfold.failures import quote_failure
from hundredfold.ingest import LIVE, Model, Plan, Resume, check_ingest_id, resume_from_input
from hundredfold.keys import manifest_key, partitions_key, resumed_manifest_key
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
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import Compression, Kind, ReadOptions, SourceSpec, TableSpec, spec_from_input

type Choose = Callable[[Iterable[Batch]], Iterable[Batch]]
"""Which batches of all are in the manifest."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans ingests, and what is missing of them.

    An ingest of up to `part_bytes` is planned whole. Of a larger one, `plan` and `resume` only say in how many parts:
    each is planned by `plan_part`, and `join` makes one plan of them.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    part_bytes : the most bytes of an origin that one call plans
    """

    sources: Sources
    tables: Tables
    work: WorkObjects
    models: Models
    ledger: Ledger
    batch_records: int
    batch_bytes: int
    partition_bytes: int = PARTITION_BYTES

    def plan(self, ingest_id: str, execution_input: object, started_at: str) -> Plan:
        """Pin an ingest's origin and model, cut it into batches, and write the manifest, or divide it into parts.

        Doing it twice for the same execution is doing it once. The memory that it needs does not grow with an origin
        that is read in place.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        IngestExistsError
            If another execution has used this id before.
        """
        check_ingest_id(ingest_id)
        origin = spec_from_input(execution_input)
        model = self.models.live()
        if shadow := shadow_from_input(execution_input):
            model = shadow.model(model)
            if isinstance(origin, TableSpec):
                origin = replace(origin, write_back="")  # what a shadow answers is compared, and nothing else
        plan, parts, cuts = self._pinned(ingest_id, origin, model)
        # Before anything is written: an id that is taken already must not have its parts and what is staged replaced,
        self.ledger.check(ingest_id, started_at)
        if plan.parts:
            return self._divided(plan, parts, ingest_id)
        with self._whole(plan, cuts, _choice(execution_input)) as (plan, manifest):
            # nor its manifest, if another execution has taken the id since.
            self.ledger.begin(plan, started_at)
            manifest.finish()
        return plan

    def resume(self, resume: Resume, execution_input: object, execution: str, started_at: str) -> Plan:
        """Plan what is missing of an ingest: the batches that the ledger does not have as done.

        The source stays the pinned one, and so does the model unless another is asked for. Doing it twice for the same
        execution is doing it once. What is held in memory is the number of each batch that is done.

        Parameters
        ----------
        execution_input : has a `source` too, which counts only if the ingest was never planned
        execution : the name of the execution that resumes it

        Returns
        -------
        Plan
            Of this execution: its manifest has only what is missing. The ledger keeps the plan of the whole.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError, ManifestDamagedError
        IngestExistsError
            If a later execution has taken the ingest over.
        """
        planned = self.ledger.plan(resume.ingest_id)
        if planned is None:
            model = _model(resume, self.models.live(), self.models)
            plan, parts, cuts = self._pinned(resume.ingest_id, spec_from_input(execution_input), model)
            if plan.parts:
                return self._divided(plan, parts, execution)
            with self._whole(plan, cuts, iter) as (whole, manifest):
                self.ledger.resume(whole, started_at, execution, whole.batches)
                manifest.finish()
            return self._offered_again(whole, execution)
        if planned.source and self.sources.pin(planned.source.location) != replace(planned.source, of=""):
            raise SourceChangedError(str(planned.source))  # once, and not for every batch
        whole = replace(planned, model=_model(resume, planned.model, self.models))
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
        return remaining

    def plan_partition(self, ingest_id: str, execution: str, part: int) -> PlannedPartition:
        """Cut one part of an ingest that an execution plans in parts. Doing it twice is doing it once.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        """
        pieces = read_partition_ranges(ingest_id, execution, part, self.work)
        return write_partition(self._cut(pieces, ingest_id), ingest_id, execution, part, self.work)

    def join(
        self,
        divided: Plan,
        failure: Mapping[str, Any] | None,
        execution_input: object,
        execution: str,
        started_at: str,
    ) -> Plan:
        """Join the parts of an ingest into one manifest, as `plan` or `resume` would have written it.

        Parameters
        ----------
        divided : what `plan` or `resume` returned
        failure : the error and cause that the planning of the parts ended with, or None

        Raises
        ------
        PartFailedError
            If a part was not planned.
        IngestExistsError
            As `plan` and `resume` do.
        """
        resume = resume_from_input(execution_input)
        batches = number_batches(self._planned(divided, failure, execution), of_one=divided.source is not None)
        chosen = _choice(execution_input)(batches)
        with self._manifest(divided, manifest_key(divided.ingest_id), chosen) as (plan, manifest):
            if resume:
                self.ledger.resume(plan, started_at, execution, plan.batches)
            else:
                self.ledger.begin(plan, started_at)
            manifest.finish()
        return self._offered_again(plan, execution) if resume else plan

    def _pinned(
        self, ingest_id: str, origin: SourceSpec, model: Model
    ) -> tuple[Plan, list[list[ObjectRange]], Iterator[RangeBatches]]:
        """Pin an origin: its plan, so far, what its parts are if it has any, and what it is cut into in one go."""
        plan = Plan(
            ingest_id=ingest_id,
            origin=origin,
            source=None,
            source_bytes=0,
            manifest=ObjectLocation(self.work.bucket, manifest_key(ingest_id)),
            batches=0,
            records=0,
            model=model,
        )
        if isinstance(origin, TableSpec):
            segments = find_segments(origin, self.tables)
            return plan, [], stage_segments(segments, ingest_id, self.tables, self.work, **self._limits)
        origin, pieces = find_ranges(origin, self.sources)
        parts = partition_ranges(pieces, partition_bytes=self.partition_bytes)
        plan = replace(
            plan,
            origin=origin,
            source=pieces[0].source if len(pieces) == 1 else None,
            source_bytes=sum(piece.size for piece in pieces),
            parts=len(parts) if len(parts) > 1 else 0,
        )
        return plan, parts, self._cut(pieces, ingest_id)

    def _divided(self, plan: Plan, parts: list[list[ObjectRange]], execution: str) -> Plan:
        """Write what the parts are, and return the plan with the list of them in place of the manifest."""
        write_partitions(parts, plan.ingest_id, execution, self.work)
        return replace(plan, manifest=ObjectLocation(self.work.bucket, partitions_key(plan.ingest_id, execution)))

    @contextmanager
    def _whole(self, plan: Plan, cuts: Iterator[RangeBatches], choose: Choose) -> Iterator[tuple[Plan, Upload]]:
        """Plan a whole ingest in one go: its plan, and its manifest, which is written but not finished."""
        if isinstance(plan.origin, TableSpec):
            staged = list(cuts)  # a table has no content that could be pinned: what is staged is the source
            source_bytes = sum(one.source.size for one in staged)
            plan = replace(plan, source=staged[0].source if len(staged) == 1 else None, source_bytes=source_bytes)
            cuts = iter(staged)
        elif plan.source:
            only = next(cuts)
            plan, cuts = replace(plan, source=only.source), iter([only])  # the object that it is staged as, if it is
        batches = choose(number_batches(cuts, of_one=plan.source is not None))
        with self._manifest(plan, manifest_key(plan.ingest_id), batches) as written:
            yield written

    @contextmanager
    def _remaining(self, whole: Plan, execution: str, leaving_out: set[int]) -> Iterator[tuple[Plan, Upload]]:
        """Plan what is missing of an ingest: its plan, and its manifest, which is written but not finished."""
        missing = (replace(batch, again=True) for batch in self._stored(whole) if batch.batch not in leaving_out)
        key = resumed_manifest_key(whole.ingest_id, execution)
        with self._manifest(replace(whole, parts=0), key, missing) as written:
            yield written

    def _offered_again(self, whole: Plan, execution: str) -> Plan:
        """Write the manifest of an ingest, all of which is offered again, and return its plan."""
        with self._remaining(whole, execution, leaving_out=set()) as (remaining, manifest):
            manifest.finish()
        return remaining

    @contextmanager
    def _manifest(self, plan: Plan, key: str, batches: Iterable[Batch]) -> Iterator[tuple[Plan, Upload]]:
        """Write a manifest, which is not finished yet, and complete its plan."""
        with self.work.begin(key) as manifest:
            written = _Written()
            for entry in encode_manifest(written.of(batches)):
                written.digest.update(entry)
                manifest.write(entry)
            completed = replace(
                plan,
                manifest=ObjectLocation(self.work.bucket, key),
                batches=written.batches,
                records=written.records,
                manifest_sha256=written.digest.hexdigest(),
            )
            yield completed, manifest

    @property
    def _limits(self) -> dict[str, int]:
        return {"max_records": self.batch_records, "max_bytes": self.batch_bytes}

    def _cut(self, pieces: Iterable[ObjectRange], ingest_id: str) -> Iterator[RangeBatches]:
        return (batch_range(piece, ingest_id, self.sources, self.work, **self._limits) for piece in pieces)

    def _planned(self, divided: Plan, failure: Mapping[str, Any] | None, execution: str) -> Iterator[RangeBatches]:
        """Read back what was planned of each part, in order."""
        for part in range(divided.parts):
            pieces = read_partition(divided.ingest_id, execution, part, self.work)
            if pieces is None:
                error, cause = self.ledger.partition_failure(execution, part) or _told(failure)
                raise PartitionFailedError(part, divided.parts, quote_failure(error, cause))
            yield from pieces

    def _stored(self, plan: Plan) -> Iterator[Batch]:
        """Read an ingest's manifest back; one that is gone or damaged is made again of the object that it is of."""
        if self._digest(plan) != plan.manifest_sha256:
            if plan.source is None:
                raise ManifestDamagedError(str(plan.manifest))
            pieces = [ObjectRange.whole(0, plan.source, ReadOptions(Kind.JSONL, Compression.NONE))]
            if plan.parts:
                pieces = [
                    piece for part in partition_ranges(pieces, partition_bytes=self.partition_bytes) for piece in part
                ]
            batches = number_batches(self._cut(pieces, plan.ingest_id), of_one=True)
            with self._manifest(plan, plan.manifest.key, batches) as (again, manifest):
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


def _told(failure: Mapping[str, Any] | None) -> tuple[str, str]:
    if not failure:
        return "", "nothing was heard of it"
    return str(failure.get("Error", "")), str(failure.get("Cause", ""))


def _model(resume: Resume, pinned: Model, models: Models) -> Model:
    if resume.model is None:
        return pinned
    if resume.model == LIVE:
        return models.live()
    return Model(f"{pinned.function.rpartition(':')[0]}:{resume.model}", resume.model)


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

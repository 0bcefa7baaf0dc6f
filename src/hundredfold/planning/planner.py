"""The planner: pin an ingest's source and model, find its batches, and write the manifest."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import InvalidIngestError, ManifestDamagedError, PartitionFailedError, SourceChangedError
from hundredfold.failures import quote_failure
from hundredfold.ingest import (
    LIVE,
    Model,
    PartitionedPlan,
    Plan,
    Resume,
    check_ingest_id,
    claim_from_input,
    max_rejected_from_input,
    resume_from_input,
)
from hundredfold.keys import (
    card_key,
    earlier_card_key,
    manifest_key,
    model_card_key,
    partitions_key,
    resumed_manifest_key,
)
from hundredfold.layout import Layout
from hundredfold.planning.manifest import manifest_is_intact, read_manifest, write_manifest
from hundredfold.planning.partitions import (
    PARTITION_BYTES,
    PlannedPartition,
    partition_ranges,
    read_partition,
    read_partition_ranges,
    write_partition,
    write_partitions,
)
from hundredfold.planning.pinned_source import PinnedSource, pin_source
from hundredfold.planning.ranges import ObjectRange, RangeBatches, batch_ranges, number_batches
from hundredfold.planning.shadows import SHADOW, Shadow, shadow_from_input
from hundredfold.ports import Ledger, Models, Sources, Tables, Upload, WorkObjects
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.read_options import PLAIN_JSON_LINES
from hundredfold.sources.spec import SourceSpec, TableSpec, spec_from_input

NOT_WRITTEN_BACK = (
    "predictions are written back onto items only in the layout item, and this stack stores them packed; "
    "deploy it with PredictionsLayout=item, or leave write_back out"
)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans ingests, and what is missing of them.

    One call plans a source of up to `partition_bytes`. For a larger source, `plan` and `resume` only define partitions.
    Then `plan_partition` plans each partition, and `join_partitions` joins them into one plan.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    group_batches : the most batches of a group
    partition_bytes : the most bytes of a source that one call plans
    layout : how new ingests store their predictions
    max_rejected_percent : the share of its records that an ingest may reject, if its start does not say it
    """

    sources: Sources
    tables: Tables
    work: WorkObjects
    models: Models
    ledger: Ledger
    batch_records: int
    batch_bytes: int
    group_batches: int
    partition_bytes: int = PARTITION_BYTES
    layout: Layout = Layout.ITEM
    max_rejected_percent: float = 100.0

    def plan(self, ingest_id: str, execution_input: object, started_at: str) -> Plan | PartitionedPlan:
        """Pin an ingest's source and model, find its batches, and write the manifest.

        A second call for the same execution changes nothing. Memory does not grow with a source that is read in place.

        Returns
        -------
        plan : a `PartitionedPlan` if the source is too large for one call

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        IngestExistsError
            If another execution has used this id before.
        IngestClaimedError
            If another start has claimed this id.
        """
        check_ingest_id(ingest_id)
        claim = claim_from_input(execution_input)
        spec = spec_from_input(execution_input)
        shadow = shadow_from_input(execution_input)
        spec = _spec_for(spec, shadow)
        earlier = self.ledger.planned_before(ingest_id, started_at)  # by a call whose answer was lost
        model = earlier.model if earlier else self._first_model(shadow)
        limit = self._max_rejected(execution_input)
        source = self._pin(ingest_id, spec)
        _check_same_object(earlier, source)
        # Check before anything is written. If the id is taken, its staged objects and partitions must stay as they are.
        self.ledger.check(ingest_id, started_at, claim)
        if source.partitions:
            return self._partition(ingest_id, source, model, execution=ingest_id, limit=limit)
        draft, batches = self._draft(ingest_id, source, model, limit)
        # The ledger checks again: another execution may have taken the id meanwhile, and its manifest must stay.
        chosen = _chosen(batches, execution_input)
        return self._store(draft, chosen, lambda plan: self.ledger.begin(plan, started_at, claim))

    def resume(
        self, resume: Resume, execution_input: object, execution: str, started_at: str
    ) -> Plan | PartitionedPlan:
        """Plan what is missing of an ingest: the batches that are not done in the ledger.

        The source stays the pinned one. The model stays too, unless the request names another and a batch is left to
        do. A second call for the same execution changes nothing. Only the numbers of batches that are done are held in
        memory.

        Parameters
        ----------
        execution_input : its `source` counts only if the ingest was never planned. Its limit of rejected records, if
            it has one, takes the place of the ingest's own.
        execution : the name of the execution that resumes the ingest

        Returns
        -------
        plan : of this execution; its manifest has only what is missing. The ledger keeps the plan of the whole ingest.

        Raises
        ------
        InvalidIngestError
            Also if the ingest is completed and has no batch to do, or if there is no such version of the model.
        SourceMissingError, SourceChangedError, ManifestDamagedError
        IngestExistsError
            If a later execution has taken the ingest over.
        """
        planned = self.ledger.plan(resume.ingest_id)
        if planned is None:
            return self._resume_unplanned(resume, execution_input, execution, started_at)
        done, reoffered = self._done(resume)
        limit = max_rejected_from_input(execution_input)
        whole = planned if limit is None else replace(planned, max_rejected_percent=limit)
        if len(done) < planned.batches:
            earlier = self.ledger.planned_before(resume.ingest_id, started_at)  # by a call whose answer was lost
            model = earlier.model if earlier else self._model(resume, pinned=planned.model)
            whole = replace(whole, model=model)
        elif self.ledger.is_completed(resume.ingest_id) and not resume.force:
            raise InvalidIngestError(f"ingest {resume.ingest_id} is completed, and no batch of it is left to do")
        if whole.model != planned.model:
            self._keep_earlier_card(planned, whole.model)
        if planned.pinned and self.sources.pin(planned.pinned.location) != replace(planned.pinned, staged_from=""):
            raise SourceChangedError(str(planned.pinned))  # once, instead of for every batch

        def take_over(remaining: Plan) -> None:
            # From here on, the earlier execution cannot end the ingest, even if it still runs.
            self.ledger.resume(whole, started_at, execution, remaining.batches)
            for batch, records in sorted(reoffered.items()):
                self.ledger.reopen(resume.ingest_id, batch, records)

        return self._store(self._resumed(whole, execution), self._missing(whole, done), take_over)

    def plan_partition(self, ingest_id: str, execution: str, partition: int) -> PlannedPartition:
        """Find the batches of one partition. A second call changes nothing.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        """
        ranges = read_partition_ranges(ingest_id, execution, partition, self.work)
        return write_partition(self._batched(ranges, ingest_id), ingest_id, execution, partition, self.work)

    def join_partitions(
        self,
        partitioned: PartitionedPlan,
        failure: Mapping[str, Any] | None,
        execution_input: object,
        execution: str,
        started_at: str,
    ) -> Plan:
        """Join the partitions of an ingest into one manifest. The plan is as `plan` or `resume` would have made it.

        Parameters
        ----------
        partitioned : what `plan` or `resume` returned
        failure : the error and cause that ended the planning of the partitions, or None

        Raises
        ------
        PartitionFailedError
            If a partition was not planned.
        IngestExistsError, IngestClaimedError
            As for `plan` and `resume`.
        """
        ranges = self._planned_ranges(partitioned, failure, execution)
        batches = number_batches(ranges, one_object=partitioned.pinned is not None)
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
            skipped_objects=partitioned.skipped_objects,
            layout=partitioned.layout,
            max_rejected_percent=partitioned.max_rejected_percent,
        )
        chosen = _chosen(batches, execution_input)
        if resume_from_input(execution_input):
            return self._store_resumed(draft, chosen, execution, started_at)
        claim = claim_from_input(execution_input)
        return self._store(draft, chosen, lambda plan: self.ledger.begin(plan, started_at, claim))

    def _resume_unplanned(
        self, resume: Resume, execution_input: object, execution: str, started_at: str
    ) -> Plan | PartitionedPlan:
        """Plan an ingest whose earlier executions ended before it was planned. A shadow stays one."""
        shadow = shadow_from_input(execution_input)
        if SHADOW in resume.ingest_id and shadow is None:
            raise InvalidIngestError(
                f"{resume.ingest_id} is a shadow that was never planned: the execution's input must have its `shadow`, "
                f"as hundredfold resume {resume.ingest_id} sends it"
            )
        if shadow and resume.model is None:
            model = self.models.version(shadow.version)
        else:
            model = self._model(resume, pinned=None)
        limit = self._max_rejected(execution_input)
        source = self._pin(resume.ingest_id, _spec_for(spec_from_input(execution_input), shadow))
        if source.partitions:
            return self._partition(resume.ingest_id, source, model, execution, limit)
        draft, batches = self._draft(resume.ingest_id, source, model, limit)
        return self._store_resumed(draft, _chosen(batches, execution_input), execution, started_at)

    def _done(self, resume: Resume) -> tuple[set[int], dict[int, int]]:
        """Return the batches that stay as they are, and the records of each that is offered again though it is done."""
        done, reoffered = set[int](), dict[int, int]()
        for entry in self.ledger.entries(resume.ingest_id):
            if isinstance(entry, BatchOutcome):
                if resume.rejected and entry.rejected:
                    reoffered[entry.batch] = entry.records
                else:
                    done.add(entry.batch)
        return done, reoffered

    def _first_model(self, shadow: Shadow | None) -> Model:
        return self.models.version(shadow.version) if shadow else self.models.live()

    def _model(self, resume: Resume, pinned: Model | None) -> Model:
        if resume.model is None and pinned:
            self.models.version(pinned.version)  # its version may be gone
            return pinned
        if resume.model in {None, LIVE}:
            return self.models.live()
        return self.models.version(str(resume.model))

    def _max_rejected(self, execution_input: object) -> float:
        """Return the limit of rejected records: that of the start, or else the stack's. A shadow has none."""
        if shadow_from_input(execution_input):
            return 100.0
        limit = max_rejected_from_input(execution_input)
        return self.max_rejected_percent if limit is None else limit

    def _pin(self, ingest_id: str, spec: SourceSpec) -> PinnedSource:
        if self.layout is Layout.PACKED and isinstance(spec, TableSpec) and spec.write_back:
            raise InvalidIngestError(NOT_WRITTEN_BACK)
        return pin_source(
            spec,
            ingest_id,
            self.sources,
            self.tables,
            self.work,
            max_records=self.batch_records,
            max_bytes=self.batch_bytes,
            partition_bytes=self.partition_bytes,
        )

    def _partition(
        self, ingest_id: str, source: PinnedSource, model: Model, execution: str, limit: float
    ) -> PartitionedPlan:
        """Write the partitions of a source, which the state machine maps over."""
        write_partitions(source.partitions, ingest_id, execution, self.work)
        return PartitionedPlan(
            ingest_id=ingest_id,
            spec=source.spec,
            pinned=source.pinned,
            source_bytes=source.source_bytes,
            model=model,
            partitions=len(source.partitions),
            partition_list=self._location(partitions_key(ingest_id, execution)),
            skipped_objects=source.skipped_objects,
            layout=self.layout,
            max_rejected_percent=limit,
        )

    def _draft(self, ingest_id: str, source: PinnedSource, model: Model, limit: float) -> tuple[Plan, Iterator[Batch]]:
        """Return the plan of a source that one call plans, without its counts, and the batches."""
        staged = source.staged()
        draft = Plan(
            ingest_id=ingest_id,
            spec=staged.spec,
            pinned=staged.pinned,
            source_bytes=staged.source_bytes,
            manifest=self._location(manifest_key(ingest_id)),
            batches=0,
            records=0,
            model=model,
            skipped_objects=staged.skipped_objects,
            layout=self.layout,
            max_rejected_percent=limit,
        )
        return draft, number_batches(staged.ranges, one_object=staged.pinned is not None)

    def _store(self, draft: Plan, batches: Iterable[Batch], enter: Callable[[Plan], None]) -> Plan:
        """Write a manifest, enter its plan into the ledger, and only then make the manifest visible."""
        with self._write_manifest(draft, batches) as (plan, upload):
            enter(plan)
            upload.finish()
        self._keep_card(plan)
        return plan

    def _store_resumed(self, draft: Plan, batches: Iterable[Batch], execution: str, started_at: str) -> Plan:
        """Store the plan of an ingest that is planned only by its resume. Return the plan of that execution."""
        whole = self._store(draft, batches, lambda plan: self.ledger.resume(plan, started_at, execution, plan.batches))
        # The earlier execution may have begun some batches. So all of them are offered again.
        missing = self._missing(whole, done=set())
        with self._write_manifest(self._resumed(whole, execution), missing) as (remaining, upload):
            upload.finish()
        return remaining

    def _write_manifest(self, draft: Plan, batches: Iterable[Batch]) -> AbstractContextManager[tuple[Plan, Upload]]:
        return write_manifest(draft, batches, self.work, group_batches=self.group_batches)

    def _resumed(self, whole: Plan, execution: str) -> Plan:
        """Return the draft of what is missing of an ingest. It has a manifest of its own."""
        return replace(whole, manifest=self._location(resumed_manifest_key(whole.ingest_id, execution)))

    def _missing(self, whole: Plan, done: set[int]) -> Iterator[Batch]:
        """Yield the batches of an ingest that are not done, marked as offered again."""
        return (replace(batch, again=True) for batch in self._all_batches(whole) if batch.batch not in done)

    def _all_batches(self, plan: Plan) -> Iterator[Batch]:
        """Read an ingest's manifest. If it is lost or damaged, make it again from the pinned object."""
        if not manifest_is_intact(plan, self.work):
            self._restore_manifest(plan)
        yield from read_manifest(plan, self.work)

    def _restore_manifest(self, plan: Plan) -> None:
        """Write an ingest's manifest again, if its one object and the same limits give the same batches."""
        if plan.pinned is None:
            raise ManifestDamagedError(str(plan.manifest))
        ranges = [ObjectRange.whole(0, plan.pinned, PLAIN_JSON_LINES)]
        if plan.partitions:
            partitions = partition_ranges(ranges, partition_bytes=self.partition_bytes)
            ranges = [object_range for partition in partitions for object_range in partition]
        batches = number_batches(self._batched(ranges, plan.ingest_id), one_object=True)
        with self._write_manifest(plan, batches) as (restored, upload):
            if restored.manifest_sha256 != plan.manifest_sha256:
                raise ManifestDamagedError(str(plan.manifest))
            upload.finish()

    def _planned_ranges(
        self, partitioned: PartitionedPlan, failure: Mapping[str, Any] | None, execution: str
    ) -> Iterator[RangeBatches]:
        """Read what was planned of each partition, in order."""
        for partition in range(partitioned.partitions):
            ranges = read_partition(partitioned.ingest_id, execution, partition, self.work)
            if ranges is None:
                error, cause = self.ledger.partition_failure(execution, partition) or _error_and_cause(failure)
                raise PartitionFailedError(partition, partitioned.partitions, quote_failure(error, cause))
            yield from ranges

    def _batched(self, ranges: Iterable[ObjectRange], ingest_id: str) -> Iterator[RangeBatches]:
        limits = {"max_records": self.batch_records, "max_bytes": self.batch_bytes}
        return batch_ranges(ranges, ingest_id, self.sources, self.work, **limits)

    def _keep_card(self, plan: Plan) -> None:
        """Copy the model's card beside the ingest, for the summary and the report. Not every release has a card."""
        card = self.work.read(model_card_key(plan.model.card)) if plan.model.card else None
        if card is not None:
            self.work.write(card_key(plan.ingest_id), card)

    def _keep_earlier_card(self, planned: Plan, model: Model) -> None:
        """Keep the card of the model that `model` replaces. The summary compares its batches with its own baseline."""
        card = self.work.read(model_card_key(planned.model.card)) if planned.model.card else None
        if card is not None:
            self.work.write(earlier_card_key(planned.ingest_id, planned.model.version), card)
        if not model.card:
            self.work.write(card_key(planned.ingest_id), b"")  # the card there is of another model

    def _location(self, key: str) -> ObjectLocation:
        return ObjectLocation(self.work.bucket, key)


def _check_same_object(earlier: Plan | None, source: PinnedSource) -> None:
    """Refuse an object that was replaced after an earlier call of the same execution had planned from it."""
    if earlier and earlier.pinned and not earlier.pinned.staged_from and source.pinned != earlier.pinned:
        raise SourceChangedError(str(earlier.pinned))


def _chosen(batches: Iterable[Batch], execution_input: object) -> Iterable[Batch]:
    """Return all batches or, for a shadow, its share of them."""
    shadow = shadow_from_input(execution_input)
    return shadow.choose(batches) if shadow else batches


def _spec_for(spec: SourceSpec, shadow: Shadow | None) -> SourceSpec:
    """Return the source of an ingest or of a shadow, whose predictions are only compared and never written back."""
    return replace(spec, write_back="") if shadow and isinstance(spec, TableSpec) else spec


def _error_and_cause(failure: Mapping[str, Any] | None) -> tuple[str, str]:
    if not failure:
        return "", "it did not report back"
    return str(failure.get("Error", "")), str(failure.get("Cause", ""))

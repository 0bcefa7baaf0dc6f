"""Planning an ingest: pin its source and its model, cut it into batches, write the manifest."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hundredfold.cutting import Batch, cut, decode_manifest, encode_manifest
from hundredfold.errors import ManifestDamagedError, SourceChangedError
from hundredfold.ingest import (
    LIVE,
    Model,
    ObjectLocation,
    Plan,
    Resume,
    Source,
    check_ingest_id,
    manifest_key,
    resumed_manifest_key,
    source_from_input,
)
from hundredfold.outcomes import BatchOutcome
from hundredfold.ports import Ledger, Models, Sources, WorkObjects
from hundredfold.shadow import shadow_from_input


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans ingests, and what is missing of them.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    """

    sources: Sources
    work: WorkObjects
    models: Models
    ledger: Ledger
    batch_records: int
    batch_bytes: int

    def plan(self, ingest_id: str, execution_input: object, started_at: str) -> Plan:
        """Pin an ingest's source and model, cut it into batches, and write the manifest.

        Doing it twice for the same execution is doing it once. The memory that it needs does not grow with the source,
        but for the manifest: about 95 bytes a batch.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        IngestExistsError
            If another execution has used this id before.
        """
        check_ingest_id(ingest_id)
        source = self.sources.pin(source_from_input(execution_input))
        model = self.models.live()
        batches = self._cut(source)
        if shadow := shadow_from_input(execution_input):
            model, batches = shadow.model(model), shadow.choose(batches)
        plan, manifest = self._whole(ingest_id, source, model, batches)
        # First into the ledger: an id that is taken already must not have its manifest replaced.
        self.ledger.begin(plan, started_at)
        self.work.write(plan.manifest.key, manifest)
        return plan

    def resume(self, resume: Resume, execution_input: object, execution: str, started_at: str) -> Plan:
        """Plan what is missing of an ingest: the batches that the ledger does not have as done.

        The source stays the pinned one, and so does the model unless another is asked for. Doing it twice for the same
        execution is doing it once.

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
            source = self.sources.pin(source_from_input(execution_input))
            model = _model(resume, self.models.live(), self.models)
            whole, manifest = self._whole(resume.ingest_id, source, model, self._cut(source))
        else:
            if self.sources.pin(planned.source.location) != planned.source:
                raise SourceChangedError(str(planned.source.location))  # once, and not for every batch
            whole = replace(planned, model=_model(resume, planned.model, self.models))
            manifest = self._stored_manifest(whole)
        done = {
            entry.batch: entry for entry in self.ledger.entries(resume.ingest_id) if isinstance(entry, BatchOutcome)
        }
        reoffered = {batch for batch, entry in done.items() if resume.rejected and entry.rejected}
        missing = [
            replace(batch, again=True)
            for batch in decode_manifest(manifest)
            if batch.batch not in done or batch.batch in reoffered
        ]
        # First into the ledger: from here on the earlier execution, if it still runs, cannot end the ingest.
        self.ledger.resume(whole, started_at, execution, len(missing))
        for batch in missing:
            if batch.batch in reoffered:
                self.ledger.reopen(resume.ingest_id, batch.batch, batch.records)
        self.work.write(whole.manifest.key, manifest)
        key = resumed_manifest_key(resume.ingest_id, execution)
        remaining = b"".join(encode_manifest(missing))
        self.work.write(key, remaining)
        return replace(
            whole,
            manifest=ObjectLocation(self.work.bucket, key),
            batches=len(missing),
            records=sum(batch.records for batch in missing),
            manifest_sha256=_digest(remaining),
        )

    def _cut(self, source: Source) -> Iterator[Batch]:
        return cut(self.sources.stream(source), max_records=self.batch_records, max_bytes=self.batch_bytes)

    def _whole(self, ingest_id: str, source: Source, model: Model, batches: Iterable[Batch]) -> tuple[Plan, bytes]:
        """Return the plan of a whole ingest, and its manifest; the batches are counted as they pass."""
        counts = _Counts()
        manifest = b"".join(encode_manifest(counts.of(batches)))
        plan = Plan(
            ingest_id=ingest_id,
            source=source,
            manifest=ObjectLocation(self.work.bucket, manifest_key(ingest_id)),
            batches=counts.batches,
            records=counts.records,
            model=model,
            manifest_sha256=_digest(manifest),
        )
        return plan, manifest

    def _stored_manifest(self, plan: Plan) -> bytes:
        """Read an ingest's manifest back, or make it again if it is gone or damaged."""
        stored = self.work.read(plan.manifest.key)
        if stored is None or _digest(stored) != plan.manifest_sha256:
            stored = b"".join(encode_manifest(self._cut(plan.source)))
            if _digest(stored) != plan.manifest_sha256:
                raise ManifestDamagedError(str(plan.manifest))
        return stored


def _model(resume: Resume, pinned: Model, models: Models) -> Model:
    if resume.model is None:
        return pinned
    if resume.model == LIVE:
        return models.live()
    return Model(f"{pinned.function.rpartition(':')[0]}:{resume.model}", resume.model)


def _digest(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()


class _Counts:
    """Counts batches and records as they pass."""

    def __init__(self) -> None:
        self.batches = 0
        self.records = 0

    def of(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.batches += 1
            self.records += batch.records
            yield batch

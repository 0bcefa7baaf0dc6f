"""Planning an ingest: pin its origin and its model, cut it into batches, write the manifest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hundredfold.cutting import Batch, cut, decode_manifest, encode_manifest
from hundredfold.errors import ManifestDamagedError, SourceChangedError
from hundredfold.ingest import LIVE, Model, Plan, Resume, check_ingest_id, manifest_key, resumed_manifest_key
from hundredfold.origin import Origin, TableOrigin, origin_from_input
from hundredfold.outcomes import BatchOutcome
from hundredfold.pieces import CutPiece, Pieces, cut_pieces, find_pieces, numbered
from hundredfold.ports import Ledger, Models, Sources, Tables, Upload, WorkObjects
from hundredfold.shadow import shadow_from_input
from hundredfold.source import ObjectLocation, Source

type Choose = Callable[[Iterable[Batch]], Iterable[Batch]]
"""Which batches of all are in the manifest."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans ingests, and what is missing of them.

    Attributes
    ----------
    batch_records, batch_bytes : the most records and bytes of a batch
    """

    sources: Sources
    tables: Tables
    work: WorkObjects
    models: Models
    ledger: Ledger
    batch_records: int
    batch_bytes: int

    def plan(self, ingest_id: str, execution_input: object, started_at: str) -> Plan:
        """Pin an ingest's origin and model, cut it into batches, and write the manifest.

        Doing it twice for the same execution is doing it once. The memory that it needs does not grow with an origin
        that is read in place.

        Raises
        ------
        InvalidIngestError, SourceMissingError, SourceChangedError
        IngestExistsError
            If another execution has used this id before.
        """
        check_ingest_id(ingest_id)
        origin = origin_from_input(execution_input)
        model = self.models.live()
        choose: Choose = iter
        if shadow := shadow_from_input(execution_input):
            model, choose = shadow.model(model), shadow.choose
            if isinstance(origin, TableOrigin):
                origin = replace(origin, write_back="")  # what a shadow answers is compared, and nothing else
        with self._whole(ingest_id, origin, model, choose) as (plan, manifest):
            # First into the ledger: an id that is taken already must not have its manifest replaced.
            self.ledger.begin(plan, started_at)
            manifest.finish()
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
            model = _model(resume, self.models.live(), self.models)
            with self._whole(resume.ingest_id, origin_from_input(execution_input), model, iter) as (whole, manifest):
                self.ledger.resume(whole, started_at, execution, whole.batches)
                manifest.finish()
            return self._remaining(whole, [replace(batch, again=True) for batch in self._stored(whole)], execution)
        if planned.source and self.sources.pin(planned.source.location) != replace(planned.source, of=""):
            raise SourceChangedError(str(planned.source))  # once, and not for every batch
        whole = replace(planned, model=_model(resume, planned.model, self.models))
        batches = self._stored(whole)
        done = {
            entry.batch: entry for entry in self.ledger.entries(resume.ingest_id) if isinstance(entry, BatchOutcome)
        }
        reoffered = {batch for batch, entry in done.items() if resume.rejected and entry.rejected}
        missing = [
            replace(batch, again=True) for batch in batches if batch.batch not in done or batch.batch in reoffered
        ]
        # First into the ledger: from here on the earlier execution, if it still runs, cannot end the ingest.
        self.ledger.resume(whole, started_at, execution, len(missing))
        for batch in missing:
            if batch.batch in reoffered:
                self.ledger.reopen(resume.ingest_id, batch.batch, batch.records)
        return self._remaining(whole, missing, execution)

    def _remaining(self, whole: Plan, missing: list[Batch], execution: str) -> Plan:
        """Write the manifest of what is missing, and return its plan."""
        key = resumed_manifest_key(whole.ingest_id, execution)
        remaining = b"".join(encode_manifest(missing))
        self.work.write(key, remaining)
        return replace(
            whole,
            manifest=ObjectLocation(self.work.bucket, key),
            batches=len(missing),
            records=sum(batch.records for batch in missing),
            manifest_sha256=hashlib.sha256(remaining).hexdigest(),
        )

    @contextmanager
    def _whole(self, ingest_id: str, origin: Origin, model: Model, choose: Choose) -> Iterator[tuple[Plan, Upload]]:
        """Plan a whole ingest: its plan, and its manifest, which is written but not finished."""
        origin, pieces = find_pieces(origin, self.sources, self.tables)
        written = _Written()
        source, batches = self._cut(ingest_id, pieces, written)
        key = manifest_key(ingest_id)
        with self.work.begin(key) as manifest:
            for entry in encode_manifest(written.of(choose(batches))):
                written.digest.update(entry)
                manifest.write(entry)
            plan = Plan(
                ingest_id=ingest_id,
                origin=origin,
                source=source,
                source_bytes=written.read,
                manifest=ObjectLocation(self.work.bucket, key),
                batches=written.batches,
                records=written.records,
                model=model,
                manifest_sha256=written.digest.hexdigest(),
            )
            yield plan, manifest

    def _cut(self, ingest_id: str, pieces: Pieces, written: "_Written") -> tuple[Source | None, Iterable[Batch]]:
        """Cut all pieces; return the object that all batches are of, or None if each names its own."""
        cuts = written.counted(
            cut_pieces(
                *(pieces, ingest_id, self.sources, self.tables, self.work),
                max_records=self.batch_records,
                max_bytes=self.batch_bytes,
            )
        )
        if len(pieces) == 1:
            only = next(cuts)
            return only.source, only.batches
        return None, _joined(cuts)

    def _stored(self, plan: Plan) -> list[Batch]:
        """Read an ingest's manifest back; one that is gone or damaged is made again of the object that it is of."""
        stored = self.work.read(plan.manifest.key)
        if stored is None or hashlib.sha256(stored).hexdigest() != plan.manifest_sha256:
            if plan.source is None:
                raise ManifestDamagedError(str(plan.manifest))
            chunks = self.sources.stream(plan.source)
            stored = b"".join(encode_manifest(cut(chunks, max_records=self.batch_records, max_bytes=self.batch_bytes)))
            if hashlib.sha256(stored).hexdigest() != plan.manifest_sha256:
                raise ManifestDamagedError(str(plan.manifest))
            self.work.write(plan.manifest.key, stored)
        return decode_manifest(stored)


def _model(resume: Resume, pinned: Model, models: Models) -> Model:
    if resume.model is None:
        return pinned
    if resume.model == LIVE:
        return models.live()
    return Model(f"{pinned.function.rpartition(':')[0]}:{resume.model}", resume.model)


def _joined(cuts: Iterable[CutPiece]) -> Iterator[Batch]:
    first = 0
    for cut_one in cuts:
        for batch in numbered(cut_one.batches, first, cut_one.source):
            yield batch
            first = batch.batch + 1


@dataclass(slots=True)
class _Written:
    """What was written of a manifest so far, and read of the origin for it."""

    read: int = 0
    batches: int = 0
    records: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def counted(self, cuts: Iterable[CutPiece]) -> Iterator[CutPiece]:
        """Count what was read as pieces pass."""
        for cut_one in cuts:
            self.read += cut_one.read
            yield cut_one

    def of(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Count batches and records as they pass."""
        for batch in batches:
            self.batches += 1
            self.records += batch.records
            yield batch

"""Planning an ingest: pin its source and its model, cut it into batches, write the manifest."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hundredfold.cutting import Batch, cut, decode_manifest, encode_manifest
from hundredfold.errors import ManifestDamagedError, SourceChangedError
from hundredfold.ingest import (
    LIVE,
    Model,
    ObjectLocation,
    Plan,
    Resume,
    check_ingest_id,
    manifest_key,
    resumed_manifest_key,
    source_from_input,
)
from hundredfold.outcomes import BatchOutcome
from hundredfold.ports import Ledger, Models, Sources, WorkObjects
from hundredfold.shadow import shadow_from_input


def plan_ingest(
    ingest_id: str,
    execution_input: object,
    started_at: str,
    *,
    sources: Sources,
    work: WorkObjects,
    models: Models,
    ledger: Ledger,
    batch_records: int,
    batch_bytes: int,
) -> Plan:
    """Cut an ingest into batches of at most `batch_records` records and `batch_bytes` bytes.

    Doing it twice for the same execution is doing it once. The memory that it needs does not grow with the source,
    but for the manifest: about 95 bytes a batch.

    Raises
    ------
    InvalidIngestError, SourceMissingError, SourceChangedError
    IngestExistsError
        If another execution has used this id before.
    """
    check_ingest_id(ingest_id)
    source = sources.pin(source_from_input(execution_input))
    model = models.live()
    batches = cut(sources.stream(source), max_records=batch_records, max_bytes=batch_bytes)
    if shadow := shadow_from_input(execution_input):
        model, batches = shadow.model(model), shadow.choose(batches)
    counts = _Counts()
    manifest = b"".join(encode_manifest(counts.of(batches)))
    key = manifest_key(ingest_id)
    plan = Plan(
        ingest_id=ingest_id,
        source=source,
        manifest=ObjectLocation(work.bucket, key),
        batches=counts.batches,
        records=counts.records,
        model=model,
        manifest_sha256=_digest(manifest),
    )
    # First into the ledger: an id that is taken already must not have its manifest replaced.
    ledger.begin(plan, started_at)
    work.write(key, manifest)
    return plan


def resume_ingest(
    resume: Resume,
    execution_input: object,
    execution: str,
    started_at: str,
    *,
    sources: Sources,
    work: WorkObjects,
    models: Models,
    ledger: Ledger,
    batch_records: int,
    batch_bytes: int,
) -> Plan:
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
    whole = ledger.plan(resume.ingest_id)
    if whole is None:
        source = sources.pin(source_from_input(execution_input))
        manifest, batches = _cut(sources.stream(source), batch_records, batch_bytes)
        whole = Plan(
            ingest_id=resume.ingest_id,
            source=source,
            manifest=ObjectLocation(work.bucket, manifest_key(resume.ingest_id)),
            batches=len(batches),
            records=sum(batch.records for batch in batches),
            model=_model(resume, models.live(), models),
            manifest_sha256=_digest(manifest),
        )
    else:
        if sources.pin(whole.source.location) != whole.source:
            raise SourceChangedError(str(whole.source.location))  # once, and not for every batch
        whole = replace(whole, model=_model(resume, whole.model, models))
        stored = work.read(whole.manifest.key)
        if stored is None or _digest(stored) != whole.manifest_sha256:
            stored, _ = _cut(sources.stream(whole.source), batch_records, batch_bytes)
            if _digest(stored) != whole.manifest_sha256:
                raise ManifestDamagedError(str(whole.manifest))
        manifest, batches = stored, decode_manifest(stored)
    done = {entry.batch: entry for entry in ledger.entries(resume.ingest_id) if isinstance(entry, BatchOutcome)}
    reoffered = {batch for batch, entry in done.items() if resume.rejected and entry.rejected}
    missing = [replace(batch, again=True) for batch in batches if batch.batch not in done or batch.batch in reoffered]
    # First into the ledger: from here on the earlier execution, if it still runs, cannot end the ingest.
    ledger.resume(whole, started_at, execution, len(missing))
    for batch in missing:
        if batch.batch in reoffered:
            ledger.reopen(resume.ingest_id, batch.batch, batch.records)
    work.write(whole.manifest.key, manifest)
    key = resumed_manifest_key(resume.ingest_id, execution)
    remaining = b"".join(encode_manifest(missing))
    work.write(key, remaining)
    return replace(
        whole,
        manifest=ObjectLocation(work.bucket, key),
        batches=len(missing),
        records=sum(batch.records for batch in missing),
        manifest_sha256=_digest(remaining),
    )


def _model(resume: Resume, pinned: Model, models: Models) -> Model:
    if resume.model is None:
        return pinned
    if resume.model == LIVE:
        return models.live()
    return Model(f"{pinned.function.rpartition(':')[0]}:{resume.model}", resume.model)


def _cut(chunks: Iterable[bytes], batch_records: int, batch_bytes: int) -> tuple[bytes, list[Batch]]:
    batches = list(cut(chunks, max_records=batch_records, max_bytes=batch_bytes))
    return b"".join(encode_manifest(batches)), batches


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

"""Planning an ingest: pin its source and its model, cut it into batches, write the manifest."""

from collections.abc import Iterable, Iterator

from hundredfold.cutting import Batch, cut, encode_manifest
from hundredfold.ingest import ObjectLocation, Plan, check_ingest_id, manifest_key, source_from_input
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
    )
    # First into the ledger: an id that is taken already must not have its manifest replaced.
    ledger.begin(plan, started_at)
    work.write(key, manifest)
    return plan


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

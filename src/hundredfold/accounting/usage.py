"""What an ingest costs: what it used, times the prices of a dated list.

The same bill is made of what was used (`hundredfold cost`, the summary) and of what will be (`hundredfold estimate`),
so that the two can be held against each other line by line.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from hundredfold.batches import BatchFailure, BatchOutcome, Sketch
from hundredfold.ingest import Plan
from hundredfold.sources.spec import TableSpec

TRANSITIONS_OF_PARENT = 7
"""PlanIngest, NeedsPartitioning?, HasBatches?, InferBatches, SummarizeIngest, Completed?, and the end."""

TRANSITIONS_OF_PARTITIONING, TRANSITIONS_A_PARTITION = 2, 3
"""PlanPartitions and JoinPartitions, where an ingest is planned in parts; and of each its child's start, PlanPartition, its end."""

OTHER_MEMORY_MB = 512
"""Memory of the planner and of the summary, in the template."""

EXPRESS_STEP_SECONDS = 0.1
EXPRESS_CHUNK_GB = 64 / 1024
"""An Express execution is billed in steps of 100 ms and 64 MB; ours carry pointers, and stay within one chunk.
https://aws.amazon.com/step-functions/pricing/ (2026-11)"""

STREAM_PART_BYTES = 4 * 1024 * 1024
"""How much of a source the planner reads with one GET (`adapters.objects`)."""

GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A quantity that is paid for: `price` names the price, `what` says what it was used for."""

    price: str
    what: str
    quantity: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What an ingest took, measured or expected.

    Attributes
    ----------
    records, batches, source_bytes : of the ingest
    attempts : invocations of the inference function, retries included
    infer_seconds : billed duration of all attempts together, without the environments' start
    init_seconds : billed starts of environments together
    infer_memory_mb : memory of the inference function
    plan_seconds, summarize_seconds : billed duration of the two other functions, their start included
    other_memory_mb : memory of those two
    child_seconds : how long a child execution takes on average
    prediction_writes, ledger_writes, reads : DynamoDB units
    write_back_writes : the same, of writing predictions back onto items
    rejected_batches : batches that wrote an object of rejections
    card_writes : 1 if the model's card was kept with the ingest
    log_bytes : what the functions logged
    workers : environments of the inference function that had a part in it
    parts : that it was planned in by calls of their own; 0 if it was planned whole
    table_reads : DynamoDB units, of reading the items if they came from a table
    """

    records: int
    batches: int
    source_bytes: int
    attempts: int
    infer_seconds: float
    init_seconds: float
    infer_memory_mb: int
    plan_seconds: float
    summarize_seconds: float
    other_memory_mb: int
    child_seconds: float
    prediction_writes: float
    ledger_writes: float
    reads: float
    rejected_batches: int
    card_writes: int
    log_bytes: float
    workers: int = 0
    architecture: str = "x86_64"
    write_back_writes: float = 0.0
    parts: int = 0
    table_reads: float = 0.0


def usage_lines(work: Usage) -> list[UsageLine]:
    """Return everything of an ingest that is paid for by use."""
    compute = f"lambda_gb_seconds_{work.architecture}"
    infer_gb, other_gb = work.infer_memory_mb / 1024, work.other_memory_mb / 1024
    child = math.ceil(round(work.child_seconds / EXPRESS_STEP_SECONDS, 6)) * EXPRESS_STEP_SECONDS * EXPRESS_CHUNK_GB
    pieces = math.ceil(work.source_bytes / STREAM_PART_BYTES)
    in_parts = int(work.parts > 0)
    return [
        UsageLine("dynamodb_writes", "predictions", work.prediction_writes),
        UsageLine("dynamodb_writes", "predictions, back onto their items", work.write_back_writes),
        UsageLine("dynamodb_writes", "ledger", work.ledger_writes),
        UsageLine("dynamodb_reads", "ledger, by the summary", work.reads),
        UsageLine("dynamodb_reads", "items of the source", work.table_reads),
        UsageLine(
            *("standard_transitions", "states of the ingest's execution"),
            TRANSITIONS_OF_PARENT + in_parts * TRANSITIONS_OF_PARTITIONING,
        ),
        UsageLine("standard_transitions", "planning of parts", work.parts * TRANSITIONS_A_PARTITION),
        # Also for Express children: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
        UsageLine("standard_transitions", "starts of child executions", work.batches),
        UsageLine("express_requests", "child executions", work.batches),
        UsageLine("express_gb_seconds", "child executions", work.batches * child),
        UsageLine(compute, "inference", work.infer_seconds * infer_gb),
        UsageLine(compute, "starts of inference environments", work.init_seconds * infer_gb),
        UsageLine(compute, "planning and summing up", (work.plan_seconds + work.summarize_seconds) * other_gb),
        UsageLine("lambda_requests", "invocations", work.attempts + 2 + work.parts + in_parts),
        # A HEAD; the pieces of 4 MiB; the manifest for the Map; a range for each attempt; the card for the summary.
        UsageLine("s3_gets", "source, manifest and card", 1 + pieces + 1 + work.attempts + work.card_writes),
        # The manifest, the card, the Map's own result (its manifest and one file), rejections.
        UsageLine("s3_puts", "manifest, card, results, rejections", 1 + work.card_writes + 2 + work.rejected_batches),
        # The list of parts for their Map; of each what it consists of, and its batches.
        UsageLine("s3_gets", "partitions", in_parts + 2 * work.parts),
        UsageLine("s3_puts", "partitions", in_parts + 2 * work.parts),
        UsageLine("log_gb", "logs and metrics as logs", work.log_bytes / GB),
    ]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What cannot be known before a run, or not from the ledger alone; `docs/cost.md` says where each is from.

    Attributes
    ----------
    cpu_ms_a_batch, cpu_ms_a_record : processor time of the inference function at one virtual processor
    wait_ms_a_batch, wait_ms_a_call : waiting for S3 and the ledger; for one round of BatchWriteItem calls
    init_seconds : start of an environment, at one virtual processor
    plan_seconds, summarize_seconds : at 512 MB, with their start; plan_seconds_a_gb reads and cuts one GB more
    child_overhead_seconds : a child execution beyond its function call
    start_seconds : from the start of an execution to its first child, beyond planning
    log_bytes_a_batch, log_bytes_an_ingest : as CloudWatch Logs counts them
    ledger_bytes_a_batch, prediction_bytes : size of an item
    """

    cpu_ms_a_batch: float = 6.0
    cpu_ms_a_record: float = 0.12
    wait_ms_a_batch: float = 25.0
    wait_ms_a_call: float = 10.0
    init_seconds: float = 2.8
    plan_seconds: float = 1.5
    plan_seconds_a_gb: float = 20.0
    summarize_seconds: float = 1.5
    child_overhead_seconds: float = 0.05
    start_seconds: float = 1.0
    log_bytes_a_batch: float = 1_850.0
    log_bytes_an_ingest: float = 6_000.0
    ledger_bytes_a_batch: float = 500.0
    prediction_bytes: float = 200.0


ASSUMED = Assumptions()

_QUERIES = 8
_READ_BYTES = 4096


@dataclass(slots=True)
class UsageTotals:
    """What an ingest took and held, added up entry by entry: a ledger of any length passes by, and is not kept."""

    batches: int = 0
    done: int = 0
    records: int = 0
    milliseconds: int = 0
    init_milliseconds: int = 0
    memory_mb: int = 0
    write_units: float = 0.0
    write_back_units: float = 0.0
    rejected_batches: int = 0
    sketch: Sketch | None = None
    workers: set[str] = field(default_factory=set)

    def add(self, entry: BatchOutcome | BatchFailure) -> None:
        """Add an entry. A batch that was given up has left no figures: it counts as one call that took no time."""
        self.batches += 1
        if isinstance(entry, BatchFailure):
            return
        self.done += 1
        self.records += entry.records
        self.milliseconds += sum(entry.milliseconds.values())
        self.rejected_batches += entry.rejected > 0
        if entry.sketch:
            self.sketch = self.sketch + entry.sketch if self.sketch else entry.sketch
        if entry.stats:
            self.init_milliseconds += entry.stats.init_milliseconds
            self.memory_mb = max(self.memory_mb, entry.stats.memory_mb)
            self.write_units += entry.stats.write_units
            self.write_back_units += entry.stats.write_back_units
            self.workers.add(entry.stats.worker)

    def work(self, plan: Plan, *, other_memory_mb: int, assumed: Assumptions = ASSUMED) -> Usage:
        """Return it as work; what is not in the ledger (logs, the other functions, reads of a table) is assumed."""
        seconds = self.milliseconds / 1000
        of_table = isinstance(plan.spec, TableSpec)
        return Usage(
            records=self.records,
            batches=self.batches,
            source_bytes=plan.source_bytes,
            attempts=self.batches,
            infer_seconds=seconds,
            init_seconds=self.init_milliseconds / 1000,
            infer_memory_mb=self.memory_mb,
            plan_seconds=assumed.plan_seconds + assumed.plan_seconds_a_gb * plan.source_bytes / GB,
            summarize_seconds=assumed.summarize_seconds,
            other_memory_mb=other_memory_mb,
            child_seconds=seconds / self.done + assumed.child_overhead_seconds if self.done else 0.0,
            prediction_writes=self.write_units,
            ledger_writes=self.batches + 2,
            reads=ledger_reads(self.batches, assumed),
            rejected_batches=self.rejected_batches,
            card_writes=int(self.sketch is not None),
            log_bytes=self.batches * assumed.log_bytes_a_batch + assumed.log_bytes_an_ingest,
            workers=len(self.workers),
            write_back_writes=self.write_back_units,
            parts=plan.partitions,
            # As much as was staged, and no unit less for reads of a global index, which are not consistent.
            table_reads=math.ceil(plan.source_bytes / _READ_BYTES) if of_table else 0,
        )


def usage_of_ledger(entries: Iterable[BatchOutcome | BatchFailure], plan: Plan, *, other_memory_mb: int) -> Usage:
    """Add up what an ingest took from its ledger. What Lambda itself reported is better: the command reads that."""
    taken = UsageTotals()
    for entry in entries:
        taken.add(entry)
    return taken.work(plan, other_memory_mb=other_memory_mb)


def ledger_reads(batches: int, assumed: Assumptions = ASSUMED) -> float:
    """Read units of summing up: 8 strongly consistent queries, a unit for each 4 KB begun, and one GetItem."""
    pages = math.ceil(batches / _QUERIES * assumed.ledger_bytes_a_batch / _READ_BYTES) if batches else 0
    return _QUERIES * max(pages, 1) + 1

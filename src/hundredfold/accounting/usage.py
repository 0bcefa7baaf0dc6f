"""Usage of an ingest: every quantity of it that is paid for. `accounting.bill` multiplies it by prices.

One `Usage` comes from the ledger, for the summary and `hundredfold cost`. Another comes from a scenario, for
`hundredfold estimate`. Both make the same usage lines, so that their bills can be compared line by line.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from hundredfold.batches import LEDGER_SHARDS, BatchFailure, BatchOutcome
from hundredfold.ingest import Plan
from hundredfold.layout import Layout
from hundredfold.record_index import ENTRY_BYTES
from hundredfold.sources.objects import STREAM_PART_BYTES
from hundredfold.sources.spec import TableSpec

TRANSITIONS_OF_PARENT = 7
"""PlanIngest, NeedsPartitioning?, HasBatches?, InferBatches, SummarizeIngest, Completed?, and the end."""

TRANSITIONS_OF_PARTITIONING, TRANSITIONS_A_PARTITION = 2, 3
"""Once a partitioned ingest: PlanPartitions, JoinPartitions. Each partition: its child's start, PlanPartition, end."""

OTHER_MEMORY_MB = 512
"""Memory of the planner and of the summary. The template says the same, and a test compares them."""

EXPRESS_STEP_SECONDS = 0.1
EXPRESS_CHUNK_GB = 64 / 1024
"""An Express execution is billed in steps of 100 ms and 64 MB. Ours carry only pointers and stay within one chunk.
https://aws.amazon.com/step-functions/pricing/ (2026-11)"""

WRITES_OF_AN_EXECUTION = 2
"""The ingest's own item is written when it begins, and when it ends."""

LIST_WRITES_OF_AN_EXECUTION = 3
"""The list is an index of the ledger by status: one write at the beginning, and two when the end changes the status.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes (2026-11)
"""

INDEX_PART_BYTES = 8 * 1024 * 1024
"""How much of an index of records is sent at once: a part of an upload by `hundredfold.aws.objects`."""

GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One quantity that is paid for.

    Attributes
    ----------
    price : name of the price in the price list
    what : what the quantity was used for
    quantity : in the unit of the price
    """

    price: str
    what: str
    quantity: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What an ingest used, measured or expected.

    Attributes
    ----------
    records, batches, groups, source_bytes : of the ingest. A group is one child execution.
    attempts : invocations of the inference function, retries included
    infer_seconds : billed duration of all attempts together, without the environments' start
    init_seconds : billed starts of environments together
    infer_memory_mb : memory of the inference function
    plan_seconds, summarize_seconds : billed duration of the planner and of the summary, their start included
    other_memory_mb : memory of those two functions
    child_seconds : average duration of a child execution
    prediction_writes, ledger_writes : DynamoDB write units. Packed predictions are stored with the ledger's entry of
        their batch: both are in `prediction_writes`.
    write_back_writes : DynamoDB write units for predictions that are written back onto their items
    reads : DynamoDB read units of the summary
    index_puts : requests that wrote the index of packed predictions
    table_reads : DynamoDB read units for the items of a table, if the source is one
    rejected_batches : batches that wrote an object of rejections
    card_writes : 1 if the model's card was kept with the ingest
    log_bytes : what the functions logged
    environments : how many environments of the inference function took part
    partitions : how many planner calls cut the source; 0 if one call planned all of it
    executions : of the state machine: one, and one more for each resume
    """

    records: int
    batches: int
    groups: int
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
    environments: int = 0
    architecture: str = "x86_64"
    write_back_writes: float = 0.0
    partitions: int = 0
    table_reads: float = 0.0
    layout: Layout = Layout.ITEM
    index_puts: int = 0
    executions: int = 1

    def with_executions(self, executions: int, assumed: "Assumptions | None" = None) -> Self:
        """Return the usage of an ingest that took several executions. Each has a planner, a summary, and its states."""
        further = executions - 1
        return replace(
            self,
            executions=executions,
            plan_seconds=self.plan_seconds + further * (assumed or ASSUMED).plan_seconds,
            summarize_seconds=self.summarize_seconds * executions,
            ledger_writes=self.ledger_writes + further * WRITES_OF_AN_EXECUTION,
            reads=self.reads * executions,
        )


def usage_lines(usage: Usage) -> list[UsageLine]:
    """Return every quantity of an ingest that is paid for by use."""
    compute = f"lambda_gb_seconds_{usage.architecture}"
    infer_gb, other_gb = usage.infer_memory_mb / 1024, usage.other_memory_mb / 1024
    child = math.ceil(round(usage.child_seconds / EXPRESS_STEP_SECONDS, 6)) * EXPRESS_STEP_SECONDS * EXPRESS_CHUNK_GB
    stream_reads = math.ceil(usage.source_bytes / STREAM_PART_BYTES)
    partitioned = int(usage.partitions > 0)
    return [
        UsageLine("dynamodb_writes", "predictions", usage.prediction_writes),
        UsageLine("dynamodb_writes", "predictions, back onto their items", usage.write_back_writes),
        UsageLine("dynamodb_writes", "ledger", usage.ledger_writes),
        UsageLine("dynamodb_writes", "list of ingests", usage.executions * LIST_WRITES_OF_AN_EXECUTION),
        UsageLine("dynamodb_reads", "ledger, by the summary", usage.reads),
        UsageLine("dynamodb_reads", "items of the source", usage.table_reads),
        UsageLine(
            *("standard_transitions", "states of the ingest's execution"),
            usage.executions * TRANSITIONS_OF_PARENT + partitioned * TRANSITIONS_OF_PARTITIONING,
        ),
        UsageLine("standard_transitions", "planning of partitions", usage.partitions * TRANSITIONS_A_PARTITION),
        # Also for Express children: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
        UsageLine("standard_transitions", "starts of child executions", usage.groups),
        UsageLine("express_requests", "child executions", usage.groups),
        UsageLine("express_gb_seconds", "child executions", usage.groups * child),
        UsageLine(compute, "inference", usage.infer_seconds * infer_gb),
        UsageLine(compute, "starts of inference environments", usage.init_seconds * infer_gb),
        UsageLine(compute, "planning and summing up", (usage.plan_seconds + usage.summarize_seconds) * other_gb),
        UsageLine(
            "lambda_requests", "invocations", usage.attempts + 2 * usage.executions + usage.partitions + partitioned
        ),
        # A HEAD; reads of 4 MiB; the manifest for the Map; a range for each attempt; the card for the summary.
        UsageLine(
            *("s3_gets", "source, manifest and card"),
            2 * usage.executions + stream_reads + usage.attempts + usage.card_writes,
        ),
        # The manifest, the card, the Map's own result (its manifest and one file), rejections.
        UsageLine(
            *("s3_puts", "manifest, card, results, rejections"),
            3 * usage.executions + usage.card_writes + usage.rejected_batches,
        ),
        # The list of partitions for their Map; of each partition its ranges and its batches.
        UsageLine("s3_gets", "partitions", partitioned + 2 * usage.partitions),
        UsageLine("s3_puts", "partitions", partitioned + 2 * usage.partitions),
        UsageLine("s3_puts", "index of packed predictions", usage.index_puts),
        UsageLine("log_gb", "logs and metrics as logs", usage.log_bytes / GB),
    ]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Figures that a run or its ledger does not tell; `docs/cost.md` gives the source of each.

    Attributes
    ----------
    cpu_ms_a_batch, cpu_ms_a_record : processor time of the inference function at one virtual processor
    put_cpu_ms_a_record : the part of `cpu_ms_a_record` that packed predictions save
    wait_ms_a_batch : waiting for S3 and the ledger
    wait_ms_a_call : waiting for one round of BatchWriteItem calls
    init_seconds : start of an environment, at one virtual processor
    plan_seconds, summarize_seconds : duration at 512 MB, start included
    plan_seconds_a_gb : more of the planner for each GB that it reads and cuts
    child_overhead_seconds : duration of a child execution beyond its function calls
    start_seconds : from the start of an execution to its first child, without planning
    log_bytes_a_batch, log_bytes_an_ingest : as CloudWatch Logs counts them
    summarize_seconds_a_million : more of the summary for each million records, if it makes an index of them
    ledger_bytes_a_batch, prediction_bytes : size of an item
    packed_bytes_a_batch, packed_bytes_a_record : what packed predictions add to the ledger's item
    """

    cpu_ms_a_batch: float = 5.0
    cpu_ms_a_record: float = 0.08
    put_cpu_ms_a_record: float = 0.06
    wait_ms_a_batch: float = 25.0
    wait_ms_a_call: float = 10.0
    init_seconds: float = 0.5
    plan_seconds: float = 1.5
    plan_seconds_a_gb: float = 20.0
    summarize_seconds: float = 1.5
    summarize_seconds_a_million: float = 7.0
    child_overhead_seconds: float = 0.05
    start_seconds: float = 1.0
    log_bytes_a_batch: float = 1_850.0
    log_bytes_an_ingest: float = 6_000.0
    ledger_bytes_a_batch: float = 500.0
    prediction_bytes: float = 200.0
    packed_bytes_a_batch: float = 150.0
    packed_bytes_a_record: float = 12.2


ASSUMED = Assumptions()

_READ_BYTES, _WRITE_BYTES = 4096, 1024


@dataclass(slots=True)
class UsageTotals:
    """Running totals of a ledger's entries. No entry is kept, so memory stays flat however long the ledger is."""

    batches: int = 0
    done: int = 0
    records: int = 0
    milliseconds: int = 0
    init_milliseconds: int = 0
    memory_mb: int = 0
    write_units: float = 0.0
    write_back_units: float = 0.0
    rejected_batches: int = 0
    has_sketch: bool = False
    environments: set[str] = field(default_factory=set)

    def add(self, entry: BatchOutcome | BatchFailure) -> None:
        """Add an entry. A failed batch has no figures: it counts as one call that took no time."""
        self.batches += 1
        if isinstance(entry, BatchFailure):
            return
        self.done += 1
        self.records += entry.records
        self.milliseconds += sum(entry.milliseconds.values())
        self.rejected_batches += entry.rejected > 0
        self.has_sketch = self.has_sketch or entry.sketch is not None
        if entry.stats:
            self.init_milliseconds += entry.stats.init_milliseconds
            self.memory_mb = max(self.memory_mb, entry.stats.memory_mb)
            self.write_units += entry.stats.write_units
            self.write_back_units += entry.stats.write_back_units
            self.environments.add(entry.stats.environment)

    def usage(self, plan: Plan, *, other_memory_mb: int, assumed: Assumptions = ASSUMED) -> Usage:
        """Return the totals as usage. The ledger lacks logs, the other functions and table reads: those are assumed.

        Parameters
        ----------
        plan : of the same ingest
        other_memory_mb : memory of the planner and of the summary
        assumed : what the ledger lacks
        """
        seconds = self.milliseconds / 1000
        packed = plan.layout is Layout.PACKED
        from_table = isinstance(plan.spec, TableSpec)
        groups = self._groups(plan)
        return Usage(
            records=self.records,
            batches=self.batches,
            groups=groups,
            source_bytes=plan.source_bytes,
            attempts=self.batches,
            infer_seconds=seconds,
            init_seconds=self.init_milliseconds / 1000,
            infer_memory_mb=self.memory_mb,
            plan_seconds=assumed.plan_seconds + assumed.plan_seconds_a_gb * plan.source_bytes / GB,
            summarize_seconds=assumed.summarize_seconds
            + packed * assumed.summarize_seconds_a_million * self.records / 1_000_000,
            other_memory_mb=other_memory_mb,
            child_seconds=self._child_seconds(groups, assumed) if self.done else 0.0,
            prediction_writes=self.write_units,
            ledger_writes=(self.batches - self.done if packed else self.batches) + WRITES_OF_AN_EXECUTION,
            reads=ledger_reads(
                self.batches,
                # A write unit is a KB begun, so half of the last one of each item is assumed to be full.
                self.write_units / self.done * _WRITE_BYTES - _WRITE_BYTES / 2
                if packed and self.done
                else assumed.ledger_bytes_a_batch,
            ),
            rejected_batches=self.rejected_batches,
            card_writes=int(self.has_sketch),
            log_bytes=self.batches * assumed.log_bytes_a_batch + assumed.log_bytes_an_ingest,
            environments=len(self.environments),
            write_back_writes=self.write_back_units,
            partitions=plan.partitions,
            layout=plan.layout,
            index_puts=index_puts(self.records) if packed else 0,
            # As many bytes as were staged. Reads of a global index are billed at half, but counted whole here.
            table_reads=math.ceil(plan.source_bytes / _READ_BYTES) if from_table else 0,
        )

    def _groups(self, plan: Plan) -> int:
        """Return how many groups were begun. Of an ingest that was stopped, that is fewer than were planned."""
        return math.ceil(plan.groups * min(1, self.batches / plan.batches)) if plan.batches else 0

    def _child_seconds(self, groups: int, assumed: Assumptions) -> float:
        """Return how long a child takes on average: its batches run at once, as far as there are environments."""
        batches = self.batches / max(groups, 1)
        at_once = max(1.0, min(batches, len(self.environments)))
        return self.milliseconds / 1000 / self.done * batches / at_once + assumed.child_overhead_seconds


def usage_of_ledger(entries: Iterable[BatchOutcome | BatchFailure], plan: Plan, *, other_memory_mb: int) -> Usage:
    """Add up an ingest's ledger. Lambda's own reports are more exact: `hundredfold cost` puts them in place of it."""
    totals = UsageTotals()
    for entry in entries:
        totals.add(entry)
    return totals.usage(plan, other_memory_mb=other_memory_mb)


def index_puts(records: int) -> int:
    """Return the requests that write the index of so many packed predictions: one, or those of its parts and two."""
    parts = math.ceil(records * ENTRY_BYTES / INDEX_PART_BYTES)
    return parts + 2 if parts > 1 else 1


def ledger_reads(batches: int, bytes_a_batch: float = ASSUMED.ledger_bytes_a_batch) -> float:
    """Return the read units of a summary: 8 strongly consistent queries, one unit for each 4 KB begun, one GetItem."""
    pages = math.ceil(batches / LEDGER_SHARDS * bytes_a_batch / _READ_BYTES) if batches else 0
    return LEDGER_SHARDS * max(pages, 1) + 1

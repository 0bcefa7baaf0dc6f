"""A scenario: an ingest that has not run yet, for the estimate of its cost and time."""

import math
from dataclasses import dataclass, field
from typing import Self

from hundredfold.accounting.usage import (
    ASSUMED,
    GB,
    OTHER_MEMORY_MB,
    Assumptions,
    Usage,
    index_puts,
    ledger_reads,
)
from hundredfold.layout import Layout
from hundredfold.runtime.invocation import SECONDS_BEFORE_TIMEOUT
from hundredfold_cli.estimates.quotas import quotas

BATCH_RECORDS, INFER_MEMORY_MB = 100, 1_769
GROUP_BATCHES, GROUP_BATCHES_AT_ONCE, GROUPS_AT_ONCE = 25, 40, 1
TABLE_WRITES = 4_000
"""Defaults of the template. A test compares them."""

RECORD_BYTES = 120
"""A short text with its id, such as the example's."""

RECORDS_PUT_AT_ONCE = 100
"""What the inference function writes in one round: four calls of 25 records. A test compares it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """An ingest that has not run yet: `hundredfold estimate` works out its usage.

    Attributes
    ----------
    group_batches : the most batches of a group
    groups_at_once : how many groups are inferred at once
    group_batches_at_once : how many batches of a group are inferred at once
    table_writes : write units a second that the table takes which predictions are written to: the predictions table,
        or the ledger if they are packed. Faster writes wait, inside the function.
    layout : how predictions are stored
    """

    records: int
    batch_records: int = BATCH_RECORDS
    memory_mb: int = INFER_MEMORY_MB
    architecture: str = "x86_64"
    group_batches: int = GROUP_BATCHES
    groups_at_once: int = GROUPS_AT_ONCE
    record_bytes: int = RECORD_BYTES
    assumed: Assumptions = field(default=ASSUMED)
    group_batches_at_once: int = GROUP_BATCHES_AT_ONCE
    table_writes: int = TABLE_WRITES
    layout: Layout = Layout.ITEM

    @classmethod
    def of_usage(cls, usage: Usage) -> Self:
        """Return the scenario that one would have estimated before an ingest that had this usage."""
        group_batches = math.ceil(usage.batches / usage.groups) if usage.groups else 1
        return cls(
            records=max(usage.records, 1),
            batch_records=math.ceil(usage.records / usage.batches) if usage.batches else 1,
            memory_mb=usage.infer_memory_mb or INFER_MEMORY_MB,
            group_batches=group_batches,
            # Each batch at once has an environment. A group's batches come first.
            groups_at_once=max(usage.environments // group_batches, 1),
            group_batches_at_once=max(min(usage.environments, group_batches), 1),
            record_bytes=max(1, round(usage.source_bytes / max(usage.records, 1))),
            layout=usage.layout,
        )

    @property
    def packed(self) -> bool:
        return self.layout is Layout.PACKED

    @property
    def entry_bytes(self) -> float:
        """Size of a full batch's entry in the ledger, with its predictions if they are packed."""
        if not self.packed:
            return self.assumed.ledger_bytes_a_batch
        predictions = self.assumed.packed_bytes_a_record * min(self.batch_records, self.records)
        return self.assumed.ledger_bytes_a_batch + self.assumed.packed_bytes_a_batch + predictions

    @property
    def units_a_batch(self) -> int:
        """Write units of the predictions of a full batch. Packed predictions share the item of the ledger's entry."""
        unit = quotas()["dynamodb_unit_bytes"]
        if self.packed:
            return math.ceil(self.entry_bytes / unit)
        return min(self.batch_records, self.records) * math.ceil(self.assumed.prediction_bytes / unit)

    @property
    def most_at_once(self) -> int:
        """How many batches at once write no faster than the table takes."""
        return max(1, int(self.table_writes * self._round_seconds(self.work_seconds) / self.units_a_batch))

    @property
    def batches(self) -> int:
        return math.ceil(self.records / self.batch_records)

    @property
    def groups(self) -> int:
        return math.ceil(self.batches / self.group_batches)

    @property
    def processors(self) -> float:
        """Share of a virtual processor that the memory buys; a batch uses one at most."""
        return min(1.0, self.memory_mb / quotas()["lambda_full_processor_mb"])

    @property
    def work_seconds(self) -> float:
        """How long the function takes for a full batch if the table takes its writes at once."""
        size = min(self.batch_records, self.records)
        saved = self.assumed.put_cpu_ms_a_record if self.packed else 0.0
        cpu = self.assumed.cpu_ms_a_batch + max(0.0, self.assumed.cpu_ms_a_record - saved) * size
        rounds = 0 if self.packed else math.ceil(size / RECORDS_PUT_AT_ONCE)
        wait = self.assumed.wait_ms_a_batch + self.assumed.wait_ms_a_call * rounds
        return (cpu / self.processors + wait) / 1000

    @property
    def at_once(self) -> int:
        """How many batches are inferred at once."""
        in_a_group = min(self.group_batches, self.group_batches_at_once)
        return min(self.groups_at_once * in_a_group, self.batches)

    @property
    def wanted_writes_a_second(self) -> float:
        """Write units of predictions that would be consumed a second if the table took any number."""
        return self.at_once * self.units_a_batch / self._round_seconds(self.work_seconds)

    @property
    def wait_seconds(self) -> float:
        """How long each batch waits for the table. What a round of batches writes takes the table that much longer."""
        return max(0.0, self.wanted_writes_a_second / self.table_writes - 1) * self._round_seconds(self.work_seconds)

    @property
    def batch_seconds(self) -> float:
        """How long the function takes for a full batch."""
        return self.work_seconds + self.wait_seconds

    @property
    def init_seconds(self) -> float:
        return self.assumed.init_seconds / self.processors

    @property
    def child_seconds(self) -> float:
        """How long a child takes for a full group."""
        return self._rounds * self._round_seconds(self.batch_seconds)

    @property
    def writes_a_second(self) -> float:
        """Write units of predictions that are consumed a second when all children are busy."""
        return min(self.wanted_writes_a_second, self.table_writes)

    @property
    def _rounds(self) -> int:
        """In how many rounds a child does the batches of a full group."""
        batches = min(self.group_batches, self.batches)
        return math.ceil(batches / self.group_batches_at_once)

    def _round_seconds(self, batch_seconds: float) -> float:
        """Return how long a round takes, with its share of what a child takes beyond its calls."""
        return batch_seconds + self.assumed.child_overhead_seconds / self._rounds

    @property
    def plan_seconds(self) -> float:
        return self.assumed.plan_seconds + self.assumed.plan_seconds_a_gb * self.records * self.record_bytes / GB

    @property
    def seconds(self) -> float:
        """How long the ingest takes: planning, one start, all rounds of children, summing up."""
        rounds = math.ceil(self.groups / self.groups_at_once)
        mapping = max(rounds * self.child_seconds, self.groups / quotas()["map_children_a_second"])
        return self.plan_seconds + self.assumed.start_seconds + self.init_seconds + mapping + self.summarize_seconds

    @property
    def summarize_seconds(self) -> float:
        """How long the summary takes. It makes an index of packed predictions."""
        indexing = self.assumed.summarize_seconds_a_million * self.records / 1_000_000 if self.packed else 0.0
        return self.assumed.summarize_seconds + indexing

    def broken_limits(self) -> list[str]:
        """Say which limits this scenario breaks, with the figures; empty if none."""
        limit = quotas()
        broken = []
        if self.batch_seconds > limit["lambda_timeout_seconds"] - SECONDS_BEFORE_TIMEOUT:
            broken.append(
                f"{self.batch_seconds:,.0f} s a batch; the function has {limit['lambda_timeout_seconds']:.0f}"
            )
        if self.batch_records * self.record_bytes > limit["batch_bytes"]:
            broken.append(f"{self.batch_records * self.record_bytes:,} bytes a batch; {limit['batch_bytes']:,.0f} fit")
        if self.at_once > limit["lambda_concurrency"]:
            broken.append(f"{self.at_once:,} functions at once; an account has {limit['lambda_concurrency']:,.0f}")
        return broken

    def usage(self) -> Usage:
        """Return what the ingest will use."""
        item_units = math.ceil(self.assumed.prediction_bytes / quotas()["dynamodb_unit_bytes"])
        return Usage(
            records=self.records,
            batches=self.batches,
            groups=self.groups,
            source_bytes=self.records * self.record_bytes,
            attempts=self.batches,
            infer_seconds=self.batches * self.batch_seconds,
            init_seconds=self.at_once * self.init_seconds,
            infer_memory_mb=self.memory_mb,
            plan_seconds=self.plan_seconds,
            summarize_seconds=self.summarize_seconds,
            other_memory_mb=OTHER_MEMORY_MB,
            child_seconds=self.child_seconds,
            prediction_writes=self.batches * self.units_a_batch if self.packed else self.records * item_units,
            ledger_writes=2 if self.packed else self.batches + 2,
            reads=ledger_reads(self.batches, self.entry_bytes),
            rejected_batches=0,
            card_writes=int(self.batches > 0),
            log_bytes=self.batches * self.assumed.log_bytes_a_batch + self.assumed.log_bytes_an_ingest,
            environments=self.at_once,
            architecture=self.architecture,
            layout=self.layout,
            index_puts=index_puts(self.records) if self.packed else 0,
        )

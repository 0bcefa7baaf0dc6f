"""A scenario: an ingest that has not run yet, for the estimate of its cost and time."""

import math
from dataclasses import dataclass, field
from typing import Self

from hundredfold.accounting.usage import ASSUMED, GB, OTHER_MEMORY_MB, Assumptions, Usage, ledger_reads
from hundredfold.runtime.invocation import SECONDS_BEFORE_TIMEOUT
from hundredfold_cli.estimates.quotas import quotas

BATCH_RECORDS, INFER_MEMORY_MB, CONCURRENCY = 100, 1_769, 8
"""Defaults of the template. A test compares them."""

RECORD_BYTES = 120
"""A short text with its id, such as the example's."""

RECORDS_PUT_AT_ONCE = 100
"""What the inference function writes in one round: four calls of 25 records. A test compares it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """An ingest that has not run yet: `hundredfold estimate` works out its usage."""

    records: int
    batch_records: int = BATCH_RECORDS
    memory_mb: int = INFER_MEMORY_MB
    architecture: str = "x86_64"
    concurrency: int = CONCURRENCY
    record_bytes: int = RECORD_BYTES
    assumed: Assumptions = field(default=ASSUMED)

    @classmethod
    def of_usage(cls, usage: Usage) -> Self:
        """Return the scenario that one would have estimated before an ingest that had this usage."""
        return cls(
            records=max(usage.records, 1),
            batch_records=math.ceil(usage.records / usage.batches) if usage.batches else 1,
            memory_mb=usage.infer_memory_mb or INFER_MEMORY_MB,
            concurrency=max(usage.environments, 1),
            record_bytes=max(1, round(usage.source_bytes / max(usage.records, 1))),
        )

    @property
    def batches(self) -> int:
        return math.ceil(self.records / self.batch_records)

    @property
    def processors(self) -> float:
        """Share of a virtual processor that the memory buys; a batch uses one at most."""
        return min(1.0, self.memory_mb / quotas()["lambda_full_processor_mb"])

    @property
    def batch_seconds(self) -> float:
        """How long the function takes for a full batch."""
        size = min(self.batch_records, self.records)
        cpu = self.assumed.cpu_ms_a_batch + self.assumed.cpu_ms_a_record * size
        rounds = math.ceil(size / RECORDS_PUT_AT_ONCE)
        wait = self.assumed.wait_ms_a_batch + self.assumed.wait_ms_a_call * rounds
        return (cpu / self.processors + wait) / 1000

    @property
    def at_once(self) -> int:
        return min(self.concurrency, self.batches)

    @property
    def init_seconds(self) -> float:
        return self.assumed.init_seconds / self.processors

    @property
    def child_seconds(self) -> float:
        return self.batch_seconds + self.assumed.child_overhead_seconds

    @property
    def writes_a_second(self) -> float:
        """Predictions written a second when all children are busy."""
        return self.at_once * min(self.batch_records, self.records) / self.child_seconds

    @property
    def plan_seconds(self) -> float:
        return self.assumed.plan_seconds + self.assumed.plan_seconds_a_gb * self.records * self.record_bytes / GB

    @property
    def seconds(self) -> float:
        """How long the ingest takes: planning, one start, all rounds of children, summing up."""
        rounds = math.ceil(self.batches / self.at_once) if self.batches else 0
        mapping = max(rounds * self.child_seconds, self.batches / quotas()["map_children_a_second"])
        return (
            self.plan_seconds
            + self.assumed.start_seconds
            + self.init_seconds
            + mapping
            + self.assumed.summarize_seconds
        )

    def broken_limits(self) -> list[str]:
        """Say which limits this scenario breaks, with the figures; empty if none."""
        limit = quotas()
        broken = []
        if self.writes_a_second > limit["dynamodb_new_table_writes_a_second"]:
            broken.append(
                f"{self.writes_a_second:,.0f} writes a second; a new table takes "
                f"{limit['dynamodb_new_table_writes_a_second']:,.0f}"
            )
        if self.batch_seconds > limit["lambda_timeout_seconds"] - SECONDS_BEFORE_TIMEOUT:
            broken.append(
                f"{self.batch_seconds:,.0f} s a batch; the function has {limit['lambda_timeout_seconds']:.0f}"
            )
        if self.batch_records * self.record_bytes > limit["batch_bytes"]:
            broken.append(f"{self.batch_records * self.record_bytes:,} bytes a batch; {limit['batch_bytes']:,.0f} fit")
        if self.concurrency > limit["lambda_concurrency"]:
            broken.append(f"{self.concurrency:,} functions at once; an account has {limit['lambda_concurrency']:,.0f}")
        return broken

    def usage(self) -> Usage:
        """Return what the ingest will use."""
        units = math.ceil(self.assumed.prediction_bytes / quotas()["dynamodb_unit_bytes"])
        return Usage(
            records=self.records,
            batches=self.batches,
            source_bytes=self.records * self.record_bytes,
            attempts=self.batches,
            infer_seconds=self.batches * self.batch_seconds,
            init_seconds=self.at_once * self.init_seconds,
            infer_memory_mb=self.memory_mb,
            plan_seconds=self.plan_seconds,
            summarize_seconds=self.assumed.summarize_seconds,
            other_memory_mb=OTHER_MEMORY_MB,
            child_seconds=self.child_seconds,
            prediction_writes=self.records * units,
            ledger_writes=self.batches + 2,
            reads=ledger_reads(self.batches, self.assumed.ledger_bytes_a_batch),
            rejected_batches=0,
            card_writes=int(self.batches > 0),
            log_bytes=self.batches * self.assumed.log_bytes_a_batch + self.assumed.log_bytes_an_ingest,
            environments=self.at_once,
            architecture=self.architecture,
        )

"""What each execution of an ingest did and cost. The first one starts the ingest, and each resume adds one."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hundredfold.accounting.bill import bill_of
from hundredfold.accounting.prices import PriceList
from hundredfold.accounting.usage import OTHER_MEMORY_MB, UsageTotals, ledger_reads, usage_lines
from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.ingest import Plan
from hundredfold.summary import ExecutionPart


class ExecutionTotals:
    """Running totals of a ledger's entries by the execution that made each.

    A batch belongs to the last execution that had started when the batch was inferred. So a batch that is inferred
    again moves from an earlier execution to a later one. The earlier execution keeps the cost that was summed up at
    its end.

    Parameters
    ----------
    earlier : the executions before this one, in order
    current : this execution, without its figures
    """

    def __init__(self, earlier: Sequence[ExecutionPart], current: ExecutionPart) -> None:
        self._parts = [*earlier, current]
        self._starts = [_milliseconds(part.started_at) for part in self._parts]
        self._totals = [UsageTotals() for _ in self._parts]
        self._last_end = list(self._starts)

    def add(self, entry: BatchOutcome | BatchFailure) -> None:
        """Add an entry. One without a time of its own, such as a failed batch, is of the current execution."""
        number = len(self._parts) - 1
        if isinstance(entry, BatchOutcome) and entry.stats and number:
            number = max(bisect_right(self._starts, entry.stats.started_at) - 1, 0)
            ended = entry.stats.started_at + sum(entry.milliseconds.values())
            self._last_end[number] = max(self._last_end[number], ended)
        self._totals[number].add(entry)

    def parts(self, plan: Plan | None, seconds: float, price_list: PriceList | None) -> tuple[ExecutionPart, ...]:
        """Return all executions with their figures.

        An execution that was summed up keeps its figures. One that was stopped or lost gets those of its batches: it
        lasted at least until the last of them had ended.

        Parameters
        ----------
        seconds : how long the current execution took
        price_list : None if there is none for this region
        """
        entries = sum(totals.batches for totals in self._totals)
        parts: list[ExecutionPart] = []
        for number, (part, totals) in enumerate(zip(self._parts, self._totals, strict=True)):
            if part.seconds is not None:
                parts.append(part)
                continue
            is_last = number == len(self._parts) - 1
            usd = None
            if plan and price_list:
                # A resume reads the ledger in place of the source.
                cut = any(earlier.batches for earlier in parts)
                own = replace(plan, source_bytes=0, partitions=0) if cut else plan
                usage = totals.usage(own, other_memory_mb=OTHER_MEMORY_MB)
                if is_last and number:
                    usage = replace(usage, reads=max(usage.reads, ledger_reads(entries)))
                usd = round(bill_of(usage_lines(usage), price_list).usd, 6)
            lasted = seconds if is_last else round((self._last_end[number] - self._starts[number]) / 1000, 3)
            parts.append(replace(part, seconds=lasted, batches=totals.done, usd=usd))
        return tuple(parts)


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)

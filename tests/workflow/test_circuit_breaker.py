"""What may fail and what stops an ingest, judged as strictly as AWS does: a Map is stopped by the first group too many.

No interpreter here does that: the local stack judges a Map only after all children have ended. So these tests go
through the definition themselves, with the real planner and summary, and with AWS's rule.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import Batch, BatchFailure, BatchOutcome
from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.ingest import Model, Plan, Resume
from hundredfold.planning.planner import Planner
from hundredfold.sources.objects import ObjectLocation
from hundredfold.summary import Status, Summary
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork, as_plan
from tools.workflow.dataflow import choose, resolve
from tools.workflow.definition import EXAMPLE, render

BATCHES, GROUP_BATCHES = 2_000, 25
SOURCE = ObjectLocation("records", "reviews.jsonl")
INPUT = {"source": {"bucket": SOURCE.bucket, "key": SOURCE.key}}
MAP = render(EXAMPLE)["States"]["InferBatches"]
CHILD = MAP["ItemProcessor"]["States"]
BATCH = CHILD["InferGroup"]["ItemProcessor"]["States"]
TOO_MANY = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "The tolerated failure threshold was exceeded"}

type Infer = Callable[[Batch], None]


@dataclass
class Ingest:
    """An ingest of 2,000 batches of one record each, on fakes.

    Attributes
    ----------
    begun : the numbers of the batches that an execution began, in order
    """

    sources: MemorySources = field(
        default_factory=lambda: MemorySources({SOURCE: b'{"id":"r"}\n' * BATCHES}, chunk_bytes=4_096)
    )
    work: MemoryWork = field(default_factory=MemoryWork)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    begun: list[int] = field(default_factory=list)

    @property
    def planner(self) -> Planner:
        return Planner(
            sources=self.sources,
            tables=MemoryTables(),
            work=self.work,
            models=FixedModels(Model("arn:infer:7", "7")),
            ledger=self.ledger,
            batch_records=1,
            batch_bytes=1_000,
            group_batches=GROUP_BATCHES,
        )

    def run(self, infer: Infer) -> Summary:
        return self._execute(as_plan(self.planner.plan("i1", INPUT, "2026-11-24T10:00:00Z")), "i1", infer)

    def resume(self, infer: Infer) -> Summary:
        execution = "i1.resume-1"
        plan = self.planner.resume(Resume("i1"), INPUT, execution, "2026-11-24T11:00:00Z")
        return self._execute(as_plan(plan), execution, infer)

    def _execute(self, plan: Plan, execution: str, infer: Infer) -> Summary:
        self.begun = []
        failure = self._map(plan, infer)
        started, ended = "2026-11-24T10:00:00Z", "2026-11-24T12:00:00Z"
        summary = summarize("i1", started, ended, self.ledger.plan("i1"), self.ledger.entries("i1"), failure)
        self.ledger.finish(summary, resumed_by=None if execution == "i1" else execution)
        return summary

    def _map(self, plan: Plan, infer: Infer) -> dict[str, str] | None:
        """Do one group after the other, and stop as soon as more have failed than may. Return the error, if any."""
        failed = 0
        for group in json.loads(self.work.objects[plan.manifest.key]):
            failed += self._child(group, infer) == "GroupFailed"
            if failed > MAP["ToleratedFailureCount"]:
                return TOO_MANY
        return None

    def _child(self, group: dict[str, Any], infer: Infer) -> str:
        """Do the batches of a group; return the state that its child ends in."""
        results = [BATCH[self._batch(Batch.from_dict(entry), infer)]["Result"] for entry in group["batches"]]
        selector = CHILD["InferGroup"]["ResultSelector"]
        output = {name.removesuffix(".$"): resolve(path, results, {}) for name, path in selector.items()}
        [state] = choose(CHILD[CHILD["InferGroup"]["Next"]], output, {})
        return state

    def _batch(self, batch: Batch, infer: Infer) -> str:
        """Do one batch, and enter it into the ledger; return the state that its iteration ends in."""
        self.begun.append(batch.batch)
        try:
            infer(batch)
        except Exception as error:
            self.ledger.batches["i1", batch.batch] = BatchFailure(batch.batch, type(error).__name__, str(error))
            return str(BATCH["RecordBatchFailure"]["Next"])
        self.ledger.batch_done("i1", BatchOutcome(batch.batch, 1, 1, 0))
        return str(BATCH["InferBatch"]["Next"])


def works(batch: Batch) -> None:
    """Infer any batch."""


def fails_for(*numbers: int) -> Infer:
    def infer(batch: Batch) -> None:
        if batch.batch in numbers:
            raise ModelMisbehavedError(f"batch {batch.batch} is poison")

    return infer


def does_not_load(batch: Batch) -> None:
    raise BundleRefusedError("the model does not load")


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    ingest = Ingest()
    yield ingest
    # Whatever happened: every record is accounted for.
    summary = ingest.ledger.summaries["i1"]
    assert summary.records == summary.predicted + summary.rejected + summary.failed == BATCHES


def test_a_poison_batch_stops_no_other_and_is_named_and_is_resumed_alone(ingest: Ingest) -> None:
    # Given one poison batch of 2,000, when no batch may fail
    summary = ingest.run(fails_for(1_234))

    # Then all others are done, and the ingest has failed with its name
    assert (summary.status, summary.predicted, summary.batches_failed) == (Status.FAILED, 1_999, 1)
    assert summary.cause == "1 of 2,000 batches failed (batch 1234), more than the 0 % that may"
    assert summary.failures == {"ModelMisbehavedError: batch 1234 is poison": 1}

    # And a resume does that one alone, whether it is still poison or not
    assert ingest.resume(fails_for(1_234)).status is Status.FAILED
    assert ingest.begun == [1_234]
    assert ingest.resume(works).status is Status.COMPLETED
    assert ingest.begun == [1_234]


def test_a_bundle_that_does_not_load_stops_the_ingest_after_a_few_groups_and_loses_nothing(ingest: Ingest) -> None:
    # Given a model that does not load
    summary = ingest.run(does_not_load)

    # Then the Map is stopped by the first group more than may fail, which is four of 80
    assert MAP["ToleratedFailureCount"] == 3
    assert ingest.begun == list(range(4 * GROUP_BATCHES))
    assert (summary.status, summary.failed, summary.predicted) == (Status.FAILED, 2_000, 0)
    assert summary.failures == {"never finished": 1_900, "BundleRefusedError: the model does not load": 100}
    assert str(summary.cause).startswith("States.ExceedToleratedFailureThreshold")

    # And once it is mended, a resume does all of it
    assert ingest.resume(works).status is Status.COMPLETED
    assert ingest.begun == list(range(BATCHES))


def test_a_model_that_breaks_half_way_leaves_what_is_done(ingest: Ingest) -> None:
    def breaks(batch: Batch) -> None:
        if batch.batch >= 1_000:
            does_not_load(batch)

    summary = ingest.run(breaks)

    assert ingest.begun == list(range(1_000 + 4 * GROUP_BATCHES))
    assert (summary.status, summary.predicted, summary.failed) == (Status.FAILED, 1_000, 1_000)
    assert ingest.resume(works).status is Status.COMPLETED
    assert ingest.begun == list(range(1_000, BATCHES))


def test_as_many_groups_as_may_fail_stop_nothing(ingest: Ingest) -> None:
    lost = [*range(25), *range(500, 525), *range(1_975, 2_000)]

    summary = ingest.run(fails_for(*lost))

    assert len(ingest.begun) == BATCHES
    assert (summary.status, summary.predicted, summary.batches_failed) == (Status.FAILED, 1_925, 75)
    assert ingest.resume(works).status is Status.COMPLETED
    assert ingest.begun == lost


def test_a_batch_in_every_group_may_fail_without_stopping_any(ingest: Ingest) -> None:
    summary = ingest.run(fails_for(*range(7, BATCHES, GROUP_BATCHES)))

    assert len(ingest.begun) == BATCHES
    assert (summary.status, summary.predicted, summary.batches_failed) == (Status.FAILED, 1_920, 80)
    assert "(batches 7, 32, 57, 82, 107, 132, 157, 182, 207, 232 and 70 more)" in str(summary.cause)

"""Usage and sketch of a batch: from the environment, through batch and ledger, to the drift and cost of the summary."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hundredfold.accounting.prices import Price, PriceList
from hundredfold.accounting.summarize import summarize
from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.batches import Batch, BatchFailure, BatchOutcome, InvocationStats, Sketch
from hundredfold.inference.batch import BatchTask, Scoring, Stores, infer_batch
from hundredfold.ingest import Model, Plan
from hundredfold.model.drift import Baseline, Measure
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.runtime.invocation import ExecutionEnvironment
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.summary import Status
from tests.unit.answering_server import AnsweringServer, json_reply
from tests.unit.fakes import MemoryItems, MemoryLedger, MemoryPredictions, MemorySources, MemoryWork

CONTENT = b'{"id":"r1","age":20}\n{"id":"r2","age":40}\n{"id":"r3","age":"old"}\n{"id":"r4","age":99}'
LOCATION = ObjectLocation("records", "ages.jsonl")
SPEC = ObjectsSpec(LOCATION.bucket, LOCATION.key)
SIGNATURE = Signature((Field("age", FieldType.NUMBER),))
BASELINE = Baseline(
    "ours", 500, {"no": 0.5, "yes": 0.5}, (0.8,), (0.5, 0.5),
    (Measure("age", "value", (0.5, 0.5), edges=(30.0,), low=18.0, high=90.0),), 0.0,
)  # fmt: skip


# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
@pytest.mark.parametrize(
    "log_stream",
    ["2026/11/24/[7]0123abcd", "2026/11/24/hundredfold-infer-batch[7][0123abcd]", "2026/11/24/x[$LATEST][0123abcd]"],
)
def test_the_first_call_of_an_environment_is_its_cold_start(log_stream: str) -> None:
    environment = ExecutionEnvironment(
        {"AWS_LAMBDA_LOG_STREAM_NAME": log_stream, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}
    )

    first, second = environment.begin(), environment.begin()

    assert (first.environment, first.memory_mb) == ("0123abcd", 1_769)
    assert first.cold_start
    assert not second.cold_start
    assert second.init_milliseconds == 0


def test_an_environment_that_lambda_does_not_name_is_named_by_its_process() -> None:
    assert ExecutionEnvironment({}).name.startswith("process-")


def infer(baseline: Baseline | None, stats: InvocationStats | None) -> BatchOutcome:
    sources = MemorySources({LOCATION: CONTENT})
    ledger = MemoryLedger()
    task = BatchTask("i1", SPEC, sources.pin(LOCATION), Model("f:7", "7"), Batch(0, 0, 0, len(CONTENT), 4, 1))
    outcome = infer_batch(
        task,
        Scoring(
            lambda rows: [("yes", 0.9) if float(row[0] or 0) > 30 else ("no", 0.7) for row in rows],
            SIGNATURE,
            100,
            baseline,
        ),
        Stores(sources, MemoryWork(), MemoryPredictions(), MemoryItems(), ledger),
        time_left=lambda: 60.0,
        stats=stats,
        clock=iter(range(100)).__next__,
    )
    assert ledger.batches["i1", 0] == outcome
    return outcome


def test_a_batch_leaves_what_it_held_and_what_it_consumed() -> None:
    outcome = infer(BASELINE, InvocationStats("w", 5_000, 900, 1_769))

    assert (outcome.predicted, outcome.rejected) == (3, 1)  # "old" is no number
    assert outcome.stats == InvocationStats("w", 5_000, 900, 1_769, write_units=3.0)
    # 20 says no at 0.7; 40 and 99 say yes at 0.9; 99 is out of range
    assert outcome.sketch == Sketch((1, 2), (1, 2), ((1, 2),), 1)
    assert list(outcome.milliseconds) == ["read", "decode", "predict", "sketch", "write"]


def test_without_a_baseline_nothing_is_sketched() -> None:
    outcome = infer(None, None)

    assert (outcome.sketch, outcome.stats) == (None, None)
    assert "sketch" not in outcome.milliseconds


PLAN = Plan(
    *("i1", SPEC, PinnedObject("records", "ages.jsonl", "e", 10), 10, ObjectLocation("work", "m"), 3, 1_000),
    model=Model("f:7", "7"),
)
LISTED = PriceList("r", "d", {
    name: Price(1.0 if name == "dynamodb_writes" else 0.0, 1_000, "u", "s")
    for name in (
        "dynamodb_writes", "dynamodb_reads", "standard_transitions", "express_requests", "express_gb_seconds",
        "lambda_gb_seconds_x86_64", "lambda_requests", "s3_gets", "s3_puts", "log_gb",
    )
})  # fmt: skip
"""Only writes cost: $1 a thousand."""


def entries() -> Iterator[BatchOutcome | BatchFailure]:
    sketch = Sketch((100, 300), (200, 200), ((200, 200),), 8)
    yield BatchOutcome(0, 400, 400, 0, {}, {"write": 10}, InvocationStats("a", 0, 500, 1_769, 400.0), sketch)
    yield BatchFailure(1, "StoreBusyError", "busy")
    yield BatchOutcome(2, 400, 400, 0, {}, {"write": 10}, InvocationStats("b", 0, 0, 1_769, 400.0), sketch)


def test_the_summary_has_drift_and_cost_of_a_ledger_that_is_read_once() -> None:
    summary = summarize(
        "i1", "2026-11-24T10:00:00Z", "2026-11-24T10:00:09Z", PLAN, entries(), None,
        tolerated_percentage=50, baseline_of=lambda _: BASELINE, price_list=LISTED,
    )  # fmt: skip

    assert (summary.status, summary.predicted, summary.failed) == (Status.COMPLETED, 800, 200)
    assert summary.drift is not None
    # 200 of 800 are "no", where a half was expected: (0.25 - 0.5) ln 0.5 + (0.75 - 0.5) ln 1.5
    assert summary.drift.labels.index == pytest.approx(0.27465, abs=1e-5)
    assert (summary.drift.scores.index, summary.drift.inputs.index, summary.drift.unseen_share) == (0, 0, 0.02)
    # 800 predictions, three batches, the ingest's own item twice, and its place in the list: 808 write units
    assert summary.usd == 0.808


def test_a_summary_without_baseline_and_prices_has_no_drift_and_no_cost() -> None:
    summary = summarize("i1", "2026-11-24T10:00:00Z", "2026-11-24T10:00:09Z", PLAN, entries(), None)

    assert (summary.drift, summary.usd) == (None, None)


def test_stats_and_sketch_come_back_from_the_ledger_as_they_were(aws: AnsweringServer) -> None:
    outcome = replace(infer(BASELINE, InvocationStats("w", 1_795_496_533_614, 900, 1_769)), milliseconds={"read": 1})
    client = clients.dynamodb()
    ledger = DynamoLedger(client, "ledger")
    aws.answer = lambda _: json_reply({})
    ledger.batch_done("i1", outcome)
    item = aws.requests[0].json["Item"]

    aws.answer_in_turn(json_reply({"Items": [item]}), *[json_reply({"Items": []})] * 7)
    [read] = ledger.entries("i1")
    client.close()

    assert read == outcome

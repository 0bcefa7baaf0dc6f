"""Shadows: each is an ingest of its own, on a share of the batches that is always the same."""

import json
from typing import Any

import pytest

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Model, PartitionedPlan, Resume, resume_name
from hundredfold.planning.planner import Planner
from hundredfold.planning.shadows import Shadow, shadow_from_input
from hundredfold.sources.objects import ObjectLocation
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork, as_plan


def batches(count: int) -> list[Batch]:
    return [Batch(number, number * 10, 10, 1, number + 1, number % 8) for number in range(count)]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_shadow_chooses_about_its_share_of_the_batches_and_always_the_same(share: float) -> None:
    shadow = Shadow("some-ingest", "7", share)

    chosen = list(shadow.choose(batches(2_000)))

    assert chosen == list(shadow.choose(batches(2_000)))
    assert chosen[0].batch == 0
    assert len(chosen) == pytest.approx(2_000 * share, rel=0.25)
    assert [batch.batch for batch in chosen] != [
        batch.batch for batch in Shadow("another-ingest", "7", share).choose(batches(2_000))
    ]


def test_a_full_share_is_every_batch_and_a_tiny_share_is_the_first() -> None:
    assert len(list(Shadow("i", "7", 1.0).choose(batches(50)))) == 50
    assert [batch.batch for batch in Shadow("i", "7", 0.0001).choose(batches(1))] == [0]


def test_the_id_of_a_shadow_has_the_ingest_and_the_version_in_80_characters() -> None:
    shadow = Shadow("x" * 80, "12", 0.05)

    assert shadow.ingest_id == "x" * 70 + ".shadow-12"
    assert Shadow("sales", "12", 0.05).ingest_id == "sales.shadow-12"


def test_a_shadow_is_read_from_the_input_of_an_execution() -> None:
    shadow = Shadow("sales", "12", 0.05)

    assert shadow_from_input({"source": {}, "shadow": shadow.as_input()}) == shadow
    assert shadow_from_input({"source": {}}) is None
    assert shadow_from_input([]) is None


@pytest.mark.parametrize(
    "shadow",
    [
        None,
        {},
        {"ingest_id": "i", "version": "$LATEST", "sample": 0.5},
        {"ingest_id": "i", "version": "0", "sample": 0.5},
        {"ingest_id": "i", "version": "1", "sample": 0},
        {"ingest_id": "i", "version": "1", "sample": 1.5},
        {"ingest_id": "i", "version": "1", "sample": "5%"},
        {"version": "1", "sample": 0.5},
    ],
)
def test_a_malformed_shadow_is_refused(shadow: Any) -> None:
    with pytest.raises(InvalidIngestError, match=r'a shadow must be \{"ingest_id"'):
        shadow_from_input({"shadow": shadow})


SALES = Shadow("sales", "12", 0.2)
SALES_INPUT = {"source": {"bucket": "b", "key": "k"}, "shadow": SALES.as_input()}


def planner_of_forty_records(work: MemoryWork, ledger: MemoryLedger, **settings: Any) -> Planner:
    content = b"".join(b'{"id": "%d"}\n' % number for number in range(40))
    defaults: dict[str, Any] = {"batch_records": 2, "batch_bytes": 1_000, "group_batches": 25}
    return Planner(
        sources=MemorySources({ObjectLocation("b", "k"): content}),
        tables=MemoryTables(),
        work=work,
        models=FixedModels(Model("arn:f:3", "3")),
        ledger=ledger,
        **{**defaults, **settings},
    )


def test_a_shadow_is_planned_as_an_ingest_of_its_share_with_its_own_model() -> None:
    work, ledger = MemoryWork(), MemoryLedger()

    planner = planner_of_forty_records(work, ledger)
    plan = as_plan(planner.plan(SALES.ingest_id, SALES_INPUT, "2026-11-24T00:00:00Z"))

    manifest = json.loads(work.objects["ingests/sales.shadow-12/manifest.json"])
    chosen = [entry["batch"] for group in manifest for entry in group["batches"]]
    assert chosen[0] == 0
    assert 1 < len(chosen) < 20
    assert (plan.batches, plan.records) == (len(chosen), 2 * len(chosen))
    assert plan.model == Model("arn:f:12", "12")
    assert list(ledger.ingests) == ["sales.shadow-12"]


@pytest.mark.parametrize("partition_bytes", [1_000_000, 100], ids=["whole", "in partitions"])
def test_a_shadow_whose_planning_failed_is_resumed_with_its_own_share_and_model(partition_bytes: int) -> None:
    resumed_input = {"resume": {"ingest_id": SALES.ingest_id}, **SALES_INPUT}
    execution = resume_name(SALES.ingest_id, 1)
    manifests = []
    for name, execution_input in ((SALES.ingest_id, SALES_INPUT), (execution, resumed_input)):
        work = MemoryWork()
        planner = planner_of_forty_records(work, MemoryLedger(), partition_bytes=partition_bytes)
        if name == execution:
            plan = planner.resume(Resume(SALES.ingest_id), execution_input, name, "t1")
        else:
            plan = planner.plan(name, execution_input, "t1")
        if isinstance(plan, PartitionedPlan):
            for partition in range(plan.partitions):
                planner.plan_partition(SALES.ingest_id, name, partition)
            plan = planner.join_partitions(plan, None, execution_input, name, "t1")
        assert plan.model == Model("arn:f:12", "12")
        assert plan.batches < 20
        manifests.append(work.objects["ingests/sales.shadow-12/manifest.json"])

    assert manifests[0] == manifests[1]


def test_a_shadow_that_was_never_planned_is_not_resumed_as_an_ordinary_ingest() -> None:
    planner = planner_of_forty_records(MemoryWork(), MemoryLedger())

    with pytest.raises(InvalidIngestError, match=r"must have its `shadow`, as hundredfold resume sales.shadow-12"):
        planner.resume(Resume(SALES.ingest_id), {"source": SALES_INPUT["source"]}, "sales.shadow-12.resume-1", "t1")

"""Shadows: each is an ingest of its own, on a share of the batches that is always the same."""

import json
from typing import Any

import pytest

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Model
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


def test_a_shadow_is_planned_as_an_ingest_of_its_share_with_its_own_model() -> None:
    location = ObjectLocation("b", "k")
    content = b"".join(b'{"id": "%d"}\n' % number for number in range(40))
    work, ledger = MemoryWork(), MemoryLedger()
    shadow = Shadow("sales", "12", 0.2)

    planner = Planner(
        sources=MemorySources({location: content}),
        tables=MemoryTables(),
        work=work,
        models=FixedModels(Model("arn:f:3", "3")),
        ledger=ledger,
        batch_records=2,
        batch_bytes=1_000,
        group_batches=25,
    )
    execution_input = {"source": {"bucket": "b", "key": "k"}, "shadow": shadow.as_input()}
    plan = as_plan(planner.plan(shadow.ingest_id, execution_input, "2026-11-24T00:00:00Z"))

    manifest = json.loads(work.objects["ingests/sales.shadow-12/manifest.json"])
    chosen = [entry["batch"] for group in manifest for entry in group["batches"]]
    assert chosen[0] == 0
    assert 1 < len(chosen) < 20
    assert (plan.batches, plan.records) == (len(chosen), 2 * len(chosen))
    assert plan.model == Model("arn:f:12", "12")
    assert list(ledger.ingests) == ["sales.shadow-12"]

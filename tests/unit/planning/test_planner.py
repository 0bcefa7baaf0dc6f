"""The planner: what it pins, what it writes, and in which order."""

import copy
import json
from collections.abc import Iterator

import pytest

from hundredfold.batches import Batch
from hundredfold.errors import (
    IngestClaimedError,
    IngestExistsError,
    InvalidIngestError,
    SourceChangedError,
    SourceMissingError,
)
from hundredfold.ingest import Model, Plan
from hundredfold.layout import Layout
from hundredfold.planning.manifest import decode_manifest
from hundredfold.planning.planner import Planner
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork, as_plan

LOCATION = ObjectLocation("records", "reviews.jsonl")
INPUT = {"source": {"bucket": "records", "key": "reviews.jsonl"}}
CONTENT = b'{"id":"1"}\n{"id":"2"}\n\n{"id":"3"}\n'
#          0             11             23
STARTED = "2026-11-24T10:00:00Z"


class World:
    """A planner on fakes, which share one list of effects."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.effects: list[str] = []
        self.sources = MemorySources({LOCATION: content})
        self.work = MemoryWork(effects=self.effects)
        self.ledger = MemoryLedger(effects=self.effects)
        self.models = FixedModels(Model("arn:infer:7", "7"))

    def plan(
        self,
        ingest_id: str = "i1",
        started_at: str = STARTED,
        execution_input: object = INPUT,
        layout: Layout = Layout.ITEM,
        max_rejected_percent: float = 100,
    ) -> Plan:
        planner = Planner(
            sources=self.sources,
            tables=MemoryTables(),
            work=self.work,
            models=self.models,
            ledger=self.ledger,
            batch_records=2,
            batch_bytes=1000,
            group_batches=25,
            layout=layout,
            max_rejected_percent=max_rejected_percent,
        )
        return as_plan(planner.plan(ingest_id, execution_input, started_at))


def test_a_plan_pins_source_and_model_and_counts_its_batches_and_records() -> None:
    world = World()

    plan = world.plan()

    assert plan.ingest_id == "i1"
    assert plan.pinned == world.sources.pin(LOCATION)
    assert plan.pinned.size == 34
    assert plan.model == Model("arn:infer:7", "7")
    assert (plan.batches, plan.records) == (2, 3)
    assert plan.manifest == ObjectLocation("work", "ingests/i1/manifest.json")
    assert world.ledger.ingests == {"i1": (STARTED, plan)}


def test_the_layout_of_predictions_is_recorded_with_the_ingest() -> None:
    world = World()

    assert world.plan().layout is Layout.ITEM
    assert world.plan("i2", layout=Layout.PACKED).layout is Layout.PACKED
    assert world.ledger.ingests["i2"][1].layout is Layout.PACKED


@pytest.mark.parametrize(
    ("further_input", "limit"),
    [
        ({}, 20.0),
        ({"max_rejected_percent": 5}, 5.0),
        ({"max_rejected_percent": 100}, 100.0),
        ({"shadow": {"ingest_id": "i1", "version": "8", "sample": 1}}, 100.0),
    ],
)
def test_the_limit_of_rejected_records_is_the_starts_or_else_the_stacks(
    further_input: dict[str, object], limit: float
) -> None:
    world = World()

    plan = world.plan(execution_input={**INPUT, **further_input}, max_rejected_percent=20)

    assert plan.max_rejected_percent == limit
    assert world.ledger.ingests["i1"][1] == plan


def test_a_limit_that_is_no_percentage_is_refused_before_anything_is_written() -> None:
    world = World()

    with pytest.raises(InvalidIngestError, match="must be a number from 0 to 100"):
        world.plan(execution_input={**INPUT, "max_rejected_percent": "5%"})

    assert (world.work.objects, world.ledger.ingests) == ({}, {})


def test_a_packed_ingest_is_not_written_back() -> None:
    world = World()
    source = {"table": "reviews", "write_back": "sentiment"}

    with pytest.raises(InvalidIngestError, match="only in the layout item"):
        world.plan(execution_input={"source": source}, layout=Layout.PACKED)

    assert (world.work.objects, world.ledger.ingests) == ({}, {})


def test_the_manifest_has_the_batches() -> None:
    world = World()

    world.plan()

    assert decode_manifest(world.work.objects["ingests/i1/manifest.json"]) == [
        Batch(batch=0, shard=0, offset=0, length=22, records=2, line=1),
        Batch(batch=1, shard=1, offset=23, length=11, records=1, line=4),
    ]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_source_without_records_has_an_empty_manifest(content: bytes) -> None:
    world = World(content)

    plan = world.plan()

    assert (plan.batches, plan.records) == (0, 0)
    assert json.loads(world.work.objects["ingests/i1/manifest.json"]) == []


def test_the_ingest_is_in_the_ledger_before_its_manifest_is_written() -> None:
    world = World()

    world.plan()

    assert world.effects == ["begin i1", "write ingests/i1/manifest.json"]


def test_an_id_in_use_keeps_its_manifest_and_its_entry() -> None:
    world = World()
    plan = world.plan()
    manifest = world.work.objects["ingests/i1/manifest.json"]
    world.sources.objects[LOCATION] = b'{"id":"other"}\n'

    with pytest.raises(IngestExistsError, match="ingest i1 exists already; choose another id, or watch that one"):
        world.plan(started_at="2026-11-24T11:00:00Z")

    assert world.work.objects == {"ingests/i1/manifest.json": manifest}
    assert world.ledger.ingests == {"i1": (STARTED, plan)}


CLAIMED_INPUT = {**INPUT, "claim": "0123"}


@pytest.mark.parametrize("execution_input", [CLAIMED_INPUT, INPUT], ids=["its own claim", "no claim"])
def test_a_claimed_id_is_planned_for_its_own_start_and_for_one_without_a_claim(execution_input: object) -> None:
    world = World()
    world.ledger.claims["i1"] = "0123"

    plan = world.plan(execution_input=execution_input)

    assert world.ledger.ingests == {"i1": (STARTED, plan)}


def test_an_id_that_another_start_has_claimed_is_refused_before_anything_is_written() -> None:
    world = World()
    world.ledger.claims["i1"] = "4567"

    with pytest.raises(IngestClaimedError):
        world.plan(execution_input=CLAIMED_INPUT)

    assert (world.work.objects, world.ledger.ingests) == ({}, {})


def test_a_claim_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidIngestError, match="claim in the execution's input must be text"):
        World().plan(execution_input={**INPUT, "claim": 7})


def test_planning_twice_changes_nothing() -> None:
    world = World()
    first = world.plan()
    once = copy.deepcopy((world.work.objects, world.ledger.ingests))

    second = world.plan()

    assert second == first
    assert (world.work.objects, world.ledger.ingests) == once


def test_planning_twice_keeps_the_model_although_another_went_live() -> None:
    world = World()
    plan = world.plan()
    world.models.model = Model("arn:infer:8", "8")

    assert world.plan() == plan
    assert world.plan("i2").model.version == "8"


def test_planning_twice_refuses_an_object_that_was_replaced_meanwhile() -> None:
    world = World()
    plan = world.plan()
    world.sources.objects[LOCATION] = b'{"id":"other"}\n'

    with pytest.raises(SourceChangedError):
        world.plan()

    assert world.ledger.ingests == {"i1": (STARTED, plan)}


def test_two_ingests_of_one_source_share_nothing() -> None:
    world = World()

    world.plan("i1")
    world.plan("i2", started_at="2026-11-24T11:00:00Z")

    assert set(world.work.objects) == {"ingests/i1/manifest.json", "ingests/i2/manifest.json"}
    assert set(world.ledger.ingests) == {"i1", "i2"}


def test_the_next_attempt_writes_a_manifest_that_could_not_be_written() -> None:
    world = World()
    world.work.error = OSError("busy")
    with pytest.raises(OSError, match="busy"):
        world.plan()
    world.work.error = None

    plan = world.plan()

    assert set(world.work.objects) == {"ingests/i1/manifest.json"}
    assert world.ledger.ingests == {"i1": (STARTED, plan)}


@pytest.mark.parametrize(
    ("ingest_id", "execution_input", "error"),
    [
        ("not/an/id", INPUT, InvalidIngestError),
        ("i1", {}, InvalidIngestError),
        ("i1", {"source": {"bucket": "records", "key": "absent"}}, SourceMissingError),
    ],
)
def test_an_ingest_that_cannot_be_planned_leaves_nothing(
    ingest_id: str, execution_input: object, error: type[Exception]
) -> None:
    world = World()

    with pytest.raises(error):
        world.plan(ingest_id, execution_input=execution_input)

    assert world.effects == []


class ReplacedMeanwhile(MemorySources):
    """A source that is replaced after its first chunk was read."""

    def stream(self, pinned: PinnedObject, start: int = 0) -> Iterator[bytes]:
        chunks = super().stream(pinned, start)
        yield next(chunks)
        self.objects[pinned.location] = b"{}\n" * 20
        yield from chunks


def test_a_source_that_is_replaced_while_it_is_read_leaves_nothing() -> None:
    world = World()
    world.sources = ReplacedMeanwhile({LOCATION: CONTENT})

    with pytest.raises(SourceChangedError):
        world.plan()

    assert world.effects == []

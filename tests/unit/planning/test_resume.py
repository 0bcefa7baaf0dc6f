"""Resuming: what the request may be, what is planned again, and what is removed of earlier attempts."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import Batch, BatchFailure, BatchOutcome
from hundredfold.errors import IngestExistsError, InvalidIngestError, ManifestDamagedError, SourceChangedError
from hundredfold.inference.batch import BatchTask, Scoring, Stores, encode_rejections, infer_batch
from hundredfold.ingest import Model, Plan, Resume, ingest_id_of, resume_from_input, resume_name
from hundredfold.keys import rejections_key, upload_key
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.planning.manifest import decode_manifest
from hundredfold.planning.planner import Planner
from hundredfold.records import Prediction, Reason, Rejection
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec
from tests.unit.fakes import (
    FixedModels,
    MemoryItems,
    MemoryLedger,
    MemoryPredictions,
    MemorySources,
    MemoryTables,
    MemoryWork,
    as_plan,
)

LOCATION = ObjectLocation("records", upload_key("i1", "0123"))
SPEC = ObjectsSpec(LOCATION.bucket, LOCATION.key)
TIME = "2026-11-24T05:00:00+00:00"
OLD, NEW = Model("arn:infer:3", "3"), Model("arn:infer:4", "4")
RECORDS = b"".join(b'{"id":"r%d","text":"t"}\n' % number for number in range(10))
INPUT = {"source": {"bucket": LOCATION.bucket, "key": LOCATION.key}}


class World:
    """An ingest of ten records in batches of three, planned at t1, and a planner on fakes."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.sources = MemorySources({LOCATION: RECORDS})
        self.work = MemoryWork(effects=self.effects)
        self.ledger = MemoryLedger(effects=self.effects)
        self.models = FixedModels(OLD)

    def plan(self) -> Plan:
        return as_plan(Planner(**self.planner_settings()).plan("i1", INPUT, "t1"))

    def done(self, batch: int, rejected: int = 0) -> None:
        self.ledger.batch_done("i1", BatchOutcome(batch, 3, 3 - rejected, rejected))

    def resume(
        self, resume: Resume | None = None, at: str = "t2", execution_input: object = INPUT, **settings: Any
    ) -> Plan:
        planner = Planner(**{**self.planner_settings(), **settings})
        return as_plan(planner.resume(resume or Resume("i1"), execution_input, resume_name("i1", 1), at))

    def planner_settings(self) -> dict[str, Any]:
        return {
            "sources": self.sources,
            "tables": MemoryTables(),
            "work": self.work,
            "models": self.models,
            "ledger": self.ledger,
            "batch_records": 3,
            "batch_bytes": 1_000,
            "group_batches": 2,
        }

    def manifest(self, plan: Plan) -> list[Batch]:
        return decode_manifest(self.work.objects[plan.manifest.key])


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("execution_input", "resume"),
    [
        ({"source": {"bucket": "b", "key": "k"}}, None),
        ([], None),
        ({"resume": {"ingest_id": "i1"}}, Resume("i1")),
        ({"resume": {"ingest_id": "i1", "model": "17", "rejected": True}}, Resume("i1", "17", True)),
        ({"resume": {"ingest_id": "i1", "model": "live"}}, Resume("i1", "live")),
        ({"resume": {"ingest_id": "i1", "model": None}}, Resume("i1")),
    ],
)
def test_a_resume_request_is_read_from_the_input(execution_input: object, resume: Resume | None) -> None:
    assert resume_from_input(execution_input) == resume


@pytest.mark.parametrize(
    "resume",
    [
        None,
        "i1",
        {},
        {"ingest_id": 7},
        {"ingest_id": "../i1"},
        {"ingest_id": "i1/../i2"},
        {"ingest_id": "i1.resume-1"},
        {"ingest_id": "i1", "model": 7},
        {"ingest_id": "i1", "model": "$LATEST"},
        {"ingest_id": "i1", "model": "0"},
        {"ingest_id": "i1", "model": "7:live"},
        {"ingest_id": "i1", "rejected": "yes"},
    ],
)
def test_a_malformed_resume_request_is_refused(resume: object) -> None:
    with pytest.raises(InvalidIngestError):
        resume_from_input({"resume": resume})
    assert ingest_id_of("the-execution", {"resume": resume}) == "the-execution"


def test_an_execution_belongs_to_the_ingest_that_it_resumes_or_is_named_after() -> None:
    assert ingest_id_of("i1", INPUT) == "i1"
    assert ingest_id_of("i1.resume-4", {"resume": {"ingest_id": "i1"}}) == "i1"


def test_a_resume_is_named_after_its_ingest() -> None:
    assert resume_name("i1", 3) == "i1.resume-3"
    assert resume_name("x" * 70, 12) == "x" * 70 + ".resume-12"


@given(ingest_id=st.text("ab.-_9", min_size=1, max_size=80), number=st.integers(1, 10**6))
def test_every_name_of_a_resume_is_valid_on_aws_and_no_ingest_can_have_it(ingest_id: str, number: int) -> None:
    name = resume_name(ingest_id, number)

    assert len(name) <= 80
    assert name.endswith(f".resume-{number}")
    with pytest.raises(InvalidIngestError):
        resume_from_input({"resume": {"ingest_id": name}})


def test_long_ids_that_begin_alike_are_resumed_under_different_names() -> None:
    assert resume_name("x" * 79 + "a", 1) != resume_name("x" * 79 + "b", 1)


def test_only_missing_batches_are_planned(world: World) -> None:
    # Given four batches: one is done, one failed, and the others did not report back
    whole = world.plan()
    world.done(1)
    world.ledger.batches["i1", 2] = BatchFailure(2, "OutOfTimeError", "")
    world.models.model = NEW

    plan = world.resume()

    assert [batch.batch for batch in world.manifest(plan)] == [0, 2, 3]
    assert all(batch.again for batch in world.manifest(plan))
    assert (plan.batches, plan.records) == (3, 7)
    assert (plan.pinned, plan.model) == (whole.pinned, OLD)
    # And the ledger keeps the whole plan, and its manifest is untouched
    assert world.ledger.plan("i1") == whole
    assert [batch.batch for batch in world.manifest(whole)] == [0, 1, 2, 3]
    assert plan.manifest.key == "ingests/i1/resumed/i1.resume-1.json"


def test_nothing_is_planned_for_a_complete_ingest(world: World) -> None:
    world.plan()
    for batch in range(4):
        world.done(batch, rejected=batch % 2)

    plan = world.resume()

    assert (plan.batches, plan.records) == (0, 0)
    assert world.manifest(plan) == []


def complete(world: World, *, rejected: int = 0) -> Plan:
    """Let the ingest end with all batches done; of the first, so many records are rejected."""
    plan = world.plan()
    for number, batch in enumerate(world.manifest(plan)):
        failed = 0 if number else rejected
        world.ledger.batch_done("i1", BatchOutcome(number, batch.records, batch.records - failed, failed))
    summary = summarize("i1", TIME, TIME, plan, world.ledger.entries("i1"), None)
    world.ledger.finish(replace(summary, started_at="t1"))
    return plan


@pytest.mark.parametrize(
    "resume",
    [Resume("i1"), Resume("i1", "12"), Resume("i1", "live"), Resume("i1", "999"), Resume("i1", rejected=True)],
)
def test_a_completed_ingest_without_a_batch_to_do_is_refused_and_stays_as_it_is(world: World, resume: Resume) -> None:
    complete(world)
    before = copy.deepcopy((world.ledger, world.work.objects))
    world.models = FixedModels(NEW, missing=frozenset({"999"}))

    with pytest.raises(InvalidIngestError, match="ingest i1 is completed, and no batch of it is left to do"):
        world.resume(resume)

    assert (world.ledger, world.work.objects) == before


def test_rejected_records_of_a_completed_ingest_are_offered_again(world: World) -> None:
    complete(world, rejected=1)

    plan = world.resume(Resume("i1", rejected=True))

    assert [batch.batch for batch in world.manifest(plan)] == [0]


@pytest.mark.parametrize("model", [None, "999"], ids=["the pinned one", "the one that the resume names"])
def test_a_model_version_that_is_not_there_is_refused_before_anything_is_written(
    world: World, model: str | None
) -> None:
    complete(world, rejected=1)
    before = copy.deepcopy((world.ledger, world.work.objects))
    world.models = FixedModels(NEW, missing=frozenset({OLD.version, "999"}))

    with pytest.raises(InvalidIngestError, match=f"there is no version {model or OLD.version}"):
        world.resume(Resume("i1", model, rejected=True))

    assert (world.ledger, world.work.objects) == before


def test_an_ingest_whose_batches_are_all_done_keeps_its_model(world: World) -> None:
    # Given an ingest that ended before it could be summed up
    plan = world.plan()
    for batch in range(plan.batches):
        world.done(batch)

    assert world.resume(Resume("i1", "12")).model == OLD
    assert world.ledger.plan("i1") == plan


def test_batches_with_rejected_records_are_offered_again_on_request(world: World) -> None:
    world.plan()
    for batch in range(3):
        world.done(batch, rejected=batch % 2)

    plan = world.resume(Resume("i1", rejected=True))

    assert [batch.batch for batch in world.manifest(plan)] == [1, 3]
    # It counts as not done from here on. If this execution fails too, it is neither lost nor counted twice.
    assert isinstance(world.ledger.batches["i1", 1], BatchFailure)
    assert world.effects[-3:-1] == ["resume i1 i1.resume-1 2", "reopen 1 3"]
    assert [batch.batch for batch in world.manifest(world.resume(Resume("i1", rejected=True)))] == [1, 3]


@pytest.mark.parametrize(("version", "model"), [("live", NEW), ("12", Model("arn:infer:12", "12"))])
def test_a_resume_may_name_another_model(world: World, version: str, model: Model) -> None:
    world.plan()
    world.models.model = NEW

    plan = world.resume(Resume("i1", version))

    assert plan.model == model
    kept = world.ledger.plan("i1")
    assert kept is not None
    assert kept.model == model


@pytest.mark.parametrize("damage", [None, b"", b"[", b"[]"])
def test_a_damaged_manifest_is_made_again_from_the_pinned_source(world: World, damage: bytes | None) -> None:
    whole = world.plan()
    before = world.work.objects.pop(whole.manifest.key)
    if damage is not None:
        world.work.objects[whole.manifest.key] = damage

    plan = world.resume()

    assert world.work.objects[whole.manifest.key] == before
    assert plan.batches == 4


def test_a_damaged_manifest_is_refused_if_other_limits_give_other_batches(world: World) -> None:
    whole = world.plan()
    world.work.objects[whole.manifest.key] = b"[]"

    with pytest.raises(ManifestDamagedError, match="is not the manifest that was planned"):
        world.resume(batch_records=5)
    assert world.effects[-1] == "write ingests/i1/manifest.json"  # the one that the planner wrote first


def test_a_changed_source_is_refused(world: World) -> None:
    whole = world.plan()
    del world.work.objects[whole.manifest.key]
    world.sources.objects[LOCATION] = RECORDS + RECORDS

    with pytest.raises(SourceChangedError):
        world.resume()


def test_an_ingest_that_was_never_planned_is_planned_by_its_resume(world: World) -> None:
    plan = world.resume()

    assert (plan.batches, plan.records, plan.model) == (4, 10, OLD)
    whole = world.ledger.plan("i1")
    assert whole is not None
    assert whole.manifest.key == "ingests/i1/manifest.json"
    assert len(world.manifest(whole)) == 4


def test_an_earlier_resume_cannot_take_over_from_a_later_one(world: World) -> None:
    world.plan()
    world.resume(at="t3")

    with pytest.raises(IngestExistsError):
        world.resume(at="t2")


SIGNATURE = Signature((Field("text", FieldType.TEXT),))


def infer_again(data: bytes, work: MemoryWork, predictions: MemoryPredictions, *, again: bool = True) -> BatchOutcome:
    sources = MemorySources({LOCATION: data})
    batch = Batch(0, 0, 0, len(data), data.count(b"\n"), 1, again)
    return infer_batch(
        BatchTask("i1", SPEC, sources.pin(LOCATION), NEW, batch),
        Scoring(lambda values: [("good", 0.5)] * len(values), SIGNATURE, 100),
        Stores(sources, work, predictions, MemoryItems(), MemoryLedger()),
        time_left=lambda: 60.0,
    )


def predictions_of_an_earlier_attempt() -> MemoryPredictions:
    prediction = Prediction("r1", "bad", 0.9)
    return MemoryPredictions({("r1", "i1"): (prediction, 0, OLD), ("r2", "i1"): (Prediction("r2", "x", 1), 5, OLD)})


def test_an_earlier_prediction_is_withdrawn_if_its_record_is_now_rejected() -> None:
    work, predictions = MemoryWork(), predictions_of_an_earlier_attempt()

    outcome = infer_again(b'{"id":"r1","text":""}\n{"id":"r2"}\n{"id":"r3","text":"t"}\n', work, predictions)

    assert (outcome.predicted, outcome.rejected) == (1, 2)
    # r1's prediction is gone. r2's belongs to another batch, and stays.
    assert set(predictions.items) == {("r2", "i1"), ("r3", "i1")}


def test_of_two_records_with_one_id_the_first_keeps_its_prediction() -> None:
    predictions = predictions_of_an_earlier_attempt()

    infer_again(b'{"id":"r1","text":"t"}\n{"id":"r1","text":"t"}\n', MemoryWork(), predictions)

    assert predictions.items["r1", "i1"] == (Prediction("r1", "good", 0.5), 0, NEW)


def test_earlier_rejections_are_removed_if_there_are_none_now() -> None:
    earlier = encode_rejections("i1", 0, [Rejection(1, 0, Reason.EMPTY_TEXT, "its field 'text' is empty", "r1")])
    work = MemoryWork(objects={rejections_key("i1", 0): earlier})

    infer_again(b'{"id":"r1","text":"t"}\n', work, predictions_of_an_earlier_attempt())

    assert work.objects == {}


def test_nothing_is_removed_if_a_batch_was_never_offered_before() -> None:
    effects: list[str] = []
    work, predictions = MemoryWork(effects=effects), MemoryPredictions(effects=effects)

    infer_again(b'{"id":"r1","text":""}\n', work, predictions, again=False)

    assert effects == ["predictions 0 0", f"write {rejections_key('i1', 0)}"]


def test_the_ledger_says_if_a_batch_was_already_done() -> None:
    ledger = MemoryLedger()
    outcome = BatchOutcome(0, 1, 1, 0)

    assert [ledger.batch_done("i1", outcome).done for _ in range(2)] == [False, True]


def test_the_manifest_of_a_resume_marks_its_batches_as_offered_before(world: World) -> None:
    world.plan()
    plan = world.resume()

    entries = json.loads(world.work.objects[plan.manifest.key])
    assert entries[0]["batches"][0] == {
        "batch": 0, "shard": 0, "offset": 0, "length": 69, "records": 3, "line": 1, "again": True,
    }  # fmt: skip
    assert "again" not in json.loads(world.work.objects["ingests/i1/manifest.json"])[0]["batches"][0]


def test_what_is_missing_is_grouped_anew(world: World) -> None:
    # Given four batches in groups of two, of which one in each group is done
    whole = world.plan()
    world.done(0)
    world.done(3)

    plan = world.resume()

    assert (whole.groups, plan.groups) == (2, 1)
    [group] = json.loads(world.work.objects[plan.manifest.key])
    assert [batch["batch"] for batch in group["batches"]] == [1, 2]


def test_one_batch_that_failed_is_resumed_alone(world: World) -> None:
    world.plan()
    for batch in (0, 1, 3):
        world.done(batch)
    world.ledger.batches["i1", 2] = BatchFailure(2, "Runtime.ExitError", "")

    plan = world.resume()

    assert (plan.batches, plan.groups) == (1, 1)
    assert [batch.batch for batch in world.manifest(plan)] == [2]


def test_a_lost_manifest_is_made_again_only_with_the_same_groups(world: World) -> None:
    whole = world.plan()
    before = world.work.objects.pop(whole.manifest.key)

    with pytest.raises(ManifestDamagedError):
        world.resume(group_batches=3)
    world.resume()

    assert world.work.objects[whole.manifest.key] == before


def test_a_resume_may_bring_another_limit_of_rejected_records_and_else_the_ingest_keeps_its_own() -> None:
    world = World()
    world.plan()
    world.done(0)

    world.resume(max_rejected_percent=7.0)
    assert world.ledger.ingests["i1"][1].max_rejected_percent == 100

    remaining = world.resume(at="t3", execution_input={**INPUT, "max_rejected_percent": 30})
    assert world.ledger.ingests["i1"][1].max_rejected_percent == remaining.max_rejected_percent == 30


def test_an_ingest_that_was_never_planned_gets_the_limit_of_its_resume_or_else_the_stacks() -> None:
    assert World().resume(max_rejected_percent=7.0).max_rejected_percent == 7
    assert World().resume(execution_input={**INPUT, "max_rejected_percent": 30}).max_rejected_percent == 30


def test_a_resume_with_another_model_keeps_the_card_of_the_first_one(world: World) -> None:
    # Given an ingest of a model with a card, of which a batch is done
    world.models.model = Model(OLD.function, OLD.version, "d3")
    world.work.objects["models/d3.json"] = b"the card of 3"
    world.work.objects["models/d4.json"] = b"the card of 4"
    world.plan()
    world.done(0)
    assert world.work.objects["ingests/i1/card.json"] == b"the card of 3"

    # When it is resumed with a model with another card, and then with one without any
    world.models.model = Model(NEW.function, NEW.version, "d4")
    world.resume(Resume("i1", "live"))
    kept = dict(world.work.objects)
    world.models.model = Model("arn:infer:5", "5")
    world.resume(Resume("i1", "live"), at="t3")

    # Then each is kept under its version, and the ingest's card is that of its model, or empty
    assert (kept["ingests/i1/cards/3.json"], kept["ingests/i1/card.json"]) == (b"the card of 3", b"the card of 4")
    assert world.work.objects["ingests/i1/cards/4.json"] == b"the card of 4"
    assert world.work.objects["ingests/i1/card.json"] == b""


def test_a_completed_ingest_with_nothing_to_do_is_summed_up_again_by_force(world: World) -> None:
    whole = world.plan()
    for batch in world.manifest(whole):
        world.ledger.batch_done("i1", BatchOutcome(batch.batch, batch.records, batch.records, 0))
    summary = summarize("i1", TIME, TIME, whole, world.ledger.entries("i1"), None)
    world.ledger.finish(replace(summary, started_at="t1"))

    with pytest.raises(InvalidIngestError, match="is completed, and no batch of it is left to do"):
        world.resume()
    plan = world.resume(Resume("i1", force=True))

    assert (plan.batches, plan.records) == (0, 0)

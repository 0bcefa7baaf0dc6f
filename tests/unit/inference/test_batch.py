"""Batch inference: the outcome of every record, the order of effects, and a second call."""

import copy
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import OutOfTimeError, SourceChangedError, StoreBusyError
from hundredfold.inference.batch import BatchTask, Scoring, Stores, encode_rejections, infer_batch
from hundredfold.ingest import Model
from hundredfold.layout import Layout
from hundredfold.model.output import Answer
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.planning.batching import cut_batches
from hundredfold.records import Prediction, Reason, Rejection
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec
from tests.unit.fakes import MemoryItems, MemoryLedger, MemoryPredictions, MemorySources, MemoryWork

LOCATION = ObjectLocation("records", "reviews.jsonl")
SPEC = ObjectsSpec(LOCATION.bucket, LOCATION.key)
SIGNATURE = Signature((Field("text", FieldType.TEXT),))
MODEL = Model("arn:infer:7", "7")
REJECTIONS = "ingests/i1/rejected/00000000.jsonl"

CONTENT = b"\n".join(
    [
        b'{"id":"r1","text":"good"}',  # from 0
        b"",
        b'"a text"',  # from 27, line 3
        b'{"id":"r2","text":"poison"}',  # from 36, line 4
        b'{"id":"r3"}',  # from 64, line 5
        b'{"id":"r4","text":"bad"}',  # from 76
        b'{"id":"r1","text":"again"}',  # from 101, line 7
    ]
)


def predict(values: Sequence[tuple[str | float | None, ...]]) -> list[Answer]:
    if ("poison",) in values:
        raise ValueError("poison")
    return [("pos", 0.9) if text == "good" else ("neg", 0.8) for (text,) in values]


class World:
    """A batch and its stores, which share one list of effects."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.effects: list[str] = []
        self.sources = MemorySources({LOCATION: content}, effects=self.effects)
        self.work = MemoryWork(effects=self.effects)
        self.predictions = MemoryPredictions(effects=self.effects)
        self.ledger = MemoryLedger(effects=self.effects)
        self.max_record_bytes = 100
        self.calls = 0
        self.now = 0.0
        self.clock_calls = 0

    def task(self) -> BatchTask:
        """The whole source as one batch."""
        [batch] = cut_batches(self.sources.stream(self.sources.pin(LOCATION)), max_records=100, max_bytes=10**6)
        return BatchTask("i1", SPEC, self.sources.pin(LOCATION), MODEL, batch)

    def predict(self, values: Sequence[tuple[str | float | None, ...]]) -> list[Answer]:
        self.calls += 1
        return predict(values)

    def clock(self) -> float:
        """Return 0.1, 0.3, 0.6, ...: each step is 0.1 s longer than the one before."""
        self.clock_calls += 1
        self.now += 0.1 * self.clock_calls
        return self.now

    def infer(self, task: BatchTask) -> BatchOutcome:
        return infer_batch(
            task,
            Scoring(self.predict, SIGNATURE, self.max_record_bytes),
            Stores(self.sources, self.work, self.predictions, MemoryItems(), self.ledger),
            time_left=lambda: 60.0,
            clock=self.clock,
        )

    def state(self) -> object:
        batches = {
            key: (entry.records, entry.predicted, entry.rejected, entry.reasons)
            for key, entry in self.ledger.batches.items()
            if isinstance(entry, BatchOutcome)
        }
        return copy.deepcopy((self.work.objects, self.predictions.items, batches))


def test_every_record_of_a_batch_is_predicted_or_rejected_with_its_reason() -> None:
    world = World()

    outcome = world.infer(world.task())

    assert world.predictions.items == {
        ("r1", "i1"): (Prediction("r1", "pos", 0.9), 0, MODEL),
        ("r4", "i1"): (Prediction("r4", "neg", 0.8), 0, MODEL),
    }
    assert [json.loads(line) for line in world.work.objects[REJECTIONS].splitlines()] == [
        {"ingest_id": "i1", "batch": 0, "line": 3, "offset": 27, "reason": "not_an_object", "record_id": None}
        | {"detail": "it is JSON, but not an object"},
        {"ingest_id": "i1", "batch": 0, "line": 4, "offset": 36, "reason": "not_predictable", "record_id": "r2"}
        | {"detail": "the model raised ValueError for it"},
        {"ingest_id": "i1", "batch": 0, "line": 5, "offset": 64, "reason": "missing_field", "record_id": "r3"}
        | {"detail": "it has no field 'text'"},
        {"ingest_id": "i1", "batch": 0, "line": 7, "offset": 101, "reason": "duplicate_id", "record_id": "r1"}
        | {"detail": "its id stands twice in this batch"},
    ]
    assert outcome == BatchOutcome(
        batch=0,
        records=6,
        predicted=2,
        rejected=4,
        reasons={"not_an_object": 1, "not_predictable": 1, "missing_field": 1, "duplicate_id": 1},
        milliseconds={"read": 200, "decode": 300, "predict": 400, "write": 500},
        model_version="7",
    )
    assert world.ledger.batches == {("i1", 0): outcome}


def test_the_ledger_entry_is_written_last() -> None:
    world = World()

    world.infer(world.task())

    assert world.effects == ["read reviews.jsonl 0 127", "predictions 0 2", f"write {REJECTIONS}", "done 0"]


def test_a_batch_without_rejections_writes_no_object() -> None:
    world = World(b'{"id":"r1","text":"good"}\n')

    outcome = world.infer(world.task())

    assert world.work.objects == {}
    assert (outcome.predicted, outcome.rejected, outcome.reasons) == (1, 0, {})


@pytest.mark.parametrize("error", [StoreBusyError("busy"), OutOfTimeError("late")])
def test_the_ledger_has_no_entry_if_predictions_could_not_be_written(error: Exception) -> None:
    world = World()
    world.predictions.error = error

    with pytest.raises(type(error)):
        world.infer(world.task())

    assert world.ledger.batches == {}


def test_the_ledger_has_no_entry_if_rejections_could_not_be_written() -> None:
    world = World()
    world.work.error = StoreBusyError("busy")

    with pytest.raises(StoreBusyError):
        world.infer(world.task())

    assert world.ledger.batches == {}


def test_inferring_a_batch_twice_changes_nothing() -> None:
    world = World()
    world.infer(world.task())
    first = world.state()

    world.infer(world.task())

    assert world.state() == first


def test_a_retry_after_a_failed_write_leaves_the_same_state_as_one_run() -> None:
    undisturbed, disturbed = World(), World()
    undisturbed.infer(undisturbed.task())
    disturbed.work.error = StoreBusyError("busy")
    with pytest.raises(StoreBusyError):
        disturbed.infer(disturbed.task())
    disturbed.work.error = None

    disturbed.infer(disturbed.task())

    assert disturbed.state() == undisturbed.state()


def test_a_replaced_source_is_refused_before_it_is_scored() -> None:
    world = World()
    task = world.task()
    world.sources.objects[LOCATION] = CONTENT.replace(b"good", b"poor")

    with pytest.raises(SourceChangedError):
        world.infer(task)

    assert world.effects == ["read reviews.jsonl 0 127"]
    assert world.calls == 0


def test_a_record_over_the_limit_is_rejected_unread() -> None:
    world = World(b'\n{"id":"r1","text":"' + b"x" * 500 + b'"}\n')
    task = world.task()

    outcome = world.infer(task)

    assert world.effects == ["predictions 0 0", f"write {REJECTIONS}", "done 0"]
    assert world.calls == 0
    assert outcome.reasons == {"too_large": 1}
    assert (outcome.records, outcome.predicted, outcome.rejected) == (1, 0, 1)
    assert json.loads(world.work.objects[REJECTIONS]) == {
        "ingest_id": "i1",
        "batch": 0,
        "line": 2,
        "offset": 1,
        "reason": "too_large",
        "detail": "it has 522 bytes, and 100 are allowed",
        "record_id": None,
    }


@pytest.mark.parametrize("line_end", [b"", b"\n"])
@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, False), (102, False)])
def test_the_limit_does_not_count_the_line_end(size: int, fits: bool, line_end: bytes) -> None:
    frame = len(b'{"id":"r1","text":""}')
    world = World(b'{"id":"r1","text":"' + b"x" * (size - frame) + b'"}' + line_end)

    outcome = world.infer(world.task())

    assert (outcome.predicted, outcome.rejected) == ((1, 0) if fits else (0, 1))


@given(
    st.lists(st.sampled_from([b'{"id":"%d","text":"good"}', b'{"id":"%d","text":"poison"}', b"{}", b"x"]), min_size=1)
)
def test_predicted_and_rejected_add_up_to_the_records_of_any_batch(lines: list[bytes]) -> None:
    content = b"\n".join(line % number if b"%" in line else line for number, line in enumerate(lines))
    world = World(content)

    outcome = world.infer(world.task())

    good = sum(b"good" in line for line in lines)
    assert (outcome.records, outcome.predicted, outcome.rejected) == (len(lines), good, len(lines) - good)
    assert len(world.predictions.items) == good
    assert len(world.work.objects.get(REJECTIONS, b"").splitlines()) == len(lines) - good
    assert sum(outcome.reasons.values()) == outcome.rejected


def test_a_task_is_read_from_what_the_state_machine_passes() -> None:
    task = World().task()
    payload = {
        "ingest_id": "i1",
        "spec": {"bucket": task.pinned.bucket, "key": task.pinned.key},
        "pinned": task.pinned.as_dict(),
        "model": {"function": "arn:infer:7", "version": "7"},
        "layout": "item",
        "batch": {"batch": 0, "shard": 0, "offset": 0, "length": 127, "records": 6, "line": 1},
    }

    assert BatchTask.from_dict(json.loads(json.dumps(payload))) == task
    assert task.batch == Batch(batch=0, shard=0, offset=0, length=127, records=6, line=1)


def test_each_rejection_is_one_line_whatever_its_id_holds() -> None:
    rejections = [
        Rejection(3, 120, Reason.WRONG_TYPE, "its field 'a' is null, not a string", 'r"1\n\u2028é'),
        Rejection(4, 150, Reason.NOT_JSON, "it is not valid UTF-8"),
    ]

    encoded = encode_rejections("i1", 17, rejections)

    assert encoded.isascii()
    assert encoded.endswith(b"}\n")
    assert [json.loads(line) for line in encoded.decode().splitlines()] == [
        {
            "ingest_id": "i1",
            "batch": 17,
            "line": 3,
            "offset": 120,
            "reason": "wrong_type",
            "detail": "its field 'a' is null, not a string",
            "record_id": 'r"1\n\u2028é',
        },
        {
            "ingest_id": "i1",
            "batch": 17,
            "line": 4,
            "offset": 150,
            "reason": "not_json",
            "detail": "it is not valid UTF-8",
            "record_id": None,
        },
    ]


def test_a_rejection_names_the_object_in_which_its_line_counts() -> None:
    [line] = encode_rejections("i1", 0, [Rejection(3, 0, Reason.NOT_JSON, "why")], "s3://b/r.csv").splitlines()

    assert json.loads(line)["source"] == "s3://b/r.csv"


def test_packed_predictions_are_stored_with_the_ledger_entry_alone() -> None:
    world = World()

    outcome = world.infer(replace(world.task(), layout=Layout.PACKED))

    assert world.effects == ["read reviews.jsonl 0 127", f"write {REJECTIONS}", "done 0"]
    assert world.predictions.items == {}
    assert world.ledger.packed["i1", 0].model_version == "7"
    assert list(world.ledger.packed["i1", 0].predictions) == [
        Prediction("r1", "pos", 0.9),
        Prediction("r4", "neg", 0.8),
    ]
    assert (outcome.predicted, outcome.rejected) == (2, 4)


def test_a_packed_batch_that_is_offered_again_replaces_what_an_earlier_attempt_stored() -> None:
    world = World()
    task = replace(world.task(), layout=Layout.PACKED)
    world.infer(task)
    world.sources.objects[LOCATION] = CONTENT
    world.effects.clear()

    world.infer(replace(task, batch=replace(task.batch, again=True)))

    assert world.effects == ["read reviews.jsonl 0 127", f"write {REJECTIONS}", "done 0"]  # and nothing is withdrawn

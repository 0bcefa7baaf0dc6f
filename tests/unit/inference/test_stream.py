"""Stream inference, on real events: what is stored, rejected, skipped and reported back."""

import base64
import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hundredfold.errors import InvalidIngestError, ModelMisbehavedError, StoreBusyError
from hundredfold.inference.batch import Scoring, Stores
from hundredfold.inference.stream import StreamOutcome, infer_stream
from hundredfold.inference.stream_events import Place, place_of, source_of
from hundredfold.ingest import Model
from hundredfold.model.output import Answer
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.records import Prediction
from hundredfold.runtime.stream_response import report_failures
from tests.unit.fakes import MemoryItems, MemoryLedger, MemoryPredictions, MemorySources, MemoryWork

EVENTS = Path(__file__).parents[2] / "events"
SIGNATURE = Signature((Field("text", FieldType.TEXT),))
MODEL = Model("arn:infer:live", "7")
SHARD = "shardId-000000000006"


def event(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return content


def kinesis(*numbers: int) -> dict[str, Any]:
    records = event("kinesis")["Records"]
    return {"Records": [records[number] for number in numbers]}


def sequence(number: int) -> str:
    """The sequence number of a record in kinesis.json. The last record has the first one's."""
    return str(49590338271490256608559692538361571095921575989136588898 + number % 9)


class World:
    """A model and the stores of an event."""

    def __init__(self) -> None:
        self.work = MemoryWork()
        self.predictions = MemoryPredictions()
        self.calls: list[int] = []
        self.time_left = 60.0

    def predict(self, values: Sequence[tuple[str | float | None, ...]]) -> list[Answer]:
        self.calls.append(len(values))
        if ("poison",) in values:
            raise ValueError("poison")
        return [("pos", 0.9) if text == "good" else ("neg", 0.8) for (text,) in values]

    def infer(self, event: dict[str, Any], fields: dict[str, str] | None = None) -> StreamOutcome:
        return infer_stream(
            event["Records"],
            Scoring(self.predict, SIGNATURE, 1_000),
            Stores(MemorySources({}), self.work, self.predictions, MemoryItems(), MemoryLedger()),
            fields=fields or {},
            model=MODEL,
            time_left=lambda: self.time_left,
        )

    def stored(self) -> dict[tuple[str, str], str | float]:
        return {key: str(prediction.label) for key, (prediction, _, _) in self.predictions.items.items()}

    def rejections(self) -> dict[str, dict[str, Any]]:
        return {key: json.loads(content) for key, content in self.work.objects.items()}


def test_every_record_of_a_kinesis_event_is_stored_rejected_or_skipped() -> None:
    world = World()

    outcome = world.infer(event("kinesis"))

    # The last record repeats the first.
    assert (outcome.records, outcome.predicted, outcome.rejected, outcome.deleted, outcome.imageless) == (9, 4, 4, 1, 0)
    assert outcome.failed == frozenset()
    assert world.stored() == {
        ("plain", f"reviews/{SHARD}/{sequence(0)}"): "pos",
        ("inserted", f"reviews/{SHARD}/{sequence(1)}"): "neg",
        ("101", f"reviews/{SHARD}/{sequence(2)}"): "pos",
        ("plain", f"reviews/{SHARD}/{sequence(8)}"): "neg",
    }
    assert world.predictions.items["plain", f"reviews/{SHARD}/{sequence(0)}"] == (
        Prediction("plain", "pos", 0.9), -1, MODEL,
    )  # fmt: skip
    common = {"stream": "reviews", "shard": SHARD}
    folder = f"streams/reviews/rejected/{SHARD}"
    assert world.rejections() == {
        f"{folder}/{sequence(3)}.json": common
        | {"sequence": sequence(3), "reason": "not_json", "detail": "its data is not base64", "record_id": None},
        f"{folder}/{sequence(4)}.json": common
        | {"sequence": sequence(4), "reason": "not_json", "detail": "Input data was truncated", "record_id": None},
        f"{folder}/{sequence(5)}.json": common
        | {"sequence": sequence(5), "reason": "wrong_type", "record_id": "typed"}
        | {"detail": "its field 'text' is a number, not a string"},
        f"{folder}/{sequence(7)}.json": common
        | {"sequence": sequence(7), "reason": "not_predictable", "record_id": "poisonous"}
        | {"detail": "the model raised ValueError for it"},
    }
    assert outcome.reasons == {"not_json": 2, "wrong_type": 1, "not_predictable": 1}


def test_a_dynamodb_streams_event_is_read_with_its_fields_renamed() -> None:
    world = World()

    outcome = world.infer(event("dynamodb_stream"), {"id": "sku", "text": "body"})

    first = 4421584500000000017450439091
    assert world.stored() == {("101", f"reviews/{first}"): "pos", ("101", f"reviews/{first + 1}"): "neg"}
    assert (outcome.records, outcome.predicted, outcome.rejected, outcome.deleted, outcome.imageless) == (7, 2, 3, 1, 1)
    rejections = {
        key.rpartition("/")[2]: (rejection["reason"], rejection["detail"])
        for key, rejection in world.rejections().items()
    }
    assert rejections == {
        f"{first + 3}.json": ("wrong_type", "its field 'text' is an object, not a string"),
        f"{first + 4}.json": ("missing_field", "it has no field 'text'"),
        f"{first + 6}.json": ("wrong_type", "its attribute 'sku' is no attribute value of DynamoDB's"),
    }
    assert set(world.work.objects) == {f"streams/reviews/rejected/{name}" for name in rejections}


def test_all_records_are_predicted_in_one_call() -> None:
    world = World()

    world.infer(kinesis(0, 1, 2, 8))

    assert world.calls == [4]


def test_a_record_at_fault_is_found_by_halving_and_the_others_are_predicted() -> None:
    world = World()

    outcome = world.infer(kinesis(0, 1, 7, 8))

    assert world.calls == [4, 2, 2, 1, 1]
    assert (outcome.predicted, outcome.rejected) == (3, 1)


def test_an_event_that_is_delivered_twice_changes_nothing() -> None:
    world = World()
    world.infer(event("kinesis"))
    once = copy.deepcopy((world.predictions.items, world.work.objects))

    world.infer(event("kinesis"))

    assert (world.predictions.items, world.work.objects) == once


def test_fields_are_renamed_in_plain_records_too() -> None:
    world = World()

    outcome = world.infer(kinesis(0), {"text": "id", "id": "text"})

    assert outcome.predicted == 1
    assert list(world.stored()) == [("good", f"reviews/{SHARD}/{sequence(0)}")]


# ---------------------------------------------------------------- what is reported back


def test_only_the_prediction_that_the_table_did_not_take_is_reported() -> None:
    world = World()
    world.predictions.refused = frozenset({f"reviews/{SHARD}/{sequence(1)}"})
    delivered = event("kinesis")

    outcome = world.infer(delivered)

    assert report_failures(delivered, outcome) == {"batchItemFailures": [{"itemIdentifier": sequence(1)}]}
    assert (outcome.predicted, outcome.rejected, len(outcome.failed)) == (3, 4, 1)
    assert outcome.records == 3 + 4 + 1 + 1
    # The other predictions are stored. Storing them again changes nothing.
    assert len(world.stored()) == 3
    world.predictions.refused = frozenset()
    # Lambda delivers all records again, from the reported one on.
    again = {"Records": delivered["Records"][1:]}
    assert report_failures(again, world.infer(again)) == {"batchItemFailures": []}
    assert len(world.stored()) == 4


def test_records_whose_rejections_could_not_be_stored_are_reported() -> None:
    world = World()
    world.work.error = StoreBusyError("busy")
    delivered = kinesis(0, 3, 5)

    outcome = world.infer(delivered)

    assert report_failures(delivered, outcome) == {
        "batchItemFailures": [{"itemIdentifier": sequence(3)}, {"itemIdentifier": sequence(5)}]
    }
    assert (outcome.predicted, outcome.rejected, outcome.reasons) == (1, 0, {})


def test_no_rejection_is_written_when_time_is_out() -> None:
    world = World()
    world.time_left = 0.0

    outcome = world.infer(kinesis(3))

    assert world.work.objects == {}
    assert outcome.failed == {Place("reviews", SHARD, sequence(3))}


def test_failures_of_a_whole_dynamodb_streams_event_are_reported_by_sequence_number() -> None:
    world = World()
    delivered = {"Records": event("dynamodb_stream")["Records"][:2]}
    places = [str(place_of(record)) for record in delivered["Records"]]
    world.predictions.refused = frozenset(places)

    answer = report_failures(delivered, world.infer(delivered, {"id": "sku", "text": "body"}))

    assert answer == {
        "batchItemFailures": [{"itemIdentifier": place.rpartition("/")[2]} for place in places],
    }


def test_a_misbehaving_model_fails_the_event_and_stores_nothing() -> None:
    world = World()

    def predict(_: Sequence[tuple[str | float | None, ...]]) -> list[Answer]:
        raise ModelMisbehavedError("one answer too few")

    world.predict = predict  # type: ignore[assignment,method-assign]

    with pytest.raises(ModelMisbehavedError):
        world.infer(kinesis(0, 3))

    assert (world.predictions.items, world.work.objects) == ({}, {})


# ---------------------------------------------------------------- events


@pytest.mark.parametrize(
    "other_event",
    [{"Records": []}, {"Records": [{"eventSource": "aws:sqs"}]}, {"Records": ["x"]}],
    ids=["empty", "another-service", "no-objects"],
)
def test_an_event_of_anything_else_is_refused(other_event: dict[str, Any]) -> None:
    with pytest.raises(InvalidIngestError, match="neither of a Kinesis stream nor"):
        source_of(other_event)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"id":"a","text":"' + b"x" * 1_000 + b'"}', "too_large"),
        (b"[1]", "not_an_object"),
        (b'{"dynamodb":5,"text":"good"}', "missing_id"),
        (b'{"dynamodb":{"NewImage":5}}', "wrong_type"),
        (b'{"id":{"S":5},"text":{"S":"good"}}', "wrong_type"),
        (b'{"id":"a","text":{"S":"good"}}', "wrong_type"),
        (b'{"id":{"S":"a"},"text":{"L":' + b"[" * 400 + b"]" * 400 + b"}}", "wrong_type"),
        (b'{"id":{"S":"\\ud800"},"text":{"S":"good"}}', "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"", "not_json"),
    ],
)
def test_data_that_is_not_a_record_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    world = World()
    delivered = kinesis(0)
    delivered["Records"][0]["kinesis"]["data"] = base64.b64encode(data).decode()

    outcome = world.infer(delivered)

    assert outcome.reasons == {reason: 1}
    assert world.stored() == {}


def test_a_plain_record_may_have_a_field_named_dynamodb() -> None:
    world = World()
    delivered = kinesis(0)
    data = b'{"id":"a","text":"good","dynamodb":{"is":"a database"}}'
    delivered["Records"][0]["kinesis"]["data"] = base64.b64encode(data).decode()

    assert world.infer(delivered).predicted == 1

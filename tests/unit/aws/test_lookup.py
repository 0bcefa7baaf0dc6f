"""Looking a record up: how many requests it takes in each layout, and what it answers while there is no index."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import hundredfold
from hundredfold.accounting.index_builder import IndexBuilder, indexed
from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger, batch_key
from hundredfold.aws.lookup import PackedItems
from hundredfold.batches import BatchOutcome, InvocationStats
from hundredfold.errors import NotIndexedError, StoreBusyError
from hundredfold.layout import Layout
from hundredfold.packed import PackedPredictions
from hundredfold.record_index import RecordIndex
from hundredfold.records import Prediction
from hundredfold.sources.objects import PinnedObject
from tests.unit.answering_server import AnsweringServer, Reply, Request, dynamodb_error, json_reply
from tests.unit.aws.test_ledger import PLAN, SUMMARY
from tests.unit.fakes import MemoryWork

PACKED = replace(PLAN, layout=Layout.PACKED)


@dataclass
class Store:
    """The ledger, the predictions table and the work bucket, and what was asked of them."""

    items: dict[tuple[str, ...], Any] = field(default_factory=dict)
    work: MemoryWork = field(default_factory=MemoryWork)
    requests: list[str] = field(default_factory=list)
    sent_bytes: int = 0

    def answer(self, request: Request) -> Reply:
        reply = self._reply(request)
        self.sent_bytes += len(reply.body)
        return reply

    def _reply(self, request: Request) -> Reply:
        action = request.headers.get("X-Amz-Target", "GetObject").rpartition(".")[2]
        self.requests.append(action)
        match action:
            case "GetObject":
                content = self.work.objects[request.path.partition("?")[0].split("/", 2)[2]]
                first, last = map(int, request.headers["Range"].removeprefix("bytes=").split("-"))
                return Reply(content[first : last + 1], 206, {"ETag": request.headers["If-Match"]})
            case "PutItem":
                self.items[_key(request.json["Item"])] = request.json["Item"]
                return json_reply({})
            case "GetItem":
                item = self.items.get(_key(request.json["Key"]))
                return json_reply({"Item": item} if item else {})
            case "BatchGetItem":
                [(table, asked)] = request.json["RequestItems"].items()
                rows = [self.items[_key(key)] for key in asked["Keys"] if _key(key) in self.items]
                return json_reply({"Responses": {table: rows}, "UnprocessedKeys": {}})
            case _:
                wanted = request.json["ExpressionAttributeValues"][":key"]["S"]
                return json_reply({"Items": [item for key, item in sorted(self.items.items()) if key[0] == wanted]})


def _key(item: dict[str, Any]) -> tuple[str, str]:
    names = ("ledger_key", "entry") if "ledger_key" in item else ("record_id", "ingest_id")
    return item[names[0]]["S"], item[names[1]]["S"]


@pytest.fixture
def store(aws: AnsweringServer) -> Store:
    store = Store()
    aws.answer = store.answer
    return store


@pytest.fixture
def ledger(store: Store) -> Iterator[DynamoLedger]:
    client = clients.dynamodb()
    yield DynamoLedger(client, "ledger")
    client.close()


def enter(ledger: DynamoLedger, batch: int, *record_ids: str) -> None:
    predictions = [Prediction(record_id, "pos", 0.75) for record_id in record_ids]
    outcome = BatchOutcome(batch, len(predictions), len(predictions), 0, stats=InvocationStats("e", 0))
    ledger.batch_done("i1", outcome, PackedPredictions("7", predictions))


def end(ledger: DynamoLedger, store: Store) -> None:
    """End the ingest, as the summary does."""
    with IndexBuilder() as builder:
        assert list(indexed(ledger.packed_entries("i1"), builder))
        index = builder.write("index/i1/i1.bin", store.work)
    ledger.finish(SUMMARY, index=index)
    store.requests.clear()
    store.sent_bytes = 0


def look_up(record_id: str) -> dict[str, Any] | None:
    return hundredfold.lookup("i1", record_id, predictions_table="predictions", ledger_table="ledger")


def test_a_packed_prediction_is_found_by_three_requests(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(PACKED, "t0")
    for batch in range(20):
        enter(ledger, batch, *(f"r-{number}" for number in range(100 * batch, 100 * batch + 100)))
    end(ledger, store)

    found = look_up("r-1234")

    assert found is not None
    assert {name: found[name] for name in found.keys() - {"predicted_at"}} == {
        "record_id": "r-1234", "ingest_id": "i1", "batch": 12, "label": "pos", "score": 0.75, "model_version": "7",
    }  # fmt: skip
    assert store.requests == ["GetItem", "GetObject", "BatchGetItem"]


def test_a_record_without_a_prediction_is_not_found_and_no_batch_is_read(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(PACKED, "t0")
    enter(ledger, 0, *(f"r-{number}" for number in range(100)))
    end(ledger, store)

    assert look_up("other") is None
    assert set(store.requests) <= {"GetItem", "GetObject"}


def test_of_an_id_that_two_batches_have_the_first_batch_counts(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(PACKED, "t0")
    enter(ledger, 1, "twice", "b")
    enter(ledger, 0, "twice", "a")
    end(ledger, store)

    assert (look_up("twice") or {})["batch"] == 0


def test_an_item_is_found_by_two_requests(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(PLAN, "t0")
    store.items["a", "i1"] = {"record_id": {"S": "a"}, "ingest_id": {"S": "i1"}, "value": {"N": "1.5"}}
    store.requests.clear()

    assert look_up("a") == {"record_id": "a", "ingest_id": "i1", "value": 1.5}
    assert store.requests == ["GetItem", "GetItem"]
    assert look_up("b") is None


def test_an_ingest_that_runs_is_searched_if_it_is_small(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(PACKED, "t0")
    enter(ledger, 3, "a", "b")

    assert (look_up("b") or {})["batch"] == 3
    assert look_up("c") is None


def test_an_ingest_that_runs_and_is_large_says_when_it_can_be_searched(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(replace(PACKED, batches=1_001), "t0")

    with pytest.raises(NotIndexedError, match="written at its end"):
        look_up("a")


def test_predictions_in_several_parts_are_read_whole(
    store: Store, ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PackedPredictions.parts, "__kwdefaults__", {"part_bytes": 700})
    ids = [f"r-{number}" for number in range(300)]
    ledger.begin(PACKED, "t0")
    enter(ledger, 7, *ids)
    parts = int(store.items["i1#7", "7"]["parts"]["N"])
    # A part of an earlier attempt that had more is left over.
    store.items["i1#7", f"7.{parts}"] = store.items["i1#7", "7.1"] | {"entry": {"S": f"7.{parts}"}}
    enter(ledger, 15, "of another batch")
    end(ledger, store)

    items = PackedItems(clients.dynamodb(), "ledger")

    assert parts > 1
    assert [prediction["record_id"] for prediction in items.read("i1", [7])] == ids
    assert [row["record_id"] for row in items.read_all("i1")] == ["of another batch", *ids]
    assert [entry.batch for entry in ledger.entries("i1")] == [15, 7]
    assert (look_up("r-299") or {})["batch"] == 7


def test_a_busy_table_is_busy(aws: AnsweringServer) -> None:
    aws.answer = lambda _: dynamodb_error("InternalServerError", status=500)

    with pytest.raises(StoreBusyError):
        list(PackedItems(clients.dynamodb(), "ledger").read("i1", [0]))


def test_unprocessed_batches_are_read_again(aws: AnsweringServer) -> None:
    part = PackedPredictions("7", [Prediction("a", "pos", None)]).parts("t0")[0]
    client = clients.dynamodb()
    keys = [{"ledger_key": {"S": batch_key("i1", 0)}, "entry": {"S": "0"}}]
    item = {"entry": {"S": "0"}, "predictions": {"B": b64encode(part).decode()}}
    aws.answer_in_turn(
        json_reply({"Responses": {"ledger": []}, "UnprocessedKeys": {"ledger": {"Keys": keys}}}),
        json_reply({"Responses": {"ledger": [item]}, "UnprocessedKeys": {}}),
    )

    assert [prediction["record_id"] for prediction in PackedItems(client, "ledger").read("i1", [0])] == ["a"]


def test_the_index_is_read_as_it_was_when_the_summary_wrote_it(store: Store, ledger: DynamoLedger) -> None:
    ledger.begin(PACKED, "t0")
    enter(ledger, 0, "a")
    end(ledger, store)

    index = ledger.ingest("i1")
    assert index is not None
    pinned = RecordIndex.from_dict(index["index"]).pinned
    assert pinned == PinnedObject("work", "index/i1/i1.bin", pinned.etag, 12)

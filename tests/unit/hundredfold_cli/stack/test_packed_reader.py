"""Each ingest is read in the layout that its plan has."""

from dataclasses import replace

import pytest

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.lookup import Lookup, PackedItems
from hundredfold.batches import BatchOutcome
from hundredfold.packed import PackedPredictions
from hundredfold.records import Prediction
from hundredfold_cli.stack.packed_reader import PackedBatches, PredictionsByLayout
from hundredfold_cli.stack.predictions_reader import ItemPredictions
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws.test_ledger import PLAN
from tests.unit.aws.test_lookup import PACKED, Store


@pytest.fixture
def store(aws: AnsweringServer) -> Store:
    store = Store()
    aws.answer = store.answer
    return store


def test_each_ingest_is_read_in_its_own_layout(store: Store) -> None:
    dynamodb, s3 = clients.dynamodb(), clients.s3()
    ledger = DynamoLedger(dynamodb, "ledger")
    ledger.begin(PACKED, "t0")
    ledger.begin(replace(PLAN, ingest_id="i2"), "t0")
    predictions = [Prediction("a", "pos", 0.75), Prediction("b", "neg", 0.5)]
    ledger.batch_done("i1", BatchOutcome(3, 2, 2, 0), PackedPredictions("7", predictions))
    store.items["a", "i2"] = {
        "record_id": {"S": "a"}, "ingest_id": {"S": "i2"}, "batch": {"N": "0"}, "label": {"S": "item"},
    }  # fmt: skip
    lookup = Lookup(dynamodb, s3, predictions_table="predictions", ledger_table="ledger")
    reader = PredictionsByLayout(
        ItemPredictions(dynamodb, "predictions"), PackedBatches(PackedItems(dynamodb, "ledger"), lookup), ledger
    )

    assert {name: row["label"] for name, row in reader.read_batch("i1", 3, ["b", "other"]).items()} == {"b": "neg"}
    assert {name: row["label"] for name, row in reader.read_batch("i2", 0, ["a"]).items()} == {"a": "item"}
    assert [row["record_id"] for row in reader.read_all("i1")] == ["a", "b"]
    assert (reader.read_record("i1", "b") or {})["score"] == 0.5
    assert (reader.read_record("i2", "a") or {})["label"] == "item"
    assert reader.read_batch("never planned", 0, ["a"]) == {}

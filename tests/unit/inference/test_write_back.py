"""Write-back: the item of each prediction, the attributes that are compared, and what a batch counts."""

import pytest

from hundredfold.accounting.bill import bill_of
from hundredfold.accounting.prices import prices
from hundredfold.accounting.usage import UsageTotals, usage_lines
from hundredfold.batches import Batch, BatchOutcome, InvocationStats
from hundredfold.errors import InvalidIngestError
from hundredfold.inference.batch import BatchTask, Scoring, Stores, infer_batch
from hundredfold.inference.decode import decode_batch
from hundredfold.inference.write_back import check_write_back, item_answers
from hundredfold.ingest import Model, Plan
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import item_line
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import TableSpec
from hundredfold.summary import Totals
from tests.unit.fakes import MemoryItems, MemoryLedger, MemoryPredictions, MemorySources, MemoryWork

SPEC = TableSpec("reviews", write_back="verdict", options=ReadOptions(fields={"id": "sku", "text": "body"}))
SIGNATURE = Signature((Field("text", FieldType.TEXT), Field("price", FieldType.NUMBER)))
LOCATION = ObjectLocation("work", "staged.jsonl")
LONG = "12345678901234567890123456789012345.678"  # 38 digits; a float has 17


def line(number: int, body: str, price: str = LONG) -> bytes:
    item = {"pk": {"S": f"k{number}"}, "sku": {"N": str(number)}, "body": {"S": body}, "price": {"N": price}}
    return item_line(item, SPEC.options, SPEC.write_back, ("pk",))


CONTENT = b"\n" + line(1, 'good "\n\u2028') + b'{"id":"none"}\n' + line(2, "bad").removesuffix(b"\n")


class World:
    def __init__(self) -> None:
        self.effects: list[str] = []
        self.ledger = MemoryLedger(effects=self.effects)
        self.items = MemoryItems(
            {
                "k1": {"body": {"S": 'good "\n\u2028'}, "price": {"N": LONG}},
                "k2": {"body": {"S": "bad"}, "price": {"N": LONG}},
            },
            self.effects,
        )

    def infer(self, spec: TableSpec = SPEC) -> BatchOutcome:
        sources = MemorySources({LOCATION: CONTENT})
        batch = Batch(0, 0, 1, len(CONTENT) - 1, 3, 2)
        return infer_batch(
            BatchTask("i1", spec, sources.pin(LOCATION), Model("arn:7", "7"), batch),
            Scoring(
                lambda values: [("pos" if str(text)[0] == "g" else "neg", 0.9) for text, _ in values], SIGNATURE, 1_000
            ),
            Stores(
                sources,
                MemoryWork(effects=self.effects),
                MemoryPredictions(effects=self.effects),
                self.items,
                self.ledger,
            ),
            time_left=lambda: 60.0,
            stats=InvocationStats("w", 0),
        )


def test_predictions_are_written_back_after_their_table_and_before_the_ledger() -> None:
    world = World()

    outcome = world.infer()

    assert world.effects == [
        "predictions 0 2", "write ingests/i1/rejected/00000000.jsonl", "back reviews verdict 2", "done 0",
    ]  # fmt: skip
    assert (world.items.items["k1"]["verdict"], world.items.items["k2"]["verdict"]) == ({"S": "pos"}, {"S": "neg"})
    assert (outcome.predicted, outcome.rejected, outcome.written_back, outcome.outdated) == (2, 1, 2, 0)
    assert outcome.stats == InvocationStats("w", 0, write_units=2.0, write_back_units=2.0)


def test_a_deleted_item_and_one_that_changed_in_its_38th_digit_are_outdated() -> None:
    world = World()
    world.items.items["k1"]["price"] = {"N": LONG[:-1] + "9"}
    del world.items.items["k2"]

    outcome = world.infer()

    assert (outcome.predicted, outcome.written_back, outcome.outdated) == (2, 0, 2)
    assert "verdict" not in world.items.items["k1"]
    assert "k2" not in world.items.items


def test_nothing_is_written_back_unless_the_spec_says_so() -> None:
    world = World()

    outcome = world.infer(TableSpec("reviews", options=SPEC.options))

    assert not any(effect.startswith("back") for effect in world.effects)
    assert (outcome.written_back, outcome.outdated) == (0, 0)


def test_an_answer_has_the_key_of_its_item_and_every_digit_that_was_read() -> None:
    batch = Batch(0, 0, 1, len(CONTENT) - 1, 3, 2)
    pinned = MemorySources({LOCATION: CONTENT}).pin(LOCATION)
    records = decode_batch(CONTENT[1:], batch, pinned, SIGNATURE, max_record_bytes=1_000).records

    answers = list(item_answers(SPEC, SIGNATURE, CONTENT[1:], batch, records, [Prediction("2", "neg", 0.5)]))

    assert [(answer.key, answer.read) for answer in answers] == [
        ({"pk": {"S": "k2"}}, {"body": {"S": "bad"}, "price": {"N": LONG}})
    ]


def test_an_attribute_that_the_model_reads_is_refused() -> None:
    for attribute, field in (("body", "text"), ("price", "price")):
        with pytest.raises(
            InvalidIngestError, match=f"names '{attribute}', which the model's field '{field}' is taken"
        ):
            check_write_back(TableSpec("reviews", write_back=attribute, options=SPEC.options), SIGNATURE)
    # "text" is allowed: the field is read from "body"
    check_write_back(TableSpec("reviews", write_back="text", options=SPEC.options), SIGNATURE)


def test_a_model_with_too_many_fields_is_refused() -> None:
    signature = Signature(tuple(Field(f"f{number}", FieldType.NUMBER) for number in range(101)))

    with pytest.raises(InvalidIngestError, match="the model has 101 fields, and a write_back compares 100 at most"):
        check_write_back(SPEC, signature)


def test_write_backs_are_added_up_and_billed() -> None:
    entries = [
        BatchOutcome(0, 100, 100, 0, stats=InvocationStats("w", 0, 0, 1769, 100.0, 98.0), written_back=97, outdated=3),
        BatchOutcome(1, 10, 10, 0, stats=InvocationStats("w", 0, 0, 1769, 10.0, 20.0), written_back=10),
    ]
    usage_totals = UsageTotals()
    for entry in entries:
        usage_totals.add(entry)

    plan = Plan("i1", SPEC, None, 0, ObjectLocation("w", "m"), 2, 110, Model("f:1", "1"))
    totals = Totals.sum(entries)
    lines = bill_of(usage_lines(usage_totals.usage(plan, other_memory_mb=512)), prices()).lines

    assert (totals.written_back, totals.outdated) == (107, 3)
    [line] = [line for line in lines if line.what == "predictions, back onto their items"]
    assert line.quantity == 118.0
    assert line.usd == pytest.approx(118 * 0.625 / 1_000_000)

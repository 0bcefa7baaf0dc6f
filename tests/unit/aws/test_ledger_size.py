"""The largest possible item of a batch in the ledger stays within one write unit."""

from typing import Any

from hundredfold.aws import clients
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.batches import BatchOutcome, InvocationStats, Sketch
from hundredfold.records import Reason
from tests.unit.answering_server import AnsweringServer, json_reply


def size(value: dict[str, Any]) -> int:
    """What DynamoDB counts for an attribute's value.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (2026-11)
    """
    [(kind, inner)] = value.items()
    match kind:
        case "S":
            return len(inner.encode())
        case "N":
            return (len(inner.strip("-").replace(".", "")) + 1) // 2 + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + size(item) for name, item in inner.items())
        case "L":
            return 3 + sum(1 + size(item) for item in inner)
    raise AssertionError(kind)


def test_the_largest_item_of_a_batch_takes_one_write_unit(aws: AnsweringServer) -> None:
    aws.answer = lambda _: json_reply({})
    client = clients.dynamodb()
    tenths = tuple([999] * 10)
    outcome = BatchOutcome(
        batch=99_999,
        records=10_000,
        predicted=9_990,
        rejected=10,
        reasons={reason.value: 999 for reason in Reason},
        milliseconds=dict.fromkeys(("read", "decode", "predict", "sketch", "write"), 19_999),
        stats=InvocationStats("0123456789abcdef" * 2, 1_795_496_533_614, 10_000, 10_240, 10_000.0, 10_000.0),
        sketch=Sketch((999,) * 20, tenths, (tenths, tenths), 9_999),
        written_back=9_990,
        outdated=9_990,
        model_version="9999",
    )

    DynamoLedger(client, "ledger").batch_done("i" * 80, outcome)
    client.close()

    [put] = aws.requests
    item = put.json["Item"]
    assert sum(len(name) + size(value) for name, value in item.items()) <= 1_024

"""Predictions in DynamoDB: what is really sent, what is sent again, and how it ends."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hundredfold.aws import clients
from hundredfold.aws.predictions import DynamoPredictions, answer_attributes
from hundredfold.errors import OutOfTimeError, StoreBusyError
from hundredfold.ingest import Model
from hundredfold.records import ClassLabel, Prediction
from hundredfold_cli.stack.predictions_reader import _prediction
from tests.unit.answering_server import AnsweringServer, Reply, Request, dynamodb_error, json_reply

MODEL = Model("arn:infer:7", "7")
NOW = "2026-11-24T10:00:00.000+00:00"
ALL_WRITTEN = json_reply({"UnprocessedItems": {}})


class Written:
    """A `DynamoPredictions` on a real client, and the pauses that it made."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.client = clients.dynamodb(validate=False)
        self.pool = ThreadPoolExecutor(4)
        self.predictions = DynamoPredictions(
            self.client, "predictions", now=lambda: NOW, pool=self.pool, sleep=self.pauses.append
        )

    def write(self, predictions: list[Prediction], time_left: Callable[[], float] = lambda: 60.0) -> float:
        return self.predictions.write("i1", 7, MODEL, predictions, time_left)


@pytest.fixture
def written(aws: AnsweringServer) -> Iterator[Written]:
    aws.answer = lambda _: ALL_WRITTEN
    written = Written()
    yield written
    written.pool.shutdown()
    written.client.close()


def predictions(count: int) -> list[Prediction]:
    return [Prediction(f"r{number}", "pos", 0.5) for number in range(count)]


def put_of(record_id: str) -> dict[str, Any]:
    return {
        "PutRequest": {
            "Item": {
                "record_id": {"S": record_id},
                "label": {"S": "pos"},
                "score": {"N": "0.5"},
                "ingest_id": {"S": "i1"},
                "batch": {"N": "7"},
                "model_version": {"S": "7"},
                "predicted_at": {"S": NOW},
            }
        }
    }


def ids_of(request: Request) -> list[str]:
    puts = request.json["RequestItems"]["predictions"]
    return [put["PutRequest"]["Item"]["record_id"]["S"] for put in puts]


# ---------------------------------------------------------------- what is sent


def test_a_prediction_is_sent_as_batch_write_item_wants_it(aws: AnsweringServer, written: Written) -> None:
    written.write([Prediction("r1", "pos", 0.1 + 0.2)])

    [request] = aws.requests
    assert request.method == "POST"
    assert request.headers["X-Amz-Target"] == "DynamoDB_20120810.BatchWriteItem"
    assert request.headers["Content-Type"] == "application/x-amz-json-1.0"
    assert request.json == {
        "RequestItems": {
            "predictions": [
                {
                    "PutRequest": {
                        "Item": {
                            "record_id": {"S": "r1"},
                            "ingest_id": {"S": "i1"},
                            "label": {"S": "pos"},
                            "score": {"N": "0.30000000000000004"},
                            "batch": {"N": "7"},
                            "model_version": {"S": "7"},
                            "predicted_at": {"S": NOW},
                        }
                    }
                }
            ]
        },
        "ReturnConsumedCapacity": "TOTAL",
    }


def test_the_units_that_dynamodb_counted_are_added_up_over_calls_and_attempts(
    aws: AnsweringServer, written: Written
) -> None:
    def counted(units: float, *left: str) -> Reply:
        items = {"predictions": [put_of(record_id) for record_id in left]} if left else {}
        capacity = [{"TableName": "predictions", "CapacityUnits": units}]
        return json_reply({"UnprocessedItems": items, "ConsumedCapacity": capacity})

    aws.answer_in_turn(counted(2.0, "r2"), counted(1.5))

    assert written.write(predictions(3)) == 3.5


def test_what_is_sent_is_signed(aws: AnsweringServer, written: Written) -> None:
    written.write(predictions(1))

    [request] = aws.requests
    assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert request.headers["Content-Length"] == str(len(request.body))


_predictions = st.lists(
    st.builds(
        Prediction, record_id=st.text(min_size=1, max_size=20), label=st.text(max_size=20), score=st.floats(0, 1)
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=_predictions)
def test_what_is_sent_is_what_botocore_would_send(
    aws: AnsweringServer, written: Written, batch: list[Prediction]
) -> None:
    aws.requests.clear()
    written.write(batch)
    items: list[dict[str, Any]] = [
        {
            "record_id": {"S": prediction.record_id},
            "ingest_id": {"S": "i1"},
            "label": {"S": prediction.label},
            "score": {"N": str(prediction.score)},
            "batch": {"N": "7"},
            "model_version": {"S": "7"},
            "predicted_at": {"S": NOW},
        }
        for prediction in batch
    ]
    untouched = boto3.client("dynamodb")
    untouched.batch_write_item(
        RequestItems={"predictions": [{"PutRequest": {"Item": item}} for item in items]},
        ReturnConsumedCapacity="TOTAL",
    )
    untouched.close()

    ours, botocores = aws.requests

    assert ours.json == botocores.json
    # Apart from what depends on the moment, the request's own bytes and the configuration of retries.
    apart = {"Authorization", "X-Amz-Date", "Content-Length", "amz-sdk-invocation-id", "amz-sdk-request", "User-Agent"}
    assert {name: value for name, value in ours.headers.items() if name not in apart} == {
        name: value for name, value in botocores.headers.items() if name not in apart
    }


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (24, [24]), (25, [25]), (26, [1, 25]), (100, [25, 25, 25, 25]), (101, [1, 25, 25, 25, 25])],
)
def test_twenty_five_are_sent_a_call(aws: AnsweringServer, written: Written, count: int, sizes: list[int]) -> None:
    written.write(predictions(count))

    assert sorted(len(ids_of(request)) for request in aws.requests) == sizes
    sent = [record_id for request in aws.requests for record_id in ids_of(request)]
    assert sorted(sent) == sorted(f"r{number}" for number in range(count))


def test_other_operations_of_the_same_client_are_left_as_they_are(aws: AnsweringServer, written: Written) -> None:
    written.write(predictions(1))
    written.client.put_item(TableName="ledger", Item={"k": {"S": "1"}})

    assert aws.requests[1].json == {"TableName": "ledger", "Item": {"k": {"S": "1"}}}


def test_a_second_writer_on_the_same_client_is_no_harm(aws: AnsweringServer, written: Written) -> None:
    second = DynamoPredictions(written.client, "others", now=lambda: NOW, pool=written.pool)

    written.write(predictions(1))
    second.write("i1", 7, MODEL, predictions(1), lambda: 60.0)

    assert [request.json["RequestItems"] for request in aws.requests] == [
        {"predictions": [put_of("r0")]},
        {"others": [put_of("r0")]},
    ]


# ---------------------------------------------------------------- what is sent again


def unprocessed(*record_ids: str) -> Reply:
    return json_reply({"UnprocessedItems": {"predictions": [put_of(record_id) for record_id in record_ids]}})


def test_what_was_left_unprocessed_is_sent_again_until_nothing_is(aws: AnsweringServer, written: Written) -> None:
    aws.answer_in_turn(unprocessed("r0", "r2"), unprocessed("r2"), ALL_WRITTEN)

    written.write(predictions(3))

    assert [ids_of(request) for request in aws.requests] == [["r0", "r1", "r2"], ["r0", "r2"], ["r2"]]
    assert aws.requests[2].json == {
        "RequestItems": {"predictions": [put_of("r2")]},
        "ReturnConsumedCapacity": "TOTAL",
    }


@pytest.mark.parametrize(
    ("drawn", "pauses"),
    [(0.0, [0.0] * 9), (1.0, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])],
    ids=["the shortest", "the longest"],
)
def test_pauses_are_drawn_from_a_range_that_doubles_up_to_five_seconds(
    aws: AnsweringServer, written: Written, monkeypatch: pytest.MonkeyPatch, drawn: float, pauses: list[float]
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low + drawn * (high - low))
    aws.answer_in_turn(*[unprocessed("r0")] * 9, ALL_WRITTEN)

    written.write(predictions(1))

    assert written.pauses == pytest.approx(pauses)


def test_each_call_sends_its_own_rest_again(aws: AnsweringServer, written: Written) -> None:
    left_once: set[str] = set()

    def leave_the_first_once(request: Request) -> Reply:
        first = ids_of(request)[0]
        if first in left_once:
            return ALL_WRITTEN
        left_once.add(first)
        return unprocessed(first)

    aws.answer = leave_the_first_once

    written.write(predictions(60))

    again = sorted(ids_of(request) for request in aws.requests if len(ids_of(request)) == 1)
    assert again == [["r0"], ["r25"], ["r50"]]
    assert len(aws.requests) == 6


def test_a_throttled_call_is_sent_again_by_botocore_with_the_same_body(aws: AnsweringServer, written: Written) -> None:
    aws.answer_in_turn(dynamodb_error("ProvisionedThroughputExceededException"), ALL_WRITTEN)

    written.write(predictions(2))

    first, second = aws.requests
    assert first.body == second.body
    assert ids_of(second) == ["r0", "r1"]


# ---------------------------------------------------------------- how it ends


@pytest.mark.parametrize(
    "reply",
    [
        dynamodb_error("InternalServerError", status=500),
        Reply(b"", 503),
        Reply(b"<html>bad gateway</html>", 502),
    ],
    ids=["internal", "unavailable", "gateway"],
)
def test_a_table_that_stays_busy_raises_a_retryable_error(aws: AnsweringServer, written: Written, reply: Reply) -> None:
    aws.answer = lambda _: reply

    with pytest.raises(StoreBusyError, match="DynamoDB did not take predictions: "):
        written.write(predictions(1))

    assert len(aws.requests) == 3


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException"])
def test_a_table_that_throttles_is_waited_for(aws: AnsweringServer, written: Written, code: str) -> None:
    # botocore asks three times, and we wait and begin anew, three times over
    aws.answer_in_turn(*[dynamodb_error(code)] * 9, ALL_WRITTEN)

    written.write(predictions(1))

    assert len(aws.requests) == 10
    assert len(written.pauses) == 3
    assert all(0 <= pause <= longest for pause, longest in zip(written.pauses, [0.05, 0.1, 0.2], strict=True))


def test_a_table_that_throttles_for_too_long_runs_the_batch_out_of_time(aws: AnsweringServer, written: Written) -> None:
    aws.answer = lambda _: dynamodb_error("ThrottlingException")
    left = iter([5.0, 4.0, 0.5, 0.0])  # before each call and before each pause

    with pytest.raises(OutOfTimeError, match="DynamoDB left 1 predictions unprocessed until time was out"):
        written.write(predictions(1), time_left=lambda: next(left, 0.0))


def test_predictions_are_withdrawn_from_the_batch_that_made_them(aws: AnsweringServer, written: Written) -> None:
    refused = dynamodb_error("ConditionalCheckFailedException")  # another batch's, or none
    aws.answer_in_turn(json_reply({}), refused, dynamodb_error("ThrottlingException"), json_reply({}))

    written.predictions.withdraw("i1", 7, ["a", "b", "c"])

    assert [request.json["Key"]["record_id"]["S"] for request in aws.requests] == ["a", "b", "c", "c"]
    assert aws.requests[0].json == {
        "TableName": "predictions",
        "Key": {"record_id": {"S": "a"}, "ingest_id": {"S": "i1"}},
        "ConditionExpression": "#batch = :batch",
        "ExpressionAttributeNames": {"#batch": "batch"},
        "ExpressionAttributeValues": {":batch": {"N": "7"}},
    }


@pytest.mark.parametrize("bytes_that_came", [0, 1, 20])
def test_an_answer_that_was_cut_off_does_not_count_as_all_written(
    aws: AnsweringServer, written: Written, bytes_that_came: int
) -> None:
    aws.answer = lambda _: Reply(unprocessed("r0").body, drop_after=bytes_that_came)

    with pytest.raises(StoreBusyError, match="DynamoDB's answer to predictions was cut off"):
        written.write(predictions(1))


def test_a_table_out_of_reach_raises_a_retryable_error(aws: AnsweringServer, written: Written) -> None:
    aws.stop()

    with pytest.raises(StoreBusyError, match="DynamoDB did not take predictions: EndpointConnectionError"):
        written.write(predictions(1))


def test_any_other_refusal_is_raised_as_it_is(aws: AnsweringServer, written: Written) -> None:
    aws.answer = lambda _: dynamodb_error("ValidationException", "one item is wrong")

    with pytest.raises(ClientError, match="ValidationException"):
        written.write(predictions(1))

    assert len(aws.requests) == 1


def test_the_message_of_a_busy_table_quotes_nothing_of_the_answer(aws: AnsweringServer, written: Written) -> None:
    aws.answer = lambda _: dynamodb_error("InternalServerError", "for the key r0", status=500)

    with pytest.raises(StoreBusyError) as raised:
        written.write(predictions(1))

    assert "r0" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_nothing_is_sent_when_time_is_out(aws: AnsweringServer, written: Written) -> None:
    with pytest.raises(OutOfTimeError, match="25 predictions were still to be written when time was out"):
        written.write(predictions(30), time_left=lambda: 0.0)

    assert aws.requests == []


def test_no_pause_is_begun_that_would_end_too_late(aws: AnsweringServer, written: Written) -> None:
    aws.answer = lambda _: unprocessed("r0")
    left = iter([1.0, -1.0])  # before the call, and before the pause

    with pytest.raises(OutOfTimeError, match="DynamoDB left 1 predictions unprocessed until time was out"):
        written.write(predictions(1), time_left=lambda: next(left))

    assert len(aws.requests) == 1
    assert written.pauses == []


def test_what_is_left_unprocessed_forever_ends_when_time_is_out(aws: AnsweringServer, written: Written) -> None:
    aws.answer = lambda _: unprocessed("r0")

    with pytest.raises(OutOfTimeError):
        written.write(predictions(1), time_left=lambda: 20.0 - sum(written.pauses))

    assert sum(written.pauses) <= 20.0
    assert len(aws.requests) > 2


def test_nothing_is_being_written_any_more_once_it_has_raised(aws: AnsweringServer, written: Written) -> None:
    """One call fails at once, while the others wait to be answered: only when they have been may it raise."""
    barrier = threading.Barrier(4)  # the three calls that wait, and this test

    def answer(request: Request) -> Reply:
        if "r0" in ids_of(request):
            return dynamodb_error("ValidationException")
        barrier.wait(timeout=30)  # until all of them have come in ...
        barrier.wait(timeout=30)  # ... and the test has seen that they are waited for
        return ALL_WRITTEN

    aws.answer = answer

    with ThreadPoolExecutor(1) as caller:
        writing = caller.submit(written.write, predictions(100))
        barrier.wait(timeout=30)
        with pytest.raises(TimeoutError):
            writing.result(timeout=0.2)
        barrier.wait(timeout=30)
        with pytest.raises(ClientError, match="ValidationException"):
            writing.result(timeout=30)


def test_the_calls_of_a_batch_are_sent_at_once(aws: AnsweringServer, written: Written) -> None:
    together = threading.Barrier(4)

    def answer(_: Request) -> Reply:
        together.wait(timeout=30)  # is broken, and raises, unless all four calls are under way
        return ALL_WRITTEN

    aws.answer = answer

    written.write(predictions(100))

    assert not together.broken
    assert len(aws.requests) == 4


# ---------------------------------------------------------------- predictions that are of no ingest


def streamed(count: int) -> dict[str, Prediction]:
    return {f"reviews/{number}": Prediction(f"r{number}", "pos", 0.5) for number in range(count)}


def test_predictions_of_no_ingest_are_kept_under_their_place_and_have_no_batch(
    aws: AnsweringServer, written: Written
) -> None:
    assert written.predictions.write_each(MODEL, streamed(1), lambda: 60.0) == frozenset()

    [put] = aws.requests[0].json["RequestItems"]["predictions"]
    assert put["PutRequest"]["Item"] == {
        "record_id": {"S": "r0"},
        "label": {"S": "pos"},
        "score": {"N": "0.5"},
        "ingest_id": {"S": "reviews/0"},
        "model_version": {"S": "7"},
        "predicted_at": {"S": NOW},
    }


def test_the_places_of_calls_that_a_busy_table_did_not_take_are_returned(
    aws: AnsweringServer, written: Written
) -> None:
    busy = dynamodb_error("InternalServerError", status=500)
    aws.answer = lambda request: busy if "r25" in ids_of(request) else ALL_WRITTEN

    failed = written.predictions.write_each(MODEL, streamed(60), lambda: 60.0)

    assert failed == {f"reviews/{number}" for number in range(25, 50)}


def test_all_places_are_returned_when_time_is_out(aws: AnsweringServer, written: Written) -> None:
    assert written.predictions.write_each(MODEL, streamed(30), lambda: 0.0) == frozenset(streamed(30))
    assert aws.requests == []


CBOR = "smithy-rpc-v2-cbor"
ALL_WRITTEN_IN_CBOR = b"\xa1\x70UnprocessedItems\xa0"  # a map of one text of 16 bytes to an empty map


def test_a_client_that_does_not_send_json_writes_as_botocore_does(
    aws: AnsweringServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a botocore whose model of DynamoDB prefers another protocol
    aws.answer = lambda _: Reply(
        ALL_WRITTEN_IN_CBOR, headers={"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    )
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def prefer_cbor(service: str, kind: str, api_version: str | None = None) -> Any:
        loaded = load(service, kind, api_version)
        metadata = loaded.get("metadata", {}) | {"protocol": CBOR, "protocols": [CBOR]}
        return loaded | {"metadata": metadata} if kind == "service-2" else loaded

    monkeypatch.setattr(loader, "load_service_model", prefer_cbor)
    client = boto3.Session(botocore_session=session).client("dynamodb", endpoint_url=aws.url)

    # When predictions are written
    with ThreadPoolExecutor(1) as pool:
        DynamoPredictions(client, "predictions", now=lambda: NOW, pool=pool).write(
            "i1", 7, MODEL, predictions(2), lambda: 60.0
        )

    # Then the request is in that protocol
    [request] = aws.requests
    assert request.headers["Content-Type"] == "application/cbor"
    assert request.path.endswith("/operation/BatchWriteItem")
    assert b"r0" in request.body
    assert not request.body.startswith(b"{")


@pytest.mark.parametrize(
    ("label", "attribute"),
    [("pos", {"S": "pos"}), (2, {"N": "2"}), (-1, {"N": "-1"}), (True, {"BOOL": True}), (False, {"BOOL": False})],
)
def test_a_class_is_stored_as_what_it_is_and_read_back_as_that(label: ClassLabel, attribute: dict[str, Any]) -> None:
    alone, scored = answer_attributes(label, None), answer_attributes(label, 1.0)
    several = answer_attributes({"colour": label, "size": 2.0}, {"colour": 1.0, "size": None})

    assert alone == {"label": attribute}
    assert scored == {"label": attribute, "score": {"N": "1.0"}}
    for stored, expected in (
        (scored, {"label": label, "score": 1.0}),
        (several, {"outputs": {"colour": {"label": label, "score": 1.0}, "size": {"value": 2.0}}}),
    ):
        read = _prediction(stored)
        assert repr(read) == repr(expected)

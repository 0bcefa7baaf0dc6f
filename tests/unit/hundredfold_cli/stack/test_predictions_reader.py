"""Reading predictions back: what is asked for, what is asked for again, and what becomes of an answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws import clients
from hundredfold.errors import StoreBusyError
from hundredfold_cli.stack.predictions_reader import ItemPredictions
from tests.unit.answering_server import AnsweringServer, Reply, dynamodb_error, json_reply


class Reader:
    """An `ItemPredictions` on a real client, and the pauses that it made."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.client = clients.dynamodb()
        self.predictions = ItemPredictions(self.client, "predictions", sleep=self.pauses.append)


@pytest.fixture
def reader(aws: AnsweringServer) -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.client.close()


def key(record_id: str) -> dict[str, Any]:
    return {"record_id": {"S": record_id}, "ingest_id": {"S": "i1"}}


def answer(*items: dict[str, Any], unprocessed: tuple[str, ...] = ()) -> Reply:
    keys = {"predictions": {"Keys": [key(record_id) for record_id in unprocessed]}} if unprocessed else {}
    return json_reply({"Responses": {"predictions": list(items)}, "UnprocessedKeys": keys})


def item(record_id: str, **attributes: Any) -> dict[str, Any]:
    return {**key(record_id), "batch": {"N": "7"}, **attributes}


def test_predictions_come_by_record_id_with_numbers_as_the_model_gave_them(
    aws: AnsweringServer, reader: Reader
) -> None:
    scored = item("a", label={"S": "pos"}, score={"N": "0.30000000000000004"})
    whole = item("b", value={"N": "1"})
    several = item("c", outputs={"M": {"size": {"M": {"label": {"S": "s"}, "score": {"N": "1"}}}}})
    aws.answer_in_turn(answer(scored, several, whole))

    predictions = reader.predictions.read_batch("i1", 7, ["a", "b", "c", "d"])

    common = {"ingest_id": "i1", "batch": 7}
    assert predictions == {
        "a": {"record_id": "a", **common, "label": "pos", "score": 0.30000000000000004},
        "b": {"record_id": "b", **common, "value": 1.0},
        "c": {"record_id": "c", **common, "outputs": {"size": {"label": "s", "score": 1.0}}},
    }
    assert isinstance(predictions["b"]["value"], float)
    assert isinstance(predictions["b"]["batch"], int)
    [request] = aws.requests
    assert request.headers["X-Amz-Target"].endswith(".BatchGetItem")
    assert request.json["RequestItems"] == {
        "predictions": {"Keys": [key("a"), key("b"), key("c"), key("d")], "ConsistentRead": True}
    }


def test_more_than_a_hundred_take_several_calls(aws: AnsweringServer, reader: Reader) -> None:
    aws.answer = lambda _: answer()

    assert reader.predictions.read_batch("i1", 7, [str(number) for number in range(201)]) == {}

    assert [len(request.json["RequestItems"]["predictions"]["Keys"]) for request in aws.requests] == [100, 100, 1]
    assert reader.pauses == []


def test_nothing_is_asked_for_no_records(aws: AnsweringServer, reader: Reader) -> None:
    assert reader.predictions.read_batch("i1", 7, []) == {}
    assert aws.requests == []


def test_keys_that_were_left_unprocessed_are_asked_for_again_after_a_pause(
    aws: AnsweringServer, reader: Reader
) -> None:
    aws.answer_in_turn(
        answer(item("a"), unprocessed=("b", "c")),
        answer(unprocessed=("b", "c")),
        answer(unprocessed=("b", "c")),
        answer(item("b"), item("c")),
    )

    assert reader.predictions.read_batch("i1", 7, ["a", "b", "c"]).keys() == {"a", "b", "c"}

    assert [request.json["RequestItems"]["predictions"]["Keys"] for request in aws.requests[1:]] == [
        [key("b"), key("c")]
    ] * 3
    assert len(reader.pauses) == 3
    assert all(0 <= pause <= longest for pause, longest in zip(reader.pauses, [0.05, 0.1, 0.2], strict=True))


@pytest.mark.parametrize(
    "reply", [dynamodb_error("ThrottlingException"), dynamodb_error("InternalServerError", status=500)]
)
def test_a_busy_table_is_told_as_such(aws: AnsweringServer, reader: Reader, reply: Reply) -> None:
    aws.answer = lambda _: reply

    with pytest.raises(StoreBusyError, match="DynamoDB did not answer about predictions: "):
        reader.predictions.read_batch("i1", 7, ["a"])


def test_any_other_refusal_is_raised_as_it_is(aws: AnsweringServer, reader: Reader) -> None:
    aws.answer = lambda _: dynamodb_error("AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDeniedException"):
        reader.predictions.read_batch("i1", 7, ["a"])


def test_a_number_of_forty_digits_is_read(aws: AnsweringServer, reader: Reader) -> None:
    aws.answer_in_turn(answer(item("a", value={"N": "1" + "0" * 39})))

    assert reader.predictions.read_batch("i1", 7, ["a"])["a"]["value"] == 1e39

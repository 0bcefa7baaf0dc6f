"""Predictions in DynamoDB: 25 a call, all calls of a batch at once. Unprocessed ones are sent again within the time."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from hundredfold.aws.backoff import back_off, retry_throttled
from hundredfold.aws.errors import is_failed_condition, is_throttled, mapped_errors
from hundredfold.errors import OutOfTimeError, StoreBusyError
from hundredfold.ingest import Model
from hundredfold.ports import TimeLeft
from hundredfold.records import ClassLabel, Label, Prediction, Score, stored_number

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PUTS_PER_CALL = 25
"""The most that BatchWriteItem takes. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""
WITHDRAWAL_ATTEMPTS = 6
"""Of each removal. The pauses between them add up to 1.55 s at most, beside botocore's own."""

_encode = msgspec.json.Encoder().encode
_JSON = "json"
"""The protocol whose bodies are encoded here. botocore chooses one of those that the service's model lists, and a later
botocore, which Lambda may bring, may choose another: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html"""

type Put = dict[str, Any]


class DynamoPredictions:
    """Writes predictions (implements `ports.Predictions`).

    Parameters
    ----------
    client : its BatchWriteItem is changed to take an encoded body (see `_send_encoded`), if it sends JSON
    table : the predictions table, whose keys are `record_id` and `ingest_id`
    now : returns the time of the predictions, ISO 8601
    pool : sends the calls of a batch
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        now: Callable[[], str],
        pool: ThreadPoolExecutor,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._pool = pool
        self._sleep = sleep
        self._sends_json = client.meta.service_model.resolved_protocol == _JSON
        if self._sends_json:
            _send_encoded(client)

    def write(
        self, ingest_id: str, batch: int, model: Model, predictions: Sequence[Prediction], time_left: TimeLeft
    ) -> float:
        common = {"ingest_id": {"S": ingest_id}, "batch": {"N": str(batch)}, **self._made_by(model)}
        puts = [_put(prediction, common) for prediction in predictions]
        calls = [puts[first : first + PUTS_PER_CALL] for first in range(0, len(puts), PUTS_PER_CALL)]
        writes = [self._pool.submit(self._put_all, call, time_left) for call in calls]
        wait(writes)  # for all, even if one fails: nothing may be written after this method has raised
        return sum(write.result() for write in writes)

    def write_each(self, model: Model, predictions: Mapping[str, Prediction], time_left: TimeLeft) -> frozenset[str]:
        made_by = self._made_by(model)
        calls = list(batched(predictions.items(), PUTS_PER_CALL, strict=False))
        writes = [
            self._pool.submit(
                self._put_all,
                [_put(prediction, {"ingest_id": {"S": place}, **made_by}) for place, prediction in call],
                time_left,
            )
            for call in calls
        ]
        wait(writes)
        failed: set[str] = set()
        for call, write in zip(calls, writes, strict=True):
            try:
                write.result()
            except (OutOfTimeError, StoreBusyError):
                failed.update(place for place, _ in call)
        return frozenset(failed)

    def withdraw(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> None:
        for record_id in record_ids:
            with mapped_errors("DynamoDB did not remove predictions"):
                retry_throttled(
                    partial(self._withdraw, ingest_id, batch, record_id),
                    sleep=self._sleep,
                    attempts=WITHDRAWAL_ATTEMPTS,
                )

    def _withdraw(self, ingest_id: str, batch: int, record_id: str) -> None:
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"record_id": {"S": record_id}, "ingest_id": {"S": ingest_id}},
                # Another batch's record may have the same id.
                ConditionExpression="#batch = :batch",
                ExpressionAttributeNames={"#batch": "batch"},  # a reserved word
                ExpressionAttributeValues={":batch": {"N": str(batch)}},
            )
        except ClientError as error:
            if not is_failed_condition(error):
                raise

    def _made_by(self, model: Model) -> dict[str, Any]:
        return {"model_version": {"S": model.version}, "predicted_at": {"S": self._now()}}

    def _put_all(self, puts: list[Put], time_left: TimeLeft) -> float:
        attempt = 0
        units = 0.0
        while True:
            puts, consumed = self._put_some(puts, time_left)
            units += consumed
            if not puts:
                return units
            back_off(time_left, attempt, self._sleep, f"DynamoDB left {len(puts)} predictions unprocessed")
            attempt += 1

    def _put_some(self, puts: list[Put], time_left: TimeLeft) -> tuple[list[Put], float]:
        if time_left() <= 0:
            raise OutOfTimeError(f"{len(puts)} predictions were still to be written when time was out")
        with mapped_errors("DynamoDB did not take predictions"):
            try:
                answer = self._batch_write(puts)
            except ClientError as error:
                if is_throttled(error):
                    return puts, 0.0
                raise
        if "UnprocessedItems" not in answer:
            # DynamoDB always lists what it left, even if that is nothing. botocore takes an answer cut off for {}.
            raise StoreBusyError("DynamoDB's answer to predictions was cut off")
        units = sum(consumed.get("CapacityUnits", 0.0) for consumed in answer.get("ConsumedCapacity", []))
        return list(answer["UnprocessedItems"].get(self._table, [])), units

    def _batch_write(self, puts: list[Put]) -> Any:
        if not self._sends_json:
            items: Any = {self._table: puts}
            return self._client.batch_write_item(RequestItems=items, ReturnConsumedCapacity="TOTAL")
        body = _encode({"RequestItems": {self._table: puts}, "ReturnConsumedCapacity": "TOTAL"})
        return self._client.batch_write_item(RequestItems={self._table: []}, EncodedBody=body)  # type: ignore[call-arg]


def _put(prediction: Prediction, common: Mapping[str, Any]) -> Put:
    item = {
        "record_id": {"S": prediction.record_id},
        **answer_attributes(prediction.label, prediction.score),
        **common,
    }
    return {"PutRequest": {"Item": item}}


def answer_attributes(label: Label, score: Score) -> dict[str, Any]:
    """Return an answer as attributes of a DynamoDB item.

    A class has `label` and, if the model gives one, `score`. A number has `value`. An answer of several outputs has
    `outputs`: a map from the name of each output to its own `label` and `score`, or `value`.
    """
    match label:
        case str() | int():
            named = {"label": _label_attribute(label)}
            return named if score is None else {**named, "score": {"N": repr(score)}}
        case float():
            return {"value": {"N": repr(stored_number(label))}}
        case _:
            scores = score if isinstance(score, Mapping) else {}
            outputs = {name: {"M": answer_attributes(output, scores.get(name))} for name, output in label.items()}
            return {"outputs": {"M": outputs}}


def _label_attribute(label: ClassLabel) -> dict[str, Any]:
    if isinstance(label, bool):
        return {"BOOL": label}
    return {"S": label} if isinstance(label, str) else {"N": str(label)}


def _send_encoded(client: "DynamoDBClient") -> None:
    """Make `batch_write_item` of this client take `EncodedBody`, and send it as the body of the request.

    botocore would walk every value of every item to make the same JSON, and again to check it. That is 3 of the 7 ms
    of CPU that a batch's writes take (`bench/README.md` has the figures). Signing, sending, retries and error handling
    stay botocore's. The client must not validate parameters, because botocore does not know this one.
    """

    def take_body(params: dict[str, Any], context: dict[str, Any], **_: object) -> dict[str, Any]:
        context["encoded_body"] = params.pop("EncodedBody")
        return params

    def put_body(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        params["body"] = context["encoded_body"]

    events: Any = client.meta.events
    events.register("provide-client-params.dynamodb.BatchWriteItem", take_body, unique_id="take-body")
    events.register("before-call.dynamodb.BatchWriteItem", put_body, unique_id="put-body")

"""The adapters, against the services of the local stack."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from hundredfold.accounting.summarize import summarize
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.models import LambdaModels
from hundredfold.aws.objects import UPLOAD_PART_BYTES, S3Sources, S3WorkObjects
from hundredfold.aws.predictions import DynamoPredictions
from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.errors import IngestExistsError, SourceChangedError, SourceMissingError, StoreBusyError
from hundredfold.ingest import Model, Plan
from hundredfold.records import Prediction
from hundredfold.sources.objects import STREAM_PART_BYTES, ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.summary import Status
from hundredfold_cli.stack.predictions_reader import ItemPredictions
from tests.support.deployed import Stack

MODEL = Model("arn:aws:lambda:us-east-1:000000000000:function:f:7", "7")


def upload(stack: Stack, content: bytes) -> ObjectLocation:
    location = ObjectLocation(stack.deployment.source_bucket, f"tests/{uuid.uuid4().hex}.jsonl")
    stack.deployment.s3.put_object(Bucket=location.bucket, Key=location.key, Body=content)
    return location


def test_a_pinned_source_is_read_by_range_and_as_a_stream(stack: Stack) -> None:
    content = bytes(range(256)) * (STREAM_PART_BYTES // 256) + b"the rest"
    sources = S3Sources(stack.deployment.s3)

    source = sources.pin(upload(stack, content))

    assert source.size == len(content)
    assert sources.read(source, 250, 10) == bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3])
    assert [len(part) for part in sources.stream(source)] == [STREAM_PART_BYTES, 8]
    assert b"".join(sources.stream(source)) == content


def test_a_replaced_source_is_an_error(stack: Stack) -> None:
    sources = S3Sources(stack.deployment.s3)
    location = upload(stack, b"old content")
    source = sources.pin(location)

    stack.deployment.s3.put_object(Bucket=location.bucket, Key=location.key, Body=b"new content")

    with pytest.raises(SourceChangedError, match="was replaced"):
        sources.read(source, 0, 3)


def test_a_missing_source_is_named(stack: Stack) -> None:
    sources = S3Sources(stack.deployment.s3)
    missing = ObjectLocation(stack.deployment.source_bucket, "tests/missing.jsonl")

    with pytest.raises(SourceMissingError, match=r"tests/missing\.jsonl: there is no such object"):
        sources.pin(missing)


def test_an_empty_source_has_nothing_to_stream(stack: Stack) -> None:
    sources = S3Sources(stack.deployment.s3)

    source = sources.pin(upload(stack, b""))

    assert (source.size, list(sources.stream(source))) == (0, [])


def test_an_upload_exists_once_it_is_finished(stack: Stack) -> None:
    client, bucket = stack.deployment.s3, stack.deployment.work_bucket
    folder = f"ingests/tests-{uuid.uuid4().hex}/"
    content = bytes(range(256)) * (UPLOAD_PART_BYTES // 256) + b"the rest"
    sources = S3Sources(client)

    with S3WorkObjects(client, bucket).begin(f"{folder}staged.jsonl") as upload:
        for first in range(0, len(content), 3_000_000):
            upload.write(content[first : first + 3_000_000])
        assert list(sources.list(bucket, folder)) == []
        written = upload.finish()

    assert list(sources.list(bucket, folder)) == [written]
    assert sources.pin(written.location) == written
    with sources.open(written) as file:
        file.seek(UPLOAD_PART_BYTES - 2)
        assert file.read(5) == b"\xfe\xffthe"
        file.seek(0)
        assert file.read() == content


def test_work_objects_are_written(stack: Stack) -> None:
    key = f"ingests/tests-{uuid.uuid4().hex}/manifest.json"

    work = S3WorkObjects(stack.deployment.s3, stack.deployment.work_bucket, may_list=True)

    work.write(key, b"[]")

    assert stack.deployment.s3.get_object(Bucket=stack.deployment.work_bucket, Key=key)["Body"].read() == b"[]"
    assert work.read(key) == b"[]"
    assert list(work.keys(key.removesuffix("manifest.json"))) == [key]
    work.remove(key)
    assert work.read(key) is None


@pytest.mark.parametrize("count", [0, 1, 25, 26, 100])
def test_predictions_can_be_read_back_exactly(stack: Stack, count: int) -> None:
    ingest_id = f"tests-{uuid.uuid4().hex}"
    client: Any = stack.deployment.session.client("dynamodb", endpoint_url=stack.deployment.endpoint)
    predictions = [Prediction(f"ä\u2028 '\"{number}", "pos", 1 / (number + 3)) for number in range(count)]

    with ThreadPoolExecutor(4) as pool:
        adapter = DynamoPredictions(client_without_validation(stack), stack.deployment.predictions_table, now, pool)
        for _ in range(2):  # done twice, they are there once
            adapter.write(ingest_id, 3, MODEL, predictions, time_left=lambda: 10.0)

    pages = client.get_paginator("scan").paginate(
        TableName=stack.deployment.predictions_table,
        FilterExpression="ingest_id = :id",
        ExpressionAttributeValues={":id": {"S": ingest_id}},
    )
    read = TypeDeserializer().deserialize
    items = {
        item["record_id"]["S"]: {name: read(value) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    }
    assert items == {
        prediction.record_id: {
            "record_id": prediction.record_id,
            "ingest_id": ingest_id,
            "label": "pos",
            "score": Decimal(repr(prediction.score)),
            "batch": Decimal(3),
            "model_version": "7",
            "predicted_at": "2026-11-24T00:00:00.000+00:00",
        }
        for prediction in predictions
    }


def client_without_validation(stack: Stack) -> Any:
    from botocore.config import Config

    config = Config(parameter_validation=False)
    return stack.deployment.session.client("dynamodb", endpoint_url=stack.deployment.endpoint, config=config)


def now() -> str:
    return "2026-11-24T00:00:00.000+00:00"


def plan(ingest_id: str) -> Plan:
    manifest = ObjectLocation("work", f"ingests/{ingest_id}/manifest.json")
    source = PinnedObject("b", "k", "etag", 10)
    return Plan(ingest_id, ObjectsSpec("b", "k"), source, 10, manifest, batches=3, records=250, model=MODEL)


def test_the_ledger_keeps_an_ingest_from_its_beginning_to_its_end(stack: Stack) -> None:
    ledger = DynamoLedger(stack.deployment.dynamodb, stack.deployment.ledger_table)
    ingest_id = f"tests-{uuid.uuid4().hex}"
    begun = "2026-11-24T04:00:00Z"
    ledger.begin(plan(ingest_id), begun)
    ledger.begin(plan(ingest_id), begun)  # a retry of the same execution
    first = BatchOutcome(0, 100, 98, 2, {"empty_text": 2}, {"read": 3, "decode": 1, "predict": 5, "write": 9})
    third = BatchOutcome(2, 50, 50, 0, {}, {"read": 1})
    ledger.batch_done(ingest_id, first)
    ledger.batch_done(ingest_id, third)
    stack.deployment.dynamodb.put_item(
        TableName=stack.deployment.ledger_table,
        Item={
            "ledger_key": {"S": f"{ingest_id}#1"},
            "entry": {"S": "1"},
            "status": {"S": "failed"},
            "error": {"S": "E"},
            "cause": {"S": "why"},
            "records": {"N": "100"},
        },
    )

    entries = list(ledger.entries(ingest_id))
    summary = summarize(ingest_id, begun, "2026-11-24T04:00:10.5Z", plan(ingest_id), entries, None)
    ledger.finish(summary)

    assert sorted(entries, key=lambda entry: entry.batch) == [first, BatchFailure(1, "E", "why"), third]
    entered = ledger.ingest(ingest_id)
    assert entered is not None
    assert Plan.from_dict(entered["plan"]) == plan(ingest_id)
    assert (entered["status"], entered["predicted"], entered["rejected"], entered["failed"]) == (
        Status.FAILED, 148, 2, 100,
    )  # fmt: skip
    assert entered["seconds"] == 10.5


def test_a_thousand_ingests_are_listed_in_the_time_of_a_query(stack: Stack) -> None:
    # Given a thousand ingests of long ago in the ledger, and a batch of each, which is in no list
    deployment = stack.deployment
    prefix, year = f"tests-list-{uuid.uuid4().hex[:8]}", "1999"
    puts: list[Any] = []
    for number in range(1_000):
        ingest_id = f"{prefix}-{number:04d}"
        status = "FAILED" if number % 100 == 0 else "COMPLETED"
        began_at = f"{year}-01-01T{number // 60:02d}:{number % 60:02d}:00Z"
        item = {
            "ledger_key": ingest_id,
            "entry": "summary",
            "execution": ingest_id,
            "status": status,
            "began_at": began_at,
            "padding": "x" * 900,
        }
        entry = {"ledger_key": f"{ingest_id}#0", "entry": "0", "status": "done", "done_at": began_at}
        puts += [
            {"PutRequest": {"Item": {k: {"S": v} for k, v in values.items()} | {"records": {"N": "5"}}}}
            for values in (item, entry)
        ]
    for first in range(0, len(puts), 25):
        deployment.dynamodb.batch_write_item(RequestItems={deployment.ledger_table: puts[first : first + 25]})
    requests: list[Any] = []
    deployment.dynamodb.meta.events.register("before-call.dynamodb.Query", lambda **call: requests.append(call))

    # When they are listed
    began = time.monotonic()
    listed = list(islice(deployment.ingests.newest(tuple(Status), limit=2_000), 2_000))
    seconds = time.monotonic() - began

    # Then that took a few queries, one for a page of each status, and no scan
    ours = [ingest for ingest in listed if ingest.ingest_id.startswith(prefix)]
    assert [ingest.ingest_id for ingest in ours] == [f"{prefix}-{number:04d}" for number in reversed(range(1_000))]
    assert len(requests) <= 4
    assert seconds < 3, "a second is the usual time on two busy processors"
    failed = deployment.ingests.newest([Status.FAILED], since="1999-01-01T10:00", limit=1_000)
    assert [i.ingest_id for i in failed if i.ingest_id.startswith(prefix)] == [
        f"{prefix}-{n:04d}" for n in (900, 800, 700, 600)
    ]


def test_how_a_shadow_compares_is_entered_once(stack: Stack) -> None:
    ledger = DynamoLedger(stack.deployment.dynamodb, stack.deployment.ledger_table)
    ingest_id = f"tests-{uuid.uuid4().hex}"
    shadow = {"version": "3", "ingest_id": "s", "compared": 100, "disagreed": 2}
    ledger.begin(plan(ingest_id), "2026-11-24T04:00:00Z")

    assert ledger.enter_shadow(ingest_id, shadow)
    assert not ledger.enter_shadow(ingest_id, shadow)

    entered = ledger.ingest(ingest_id)
    assert entered is not None
    assert entered["shadow"] == shadow
    assert Plan.from_dict(entered["plan"]) == plan(ingest_id)


def test_another_execution_cannot_take_an_ingest_over(stack: Stack) -> None:
    ledger = DynamoLedger(stack.deployment.dynamodb, stack.deployment.ledger_table)
    ingest_id = f"tests-{uuid.uuid4().hex}"
    ledger.begin(plan(ingest_id), "2026-11-24T04:00:00Z")

    with pytest.raises(IngestExistsError, match=f"ingest {ingest_id} exists already"):
        ledger.begin(plan(ingest_id), "2026-11-25T04:00:00Z")
    ledger.begin(plan(ingest_id), "2026-11-24T04:00:00Z")  # a retry of the planner
    other = plan(ingest_id)
    with pytest.raises(StoreBusyError, match="another call of the planner"):
        ledger.begin(replace(other, model=replace(other.model, version="8")), "2026-11-24T04:00:00Z")
    late = summarize(ingest_id, "2026-11-25T04:00:00Z", "2026-11-25T04:00:01Z", None, [], {"Error": "E", "Cause": "c"})
    with pytest.raises(IngestExistsError):
        ledger.finish(late)


def test_an_unknown_ingest_is_not_in_the_ledger(stack: Stack) -> None:
    ledger = DynamoLedger(stack.deployment.dynamodb, stack.deployment.ledger_table)

    assert ledger.ingest("tests-never") is None
    assert list(ledger.entries("tests-never")) == []


def test_the_live_model_is_a_published_version(stack: Stack) -> None:
    lambda_ = stack.deployment.session.client("lambda", endpoint_url=stack.deployment.endpoint)
    function = lambda_.get_function(FunctionName="hundredfold-infer-batch")["Configuration"]["FunctionArn"]

    model = LambdaModels(lambda_, f"{function}:live").live()

    assert model.version.isdecimal()
    assert model.function == f"{function}:{model.version}"


def test_a_batch_run_out_of_time_raises(stack: Stack) -> None:
    from hundredfold.errors import OutOfTimeError

    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        adapter = DynamoPredictions(client_without_validation(stack), stack.deployment.predictions_table, now, pool)
        with pytest.raises(OutOfTimeError, match="time was out"):
            adapter.write("tests-late", 0, MODEL, [Prediction("a", "b", 0.5)], lambda: started - time.monotonic())


def test_answers_of_every_kind_are_read_back_as_they_were_given(stack: Stack) -> None:
    ingest_id = f"tests-{uuid.uuid4().hex}"
    client: Any = stack.deployment.session.client(
        "dynamodb", endpoint_url=stack.deployment.endpoint, config=Config(parameter_validation=False)
    )
    predictions = [
        Prediction("scored", "pos", 0.1 + 0.2),
        Prediction("unscored", "pos", None),
        Prediction("number", -1.5e-7, None),
        Prediction("several", {"colour": "red", "size": "s"}, {"colour": 0.75, "size": None}),
        Prediction("numbers", {"x": 1.0, "y": 2.5}, {"x": None, "y": None}),
    ]
    with ThreadPoolExecutor(1) as pool:
        adapter = DynamoPredictions(client, stack.deployment.predictions_table, lambda: "now", pool)
        adapter.write(ingest_id, 0, MODEL, predictions, lambda: 30)

    kept = {"ingest_id", "batch", "model_version", "predicted_at", "record_id"}
    reader = ItemPredictions(stack.deployment.dynamodb, stack.deployment.predictions_table)
    read = reader.read_batch(ingest_id, 0, [*(prediction.record_id for prediction in predictions), "never predicted"])
    assert {name: {key: row[key] for key in row.keys() - kept} for name, row in read.items()} == {
        "scored": {"label": "pos", "score": 0.30000000000000004},
        "unscored": {"label": "pos"},
        "number": {"value": -1.5e-7},
        "several": {"outputs": {"colour": {"label": "red", "score": 0.75}, "size": {"label": "s"}}},
        "numbers": {"outputs": {"x": {"value": 1.0}, "y": {"value": 2.5}}},
    }

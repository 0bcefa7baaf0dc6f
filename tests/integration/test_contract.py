"""What S3 and DynamoDB promise, asked of the local stack and of the simulation: both must answer alike."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.errors import IngestClaimedError, IngestExistsError, SourceChangedError, StoreBusyError
from hundredfold.ingest import Claim, Model, Plan
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from tests.simulation.scenario import draw
from tests.simulation.world import LEDGER, PREDICTIONS, WORK_BUCKET, make_world

PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes for a part of an upload, but for the last one."""


@dataclass(frozen=True)
class Services:
    """The clients of one world, and what they work on. `name` is new for each test."""

    s3: Any
    dynamodb: Any
    bucket: str
    ledger: str
    predictions: str
    name: str

    @property
    def prefix(self) -> str:
        return f"tests/{self.name}/"


@pytest.fixture(params=["simulation", "local stack"])
def services(request: pytest.FixtureRequest) -> Services:
    name = uuid.uuid4().hex
    if request.param == "simulation":
        world = make_world(draw(0))
        return Services(world.client("s3"), world.client("dynamodb"), WORK_BUCKET, LEDGER, PREDICTIONS, name)
    deployment = request.getfixturevalue("stack").deployment
    tables = (deployment.ledger_table, deployment.predictions_table)
    return Services(deployment.s3, deployment.dynamodb, deployment.work_bucket, *tables, name)


@contextmanager
def refused(*codes: str) -> Iterator[None]:
    """Expect that a service refuses a call with one of these codes."""
    with pytest.raises(ClientError) as raised:
        yield
    assert error_code(raised.value) in codes


# ---------------------------------------------------------------- S3


def test_an_object_is_read_whole_and_by_range(services: Services) -> None:
    key = f"{services.prefix}object"
    etag = services.s3.put_object(Bucket=services.bucket, Key=key, Body=b"0123456789")["ETag"]

    assert etag == f'"{hashlib.md5(b"0123456789", usedforsecurity=False).hexdigest()}"'
    whole = services.s3.get_object(Bucket=services.bucket, Key=key)
    assert (whole["Body"].read(), whole["ETag"], whole["ContentLength"]) == (b"0123456789", etag, 10)
    for wanted, content in {"bytes=2-4": b"234", "bytes=8-20": b"89", "bytes=7-": b"789"}.items():
        answer = services.s3.get_object(Bucket=services.bucket, Key=key, Range=wanted, IfMatch=etag)
        assert answer["Body"].read() == content
    head = services.s3.head_object(Bucket=services.bucket, Key=key)
    assert (head["ETag"], head["ContentLength"]) == (etag, 10)


def test_reads_are_refused_by_the_codes_that_our_adapters_know(services: Services) -> None:
    key = f"{services.prefix}object"
    services.s3.put_object(Bucket=services.bucket, Key=key, Body=b"0123456789")

    with refused("PreconditionFailed", "412"):
        services.s3.get_object(Bucket=services.bucket, Key=key, IfMatch='"another"')
    with refused("InvalidRange", "416"):
        services.s3.get_object(Bucket=services.bucket, Key=key, Range="bytes=10-12")
    with refused("NoSuchKey"):
        services.s3.get_object(Bucket=services.bucket, Key=f"{key}-missing")
    with refused("404"):
        services.s3.head_object(Bucket=services.bucket, Key=f"{key}-missing")
    with refused("NoSuchBucket"):
        services.s3.get_object(Bucket=f"missing-{services.name}", Key=key)


def test_objects_are_listed_in_the_order_of_their_keys_over_all_pages(services: Services) -> None:
    for name in ("b", "a", "d", "c", "e/f", "e"):
        services.s3.put_object(Bucket=services.bucket, Key=f"{services.prefix}{name}", Body=name.encode())

    listed = list(S3Sources(services.s3).list(services.bucket, services.prefix))

    assert [pinned.key.removeprefix(services.prefix) for pinned in listed] == ["a", "b", "c", "d", "e", "e/f"]
    assert [pinned.size for pinned in listed] == [1, 1, 1, 1, 1, 3]
    assert listed[0] == S3Sources(services.s3).pin(listed[0].location)
    assert list(S3Sources(services.s3).list(services.bucket, f"{services.prefix}x")) == []


def test_an_upload_in_parts_is_there_once_it_is_completed(services: Services) -> None:
    place = {"Bucket": services.bucket, "Key": f"{services.prefix}upload"}
    upload = services.s3.create_multipart_upload(**place)["UploadId"]
    contents = (b"a" * PART_BYTES, b"b")
    parts = [
        {
            "PartNumber": number,
            "ETag": services.s3.upload_part(**place, UploadId=upload, PartNumber=number, Body=content)["ETag"],
        }
        for number, content in enumerate(contents, start=1)
    ]
    with refused("404"):
        services.s3.head_object(**place)

    etag = services.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})["ETag"]

    digests = b"".join(hashlib.md5(content, usedforsecurity=False).digest() for content in contents)
    assert etag == f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-2"'
    assert services.s3.get_object(**place)["Body"].read() == b"".join(contents)


def test_an_upload_that_is_aborted_leaves_nothing(services: Services) -> None:
    place = {"Bucket": services.bucket, "Key": f"{services.prefix}upload"}
    upload = services.s3.create_multipart_upload(**place)["UploadId"]
    sent = services.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"a")
    services.s3.abort_multipart_upload(**place, UploadId=upload)

    with refused("NoSuchUpload"):
        parts = {"Parts": [{"PartNumber": 1, "ETag": sent["ETag"]}]}
        services.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    with refused("404"):
        services.s3.head_object(**place)


def test_a_removal_of_nothing_is_no_error(services: Services) -> None:
    work = S3WorkObjects(services.s3, services.bucket, may_list=True)
    key = f"{services.prefix}object"
    work.write(key, b"x")

    work.remove(key)
    work.remove(key)

    assert work.read(key) is None


def test_a_pinned_object_is_read_until_it_is_replaced(services: Services) -> None:
    sources, work = S3Sources(services.s3), S3WorkObjects(services.s3, services.bucket, may_list=True)
    location = ObjectLocation(services.bucket, f"{services.prefix}object")
    work.write(location.key, b"0123456789")
    pinned = sources.pin(location)

    assert sources.read(pinned, 3, 4) == b"3456"
    work.write(location.key, b"9876543210")
    with pytest.raises(SourceChangedError):
        sources.read(pinned, 3, 4)


# ---------------------------------------------------------------- DynamoDB


def item(services: Services, entry: str, **attributes: Any) -> dict[str, Any]:
    return {"ledger_key": {"S": services.name}, "entry": {"S": entry}, **attributes}


def test_a_put_returns_what_it_replaces_and_keeps_its_condition(services: Services) -> None:
    def put(**request: Any) -> Any:
        return services.dynamodb.put_item(TableName=services.ledger, **request)

    first, second = item(services, "1", a={"N": "1"}), item(services, "1", a={"N": "2"})
    assert "Attributes" not in put(
        Item=first, ReturnValues="ALL_OLD", ConditionExpression="attribute_not_exists(entry)"
    )
    with refused("ConditionalCheckFailedException"):
        put(Item=second, ConditionExpression="attribute_not_exists(entry)")
    values = {":one": {"N": "1"}, ":text": {"S": "1"}}
    with refused("ConditionalCheckFailedException"):  # a text is no number
        put(Item=second, ConditionExpression="a = :text AND a = :one", ExpressionAttributeValues=values)
    answer = put(
        Item=second,
        ReturnValues="ALL_OLD",
        ConditionExpression="(a < :one OR a = :one) AND attribute_not_exists(b)",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert answer["Attributes"] == first


def test_conditions_reach_into_maps_and_take_what_is_not_there_for_unequal(services: Services) -> None:
    inner = {"model": {"M": {"version": {"S": "7"}}}, "pinned": {"NULL": True}}
    stored = item(services, "1", plan={"M": inner}, status={"S": "RUNNING"})
    services.dynamodb.put_item(TableName=services.ledger, Item=stored)
    names = {"#plan": "plan", "#model": "model", "#version": "version", "#status": "status"}
    holds = {
        "#plan.#model.#version = :value": True,
        "#plan.#model.#status = :value": False,
        "#plan.#model.#status <> :value": True,
        "attribute_exists(#plan.#model.#version)": True,
        "attribute_exists(#version)": False,
        "NOT #status = :value": True,
        "begins_with(#status, :value)": False,
        "#status >= :value": True,
    }
    for text, expected in holds.items():
        used = {name: attribute for name, attribute in names.items() if name in text}
        values = {"ExpressionAttributeValues": {":value": {"S": "7"}}} if ":value" in text else {}
        request = {"ConditionExpression": text, "ExpressionAttributeNames": used, **values}
        if expected:
            services.dynamodb.put_item(TableName=services.ledger, Item=stored, **request)
        else:
            with refused("ConditionalCheckFailedException"):
                services.dynamodb.put_item(TableName=services.ledger, Item=stored, **request)


def test_an_update_makes_the_item_sets_adds_and_keeps_the_rest(services: Services) -> None:
    key = item(services, "1")
    request = {
        "TableName": services.ledger,
        "Key": key,
        "UpdateExpression": "SET #status = :failed, cause = :cause ADD attempts :one",
        "ConditionExpression": "attribute_not_exists(#status) OR #status = :failed",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":failed": {"S": "failed"}, ":cause": {"S": "c"}, ":one": {"N": "1"}},
    }
    services.dynamodb.update_item(**request)
    services.dynamodb.update_item(**request)

    stored = services.dynamodb.get_item(TableName=services.ledger, Key=key, ConsistentRead=True)["Item"]
    assert stored == {**key, "status": {"S": "failed"}, "cause": {"S": "c"}, "attempts": {"N": "2"}}
    services.dynamodb.put_item(TableName=services.ledger, Item={**stored, "status": {"S": "done"}})
    with refused("ConditionalCheckFailedException"):
        services.dynamodb.update_item(**request)


def test_a_removal_keeps_its_condition(services: Services) -> None:
    key = item(services, "1")
    services.dynamodb.put_item(TableName=services.ledger, Item={**key, "token": {"S": "a"}})

    def delete(token: str) -> None:
        services.dynamodb.delete_item(
            TableName=services.ledger,
            Key=key,
            ConditionExpression="#token = :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": {"S": token}},
        )

    with refused("ConditionalCheckFailedException"):
        delete("b")
    delete("a")
    assert "Item" not in services.dynamodb.get_item(TableName=services.ledger, Key=key, ConsistentRead=True)


def test_batches_of_items_have_their_limits(services: Services) -> None:
    def puts(numbers: range) -> dict[str, Any]:
        items = ({"record_id": {"S": f"r{number}"}, "ingest_id": {"S": services.name}} for number in numbers)
        return {services.predictions: [{"PutRequest": {"Item": values}} for values in items]}

    answer = services.dynamodb.batch_write_item(RequestItems=puts(range(25)), ReturnConsumedCapacity="TOTAL")
    assert answer["UnprocessedItems"] == {}
    assert sum(capacity["CapacityUnits"] for capacity in answer["ConsumedCapacity"]) == 25
    with refused("ValidationException"):
        services.dynamodb.batch_write_item(RequestItems=puts(range(26)))
    with refused("ValidationException"):  # one key twice
        twice = puts(range(1))
        services.dynamodb.batch_write_item(RequestItems={services.predictions: 2 * twice[services.predictions]})
    keys = [{"record_id": {"S": f"r{number}"}, "ingest_id": {"S": services.name}} for number in range(23, 27)]
    found = services.dynamodb.batch_get_item(
        RequestItems={services.predictions: {"Keys": keys, "ConsistentRead": True}}
    )
    assert {values["record_id"]["S"] for values in found["Responses"][services.predictions]} == {"r23", "r24"}
    assert found["UnprocessedKeys"] == {}


def test_a_query_reads_one_partition_in_order_over_all_pages(services: Services) -> None:
    for entry in ("10", "1", "2", "1.1", "30"):
        services.dynamodb.put_item(TableName=services.ledger, Item=item(services, entry, n={"N": entry}, m={"S": "x"}))
    other = {**item(services, "1"), "ledger_key": {"S": f"{services.name}#other"}}
    services.dynamodb.put_item(TableName=services.ledger, Item=other)

    pages = services.dynamodb.get_paginator("query").paginate(
        TableName=services.ledger,
        KeyConditionExpression="ledger_key = :key",
        ExpressionAttributeValues={":key": {"S": services.name}},
        ProjectionExpression="#entry, n",
        ExpressionAttributeNames={"#entry": "entry"},
        ConsistentRead=True,
    )

    items = [found for page in pages for found in page["Items"]]
    assert [found["entry"]["S"] for found in items] == ["1", "1.1", "10", "2", "30"]
    assert items[1] == {"entry": {"S": "1.1"}, "n": {"N": "1.1"}}


def test_a_scan_filters_over_all_pages(services: Services) -> None:
    for entry in ("1", "2", "3"):
        plan = {"M": {"model": {"M": {"version": {"S": entry}}}}}
        services.dynamodb.put_item(TableName=services.ledger, Item=item(services, entry, plan=plan))

    pages = services.dynamodb.get_paginator("scan").paginate(
        TableName=services.ledger,
        FilterExpression="begins_with(ledger_key, :name) AND #entry > :one",
        ProjectionExpression="#entry, #plan.#model.#version",
        ExpressionAttributeNames={"#entry": "entry", "#plan": "plan", "#model": "model", "#version": "version"},
        ExpressionAttributeValues={":name": {"S": services.name}, ":one": {"S": "1"}},
        ConsistentRead=True,
    )

    found = sorted((found for page in pages for found in page["Items"]), key=lambda values: str(values["entry"]["S"]))
    assert found == [
        {"entry": {"S": entry}, "plan": {"M": {"model": {"M": {"version": {"S": entry}}}}}} for entry in ("2", "3")
    ]


def test_what_cannot_be_stored_is_refused(services: Services) -> None:
    with refused("ValidationException"):  # without its sort key
        services.dynamodb.put_item(TableName=services.ledger, Item={"ledger_key": {"S": services.name}})
    with refused("ValidationException"):  # larger than 400 KB
        large = item(services, "1", text={"S": "x" * 410_000})
        services.dynamodb.put_item(TableName=services.ledger, Item=large)
    with refused("ResourceNotFoundException"):
        services.dynamodb.get_item(TableName=f"missing-{services.name}", Key=item(services, "1"))


# ---------------------------------------------------------------- the ledger, on both


def test_the_ledger_of_an_ingest_is_the_same_on_both(services: Services) -> None:
    ledger, ingest_id = DynamoLedger(services.dynamodb, services.ledger), services.name
    claim, other = Claim("0123", "alice", "t"), Claim("4567", "bob", "t")
    manifest = ObjectLocation("work", f"ingests/{ingest_id}/manifest.json")
    pinned = PinnedObject("b", "k", "e1", 10)
    plan = Plan(ingest_id, ObjectsSpec("b", "k"), pinned, 10, manifest, batches=2, records=3, model=Model("f:7", "7"))

    ledger.claim(ingest_id, claim)
    with pytest.raises(IngestClaimedError):
        ledger.claim(ingest_id, other)
    ledger.begin(plan, "t1", claim.token)
    ledger.begin(plan, "t1", claim.token)
    with pytest.raises(IngestExistsError):
        ledger.begin(plan, "t2", other.token)
    for another in (replace(plan, model=Model("f:8", "8")), replace(plan, pinned=replace(pinned, etag="e2"))):
        with pytest.raises(StoreBusyError):
            ledger.begin(another, "t1", claim.token)
    assert ledger.planned_before(ingest_id, "t1") == plan
    outcome = BatchOutcome(1, 2, 1, 1, {"not_json": 1}, {"read": 1})
    assert ledger.batch_done(ingest_id, outcome).done is False
    assert ledger.batch_done(ingest_id, outcome).done is True
    ledger.reopen(ingest_id, 1, 2)
    [entry] = ledger.entries(ingest_id)
    assert isinstance(entry, BatchFailure)
    ledger.resume(plan, "t3", f"{ingest_id}.resume-1", 1)
    with pytest.raises(IngestExistsError):
        ledger.resume(plan, "t2", f"{ingest_id}.resume-0", 1)
    stored = cast("dict[str, Any]", ledger.ingest(ingest_id))
    assert (stored["status"], stored["execution"]) == ("RUNNING", f"{ingest_id}.resume-1")

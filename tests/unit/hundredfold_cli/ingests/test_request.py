"""Requests of `hundredfold ingest`: which sources there are, and which options fit them."""

import gzip
import io
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from hundredfold.aws.source_tables import DynamoTables
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.layout import Layout
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, TableSpec
from hundredfold_cli.ingests.read_request import read_request
from hundredfold_cli.ingests.request import IngestRequest
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.start import new_ingest_id
from hundredfold_cli.ingests.uploads import FileUpload
from hundredfold_cli.stack.deployment import Deployment
from tests.unit.fakes import MemorySources, etag
from tests.unit.sources.objects import zstd

TABLE = {
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
        {"AttributeName": "day", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [{"IndexName": "by-day", "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}]}],
}


class Here:
    """A deployment with a few objects and one table; what is uploaded becomes an object of it."""

    source_bucket = "source"
    layout = Layout.ITEM

    def __init__(self) -> None:
        self.sources = MemorySources(
            {ObjectLocation("b", "a/"): b""}
            | {ObjectLocation("b", key): b"x" for key in ("a/1.csv", "a/2.csv", "one.jsonl", "mixed/1.jsonl")}
        )
        self.s3 = self
        self.tables = DynamoTables(cast("Any", self))

    def head_bucket(self, *, Bucket: str) -> None:  # noqa: N803
        if Bucket != "b":
            raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803
        if TableName != "orders":
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeTable")
        return {"Table": TABLE}

    def upload_file(self, file: str, bucket: str, key: str, Callback: Any) -> None:  # noqa: N803
        content = Path(file).read_bytes()
        self.sources.objects[ObjectLocation(bucket, key)] = content
        Callback(len(content))

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803
        self.sources.objects[ObjectLocation(Bucket, Key)] = Body
        return {"ETag": '"e"'}


def request(source: object, standard_input: bytes = b"", **options: Any) -> IngestRequest:
    return read_request(str(source), SourceOptions(**options), io.BytesIO(standard_input))


def placed(here: Here, ingest_request: IngestRequest) -> ObjectsSpec | TableSpec:
    ingest_request.check(cast("Deployment", here))
    return ingest_request.place(cast("Deployment", here), "i1", "0123", lambda _: None)


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("reviews.jsonl", {}, "uploads/i1/0123/records.jsonl"),
        ("reviews.CSV.gz", {}, "uploads/i1/0123/records.csv.gz"),
        ("reviews", {}, "uploads/i1/0123/records.jsonl"),
        ("reviews.txt", {"kind": "tsv"}, "uploads/i1/0123/records.tsv"),
        ("reviews.json", {"kind": "jsonl", "compression": "zstd"}, "uploads/i1/0123/records.jsonl.zst"),
    ],
)
def test_a_file_is_uploaded_under_a_name_that_means_its_kind(
    tmp_path: Path, name: str, options: dict[str, Any], key: str
) -> None:
    here, file = Here(), tmp_path / name
    content = {"reviews.CSV.gz": gzip.compress(b"id,text\n"), "reviews.json": zstd(b"{}")}.get(name, b"{}")
    file.write_bytes(content)

    spec = placed(here, request(file, **options))

    assert here.sources.objects[ObjectLocation("source", key)] == content
    assert spec == ObjectsSpec("source", key, options=SourceOptions(**options).read_options(), etag=etag(content))


def test_standard_input_is_uploaded_as_it_is_read() -> None:
    here = Here()

    spec = placed(here, request("-", b"{}\n" * 10))

    assert spec == ObjectsSpec("source", "uploads/i1/0123/records.jsonl", etag="e")
    assert here.sources.objects[ObjectLocation("source", "uploads/i1/0123/records.jsonl")] == b"{}\n" * 10


def test_options_of_the_command_become_read_options() -> None:
    ingest_request = request(
        "s3://b/a/", delimiter="\\t", encoding="latin-1", maps=["text=review", "x=a=b"], columns="id,review"
    )

    spec = placed(Here(), ingest_request)

    assert spec == ObjectsSpec(
        "b",
        prefix="a/",
        options=ReadOptions(
            delimiter="\t", encoding="latin-1", fields={"text": "review", "x": "a=b"}, columns=("id", "review")
        ),
    )


@pytest.mark.parametrize(
    ("source", "options", "spec"),
    [
        ("s3://b/one.jsonl", {}, ObjectsSpec("b", "one.jsonl")),
        ("s3://b/a", {"prefix": True}, ObjectsSpec("b", prefix="a")),
        ("s3://b/one.jsonl", {"kind": "csv"}, ObjectsSpec("b", "one.jsonl", options=ReadOptions(kind="csv"))),
        ("dynamodb://orders", {}, TableSpec("orders")),
        ("dynamodb://orders?id=7", {}, TableSpec("orders", partition={"id": "7"})),
        ("dynamodb://orders/by-day?day=7", {}, TableSpec("orders", "by-day", {"day": 7})),
        ("dynamodb://orders/by-day?day=7.5", {}, TableSpec("orders", "by-day", {"day": 7.5})),
        ("dynamodb://orders", {"write_back": "answer"}, TableSpec("orders", write_back="answer")),
    ],
)
def test_what_is_stored_already_is_read_where_it_is(source: str, options: dict[str, Any], spec: object) -> None:
    here = Here()
    before = dict(here.sources.objects)

    assert placed(here, request(source, **options)) == spec
    assert here.sources.objects == before


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("not-there.jsonl", {}, "cannot read not-there.jsonl: No such file"),
        ("s3://", {}, "names no bucket"),
        ("dynamodb://t/i/j", {}, "no URI of a table"),
        ("-", {"prefix": True}, "--prefix does not fit -"),
        ("-", {"write_back": "a"}, "--write-back does not fit -"),
        ("s3://b/k", {"write_back": "a"}, "--write-back does not fit s3://b/k"),
        ("dynamodb://orders", {"kind": "csv"}, "--kind does not fit dynamodb://orders"),
        ("dynamodb://orders", {"compression": "gzip"}, "--compression does not fit"),
        ("-", {"kind": "xml"}, "kind must be one of csv, json, jsonl, "),
        ("-", {"compression": "rar"}, "compression must be one of none"),
        ("-", {"kind": "csv", "delimiter": ";;"}, "delimiter must be one character"),
        ("-", {"kind": "csv", "encoding": "klingon"}, "encoding must be an encoding"),
        ("-", {"maps": ["text"]}, "--map text must be field=column"),
        ("-", {"maps": ["text=a", "text=b"]}, "once for each field"),
        ("-", {"columns": "a,,b"}, "--columns a,,b must be names"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_call(source: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidIngestError, match=message.replace(".", r"\.")):
        request(source, **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("records.parquet", {"encoding": "latin-1"}, "--encoding does not fit .*records.parquet, which is parquet"),
        ("records.tsv", {"delimiter": ";"}, "--delimiter does not fit .*records.tsv, which is tsv"),
        ("records.jsonl", {"delimiter": ";"}, "--delimiter does not fit .*records.jsonl, which is jsonl"),
    ],
)
def test_an_option_that_does_not_fit_a_files_kind_is_refused(
    tmp_path: Path, name: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / name).write_bytes(b"")

    with pytest.raises(InvalidIngestError, match=message):
        request(tmp_path / name, **options)


def test_an_option_that_does_not_fit_standard_input_is_refused_once_its_first_bytes_are_read() -> None:
    with pytest.raises(InvalidIngestError, match="--delimiter does not fit standard input, which is json"):
        request("-", b'[{"id": "a"}]', kind="json", delimiter=";").check(cast("Deployment", Here()))


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("s3://nowhere/a/", {}, "there is no such bucket"),
        ("s3://b/none.jsonl", {}, "there is no such object"),
        ("s3://b/none/", {}, "no object whose key begins so"),
        ("s3://b/mixed/", {"delimiter": ";"}, "--delimiter does not fit s3://b/mixed/, which is jsonl"),
        ("dynamodb://none", {}, "there is no such table"),
        ("dynamodb://orders/none", {}, "the table has no such index"),
        ("dynamodb://orders?at=5", {}, "but the partition key of table orders is 'id'"),
        ("dynamodb://orders/by-day?day=x", {}, "is a number, and 'x' is none"),
    ],
)
def test_what_is_missing_is_reported_before_anything_starts(source: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidIngestError, SourceMissingError), match=message):
        request(source, **options).check(cast("Deployment", Here()))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("my records.jsonl", "my-records"),
        ("a/b/day-1/", "day-1"),
        ("a/x.csv.gz", "x"),
        ("orders", "orders"),
        ("…", "ingest"),
    ],
)
def test_an_id_is_made_from_the_name(name: str, stem: str) -> None:
    assert new_ingest_id(name).rsplit("-", 2)[0] == stem


def test_a_file_says_how_large_it_is(tmp_path: Path) -> None:
    file = tmp_path / "few.jsonl"
    file.write_bytes(b"12345")

    assert FileUpload(file).size == 5
    assert "5 bytes" in FileUpload(file).describe("i1")


def test_packed_predictions_are_not_written_back() -> None:
    here = Here()
    here.layout = Layout.PACKED

    request("dynamodb://orders").check(cast("Deployment", here))
    with pytest.raises(InvalidIngestError, match="only in the layout item"):
        request("dynamodb://orders", write_back="verdict").check(cast("Deployment", here))

"""URIs of sources, as a person writes them."""

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, TableSpec
from hundredfold.sources.uri import parse_source, parse_uri


@pytest.mark.parametrize(
    ("uri", "spec"),
    [
        ("s3://b/a/records.csv", ObjectsSpec("b", "a/records.csv")),
        ("s3://b/a/", ObjectsSpec("b", prefix="a/")),
        ("s3://b/", ObjectsSpec("b", prefix="")),
        ("s3://b", ObjectsSpec("b", prefix="")),
        ("s3://b/with space?and=more#x", ObjectsSpec("b", "with space?and=more#x")),
        ("dynamodb://orders", TableSpec("orders")),
        ("dynamodb://orders/by-day", TableSpec("orders", "by-day")),
        ("dynamodb://orders?state=new", TableSpec("orders", "", {"state": "new"})),
        ("dynamodb://orders/by-day?day=2026-11-24%20a", TableSpec("orders", "by-day", {"day": "2026-11-24 a"})),
        ("dynamodb://orders?state=a=b", TableSpec("orders", "", {"state": "a=b"})),
    ],
)
def test_a_uri_says_where_records_are(uri: str, spec: ObjectsSpec | TableSpec) -> None:
    assert parse_uri(uri) == spec


def test_a_key_can_be_read_as_a_prefix() -> None:
    assert parse_uri("s3://b/day-1", prefix=True) == ObjectsSpec("b", prefix="day-1")


def test_options_go_along() -> None:
    options = ReadOptions(kind="csv")

    assert parse_uri("s3://b/k", options).options == options
    assert parse_uri("dynamodb://t", options).options == options


@pytest.mark.parametrize(
    "uri",
    ["", "records.csv", "s3://", "s3:///key", "http://b/k", "dynamodb://", "dynamodb://t/", "dynamodb://t/i/j",
     "dynamodb://t?", "dynamodb://t?a", "dynamodb://t?a=", "dynamodb://t?=v", "dynamodb://t?a=1&b=2"],
)  # fmt: skip
def test_the_error_for_anything_else_shows_the_right_form(uri: str) -> None:
    with pytest.raises(InvalidIngestError, match=r"write (s3|dynamodb)://"):
        parse_uri(uri)


def test_a_source_with_options_is_json() -> None:
    assert parse_source(' {"table": "orders", "write_back": "answer"}') == TableSpec("orders", write_back="answer")
    assert parse_source(" s3://b/a/ ") == ObjectsSpec("b", prefix="a/")
    with pytest.raises(InvalidIngestError, match="a URI or a JSON object"):
        parse_source("{not json")

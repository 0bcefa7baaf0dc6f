"""Addresses of records, as a person writes them."""

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.spec import Kind, ObjectsSpec, ReadOptions, TableSpec
from hundredfold.sources.uri import parse_source, parse_uri


@pytest.mark.parametrize(
    ("address", "spec"),
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
def test_an_address_says_where_records_are(address: str, spec: ObjectsSpec | TableSpec) -> None:
    assert parse_uri(address) == spec


def test_a_key_is_taken_for_a_prefix_when_that_is_asked_for() -> None:
    assert parse_uri("s3://b/day-1", prefix=True) == ObjectsSpec("b", prefix="day-1")


def test_a_layout_goes_along() -> None:
    options = ReadOptions(kind=Kind.CSV)

    assert parse_uri("s3://b/k", options).options == options
    assert parse_uri("dynamodb://t", options).options == options


@pytest.mark.parametrize(
    "address",
    ["", "records.csv", "s3://", "s3:///key", "http://b/k", "dynamodb://", "dynamodb://t/", "dynamodb://t/i/j",
     "dynamodb://t?", "dynamodb://t?a", "dynamodb://t?a=", "dynamodb://t?=v", "dynamodb://t?a=1&b=2"],
)  # fmt: skip
def test_what_is_no_address_is_told_what_one_is(address: str) -> None:
    with pytest.raises(InvalidIngestError, match=r"write (s3|dynamodb)://"):
        parse_uri(address)


def test_a_source_with_more_to_it_is_json() -> None:
    assert parse_source(' {"table": "orders", "write_back": "answer"}') == TableSpec("orders", write_back="answer")
    assert parse_source(" s3://b/a/ ") == ObjectsSpec("b", prefix="a/")
    with pytest.raises(InvalidIngestError, match="an address or a JSON object"):
        parse_source("{not json")

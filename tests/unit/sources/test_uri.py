"""Addresses of records, as a person writes them."""

import pytest
from hundredfold.addresses import origin_at, origin_in
from hundredfold.errors import InvalidIngestError
from hundredfold.origin import Kind, Layout, ObjectsOrigin, TableOrigin


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("s3://b/a/records.csv", ObjectsOrigin("b", "a/records.csv")),
        ("s3://b/a/", ObjectsOrigin("b", prefix="a/")),
        ("s3://b/", ObjectsOrigin("b", prefix="")),
        ("s3://b", ObjectsOrigin("b", prefix="")),
        ("s3://b/with space?and=more#x", ObjectsOrigin("b", "with space?and=more#x")),
        ("dynamodb://orders", TableOrigin("orders")),
        ("dynamodb://orders/by-day", TableOrigin("orders", "by-day")),
        ("dynamodb://orders?state=new", TableOrigin("orders", "", {"state": "new"})),
        ("dynamodb://orders/by-day?day=2026-11-24%20a", TableOrigin("orders", "by-day", {"day": "2026-11-24 a"})),
        ("dynamodb://orders?state=a=b", TableOrigin("orders", "", {"state": "a=b"})),
    ],
)
def test_an_address_says_where_records_are(address: str, origin: ObjectsOrigin | TableOrigin) -> None:
    assert origin_at(address) == origin


def test_a_key_is_taken_for_a_prefix_when_that_is_asked_for() -> None:
    assert origin_at("s3://b/day-1", prefix=True) == ObjectsOrigin("b", prefix="day-1")


def test_a_layout_goes_along() -> None:
    layout = Layout(kind=Kind.CSV)

    assert origin_at("s3://b/k", layout).layout == layout
    assert origin_at("dynamodb://t", layout).layout == layout


@pytest.mark.parametrize(
    "address",
    ["", "records.csv", "s3://", "s3:///key", "http://b/k", "dynamodb://", "dynamodb://t/", "dynamodb://t/i/j",
     "dynamodb://t?", "dynamodb://t?a", "dynamodb://t?a=", "dynamodb://t?=v", "dynamodb://t?a=1&b=2"],
)  # fmt: skip
def test_what_is_no_address_is_told_what_one_is(address: str) -> None:
    with pytest.raises(InvalidIngestError, match=r"write (s3|dynamodb)://"):
        origin_at(address)


def test_a_source_with_more_to_it_is_json() -> None:
    assert origin_in(' {"table": "orders", "write_back": "answer"}') == TableOrigin("orders", write_back="answer")
    assert origin_in(" s3://b/a/ ") == ObjectsOrigin("b", prefix="a/")
    with pytest.raises(InvalidIngestError, match="an address or a JSON object"):
        origin_in("{not json")

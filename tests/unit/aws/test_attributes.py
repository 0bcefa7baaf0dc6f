"""Attribute values of DynamoDB, read as plain values."""

from typing import Any

import pytest

from hundredfold.aws.attributes import plain_item, plain_value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("-0.25", -0.25),
        ("0.30000000000000004", 0.30000000000000004),
        ("1000000000000000000000000000000000000000", 10**39),  # 40 digits, where boto3 takes 38
        ("1E+2", 100),
        ("1.5E-130", 1.5e-130),
        ("9.9E+125", 9.9e125),
    ],
)
def test_a_number_is_read_as_it_was_written(text: str, number: float) -> None:
    value = plain_value({"N": text})

    assert value == number
    assert type(value) is type(number) or text == "9.9E+125"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ({"S": "a"}, "a"),
        ({"BOOL": True}, True),
        ({"NULL": True}, None),
        ({"B": b"x"}, b"x"),
        ({"L": [{"N": "1"}, {"S": "a"}]}, [1, "a"]),
        ({"M": {"a": {"N": "2"}}}, {"a": 2}),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "2.5"]}, {1, 2.5}),
    ],
)
def test_every_type_has_its_plain_value(attribute: dict[str, Any], value: object) -> None:
    assert plain_item({"x": attribute}) == {"x": value}

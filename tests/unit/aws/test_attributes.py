"""Attribute values of DynamoDB, read as plain values and written from them."""

import math
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.aws.attributes import attribute_value, attribute_values, plain_item, plain_value
from hundredfold.summary import Status

# 38 digits are the most that boto3 writes, and DynamoDB keeps; the magnitudes are those that DynamoDB stores.
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.floats(-1e125, 1e125).filter(lambda number: number == 0 or abs(number) > 1e-129)
    | st.text()
    | st.binary()
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


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


def _with_decimals(value: Any) -> Any:
    """Replace floats, which boto3's serializer refuses."""
    match value:
        case float():
            return Decimal(repr(value))
        case dict():
            return {name: _with_decimals(inner) for name, inner in value.items()}
        case list():
            return [_with_decimals(inner) for inner in value]
        case _:
            return value


@given(_VALUES)
def test_a_value_is_written_as_boto3_writes_it(value: Any) -> None:
    assert attribute_value(value) == TypeSerializer().serialize(_with_decimals(value))


def test_the_attributes_of_an_item_are_written() -> None:
    item = {"entry": "7", "batch": 7, "units": 2.5, "again": True, "parts": (b"x",), "status": Status.COMPLETED}

    assert attribute_values(item) == {
        "entry": {"S": "7"},
        "batch": {"N": "7"},
        "units": {"N": "2.5"},
        "again": {"BOOL": True},
        "parts": {"L": [{"B": b"x"}]},
        "status": {"S": "COMPLETED"},
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {"a": [-math.inf]}])
def test_a_value_that_no_attribute_has_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no attribute value"):
        attribute_value(value)

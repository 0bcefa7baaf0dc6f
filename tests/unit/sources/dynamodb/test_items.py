"""Items as lines: exact numbers, ids, renaming, keys that come back as they were."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.sources.dynamodb.items import AttributeValueError, is_item, item_line
from hundredfold.sources.dynamodb.members import read_key, read_members, scalar_value
from hundredfold.sources.read_options import ReadOptions

PLAIN = ReadOptions()


def test_every_type_has_its_json() -> None:
    item: dict[str, Any] = {
        "id": {"S": "a"},
        "number": {"N": "-12.50"},
        "large": {"N": "1E+125"},
        "binary": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "map": {"M": {"in\n": {"L": [{"N": "1"}, {"S": 'quo"ted'}]}}},
        "texts": {"SS": ["x", "y"]},
        "numbers": {"NS": ["1", "2.5"]},
        "binaries": {"BS": [b"\x00"]},
    }

    assert item_line(item, PLAIN) == (
        b'{"id":"a","number":-12.50,"large":1E+125,"binary":{"$binary":"AP8="},"yes":true,"nothing":null,'
        b'"map":{"in\\n":[1,"quo\\"ted"]},"texts":["x","y"],"numbers":[1,2.5],"binaries":[{"$binary":"AA=="}]}\n'
    )


@pytest.mark.parametrize(
    ("stored", "line"),
    [
        ({"N": "101"}, b'{"id":"101"}\n'),
        ({"N": "-4.50"}, b'{"id":"-4.50"}\n'),
        ({"S": "101"}, b'{"id":"101"}\n'),
        ({"S": ""}, b'{"id":""}\n'),
        ({"BOOL": True}, b'{"id":true}\n'),
        ({"B": b"x"}, b'{"id":{"$binary":"eA=="}}\n'),
        ({"NULL": True}, b'{"id":null}\n'),
    ],
)
def test_a_number_as_id_is_text_and_what_is_neither_stays_what_it_is(stored: dict[str, Any], line: bytes) -> None:
    assert item_line({"id": stored}, PLAIN) == line


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(lambda n: len(n.as_tuple().digits) <= 38))
def test_a_number_keeps_every_digit(number: Decimal) -> None:
    line = item_line({"id": {"S": "a"}, "n": {"N": str(number)}}, PLAIN)

    assert json.loads(line, parse_float=Decimal, parse_int=Decimal)["n"] == number
    assert Decimal(scalar_value(read_members(line)["n"])["N"]) == number


@given(
    st.dictionaries(st.text(min_size=1), st.text(), max_size=5), st.binary(min_size=1), st.integers(-(10**38), 10**38)
)
def test_texts_and_keys_come_back_as_they_were(texts: dict[str, str], binary: bytes, number: int) -> None:
    item: dict[str, Any] = {name: {"S": text} for name, text in texts.items()}
    item |= {"pk": {"B": binary}, "sk": {"N": str(number)}}

    line = item_line(item, PLAIN, key=("pk", "sk"))

    assert line.count(b"\n") == 1
    members = read_members(line)
    assert read_key(members) == {"pk": {"B": binary}, "sk": {"N": str(number)}}
    for name in texts.keys() - {"pk", "sk", "id", "$key"}:
        assert scalar_value(members[name]) == item[name]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (ReadOptions(fields={"id": "sku"}), b'{"text":"t","body":"b","id":"7"}\n'),
        (ReadOptions(fields={"id": "sku", "text": "body"}), b'{"id":"7","text":"b"}\n'),
        # A field whose attribute is not there is not there: it is not taken from what has its name.
        (ReadOptions(fields={"id": "sku", "text": "none"}), b'{"body":"b","id":"7"}\n'),
        (ReadOptions(fields={"id": "sku", "copy": "sku"}), b'{"text":"t","body":"b","id":"7","copy":7}\n'),
        (ReadOptions(columns=("body", "sku", "none")), b'{"body":"b","sku":7}\n'),
        (ReadOptions(columns=("sku",), fields={"id": "sku"}), b'{"id":"7"}\n'),
    ],
)
def test_fields_and_columns(options: ReadOptions, line: bytes) -> None:
    item: dict[str, Any] = {"sku": {"N": "7"}, "text": {"S": "t"}, "body": {"S": "b"}}

    assert item_line(item, options) == line


def test_an_attribute_is_left_out_and_one_that_has_the_keys_name_gives_way() -> None:
    item: dict[str, Any] = {"id": {"S": "a"}, "verdict": {"M": {}}, "$key": {"S": "mine"}}

    assert item_line(item, PLAIN, without="verdict", key=("id",)) == b'{"id":"a","$key":{"id":{"S":"a"}}}\n'


@pytest.mark.parametrize(
    "value",
    [{}, {"S": 5}, {"S": "a", "N": "1"}, {"N": "NaN"}, {"N": "one"}, {"N": 1}, {"X": 1}, {"L": 5}, {"M": []}, "x", None,
     {"SS": [1]}, {"B": 5}, {"BOOL": "true"}, {"N": "Infinity"}],
)  # fmt: skip
def test_what_is_no_attribute_value_is_said_by_its_name_alone(value: Any) -> None:
    with pytest.raises(AttributeValueError, match=r"^its attribute 'n' is no attribute value of DynamoDB's$"):
        item_line({"n": value}, PLAIN)


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ({"id": {"S": "a"}}, True),
        ({"id": {"S": 5}, "n": {"NULL": True}}, True),
        ({}, False),
        ({"id": "a"}, False),
        ({"id": {"S": "a", "N": "1"}}, False),
        ({"id": {"name": "a"}}, False),
        ([], False),
    ],
)
def test_what_looks_like_an_item(value: object, is_one: bool) -> None:
    assert is_item(value) is is_one

"""Items of DynamoDB as records: attribute values (`{"text": {"S": "…"}}`) become JSON, numbers keep all digits.

The planner uses this module, so it needs only the standard library. `members` reads the lines again.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

from hundredfold.errors import HundredfoldError
from hundredfold.sources.read_options import ReadOptions

type AttributeValue = Mapping[str, Any]
"""A value with its type, as DynamoDB's API has it: `{"S": "a text"}`, `{"N": "4.50"}`."""
type Item = Mapping[str, AttributeValue]
"""The attributes of an item, by name."""
type Members = dict[str, str]
"""The members of a JSON object by name, each value in JSON."""

KEY_MEMBER = "$key"
"""The member of a staged line with the item's primary key as attribute values. It is never a field of a record."""
BINARY_MEMBER = "$binary"
"""Binary becomes an object with only this member, in base64, so that nothing takes it for text."""

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TYPES = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))

_text: Callable[[str], str] = encode_basestring
"""Encodes a string as JSON; raises TypeError for any other value."""


class AttributeValueError(HundredfoldError):
    """A value is not an attribute value of DynamoDB."""


def item_line(item: Item, options: ReadOptions, without: str = "", key: Iterable[str] = ()) -> bytes:
    """Return an item as one line of JSON Lines, with the line end.

    Sets and lists become arrays, and maps become objects. Binary becomes an object with `BINARY_MEMBER`.

    Parameters
    ----------
    without : an attribute to leave out
    key : the attributes of the primary key, if the line shall have them as its member `$key`

    Raises
    ------
    AttributeValueError
        If a value is not an attribute value of DynamoDB; the error names the attribute.
    """
    members = select_members({name: _json(name, value) for name, value in item.items() if name != without}, options)
    if members.get("id", '"')[0] in "-0123456789":
        members["id"] = f'"{members["id"]}"'
    if names := tuple(key):
        members[KEY_MEMBER] = _object({name: _key_value(item[name]) for name in names})
    try:
        return f"{_object(members)}\n".encode()
    except UnicodeEncodeError:
        raise AttributeValueError("a text in it has half of a character, which DynamoDB does not store") from None


def select_members(members: Members, options: ReadOptions) -> Members:
    """Return only the members that the options select, under the field names that they give.

    A member that becomes a field under another name loses its own name. A member that had the field's name is gone.
    """
    if options.columns:
        members = {name: members[name] for name in options.columns if name in members}
    if not options.fields:
        return members
    mapped = {*options.fields, *options.fields.values()}
    unmapped_members = {name: value for name, value in members.items() if name not in mapped}
    fields = {field: members[column] for field, column in options.fields.items() if column in members}
    return {**unmapped_members, **fields}


def is_item(value: object) -> bool:
    """Tell whether decoded JSON is an item: an object with nothing but attribute values."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(
            isinstance(attribute, dict) and len(attribute) == 1 and next(iter(attribute)) in _TYPES
            for attribute in value.values()
        )
    )


def _object(members: Members) -> str:
    return "{" + ",".join([f"{_text(name)}:{value}" for name, value in members.items()]) + "}"


def _array(values: Iterable[str]) -> str:
    return "[" + ",".join(values) + "]"


def _json(name: str, value: Any) -> str:
    invalid = AttributeValueError(f"its attribute {name!r} is no attribute value of DynamoDB's")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise invalid
    [(type_, content)] = value.items()
    try:
        match type_:
            case "M":
                return _object({str(key): _json(name, member) for key, member in content.items()})
            case "L":
                return _array([_json(name, element) for element in content])
            case "SS" | "NS" | "BS":
                return _array([_SCALARS[type_[0]](element) for element in content])
            case _:
                return _SCALARS[type_](content)
    except (AttributeError, InvalidOperation, KeyError, TypeError, ValueError):
        raise invalid from None


def _number(text: str) -> str:
    if _JSON_NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return str(number)


def _boolean(value: bool) -> str:
    return {True: "true", False: "false"}[value]  # KeyError for any other value


def _binary(content: bytes | str) -> str:
    """`content` is text if the API's JSON was not read by botocore; it is base64 then."""
    encoded = base64.b64encode(content).decode() if isinstance(content, bytes) else content
    return _object({BINARY_MEMBER: _text(encoded)})


_SCALARS: Mapping[str, Callable[[Any], str]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": lambda _: "null",
}


def _key_value(value: AttributeValue) -> str:
    """Return a key's attribute value as the API's JSON has it."""
    [(type_, content)] = value.items()
    return _object({type_: _text(base64.b64encode(content).decode() if type_ == "B" else content)})

"""Items of DynamoDB as records: attribute values (`{"text": {"S": "…"}}`) as JSON with exact numbers, and back."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from hundredfold.errors import HundredfoldError
from hundredfold.origin import Layout

type AttributeValue = Mapping[str, Any]
"""One value with its type, as DynamoDB's API writes it: `{"S": "a text"}`, `{"N": "4.50"}`."""
type Item = Mapping[str, AttributeValue]
"""The attributes of an item, by name."""
type Members = dict[str, msgspec.Raw]
"""The members of a JSON object, each as it is written."""

KEY_MEMBER = "$key"
"""The member of a staged line that holds the item's primary key, as attribute values; no field can be taken from it."""
BINARY_MEMBER = "$binary"
"""In place of binary: an object with this member alone, in base64, which can be taken for no text."""

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TYPES = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))

_encode = msgspec.json.Encoder().encode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


class AttributeValueError(HundredfoldError):
    """Something that should be an attribute value of DynamoDB is none."""


def item_members(item: Item) -> Members:
    """Return an item's attributes as members of a JSON object.

    Numbers are written with all their digits. Sets become arrays, maps objects, lists arrays; binary becomes an
    object of its own kind (`BINARY_MEMBER`).

    Raises
    ------
    AttributeValueError
        If a value is none of DynamoDB's; it names the attribute.
    """
    members = {}
    for name, value in item.items():
        # Nearly all that is read is text.
        text = value.get("S") if type(value) is dict else None
        members[name] = msgspec.Raw(_encode(text if type(text) is str else _json_value(name, value)))
    return members


def renamed(members: Members, layout: Layout) -> Members:
    """Return the members that a layout reads, those that it takes fields from under the fields' names.

    What a field is taken from is there under the field's name only, and what had that name before is not there.
    """
    if layout.columns:
        members = {name: members[name] for name in layout.columns if name in members}
    if not layout.fields:
        return members
    moved = {*layout.fields, *layout.fields.values()}
    kept = {name: value for name, value in members.items() if name not in moved}
    taken = {field: members[column] for field, column in layout.fields.items() if column in members}
    return {**kept, **taken}


def with_text_id(members: Members) -> Members:
    """Let an id that is a number be text, with the digits that it has."""
    record_id = bytes(members.get("id", b""))
    if record_id[:1].isdigit() or record_id[:1] == b"-":
        members["id"] = msgspec.Raw(b'"' + record_id + b'"')
    return members


def item_line(item: Item, layout: Layout, without: str = "", key: Iterable[str] = ()) -> bytes:
    """Return an item as one line of JSON Lines, line end included.

    Parameters
    ----------
    without : an attribute that is left out
    key : the attributes of its primary key, if the line is to have them, exactly, as its member `$key`
    """
    members = item_members({name: value for name, value in item.items() if name != without})
    members = with_text_id(renamed(members, layout))
    if names := tuple(key):
        members[KEY_MEMBER] = msgspec.Raw(_encode({name: _on_the_wire(item[name]) for name in names}))
    return _encode(members) + b"\n"


def read_members(line: bytes) -> Members:
    """Read the members of a line that holds a JSON object; raises msgspec.DecodeError if it holds none."""
    return _decode_members(line)


def read_key(members: Members) -> dict[str, AttributeValue]:
    """Read the primary key that `item_line` wrote into a line."""
    key: dict[str, dict[str, Any]] = _decode(members[KEY_MEMBER])
    return {
        name: {kind: base64.b64decode(v) if kind == "B" else v} for name, one in key.items() for kind, v in one.items()
    }


def scalar_value(member: msgspec.Raw) -> AttributeValue:
    """Return the text or number of a line as the attribute value that it was read from, every digit of it."""
    written = bytes(member)
    if written[:1] == b'"':
        return {"S": _decode(written)}
    return {"N": written.decode()}


def is_item(value: object) -> bool:
    """Tell whether decoded JSON is an item: an object of which every member is an attribute value."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(one, dict) and len(one) == 1 and next(iter(one)) in _TYPES for one in value.values())
    )


def _json_value(name: str, value: Any) -> Any:
    wrong = AttributeValueError(f"its attribute {name!r} is no attribute value of DynamoDB's")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise wrong
    [(kind, inner)] = value.items()
    try:
        match kind:
            case "M":
                return {str(key): _json_value(name, one) for key, one in inner.items()}
            case "L":
                return [_json_value(name, one) for one in inner]
            case "SS" | "NS" | "BS":
                return [_SCALARS[kind[0]](one) for one in inner]
            case _:
                return _SCALARS[kind](inner)
    except (AttributeError, InvalidOperation, KeyError, TypeError, ValueError):
        raise wrong from None


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _true_or_false(value: object) -> bool:
    if type(value) is not bool:
        raise TypeError
    return value


def _number(value: object) -> msgspec.Raw:
    text = _text(value)
    if not _JSON_NUMBER.fullmatch(text):
        exact = Decimal(text)
        if not exact.is_finite():
            raise ValueError(text)
        text = str(exact)
    return msgspec.Raw(text.encode())


def _binary(content: object) -> dict[str, str]:
    """`content` is text where the API's JSON has been read without botocore, and then base64 already."""
    return {BINARY_MEMBER: base64.b64encode(content).decode() if isinstance(content, bytes) else _text(content)}


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _true_or_false,
    "NULL": lambda _: None,
}


def _on_the_wire(value: AttributeValue) -> AttributeValue:
    """Return a key's value as the API's JSON has it."""
    return {kind: base64.b64encode(one).decode() if kind == "B" else one for kind, one in value.items()}

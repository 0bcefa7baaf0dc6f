"""Items of DynamoDB as records: attribute values (`{"text": {"S": "…"}}`) as JSON, numbers with all their digits.

The planner uses it, so it needs nothing but the standard library; `members` reads lines back.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

from hundredfold.errors import HundredfoldError
from hundredfold.sources.spec import ReadOptions

type AttributeValue = Mapping[str, Any]
"""One value with its type, as DynamoDB's API writes it: `{"S": "a text"}`, `{"N": "4.50"}`."""
type Item = Mapping[str, AttributeValue]
"""The attributes of an item, by name."""
type Members = dict[str, str]
"""The members of a JSON object, each as it is written."""

KEY_MEMBER = "$key"
"""The member of a staged line that holds the item's primary key, as attribute values; no field can be taken from it."""
BINARY_MEMBER = "$binary"
"""In place of binary: an object with this member alone, in base64, which can be taken for no text."""

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TYPES = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))

_text: Callable[[str], str] = encode_basestring
"""JSON of a string; raises TypeError for anything else."""


class AttributeValueError(HundredfoldError):
    """Something that should be an attribute value of DynamoDB is none."""


def item_line(item: Item, options: ReadOptions, without: str = "", key: Iterable[str] = ()) -> bytes:
    """Return an item as one line of JSON Lines, line end included.

    Sets become arrays, maps objects, lists arrays; binary becomes an object of its own kind (`BINARY_MEMBER`).

    Parameters
    ----------
    without : an attribute that is left out
    key : the attributes of its primary key, if the line is to have them, exactly, as its member `$key`

    Raises
    ------
    AttributeValueError
        If a value is none of DynamoDB's; it names the attribute.
    """
    members = renamed({name: _json(name, value) for name, value in item.items() if name != without}, options)
    if members.get("id", '"')[0] in "-0123456789":
        members["id"] = f'"{members["id"]}"'
    if names := tuple(key):
        members[KEY_MEMBER] = _object({name: _on_the_wire(item[name]) for name in names})
    return f"{_object(members)}\n".encode()


def renamed(members: Members, options: ReadOptions) -> Members:
    """Return the members that a layout reads, those that it takes fields from under the fields' names.

    What a field is taken from is there under the field's name only, and what had that name before is not there.
    """
    if options.columns:
        members = {name: members[name] for name in options.columns if name in members}
    if not options.fields:
        return members
    moved = {*options.fields, *options.fields.values()}
    kept = {name: value for name, value in members.items() if name not in moved}
    taken = {field: members[column] for field, column in options.fields.items() if column in members}
    return {**kept, **taken}


def is_item(value: object) -> bool:
    """Tell whether decoded JSON is an item: an object of which every member is an attribute value."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(one, dict) and len(one) == 1 and next(iter(one)) in _TYPES for one in value.values())
    )


def _object(members: Members) -> str:
    return "{" + ",".join([f"{_text(name)}:{value}" for name, value in members.items()]) + "}"


def _array(values: Iterable[str]) -> str:
    return "[" + ",".join(values) + "]"


def _json(name: str, value: Any) -> str:
    wrong = AttributeValueError(f"its attribute {name!r} is no attribute value of DynamoDB's")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise wrong
    [(kind, inner)] = value.items()
    try:
        match kind:
            case "M":
                return _object({str(key): _json(name, one) for key, one in inner.items()})
            case "L":
                return _array([_json(name, one) for one in inner])
            case "SS" | "NS" | "BS":
                return _array([_SCALARS[kind[0]](one) for one in inner])
            case _:
                return _SCALARS[kind](inner)
    except (AttributeError, InvalidOperation, KeyError, TypeError, ValueError):
        raise wrong from None


def _number(text: str) -> str:
    if _JSON_NUMBER.fullmatch(text):
        return text
    exact = Decimal(text)
    if not exact.is_finite():
        raise ValueError(text)
    return str(exact)


def _true_or_false(value: bool) -> str:
    return {True: "true", False: "false"}[value]


def _binary(content: bytes | str) -> str:
    """`content` is text where the API's JSON has been read without botocore, and then base64 already."""
    encoded = base64.b64encode(content).decode() if isinstance(content, bytes) else content
    return _object({BINARY_MEMBER: _text(encoded)})


_SCALARS: Mapping[str, Callable[[Any], str]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _true_or_false,
    "NULL": lambda _: "null",
}


def _on_the_wire(value: AttributeValue) -> str:
    """Return a key's value as the API's JSON has it."""
    [(kind, one)] = value.items()
    return _object({kind: _text(base64.b64encode(one).decode() if kind == "B" else one)})

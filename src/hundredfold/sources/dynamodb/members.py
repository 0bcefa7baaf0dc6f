"""Reading back what `items` has written into lines: a record's members exactly as they stand there."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from hundredfold.sources.dynamodb.items import KEY_MEMBER, AttributeValue, Members

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


def read_members(line: bytes) -> Members:
    """Read the members of a line that holds a JSON object; raises msgspec.DecodeError if it holds none."""
    return {name: bytes(member).decode() for name, member in _decode_members(line).items()}


def read_key(members: Members) -> dict[str, AttributeValue]:
    """Read the primary key that `item_line` wrote into a line."""
    key: Mapping[str, Mapping[str, Any]] = _decode(members[KEY_MEMBER])
    return {
        name: {kind: base64.b64decode(text) if kind == "B" else text for kind, text in value.items()}
        for name, value in key.items()
    }


def scalar_value(member: str) -> AttributeValue:
    """Return the text or number of a line as the attribute value that it was read from, every digit of it."""
    return {"S": _decode(member)} if member[:1] == '"' else {"N": member}


def as_object(members: Members) -> bytes:
    """Write members as the JSON object that they are of."""
    encoded = {name: msgspec.Raw(member.encode()) for name, member in members.items()}
    return msgspec.json.encode(encoded)

"""Reads the lines that `items` writes: a record's members, each exactly as it is written."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from hundredfold.sources.dynamodb.items import KEY_MEMBER, AttributeValue, Members

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


def read_members(line: bytes) -> Members:
    """Return the members of a line with a JSON object; raises msgspec.DecodeError if it has none."""
    return {name: bytes(member).decode() for name, member in _decode_members(line).items()}


def read_key(members: Members) -> dict[str, AttributeValue]:
    """Return the primary key that `item_line` wrote into a line."""
    key: Mapping[str, Mapping[str, Any]] = _decode(members[KEY_MEMBER])
    return {
        name: {type_: base64.b64decode(text) if type_ == "B" else text for type_, text in value.items()}
        for name, value in key.items()
    }


def scalar_value(member: str) -> AttributeValue:
    """Return a text or a number of a line as the attribute value that it came from, with every digit."""
    return {"S": _decode(member)} if member[:1] == '"' else {"N": member}


def as_object(members: Members) -> bytes:
    """Return the JSON object that has these members."""
    encoded = {name: msgspec.Raw(member.encode()) for name, member in members.items()}
    return msgspec.json.encode(encoded)

"""Attribute values of DynamoDB, read as plain Python values."""

from collections.abc import Mapping
from typing import Any


def plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an item as plain values."""
    return {name: plain_value(value) for name, value in item.items()}


def plain_value(attribute: Mapping[str, Any]) -> Any:
    """Return an attribute value as text, a number, bytes, a boolean, None, a list, a set or a dictionary.

    A number is an int if it is written as one, else the float that it was written from. boto3's own deserializer
    refuses a number with more than 38 digits, such as 1e39 is when DynamoDB writes it out.
    """
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return _number(value)
        case "NULL":
            return None
        case "L":
            return [plain_value(element) for element in value]
        case "M":
            return plain_item(value)
        case "NS":
            return {_number(element) for element in value}
        case "SS" | "BS":
            return set(value)
        case _:
            return value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < _EXACT_INTEGERS else number


_EXACT_INTEGERS = 2**53

"""A model's signature: which fields of a record it reads, of which type, in which order."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from hundredfold.errors import BundleRefusedError
from hundredfold.records import Reason


class FieldType(StrEnum):
    """What a field of a record may hold."""

    TEXT = "text"
    """A string that is more than white space."""
    NUMBER = "number"
    """A finite JSON number, read as a float."""
    CATEGORY = "category"
    """Any string, taken as it is."""


class UnfitValueError(ValueError):
    """A field's value does not fit the signature; `detail` names the field and the types, never the value."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Field:
    """One field that the model reads.

    `converts`: numbers may be text, and text numbers or true and false; see `Signature.converting`.
    """

    name: str
    type: FieldType
    converts: bool = False

    def read(self, record: Mapping[str, Any]) -> str | float:
        """Return this field's value of `record`.

        Raises
        ------
        UnfitValueError
            If it is missing, empty or of another type.
        """
        try:
            value = record[self.name]
        except KeyError:
            raise UnfitValueError(Reason.MISSING_FIELD, f"it has no field {self.name!r}") from None
        if self.type is FieldType.NUMBER:
            return self._number(value)
        if type(value) is not str:
            if self.converts and isinstance(value, int | float):
                return json.dumps(value)
            raise UnfitValueError(Reason.WRONG_TYPE, f"its field {self.name!r} is {_kind(value)}, not a string")
        if self.type is FieldType.TEXT and not value.strip():
            raise UnfitValueError(Reason.EMPTY_TEXT, f"its field {self.name!r} is empty")
        return value

    def _number(self, value: object) -> float:
        if type(value) is float:
            number = value
        elif type(value) is int:
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
        elif self.converts and type(value) is str:
            number = self._number_of(value)
        else:
            raise UnfitValueError(Reason.WRONG_TYPE, f"its field {self.name!r} is {_kind(value)}, not a number")
        if not math.isfinite(number):
            raise UnfitValueError(Reason.WRONG_TYPE, f"its field {self.name!r} is a number out of range")
        return number

    def _number_of(self, text: str) -> float:
        try:
            if "_" in text:  # which Python allows within a number
                raise ValueError
            return float(text)
        except ValueError:
            kind = "text that is no number" if text.strip() else "empty, not a number"
            raise UnfitValueError(Reason.WRONG_TYPE, f"its field {self.name!r} is {kind}") from None


@dataclass(frozen=True, slots=True)
class Signature:
    """The fields that a model reads, in its order. A model of one text field is given the strings alone."""

    fields: tuple[Field, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `{"fields": [{"name": …, "type": "text" | "number" | "category"}, …]}`."""
        try:
            fields = tuple(Field(str(item["name"]), FieldType(item["type"])) for item in data["fields"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleRefusedError(f"the card's signature cannot be read: {error!r}") from error
        names = [field.name for field in fields]
        if not names or len(set(names)) != len(names) or "id" in names:
            raise BundleRefusedError(
                f"the card's signature must name different fields, none of them id; it names {names}"
            )
        return cls(fields)

    def as_dict(self) -> dict[str, Any]:
        return {"fields": [{"name": field.name, "type": field.type.value} for field in self.fields]}

    @property
    def is_text(self) -> bool:
        return len(self.fields) == 1 and self.fields[0].type is FieldType.TEXT

    @property
    def is_numeric(self) -> bool:
        return all(field.type is FieldType.NUMBER for field in self.fields)

    def converting(self) -> "Signature":
        """Return it for records whose values have no types, or others than JSON has: CSV, Parquet.

        A number may be text that is one, with white space around it; text may be a number or true or false, and is
        then as JSON writes it.
        """
        return Signature(tuple(replace(field, converts=True) for field in self.fields))

    def read(self, record: Mapping[str, Any]) -> tuple[str | float, ...]:
        """Return the values of `record`'s fields, in order; raises UnfitValueError at the first that does not fit."""
        return tuple([field.read(record) for field in self.fields])


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"

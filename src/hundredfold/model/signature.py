"""The signature: which fields of a record a model reads, of which type, and in which order."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from hundredfold.errors import BundleRefusedError
from hundredfold.records import Reason

type Values = tuple[str | float | None, ...]
"""The values of one record, in the order of the signature's fields. A missing number is NaN, and a missing category
None."""


class FieldType(StrEnum):
    """The type of a field."""

    TEXT = "text"
    """A string with more than white space."""
    NUMBER = "number"
    """A finite JSON number, read as a float."""
    CATEGORY = "category"
    """Any string, unchanged."""


class Missing(StrEnum):
    """What a model gets for a missing category. Encoders and imputers tell the two apart."""

    NONE = "None"
    NAN = "NaN"
    """As pandas has it after reading a file."""


class UnfitValueError(ValueError):
    """A record does not fit the signature. `detail` names the field and the types, never the value."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Field:
    """One field that the model reads.

    Attributes
    ----------
    converts : whether a value of another type is converted (see `Signature.converting`)
    nullable : whether a value may be missing: null, or NaN for a number. Text is never nullable.
    optional : whether a record without the field counts as one with null. Only a nullable field can be optional.
    missing : what the model gets for a missing category. A missing number is always NaN.
    """

    name: str
    type: FieldType
    converts: bool = False
    nullable: bool = False
    optional: bool = False
    missing: Missing = Missing.NONE

    def read(self, record: Mapping[str, Any]) -> str | float | None:
        """Return the value of this field in `record`.

        Raises
        ------
        UnfitValueError
            If the value is of another type, or is missing or empty and the field is not nullable.
        """
        try:
            value = record[self.name]
        except KeyError:
            if not self.optional:
                raise UnfitValueError(Reason.MISSING_FIELD, f"it has no field {self.name!r}") from None
            value = None
        if self.nullable and self._is_missing(value):
            return None if self.type is FieldType.CATEGORY and self.missing is Missing.NONE else math.nan
        if self.type is FieldType.NUMBER:
            return self._number(value)
        if type(value) is not str:
            if self.converts and isinstance(value, int | float):
                return json.dumps(value)
            raise UnfitValueError(Reason.WRONG_TYPE, f"its field {self.name!r} is {_kind(value)}, not a string")
        if self.type is FieldType.TEXT and not value.strip():
            raise UnfitValueError(Reason.EMPTY_TEXT, f"its field {self.name!r} is empty")
        return value

    def _is_missing(self, value: object) -> bool:
        if value is None:
            return True
        if self.type is FieldType.NUMBER and type(value) is float:
            return math.isnan(value)
        if not (self.converts and type(value) is str):
            return False
        # CSV has no null but an empty cell. Parquet's NaN arrives as text (`hundredfold.sources.formats.parquet`).
        text = value.strip().lower()
        return not text or (text == "nan" and self.type is FieldType.NUMBER)

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
            if "_" in text:  # Python allows it within a number
                raise ValueError
            return float(text)
        except ValueError:
            kind = "text that is no number" if text.strip() else "empty, not a number"
            raise UnfitValueError(Reason.WRONG_TYPE, f"its field {self.name!r} is {kind}") from None


@dataclass(frozen=True, slots=True)
class Signature:
    """The fields that a model reads, in order. A model of one text field gets the strings alone."""

    fields: tuple[Field, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `{"fields": [{"name": …, "type": "text" | "number" | "category"}, …]}`.

        A field may also have `"nullable": true`, `"optional": true` and `"missing": "NaN"`; see `Field`.
        """
        try:
            fields = tuple(_read_field(item) for item in data["fields"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleRefusedError(f"the card's signature cannot be read: {error!r}") from error
        names = [field.name for field in fields]
        if not names or len(set(names)) != len(names) or "id" in names:
            raise BundleRefusedError(
                f"the card's signature must name different fields, none of them id; it names {names}"
            )
        return cls(fields)

    def as_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads. What a field has by default is left out."""
        return {"fields": [_field_dict(field) for field in self.fields]}

    @property
    def has_nullable(self) -> bool:
        """Whether a field may be missing."""
        return any(field.nullable for field in self.fields)

    @property
    def is_text(self) -> bool:
        return len(self.fields) == 1 and self.fields[0].type is FieldType.TEXT

    @property
    def is_numeric(self) -> bool:
        return all(field.type is FieldType.NUMBER for field in self.fields)

    def converting(self) -> "Signature":
        """Return the signature for formats without JSON's types, such as CSV and Parquet.

        Text that is a number is read as a number; white space around it is ignored. A number, true or false is read
        as text, in the form that JSON gives it.
        """
        return Signature(tuple(replace(field, converts=True) for field in self.fields))

    def read(self, record: Mapping[str, Any]) -> Values:
        """Return the values of the fields in `record`, in order. Raise UnfitValueError at the first misfit."""
        return tuple([field.read(record) for field in self.fields])


def _read_field(item: Mapping[str, Any]) -> Field:
    field = Field(
        str(item["name"]),
        FieldType(item["type"]),
        nullable=bool(item.get("nullable", False)),
        optional=bool(item.get("optional", False)),
        missing=Missing(item.get("missing", Missing.NONE)),
    )
    if field.nullable and field.type is FieldType.TEXT:
        raise ValueError(f"the field {field.name!r} is text, which cannot be nullable: make it a category")
    if field.optional and not field.nullable:
        raise ValueError(f"the field {field.name!r} is optional, so it must be nullable too")
    return field


def _field_dict(field: Field) -> dict[str, Any]:
    values: dict[str, Any] = {"name": field.name, "type": field.type.value}
    if field.nullable:
        values["nullable"] = True
    if field.optional:
        values["optional"] = True
    if field.missing is not Missing.NONE:
        values["missing"] = field.missing.value
    return values


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

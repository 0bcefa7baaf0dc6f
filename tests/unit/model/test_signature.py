"""The signature: which values it reads from a record, and which cards it refuses."""

import math
from typing import Any

import pytest

from hundredfold.errors import BundleRefusedError
from hundredfold.model.signature import Field, FieldType, Signature, UnfitValueError
from hundredfold.records import Reason


def signature(**types: str) -> Signature:
    return Signature(tuple(Field(name, FieldType(kind)) for name, kind in types.items()))


def test_values_are_read_in_the_order_of_the_signature() -> None:
    record = {"c": "x", "more": None, "b": 2, "a": "y"}

    assert signature(a="text", b="number", c="category").read(record) == ("y", 2.0, "x")
    assert signature(c="category", a="text").read(record) == ("x", "y")


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("text", " a\n", " a\n"),
        ("category", "", ""),
        ("category", " ", " "),
        ("number", 0, 0.0),
        ("number", -3, -3.0),
        ("number", 2.5, 2.5),
        ("number", 10**308, 1e308),
    ],
)
def test_a_value_that_fits_is_read(kind: str, value: object, read: str | float) -> None:
    [actual] = signature(a=kind).read({"a": value})

    assert actual == read
    assert type(actual) is type(read)


@pytest.mark.parametrize(
    ("kind", "value", "reason", "detail"),
    [
        ("text", "", Reason.EMPTY_TEXT, "its field 'a' is empty"),
        ("text", "\u2003\n", Reason.EMPTY_TEXT, "its field 'a' is empty"),
        ("text", None, Reason.WRONG_TYPE, "its field 'a' is null, not a string"),
        ("text", 1, Reason.WRONG_TYPE, "its field 'a' is a number, not a string"),
        ("text", True, Reason.WRONG_TYPE, "its field 'a' is true or false, not a string"),
        ("category", 1.5, Reason.WRONG_TYPE, "its field 'a' is a number, not a string"),
        ("category", ["x"], Reason.WRONG_TYPE, "its field 'a' is an array, not a string"),
        ("category", {}, Reason.WRONG_TYPE, "its field 'a' is an object, not a string"),
        ("number", "1", Reason.WRONG_TYPE, "its field 'a' is a string, not a number"),
        ("number", False, Reason.WRONG_TYPE, "its field 'a' is true or false, not a number"),
        ("number", None, Reason.WRONG_TYPE, "its field 'a' is null, not a number"),
        ("number", 10**309, Reason.WRONG_TYPE, "its field 'a' is a number out of range"),
        ("number", -(10**309), Reason.WRONG_TYPE, "its field 'a' is a number out of range"),
        ("number", float("inf"), Reason.WRONG_TYPE, "its field 'a' is a number out of range"),
        ("number", float("nan"), Reason.WRONG_TYPE, "its field 'a' is a number out of range"),
    ],
)
def test_a_value_that_does_not_fit_is_rejected_by_its_kind_without_the_value(
    kind: str, value: object, reason: Reason, detail: str
) -> None:
    with pytest.raises(UnfitValueError) as unfit:
        signature(a=kind).read({"a": value})

    assert (unfit.value.reason, unfit.value.detail) == (reason, detail)


def test_the_first_field_that_does_not_fit_is_named() -> None:
    with pytest.raises(UnfitValueError) as unfit:
        signature(a="text", b="text", c="text").read({"a": "x", "c": 1})

    assert (unfit.value.reason, unfit.value.detail) == (Reason.MISSING_FIELD, "it has no field 'b'")


def test_a_signature_is_read_from_its_card_and_written_back() -> None:
    card = {"fields": [{"name": "b", "type": "number"}, {"name": "a", "type": "category"}]}

    from_card = Signature.from_dict(card)

    assert from_card == signature(b="number", a="category")
    assert from_card.as_dict() == card


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({}, "signature cannot be read: KeyError"),
        ({"fields": None}, "signature cannot be read: TypeError"),
        ({"fields": ["text"]}, "signature cannot be read: TypeError"),
        ({"fields": [{"name": "a"}]}, "signature cannot be read: KeyError"),
        ({"fields": [{"name": "a", "type": "image"}]}, "signature cannot be read: ValueError.*'image'"),
        ({"fields": []}, r"none of them id; it names \[\]"),
        ({"fields": [{"name": "a", "type": "text"}] * 2}, r"different fields.*names \['a', 'a'\]"),
        ({"fields": [{"name": "id", "type": "text"}]}, r"none of them id; it names \['id'\]"),
    ],
)
def test_a_malformed_signature_is_refused(card: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleRefusedError, match=message):
        Signature.from_dict(card)


@pytest.mark.parametrize(
    ("fields", "is_text", "is_numeric"),
    [
        (signature(a="text"), True, False),
        (signature(a="text", b="text"), False, False),
        (signature(a="category"), False, False),
        (signature(a="number"), False, True),
        (signature(a="number", b="number"), False, True),
        (signature(a="number", b="category"), False, False),
    ],
)
def test_a_signature_knows_if_it_is_one_text_or_numbers_only(
    fields: Signature, is_text: bool, is_numeric: bool
) -> None:
    assert (fields.is_text, fields.is_numeric) == (is_text, is_numeric)


@pytest.mark.parametrize(
    ("type_", "value", "read"),
    [
        ("number", "4", 4.0),
        ("number", " -0.5\n", -0.5),
        ("number", "1e3", 1000.0),
        ("text", 4, "4"),
        ("text", 0.5, "0.5"),
        ("text", True, "true"),
        ("category", False, "false"),
        ("category", "", ""),
    ],
)
def test_a_converting_signature_converts_values_and_a_strict_one_rejects_them(
    type_: str, value: object, read: object
) -> None:
    strict = signature(a=type_)

    assert strict.converting().read({"a": value}) == (read,)
    if type(value) is not type(read):
        with pytest.raises(UnfitValueError):
            strict.read({"a": value})


@pytest.mark.parametrize(
    ("type_", "value", "detail"),
    [
        ("number", "four", "its field 'a' is text that is no number"),
        ("number", "1_000", "its field 'a' is text that is no number"),
        ("number", " ", "its field 'a' is empty, not a number"),
        ("number", "nan", "its field 'a' is a number out of range"),
        ("number", "-inf", "its field 'a' is a number out of range"),
        ("number", "1e999", "its field 'a' is a number out of range"),
        ("number", True, "its field 'a' is true or false, not a number"),
        ("number", None, "its field 'a' is null, not a number"),
        ("text", None, "its field 'a' is null, not a string"),
        ("category", ["x"], "its field 'a' is an array, not a string"),
    ],
)
def test_a_value_that_cannot_be_converted_has_the_wrong_type(type_: str, value: object, detail: str) -> None:
    with pytest.raises(UnfitValueError) as unfit:
        signature(a=type_).converting().read({"a": value})

    assert (unfit.value.reason, unfit.value.detail) == (Reason.WRONG_TYPE, detail)


# ---------------------------------------------------------------- missing values

AREA = {"name": "area", "type": "number", "nullable": True}
TOWN = {"name": "town", "type": "category", "nullable": True}


def signature_of(*fields: dict[str, object]) -> Signature:
    signature = Signature.from_dict({"fields": list(fields)})
    assert signature.as_dict() == {"fields": list(fields)}
    return signature


def is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


@pytest.mark.parametrize(("record", "converts"), [
    ({"area": None, "town": None}, False),
    ({"area": math.nan, "town": None}, False),
    ({"area": None, "town": None}, True),
    ({"area": "", "town": ""}, True),
    ({"area": " NaN ", "town": "  "}, True),
])  # fmt: skip
def test_a_missing_value_is_nan_for_a_number_and_none_for_a_category(record: dict[str, object], converts: bool) -> None:
    signature = signature_of(AREA, TOWN)

    area, town = (signature.converting() if converts else signature).read(record)

    assert is_nan(area)
    assert town is None


def test_a_missing_category_is_nan_where_the_model_knows_it_so() -> None:
    assert is_nan(signature_of({**TOWN, "missing": "NaN"}).read({"town": None})[0])


def test_an_empty_text_and_infinity_are_values() -> None:
    signature = signature_of(AREA, TOWN)

    assert signature.read({"area": 1, "town": ""}) == (1.0, "")
    for area in (math.inf, "1", True):
        with pytest.raises(UnfitValueError) as unfit:
            signature.read({"area": area, "town": "Chur"})
        assert unfit.value.reason is Reason.WRONG_TYPE
    with pytest.raises(UnfitValueError):
        signature.converting().read({"area": "inf", "town": "Chur"})
    assert signature.converting().read({"area": "1", "town": "nan"}) == (1.0, "nan")


def test_a_field_that_is_left_out_is_null_only_if_the_card_says_so() -> None:
    with pytest.raises(UnfitValueError, match="it has no field 'area'") as unfit:
        signature_of(AREA).read({})
    assert unfit.value.reason is Reason.MISSING_FIELD
    assert is_nan(signature_of({**AREA, "optional": True}).read({})[0])


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_field_that_is_not_nullable_rejects_missing_values(value: object) -> None:
    with pytest.raises(UnfitValueError) as unfit:
        signature_of({"name": "area", "type": "number"}).read({"area": value})
    assert unfit.value.reason is Reason.WRONG_TYPE


@pytest.mark.parametrize(("field", "why"), [
    ({"name": "t", "type": "text", "nullable": True}, "text, which cannot be nullable"),
    ({"name": "a", "type": "number", "optional": True}, "must be nullable too"),
])  # fmt: skip
def test_a_field_that_contradicts_itself_is_refused(field: dict[str, object], why: str) -> None:
    with pytest.raises(BundleRefusedError, match=why):
        Signature.from_dict({"fields": [field]})

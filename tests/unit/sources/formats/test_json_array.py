"""JSON arrays: elements as they are written, and what is no array."""

import pytest

from hundredfold.sources.formats import json_array
from tests.unit.sources.objects import read, refused


def test_elements_are_handed_on_as_they_stand() -> None:
    content = b'\xef\xbb\xbf [{"id":\n"1", "x": 1e999, "n": NaN},\r\n 7, "\xff", "\\ud800", ' + b"9" * 5000 + b"] "

    assert read(content, "r.json").split(b"\n") == [
        b'{"id": "1", "x": 1e999, "n": NaN}',
        b"7",
        b'"\xff"',
        b'"\\ud800"',
        b"9" * 5000,
        b"",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": "1"}\n{"id": "2"}\n', '"kind": "jsonl"'),
        (b'"id"', "does not begin with ["),
        (b'[{"id": "1"}, {"id": "2', "beyond element 2: it is no JSON, is cut off"),
        (b'[{"id": "1"}, {"id": "2"}', "beyond element 2"),
        (b'[{"id": "1"} {"id": "2"}]', "beyond element 1"),
        (b"[1,]", "beyond element 2"),
        (b"[", "beyond element 1"),
        (b"[1] [2]", "goes on after the end of its array of 1 elements"),
    ],
)
def test_what_is_no_array_is_one_error_that_says_where(content: bytes, message: str) -> None:
    assert message in refused(content, "r.json")


def test_an_element_without_an_end_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "MAX_ELEMENT_CHARACTERS", 1000)
    monkeypatch.setattr(json_array, "_READ_CHARACTERS", 10)

    assert "beyond element 1" in refused(b'["' + b"x" * 10_000 + b'"]', "r.json")
    assert read(b'["' + b"x" * 900 + b'", 12345678901234567890]', "r.json").splitlines()[1] == b"12345678901234567890"


@pytest.mark.parametrize("kind", ["array", "object"])
def test_an_element_that_is_nested_too_deeply_is_passed_on_for_its_record_to_be_rejected(kind: str) -> None:
    nested = b"[" * 10_000 + b"]" * 10_000
    element = nested if kind == "array" else b'{"id": "2", "x": {"a]}\\"": ' + nested + b"}}"

    lines = read(b'[{"id": "1"}, ' + element + b' , {"id": "3"}]', "r.json").splitlines()

    assert lines == [b'{"id": "1"}', element, b'{"id": "3"}']


def test_an_element_that_is_nested_without_an_end_is_an_error() -> None:
    assert "beyond element 1" in refused(b"[" * 100_000, "r.json")

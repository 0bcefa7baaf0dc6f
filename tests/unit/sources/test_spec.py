"""Specs: every form of an execution's `source`, and what is refused."""

import json

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, SourceSpec, TableSpec, spec_from_dict, spec_from_input


def test_the_input_names_an_object() -> None:
    spec = spec_from_input({"source": {"bucket": "b", "key": "k/ü.jsonl"}, "more": 2})

    assert spec == ObjectsSpec("b", "k/ü.jsonl")
    assert str(spec) == "s3://b/k/ü.jsonl"


@pytest.mark.parametrize(
    "spec",
    [
        ObjectsSpec("b", "k"),
        ObjectsSpec("b", prefix="daily/"),
        ObjectsSpec("b", prefix=""),
        ObjectsSpec("b", "k", options=ReadOptions("csv", "gzip", ";", "latin-1", {"text": "review"}, ("id",))),
        TableSpec("reviews"),
        TableSpec("reviews", "by-day", {"day": "2026-11-24"}, "sentiment", ReadOptions(fields={"id": "review_id"})),
        TableSpec("reviews", partition={"day": 7}),
    ],
    ids=str,
)
def test_a_spec_travels_as_json(spec: SourceSpec) -> None:
    assert spec_from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


@pytest.mark.parametrize(
    ("execution_input", "message"),
    [
        (None, "not NoneType"),
        ([], "not list"),
        ("s3://b/k", "not str"),
        ({}, "it has no object named source"),
        ({"source": "s3://b/k"}, "it has no object named source"),
        ({"source": {}}, "its source has no bucket"),
        ({"source": {"bucket": "", "key": "k"}}, "its source has no bucket"),
        ({"source": {"bucket": 1, "key": "k"}}, "its source has no bucket"),
        ({"source": {"bucket": "b"}}, "its source has no key"),
        ({"source": {"bucket": "b", "key": ""}}, "its source has no key"),
        ({"source": {"bucket": "b", "key": "k", "prefix": "p"}}, "its source has no key"),
    ],
)
def test_any_other_input_is_refused_and_the_right_one_is_shown(execution_input: object, message: str) -> None:
    with pytest.raises(InvalidIngestError, match=message) as refused:
        spec_from_input(execution_input)

    assert '{"source": {"bucket": "...", "key": "..."}}' in str(refused.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"key": None}, "the source's key must be text"),
        ({"kind": "xml"}, "the source's kind must be one of csv, json, jsonl, "),
        ({"kind": []}, "the source's kind must be one of"),
        ({"compression": "zip"}, "the source's compression must be one of none, gzip, zstd"),
        ({"delimiter": '"'}, "the source's delimiter must be one character, no quote and no line break"),
        ({"encoding": "undefined"}, "the source's encoding must be"),
        ({"delimiter": "||"}, "the source's delimiter must be one character"),
        ({"encoding": "utf-9"}, "the source's encoding must be"),
        ({"encoding": "rot13"}, "the source's encoding must be"),
        ({"fields": {"text": 1}}, "the source's fields must be"),
        ({"columns": "id,text"}, "the source's columns must be"),
        ({"delimeter": ";"}, "the source has 'delimeter'; it may have bucket, columns, "),
    ],
)
def test_what_makes_no_sense_of_a_source_is_named(more: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidIngestError, match=message):
        spec_from_dict({"bucket": "b", "key": "k", **more})


@pytest.mark.parametrize("key", [{}, {"a": "1", "b": "2"}, {"a": None}, {"a": True}, "a"])
def test_a_partition_key_is_one_attribute(key: object) -> None:
    with pytest.raises(InvalidIngestError, match="the source's key must be one attribute and its value"):
        spec_from_dict({"table": "t", "key": key})

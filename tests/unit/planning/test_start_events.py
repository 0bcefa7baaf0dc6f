"""Start events: the ingest's id comes from the event. So the same event starts the same ingest."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hundredfold.errors import InvalidIngestError, SourceChangedError
from hundredfold.ingest import check_ingest_id
from hundredfold.planning.ranges import find_ranges
from hundredfold.planning.start_events import IgnoredObject, Start, start_for
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec, TableSpec, spec_from_dict
from tests.unit.fakes import MemorySources

EVENTS = Path(__file__).parents[2] / "events"
ARRIVAL: dict[str, Any] = json.loads((EVENTS / "object_created.json").read_text())
DUE: dict[str, Any] = json.loads((EVENTS / "schedule.json").read_text())


def arrival(**changes: str | None) -> dict[str, Any]:
    """The event of another object. A change to None removes the member."""
    event = copy.deepcopy(ARRIVAL)
    event["detail"]["object"].update({name.replace("_", "-"): value for name, value in changes.items()})
    event["detail"]["object"] = {name: value for name, value in event["detail"]["object"].items() if value is not None}
    return event


def started(event: object, scheduled_source: str = "") -> Start:
    start = start_for(event, scheduled_source)
    assert isinstance(start, Start)
    return start


def test_a_created_object_is_the_source_pinned_by_its_etag() -> None:
    start = started(ARRIVAL)

    assert start.ingest_id.startswith("reviews-of-May-")
    assert check_ingest_id(start.ingest_id) == start.ingest_id
    assert start.as_input() == {
        "source": {
            "bucket": "amzn-s3-demo-bucket1",
            "key": "ingests/reviews of May.jsonl",
            "etag": "b1946ac92492d2347c6235b4d2611184",
        }
    }
    assert spec_from_dict(start.as_input()["source"]) == start.spec


def test_the_same_event_starts_the_same_ingest_and_another_version_key_or_bucket_another() -> None:
    first = started(ARRIVAL).ingest_id
    again = started({**ARRIVAL, "id": "delivered-again", "time": "2021-11-12T00:05:00Z"}).ingest_id

    assert again == first
    others = [
        arrival(version_id="another"),
        arrival(key="ingests/other/reviews of May.jsonl"),
        {**ARRIVAL, "detail": {**ARRIVAL["detail"], "bucket": {"name": "another"}}},
    ]
    assert len({first, *(started(event).ingest_id for event in others)}) == 4


@pytest.mark.parametrize("version", [None, "null"])
def test_without_versioning_the_etag_distinguishes_objects_under_one_key(version: str | None) -> None:
    first, again = (started(arrival(version_id=version)) for _ in range(2))

    assert first == again
    assert started(arrival(version_id=version, etag="another")).ingest_id != first.ingest_id


@pytest.mark.parametrize(
    ("key", "stem"),
    [
        ("ingests/a/b/May.CSV.GZ", "May-"),
        ("ingests/ümlaut.parquet", "mlaut-"),
        ("ingests/日本.jsonl", "ingest-"),
        ("ingests/" + "x" * 900 + ".jsonl", "x" * 40 + "-"),
        ("ingests/a.resume-1.jsonl", "a-resume-1-"),
        ("ingests/i.shadow-2.jsonl", "i-shadow-2-"),
        ("ingests/.jsonl", "ingest-"),
    ],
)
def test_any_key_gives_a_valid_ingest_id(key: str, stem: str) -> None:
    ingest_id = started(arrival(key=key)).ingest_id

    assert check_ingest_id(ingest_id) == ingest_id
    assert ingest_id.startswith(stem)
    assert "." not in ingest_id


@pytest.mark.parametrize(
    ("key", "why"),
    [("ingests/", "folder"), ("ingests/a/", "folder"), ("ingests/a.pdf", "no kind"), ("ingests/a", "no kind"),
     ("ingests/a.gz", "no kind"), ("ingests/_SUCCESS", "no kind")],
)  # fmt: skip
def test_folders_and_unknown_kinds_are_ignored(key: str, why: str) -> None:
    ignored = start_for(arrival(key=key), "")

    assert isinstance(ignored, IgnoredObject)
    assert ignored.location == f"s3://amzn-s3-demo-bucket1/{key}"
    assert why in ignored.why


def test_later_content_under_the_key_is_refused() -> None:
    location = ObjectLocation("amzn-s3-demo-bucket1", "ingests/reviews of May.jsonl")
    sources = MemorySources({location: b'{"id": "a"}\n'})
    etag = sources.pin(location).etag
    spec = started(arrival(etag=etag)).spec
    assert isinstance(spec, ObjectsSpec)

    assert find_ranges(spec, sources).ranges[0].pinned.etag == etag
    sources.objects[location] = b'{"id": "b"}\n'
    with pytest.raises(SourceChangedError, match="was replaced after this ingest was started"):
        find_ranges(spec, sources)


def test_a_schedule_starts_one_ingest_of_its_source_each_time_it_is_due() -> None:
    first = started(DUE, "s3://b/daily/")

    assert first.spec == ObjectsSpec("b", prefix="daily/")
    assert first.ingest_id.startswith("daily-20151008T165306-")
    assert started({**DUE, "id": "delivered-again"}, "s3://b/daily/") == first
    assert started({**DUE, "time": "2015-10-08T17:53:06Z"}, "s3://b/daily/").ingest_id != first.ingest_id
    assert started({**DUE, "time": "2015-10-08T18:53:06+02:00"}, "s3://b/daily/") == first
    assert started(DUE, "s3://other/daily/").ingest_id != first.ingest_id
    assert started(DUE, "dynamodb://orders").spec == TableSpec("orders")


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"source": "aws.s3", "detail-type": "Object Deleted", "detail": ARRIVAL["detail"]},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "b"}}},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": None},
        {**DUE, "time": "yesterday"},
        {**DUE, "time": 5},
    ],
)
def test_any_other_event_is_refused(event: object) -> None:
    with pytest.raises(InvalidIngestError, match="the event"):
        start_for(event, "s3://b/daily/")


@pytest.mark.parametrize("source", ["", "daily/", "{", '{"bucket": "b"}'])
def test_a_schedule_without_a_valid_source_is_refused(source: str) -> None:
    with pytest.raises(InvalidIngestError):
        start_for(DUE, source)

"""An ingest: its id, its plan, and where its objects lie."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Model, Plan, check_ingest_id, max_rejected_from_input
from hundredfold.keys import manifest_key, rejections_key, upload_key
from hundredfold.layout import Layout
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec


@pytest.mark.parametrize("ingest_id", ["a", "0", "2026-11-24T10.00_reviews", "A" * 80, "a..b", "a-"])
def test_an_id_of_safe_characters_is_accepted(ingest_id: str) -> None:
    assert check_ingest_id(ingest_id) == ingest_id


@pytest.mark.parametrize(
    "ingest_id",
    ["", "A" * 81, "-a", ".a", "_a", "a b", "a/b", "../a", "a#0", "a\n", "é", "a:b", "a%2Fb", "a\x00", "²"],
)
def test_any_other_id_is_refused(ingest_id: str) -> None:
    with pytest.raises(InvalidIngestError, match="cannot name an ingest: use 1 to 80 of A-Z a-z 0-9"):
        check_ingest_id(ingest_id)


@given(st.text())
def test_an_accepted_id_is_one_segment_of_a_key(ingest_id: str) -> None:
    try:
        check_ingest_id(ingest_id)
    except InvalidIngestError:
        return
    assert manifest_key(ingest_id).split("/") == ["ingests", ingest_id, "manifest.json"]
    assert "#" not in ingest_id, "or two ingests could have the same key in the ledger"


def test_the_message_does_not_repeat_a_very_long_id() -> None:
    with pytest.raises(InvalidIngestError) as refused:
        check_ingest_id("x" * 10_000)

    assert len(str(refused.value)) < 250


def test_the_keys_of_an_ingests_objects() -> None:
    assert upload_key("i1", "0123") == "uploads/i1/0123/records.jsonl"
    assert manifest_key("i1") == "ingests/i1/manifest.json"
    assert rejections_key("i1", 7) == "ingests/i1/rejected/00000007.jsonl"


def test_a_plan_is_written_as_json_and_read_back() -> None:
    plan = Plan(
        ingest_id="i1",
        spec=ObjectsSpec("records", "reviews.jsonl", options=ReadOptions("jsonl", "none")),
        pinned=PinnedObject("records", "reviews.jsonl", etag="e1", size=16),
        source_bytes=16,
        manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
        batches=2,
        records=3,
        groups=1,
        model=Model("arn:aws:lambda:us-east-1:123456789012:function:infer:7", "7"),
    )

    assert plan.as_dict() == {
        "ingest_id": "i1",
        "spec": {"bucket": "records", "key": "reviews.jsonl", "kind": "jsonl", "compression": "none"},
        "needs_partitioning": False,
        "pinned": {"bucket": "records", "key": "reviews.jsonl", "etag": "e1", "size": 16},
        "source_bytes": 16,
        "manifest": {"bucket": "work", "key": "ingests/i1/manifest.json"},
        "batches": 2,
        "records": 3,
        "groups": 1,
        "model": {"function": "arn:aws:lambda:us-east-1:123456789012:function:infer:7", "version": "7", "card": ""},
        "manifest_sha256": "",
        "partitions": 0,
        "layout": "item",
    }
    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan
    assert plan.pinned_of(Batch(0, 0, 0, 10, 1, 1)) == plan.pinned


def test_a_plan_keeps_its_layout_and_an_older_one_is_of_items() -> None:
    plan = Plan(
        ingest_id="i1",
        spec=ObjectsSpec("records", "reviews.jsonl", options=ReadOptions("jsonl", "none")),
        pinned=PinnedObject("records", "reviews.jsonl", etag="e1", size=16),
        source_bytes=16,
        manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
        batches=2,
        records=3,
        model=Model("arn:infer:7", "7"),
        layout=Layout.PACKED,
    )
    older = {name: value for name, value in plan.as_dict().items() if name != "layout"}

    assert plan.as_dict()["layout"] == "packed"
    assert Plan.from_dict(plan.as_dict()) == plan
    assert Plan.from_dict(older).layout is Layout.ITEM


def test_a_plan_keeps_its_limit_of_rejected_records_and_an_older_one_has_none() -> None:
    plan = Plan(
        ingest_id="i1",
        spec=ObjectsSpec("records", "reviews.jsonl"),
        pinned=None,
        source_bytes=16,
        manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
        batches=2,
        records=3,
        model=Model("arn:infer:7", "7"),
        max_rejected_percent=2.5,
    )
    older = {name: value for name, value in plan.as_dict().items() if name != "max_rejected_percent"}

    assert plan.as_dict()["max_rejected_percent"] == 2.5
    assert Plan.from_dict(plan.as_dict()) == plan
    assert Plan.from_dict(older).max_rejected_percent == 100


@pytest.mark.parametrize(("value", "limit"), [(0, 0.0), (2.5, 2.5), (100, 100.0)])
def test_the_limit_of_rejected_records_is_read_from_an_executions_input(value: float, limit: float) -> None:
    assert max_rejected_from_input({"max_rejected_percent": value}) == limit
    assert max_rejected_from_input({}) is None


@pytest.mark.parametrize("value", [-1, 100.5, "5", True, None, float("nan")])
def test_a_limit_of_rejected_records_that_is_no_percentage_is_refused(value: object) -> None:
    with pytest.raises(InvalidIngestError, match="max_rejected_percent in the execution's input must be a number"):
        max_rejected_from_input({"max_rejected_percent": value})

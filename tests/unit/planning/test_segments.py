"""Segments of a table: the source spec is checked, and segments are staged in order, several at once."""

import json
from typing import Any

import pytest

from hundredfold.errors import InvalidIngestError, SourceMissingError, StoreBusyError
from hundredfold.ingest import Model, Plan, Resume
from hundredfold.planning.manifest import decode_manifest
from hundredfold.planning.planner import Planner
from hundredfold.planning.segments import MOST_SEGMENTS, SEGMENT_BYTES, find_segments, stage_segments
from hundredfold.sources.dynamodb.items import Item
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import TableSpec, spec_from_dict
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork, as_plan

TABLE = Table("shelf", ("shelf", "place"), {"shelf": "S", "place": "N", "mood": "B"}, 0, True)
ITEMS: list[Item] = [
    {"shelf": {"S": "a"}, "place": {"N": str(number)}, "sku": {"N": str(number)}, "text": {"S": f"t{number}"}}
    for number in range(11)
]
STARTED = "2026-11-24T10:00:00Z"


def find(**source: Any) -> list[Segment]:
    spec = spec_from_dict({"table": "reviews", **source})
    assert isinstance(spec, TableSpec)
    return find_segments(spec, MemoryTables(TABLE))


# ---------------------------------------------------------------- checking the source spec


@pytest.mark.parametrize(
    ("size", "segments"),
    [(0, 1), (SEGMENT_BYTES, 1), (SEGMENT_BYTES + 1, 2), (10 * SEGMENT_BYTES, 10), (10**15, MOST_SEGMENTS)],
)
def test_a_table_has_one_segment_for_each_64_mib_and_one_partition_key_has_one(size: int, segments: int) -> None:
    table = Table("shelf", ("shelf",), {"shelf": "S"}, size, True)

    all_items = find_segments(TableSpec("reviews"), MemoryTables(table))
    one_key = find_segments(TableSpec("reviews", partition={"shelf": "a"}), MemoryTables(table))

    assert [(segment.number, segment.total) for segment in all_items] == [
        (number, segments) for number in range(segments)
    ]
    assert len(one_key) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"key": {"place": 3}}, "the source's key names 'place', but the partition key of table reviews is 'shelf'"),
        ({"key": {"shelf": 3}}, "'shelf' of table reviews is text, and the value in the source's key is a number"),
        ({"columns": ["text"]}, "the source's columns must list 'id', which the field id comes from"),
        (
            {"columns": ["id"], "fields": {"text": "body"}},
            "the source's columns must list 'body', which the field text comes from",
        ),
        ({"kind": "csv"}, "a table has no kind and no compression; leave them out of the source"),
        ({"write_back": "place"}, "names 'place', a key of reviews or of an index of it"),
        ({"write_back": "mood"}, "names 'mood', a key of reviews or of an index of it"),
        ({"write_back": "id"}, "names 'id', the records' id"),
        ({"write_back": "sku", "fields": {"id": "sku"}}, "names 'sku', the records' id"),
    ],
)
def test_a_source_spec_that_does_not_fit_the_table_is_refused(source: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidIngestError, match=message):
        find(**source)


@pytest.mark.parametrize(("kind", "value", "message"), [("N", "a", "is a number, and"), ("B", "a", "is binary")])
def test_a_partition_key_of_another_type_is_refused(kind: str, value: str, message: str) -> None:
    table = Table("shelf", ("shelf",), {"shelf": kind}, 0, True)

    with pytest.raises(InvalidIngestError, match=message):
        find_segments(TableSpec("reviews", "by-shelf", {"shelf": value}), MemoryTables(table))


def test_only_the_columns_are_read_and_with_a_write_back_the_key() -> None:
    columns = ["sku", "text"]

    [plain] = find(columns=columns, fields={"id": "sku"})
    [back] = find(columns=columns, fields={"id": "sku"}, write_back="verdict")
    [all_] = find(write_back="verdict")

    assert (plain.attributes, plain.key) == (("sku", "text"), ())
    assert (back.attributes, back.key) == (("sku", "text", "shelf", "place"), ("shelf", "place"))
    assert (all_.attributes, all_.key) == ((), ("shelf", "place"))


# ---------------------------------------------------------------- staging


def segments(count: int, spec: TableSpec | None = None) -> list[Segment]:
    spec = spec or TableSpec("reviews", options=ReadOptions(fields={"id": "sku"}))
    return [Segment(number, count, spec, TABLE) for number in range(count)]


@pytest.mark.parametrize("count", [1, 3, 11, 12])
def test_every_item_is_staged_once_in_the_order_of_the_segments(count: int) -> None:
    work, tables = MemoryWork(), MemoryTables(TABLE, ITEMS)

    staged = list(stage_segments(segments(count), "i1", tables, work, max_records=2, max_bytes=1_000))

    keys = [f"ingests/i1/staged/{number:06d}.jsonl" for number in range(count)]
    assert [segment.pinned.key for segment in staged] == keys
    assert {segment.pinned.staged_from for segment in staged} == {"dynamodb://reviews"}
    lines = [json.loads(line) for key in keys for line in work.objects[key].splitlines()]
    assert [line["id"] for line in lines] == [str(n) for number in range(count) for n in range(11)[number::count]]
    assert sum(batch.records for segment in staged for batch in segment.batches) == 11
    assert max(batch.records for segment in staged for batch in segment.batches) <= 2


def test_an_item_without_an_id_is_staged_as_it_is() -> None:
    work, tables = MemoryWork(), MemoryTables(TABLE, [{"text": {"S": "t"}}])

    list(stage_segments(segments(1), "i1", tables, work, max_records=2, max_bytes=1_000))

    assert work.objects["ingests/i1/staged/000000.jsonl"] == b'{"text":"t"}\n'


def test_a_segment_that_cannot_be_read_raises_its_error_and_leaves_no_half_staged_object() -> None:
    class Failing(MemoryTables):
        def read(self, segment: Segment) -> Any:
            yield from super().read(segment)
            if segment.number == 1:
                raise StoreBusyError("busy")

    work = MemoryWork()

    with pytest.raises(StoreBusyError):
        list(stage_segments(segments(3), "i1", Failing(TABLE, ITEMS), work, max_records=2, max_bytes=1_000))

    assert "ingests/i1/staged/000001.jsonl" not in work.objects


# ---------------------------------------------------------------- planning


class World:
    def __init__(self, size: int = 0) -> None:
        self.work, self.ledger = MemoryWork(), MemoryLedger()
        self.tables = MemoryTables(Table("shelf", ("shelf", "place"), {"shelf": "S", "place": "N"}, size, True), ITEMS)
        self.sources = MemorySources()
        self.planner = Planner(
            sources=self.sources,
            tables=self.tables,
            work=self.work,
            models=FixedModels(Model("arn:infer:7", "7")),
            ledger=self.ledger,
            batch_records=4,
            batch_bytes=1_000,
            group_batches=25,
        )

    def plan(self, **more: Any) -> Plan:
        source = {"table": "reviews", "fields": {"id": "sku"}, "write_back": "verdict"}
        return as_plan(self.planner.plan("i1", {"source": source, **more}, STARTED))


def test_a_small_table_is_staged_as_the_one_object_of_all_batches() -> None:
    world = World()

    plan = world.plan()

    assert plan.pinned is not None
    assert (plan.pinned.key, str(plan.pinned)) == ("ingests/i1/staged/000000.jsonl", "dynamodb://reviews")
    assert (plan.records, plan.batches, plan.source_bytes) == (11, 3, plan.pinned.size)
    assert world.work.objects[plan.pinned.key].splitlines()[10] == (
        b'{"shelf":"a","place":10,"text":"t10","id":"10","$key":{"shelf":{"S":"a"},"place":{"N":"10"}}}'
    )
    assert Plan.from_dict(plan.as_dict()) == plan


def test_batches_of_a_large_table_name_their_segments() -> None:
    world = World(size=2 * SEGMENT_BYTES)

    plan = world.plan()

    assert plan.pinned is None
    batches = decode_manifest(world.work.objects[plan.manifest.key])
    assert [(batch.batch, batch.records, batch.pinned and batch.pinned.key[-8:]) for batch in batches] == [
        (0, 4, "00.jsonl"), (1, 2, "00.jsonl"), (2, 4, "01.jsonl"), (3, 1, "01.jsonl"),
    ]  # fmt: skip
    assert plan.source_bytes == sum(len(content) for key, content in world.work.objects.items() if "staged" in key)


def test_an_empty_table_gives_no_batches() -> None:
    world = World()
    world.tables.items = []

    plan = world.plan()

    assert (plan.records, plan.batches) == (0, 0)


def test_a_resume_reads_the_staged_objects_and_not_the_table() -> None:
    world = World(size=2 * SEGMENT_BYTES)
    world.plan()
    world.tables.items, world.tables.error = [], SourceMissingError("dynamodb://reviews", "there is no such table")

    resumed = as_plan(
        world.planner.resume(Resume("i1"), {"resume": {"ingest_id": "i1"}}, "i1.resume-1", "2026-11-24T11:00:00Z")
    )

    assert (resumed.records, resumed.batches) == (11, 4)
    assert resumed.spec == TableSpec("reviews", write_back="verdict", options=ReadOptions(fields={"id": "sku"}))


def test_a_shadow_writes_nothing_back() -> None:
    world = World()
    shadow = {"ingest_id": "i1", "version": "12", "sample": 0.5}

    plan = world.planner.plan(
        "i1.shadow-12", {"source": {"table": "reviews", "write_back": "verdict"}, "shadow": shadow}, STARTED
    )

    assert plan.spec == TableSpec("reviews")

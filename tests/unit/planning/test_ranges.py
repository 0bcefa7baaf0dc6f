"""Ranges: which objects a source has, in which order, and the batches of each."""

import gzip
import json
from dataclasses import replace

import pytest

from hundredfold.errors import (
    IngestExistsError,
    InvalidIngestError,
    ManifestDamagedError,
    SourceChangedError,
    SourceMissingError,
)
from hundredfold.ingest import Model, Plan, Resume
from hundredfold.planning.manifest import decode_manifest
from hundredfold.planning.planner import Planner
from hundredfold.planning.ranges import find_ranges
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork, as_plan

FIRST = b'{"id":"1"}\n{"id":"2"}\n{"id":"3"}\n'
SECOND = b'\n{"id":"4"}\n'


def sources_of(**objects: bytes) -> MemorySources:
    return MemorySources({ObjectLocation("b", name.replace("_", "/")): content for name, content in objects.items()})


def source_at(key: str, content: bytes) -> MemorySources:
    return MemorySources({ObjectLocation("b", key): content})


class World:
    """A planner of batches of 2 records, on fakes."""

    def __init__(self, sources: MemorySources) -> None:
        self.sources = sources
        self.work = MemoryWork()
        self.ledger = MemoryLedger()
        self.planner = Planner(
            sources=sources,
            tables=MemoryTables(),
            work=self.work,
            models=FixedModels(Model("arn:infer:7", "7")),
            ledger=self.ledger,
            batch_records=2,
            batch_bytes=1000,
            group_batches=25,
        )

    def plan(self, **source: object) -> Plan:
        return as_plan(self.planner.plan("i1", {"source": {"bucket": "b", **source}}, "t0"))

    def ids(self, plan: Plan) -> list[list[str]]:
        """The ids of each batch, read as inference reads them."""
        objects = {
            **self.sources.objects,
            **{ObjectLocation("work", key): content for key, content in self.work.objects.items()},
        }
        batches = decode_manifest(self.work.objects[plan.manifest.key])
        contents = [
            objects[plan.pinned_of(batch).location][batch.offset : batch.offset + batch.length] for batch in batches
        ]
        return [[json.loads(line)["id"] for line in content.splitlines() if line.strip()] for content in contents]


def test_one_object_is_one_range_and_its_name_gives_its_kind() -> None:
    found = find_ranges(ObjectsSpec("b", "daily.csv.gz"), source_at("daily.csv.gz", b"x"))
    spec, ranges = found.spec, found.ranges

    assert spec == ObjectsSpec("b", "daily.csv.gz", options=ReadOptions("csv", "gzip"))
    assert [(item.number, item.pinned.key, item.options) for item in ranges] == [(0, "daily.csv.gz", spec.options)]


def test_a_prefix_gives_its_objects_in_the_order_of_their_keys_without_folders() -> None:
    sources = sources_of(a_2=b"2", a_10=b"1", b_1=b"no")
    sources.objects[ObjectLocation("b", "a/")] = b""

    ranges = find_ranges(ObjectsSpec("b", prefix="a/"), sources).ranges

    assert [(item.number, item.pinned.key) for item in ranges] == [(0, "a/10"), (1, "a/2")]


def test_objects_of_different_kinds_are_refused_by_name() -> None:
    sources = MemorySources({ObjectLocation("b", key): b"" for key in ("a/1.jsonl", "a/2.jsonl", "a/3.csv")})

    with pytest.raises(
        InvalidIngestError, match=r"s3://b/a/ has objects of different kinds, such as a/1.jsonl and a/3"
    ):
        find_ranges(ObjectsSpec("b", prefix="a/"), sources)


def test_a_prefix_without_objects_is_refused() -> None:
    with pytest.raises(
        SourceMissingError, match="cannot read s3://b/c/: there is no object whose key begins so; check the bucket"
    ):
        find_ranges(ObjectsSpec("b", prefix="c/"), sources_of(a_1=b""))


def test_batches_of_several_objects_share_one_numbering_and_each_names_its_object() -> None:
    world = World(sources_of(a_1=FIRST, a_2=b"", a_3=SECOND))

    plan = world.plan(prefix="a/")

    assert plan.pinned is None
    assert (plan.batches, plan.records, plan.source_bytes) == (3, 4, len(FIRST) + len(SECOND))
    batches = decode_manifest(world.work.objects[plan.manifest.key])
    assert [(batch.batch, batch.shard, batch.line) for batch in batches] == [(0, 0, 1), (1, 1, 3), (2, 2, 2)]
    assert [batch.pinned and batch.pinned.key for batch in batches] == ["a/1", "a/1", "a/3"]
    assert world.ids(plan) == [["1", "2"], ["3"], ["4"]]


def test_a_compressed_object_is_staged_and_its_batches_are_ranges_of_the_staged_one() -> None:
    world = World(source_at("a.jsonl.gz", gzip.compress(FIRST)))

    plan = world.plan(key="a.jsonl.gz")

    assert world.work.objects["ingests/i1/staged/000000.jsonl"] == FIRST
    assert plan.pinned is not None
    assert (plan.pinned.bucket, plan.pinned.key, plan.pinned.size) == (
        "work",
        "ingests/i1/staged/000000.jsonl",
        len(FIRST),
    )
    assert str(plan.pinned) == "s3://b/a.jsonl.gz"
    assert world.ids(plan) == [["1", "2"], ["3"]]


def test_several_compressed_objects_are_staged_one_by_one() -> None:
    world = World(
        MemorySources(
            {ObjectLocation("b", f"a/{n}.gz"): gzip.compress(lines) for n, lines in ((1, FIRST), (2, SECOND))}
        )
    )

    plan = world.plan(prefix="a/")

    assert world.ids(plan) == [["1", "2"], ["3"], ["4"]]
    assert sorted(world.work.objects) == [
        "ingests/i1/manifest.json",
        "ingests/i1/staged/000000.jsonl",
        "ingests/i1/staged/000001.jsonl",
    ]


def test_a_truncated_gzip_is_refused_by_name_and_leaves_nothing() -> None:
    world = World(source_at("a.jsonl.gz", gzip.compress(FIRST * 100)[:-20]))

    with pytest.raises(InvalidIngestError, match=r"s3://b/a\.jsonl\.gz"):
        world.plan(key="a.jsonl.gz")

    assert world.work.objects == {}
    assert world.ledger.ingests == {}


def test_a_resume_reads_the_batches_of_several_objects_from_the_manifest_only() -> None:
    world = World(sources_of(a_1=FIRST, a_3=SECOND))
    whole = world.plan(prefix="a/")

    plan = as_plan(world.planner.resume(Resume("i1"), {}, "i1.resume-1", "t1"))

    assert world.ids(plan) == [["1", "2"], ["3"], ["4"]]
    del world.work.objects[whole.manifest.key]
    with pytest.raises(ManifestDamagedError):
        world.planner.resume(Resume("i1"), {}, "i1.resume-2", "t2")


def test_a_resume_refuses_other_content_under_the_staged_key() -> None:
    world = World(source_at("a.jsonl.gz", gzip.compress(FIRST)))
    plan = world.plan(key="a.jsonl.gz")
    assert plan.pinned is not None
    world.sources.objects[plan.pinned.location] = FIRST

    assert as_plan(world.planner.resume(Resume("i1"), {}, "i1.resume-1", "t1")).batches == 2
    world.sources.objects[plan.pinned.location] = FIRST + SECOND
    with pytest.raises(SourceChangedError, match=r"s3://b/a\.jsonl\.gz was replaced"):
        world.planner.resume(Resume("i1"), {}, "i1.resume-2", "t2")


def test_planning_twice_leaves_the_same_staged_objects() -> None:
    world = World(source_at("a.gz", gzip.compress(FIRST)))

    first = world.plan(key="a.gz")
    before = dict(world.work.objects)

    assert world.plan(key="a.gz") == replace(first)
    assert world.work.objects == before


def test_an_id_in_use_keeps_its_staged_objects() -> None:
    world = World(source_at("a.gz", gzip.compress(FIRST)))
    world.plan(key="a.gz")
    before = dict(world.work.objects)
    world.sources.objects[ObjectLocation("b", "a.gz")] = gzip.compress(SECOND)

    with pytest.raises(IngestExistsError):
        world.planner.plan("i1", {"source": {"bucket": "b", "key": "a.gz"}}, "t1")

    assert world.work.objects == before


def test_an_object_that_holds_records_is_read_although_its_key_ends_in_a_slash() -> None:
    sources = sources_of(a_1=b"1")
    sources.objects[ObjectLocation("b", "a/")] = b""
    sources.objects[ObjectLocation("b", "a/more/")] = b'{"id": "2"}'

    found = find_ranges(ObjectsSpec("b", prefix="a/"), sources)

    assert [item.pinned.key for item in found.ranges] == ["a/1", "a/more/"]
    assert found.skipped_objects == 1


def test_a_plan_says_how_many_objects_only_mark_a_folder() -> None:
    sources = sources_of(a_1=FIRST)
    sources.objects[ObjectLocation("b", "a/")] = b""

    plan = World(sources).plan(prefix="a/")

    assert plan.skipped_objects == 1
    assert Plan.from_dict(plan.as_dict()) == plan

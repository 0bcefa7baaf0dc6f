"""Pieces: what an origin consists of, in which order, and what each is cut into."""

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
from hundredfold.sources.spec import Compression, Kind, ObjectsSpec, ReadOptions
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork
from tests.unit.fakes import whole as as_whole

ONE = b'{"id":"1"}\n{"id":"2"}\n{"id":"3"}\n'
OTHER = b'\n{"id":"4"}\n'


def sources_of(**objects: bytes) -> MemorySources:
    return MemorySources({ObjectLocation("b", name.replace("_", "/")): content for name, content in objects.items()})


def at(key: str, content: bytes) -> MemorySources:
    return MemorySources({ObjectLocation("b", key): content})


class World:
    """All that planning meets; batches of 2 records."""

    def __init__(self, sources: MemorySources) -> None:
        self.sources = sources
        self.work = MemoryWork()
        self.ledger = MemoryLedger()
        self.planner = Planner(
            *(sources, MemoryTables(), self.work, FixedModels(Model("arn:infer:7", "7")), self.ledger),
            batch_records=2,
            batch_bytes=1000,
        )

    def plan(self, **source: object) -> Plan:
        return as_whole(self.planner.plan("i1", {"source": {"bucket": "b", **source}}, "t0"))

    def ids(self, plan: Plan) -> list[list[str]]:
        """The ids of each batch, read as inference reads it."""
        content = {
            **self.sources.objects,
            **{ObjectLocation("work", key): content for key, content in self.work.objects.items()},
        }
        batches = decode_manifest(self.work.objects[plan.manifest.key])
        ranges = [(content[plan.pinned_of(batch).location], batch.offset, batch.length) for batch in batches]
        read = [whole[offset : offset + length] for whole, offset, length in ranges]
        return [[json.loads(line)["id"] for line in lines.splitlines() if line.strip()] for lines in read]


def test_an_object_is_one_piece_whose_name_tells_its_kind() -> None:
    spec, pieces = find_ranges(ObjectsSpec("b", "daily.csv.gz"), at("daily.csv.gz", b"x"))

    assert spec == ObjectsSpec("b", "daily.csv.gz", options=ReadOptions(Kind.CSV, Compression.GZIP))
    assert [(piece.number, piece.pinned.key, piece.options) for piece in pieces] == [(0, "daily.csv.gz", spec.options)]


def test_a_prefix_is_all_its_objects_in_the_order_of_their_keys_without_folders() -> None:
    sources = sources_of(a_2=b"2", a_10=b"1", b_1=b"no")
    sources.objects[ObjectLocation("b", "a/")] = b""

    _, pieces = find_ranges(ObjectsSpec("b", prefix="a/"), sources)

    assert [(piece.number, piece.pinned.key) for piece in pieces] == [(0, "a/10"), (1, "a/2")]


def test_objects_of_different_kinds_are_named() -> None:
    sources = MemorySources({ObjectLocation("b", key): b"" for key in ("a/1.jsonl", "a/2.jsonl", "a/3.csv")})

    with pytest.raises(
        InvalidIngestError, match=r"s3://b/a/ has objects of different kinds, such as a/1.jsonl and a/3"
    ):
        find_ranges(ObjectsSpec("b", prefix="a/"), sources)


def test_a_prefix_of_nothing_is_an_error() -> None:
    with pytest.raises(SourceMissingError, match="cannot read s3://b/c/: there is no object whose key begins so"):
        find_ranges(ObjectsSpec("b", prefix="c/"), sources_of(a_1=b""))


def test_batches_of_several_objects_are_numbered_through_and_name_theirs() -> None:
    world = World(sources_of(a_1=ONE, a_2=b"", a_3=OTHER))

    plan = world.plan(prefix="a/")

    assert plan.pinned is None
    assert (plan.batches, plan.records, plan.source_bytes) == (3, 4, len(ONE) + len(OTHER))
    batches = decode_manifest(world.work.objects[plan.manifest.key])
    assert [(batch.batch, batch.shard, batch.line) for batch in batches] == [(0, 0, 1), (1, 1, 3), (2, 2, 2)]
    assert [batch.pinned and batch.pinned.key for batch in batches] == ["a/1", "a/1", "a/3"]
    assert world.ids(plan) == [["1", "2"], ["3"], ["4"]]


def test_what_is_packed_is_staged_and_cut_there() -> None:
    world = World(at("a.jsonl.gz", gzip.compress(ONE)))

    plan = world.plan(key="a.jsonl.gz")

    assert world.work.objects["ingests/i1/staged/000000.jsonl"] == ONE
    assert plan.pinned is not None
    assert (plan.pinned.bucket, plan.pinned.key, plan.pinned.size) == (
        "work",
        "ingests/i1/staged/000000.jsonl",
        len(ONE),
    )
    assert str(plan.pinned) == "s3://b/a.jsonl.gz"
    assert world.ids(plan) == [["1", "2"], ["3"]]


def test_several_packed_objects_are_staged_each_for_itself() -> None:
    world = World(
        MemorySources({ObjectLocation("b", f"a/{n}.gz"): gzip.compress(x) for n, x in ((1, ONE), (2, OTHER))})
    )

    plan = world.plan(prefix="a/")

    assert world.ids(plan) == [["1", "2"], ["3"], ["4"]]
    assert sorted(world.work.objects) == [
        "ingests/i1/manifest.json",
        "ingests/i1/staged/000000.jsonl",
        "ingests/i1/staged/000001.jsonl",
    ]


def test_a_cut_off_gzip_is_one_clear_error_and_leaves_nothing() -> None:
    world = World(at("a.jsonl.gz", gzip.compress(ONE * 100)[:-20]))

    with pytest.raises(InvalidIngestError, match=r"s3://b/a\.jsonl\.gz"):
        world.plan(key="a.jsonl.gz")

    assert world.work.objects == {}
    assert world.ledger.ingests == {}


def test_a_resume_finds_the_batches_of_several_objects() -> None:
    world = World(sources_of(a_1=ONE, a_3=OTHER))
    whole = world.plan(prefix="a/")

    plan = as_whole(world.planner.resume(Resume("i1"), {}, "i1.resume-1", "t1"))

    assert world.ids(plan) == [["1", "2"], ["3"], ["4"]]
    del world.work.objects[whole.manifest.key]
    with pytest.raises(ManifestDamagedError):
        world.planner.resume(Resume("i1"), {}, "i1.resume-2", "t2")


def test_a_resume_takes_no_other_content_for_what_was_staged() -> None:
    world = World(at("a.jsonl.gz", gzip.compress(ONE)))
    plan = world.plan(key="a.jsonl.gz")
    assert plan.pinned is not None
    world.sources.objects[plan.pinned.location] = ONE

    assert as_whole(world.planner.resume(Resume("i1"), {}, "i1.resume-1", "t1")).batches == 2
    world.sources.objects[plan.pinned.location] = ONE + OTHER
    with pytest.raises(SourceChangedError, match=r"s3://b/a\.jsonl\.gz was replaced"):
        world.planner.resume(Resume("i1"), {}, "i1.resume-2", "t2")


def test_planning_twice_stages_once() -> None:
    world = World(at("a.gz", gzip.compress(ONE)))

    first = world.plan(key="a.gz")
    before = dict(world.work.objects)

    assert world.plan(key="a.gz") == replace(first)
    assert world.work.objects == before


def test_an_id_in_use_keeps_what_was_staged() -> None:
    world = World(at("a.gz", gzip.compress(ONE)))
    world.plan(key="a.gz")
    before = dict(world.work.objects)
    world.sources.objects[ObjectLocation("b", "a.gz")] = gzip.compress(OTHER)

    with pytest.raises(IngestExistsError):
        world.planner.plan("i1", {"source": {"bucket": "b", "key": "a.gz"}}, "t1")

    assert world.work.objects == before

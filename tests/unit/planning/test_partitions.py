"""Partitions: together they have the lines of a plan made in one call, each once, whatever their size."""

import copy
import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import (
    IngestExistsError,
    InvalidIngestError,
    ManifestDamagedError,
    PartitionFailedError,
    SourceChangedError,
)
from hundredfold.ingest import Model, PartitionedPlan, Plan, Resume
from hundredfold.planning import partitions
from hundredfold.planning.manifest import decode_manifest, stream_manifest
from hundredfold.planning.owned_lines import OwnedLines
from hundredfold.planning.partitions import partition_ranges
from hundredfold.planning.planner import Planner
from hundredfold.planning.ranges import ObjectRange
from hundredfold.planning.shadows import Shadow
from hundredfold.sources.content import check_head
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import PLAIN_JSON_LINES, ReadOptions
from tests.unit.fakes import FixedModels, MemoryLedger, MemorySources, MemoryTables, MemoryWork, as_partitioned
from tests.unit.planning.test_batching import naive_lines

BOM = b"\xef\xbb\xbf"
STARTED = "2026-11-24T10:00:00Z"
LATER = "2026-11-24T11:00:00Z"
GZIPPED = ReadOptions("jsonl", "gzip")

_line = st.one_of(
    st.sampled_from([b"", b" ", b"\t\r", b"{}", b'{"id":"1"}', BOM, "é\u2028ü😀".encode(), b"\xff\x00"]),
    st.binary(max_size=30).map(lambda content: content.replace(b"\n", b"")),
)


def _begins_as_lines(content: bytes) -> bool:
    """Tell whether an object of JSON Lines may begin so. If not, it is refused as a whole."""
    try:
        check_head(content[:64], PLAIN_JSON_LINES, "")
    except InvalidIngestError:
        return False
    return True


_contents = st.builds(
    lambda mark, lines, last_line: mark + b"".join(line + b"\n" for line in lines) + last_line,
    st.sampled_from([b"", BOM]),
    st.lists(_line, max_size=20),
    _line,
).filter(_begins_as_lines)


class World:
    """Objects under a prefix, and a planner on fakes."""

    def __init__(
        self, *contents: bytes, partition_bytes: int = 20, batch_records: int = 3, chunk_bytes: int = 7
    ) -> None:
        self.effects: list[str] = []
        locations = [ObjectLocation("records", f"all/{number:03d}.jsonl") for number in range(len(contents))]
        self.sources = MemorySources(dict(zip(locations, contents, strict=True)), chunk_bytes=chunk_bytes)
        self.work = MemoryWork(effects=self.effects)
        self.ledger = MemoryLedger(effects=self.effects)
        self.partition_bytes = partition_bytes
        self.batch_records = batch_records
        where = {"key": locations[0].key} if len(contents) == 1 else {"prefix": "all/"}
        self.input: dict[str, object] = {"source": {"bucket": "records", **where}}

    @property
    def planner(self) -> Planner:
        return Planner(
            sources=self.sources,
            tables=MemoryTables(),
            work=self.work,
            models=FixedModels(Model("arn:infer:7", "7")),
            ledger=self.ledger,
            batch_records=self.batch_records,
            batch_bytes=1_000,
            group_batches=25,
            partition_bytes=self.partition_bytes,
        )

    def plan(self, ingest_id: str = "i1", started_at: str = STARTED) -> Plan:
        """Plan as the state machine does: define partitions, plan each, join them."""
        plan = self.planner.plan(ingest_id, self.input, started_at)
        return self.finish(plan, ingest_id, started_at) if isinstance(plan, PartitionedPlan) else plan

    def finish(self, partitioned: PartitionedPlan, execution: str, started_at: str = STARTED) -> Plan:
        for partition in reversed(range(partitioned.partitions)):  # in any order
            self.planner.plan_partition(partitioned.ingest_id, execution, partition)
        return self.planner.join_partitions(partitioned, None, self.input, execution, started_at)

    def resume(self, execution: str = "i1.resume-1") -> Plan:
        self.input = {**self.input, "resume": {"ingest_id": "i1"}}
        plan = self.planner.resume(Resume("i1"), self.input, execution, LATER)
        return self.finish(plan, execution, LATER) if isinstance(plan, PartitionedPlan) else plan

    def batches(self, plan: Plan) -> list[Batch]:
        return decode_manifest(self.work.objects[plan.manifest.key])

    def lines(self, plan: Plan) -> list[tuple[str, int, int, bytes]]:
        """Every planned record: its object's key, its offset, its line's number and its content."""
        lines = []
        for batch in self.batches(plan):
            pinned = plan.pinned_of(batch)
            content = self.sources.objects[pinned.location][batch.offset : batch.offset + batch.length]
            assert len(content) == batch.length
            offset = batch.offset
            records = 0
            for number, line in enumerate(content.split(b"\n"), batch.line):
                if line.strip():
                    lines.append((pinned.key, offset, number, line))
                    records += 1
                offset += len(line) + 1
            assert records == batch.records
        return lines


# ---------------------------------------------------------------- properties


@given(content=_contents, partition_bytes=st.integers(1, 60), chunk_bytes=st.integers(1, 40))
def test_ranges_own_every_byte_once_and_begin_at_the_start_of_a_line(
    content: bytes, partition_bytes: int, chunk_bytes: int
) -> None:
    ranges = [
        object_range
        for partition in partition_ranges([_whole(content)], partition_bytes=partition_bytes)
        for object_range in partition
    ]
    sources = MemorySources({ObjectLocation("b", "k"): content}, chunk_bytes=chunk_bytes)
    pinned = sources.pin(ObjectLocation("b", "k"))

    contents = []
    for object_range in ranges:
        chunks = sources.stream(pinned, max(object_range.start - 1, 0))
        lines = OwnedLines(chunks, object_range.start, object_range.end)
        owned = b"".join(lines)
        assert lines.line_feeds == owned.count(b"\n")
        if owned:
            assert object_range.start <= lines.offset < max(object_range.end, 1)
            assert content[lines.offset : lines.offset + len(owned)] == owned
            assert lines.offset == 0 or content[lines.offset - 1 : lines.offset] == b"\n"
        contents.append(owned)

    assert b"".join(contents) == content


@given(
    contents=st.lists(_contents, min_size=1, max_size=4),
    partition_bytes=st.integers(1, 80),
    batch_records=st.integers(1, 5),
    chunk_bytes=st.integers(1, 40),
)
def test_partitions_together_have_the_lines_of_a_plan_made_in_one_call(
    contents: list[bytes], partition_bytes: int, batch_records: int, chunk_bytes: int
) -> None:
    whole = World(*contents, partition_bytes=10**9, batch_records=batch_records)
    divided = World(*contents, partition_bytes=partition_bytes, batch_records=batch_records, chunk_bytes=chunk_bytes)

    expected, plan = whole.plan(), divided.plan()

    assert expected.partitions == 0
    assert divided.lines(plan) == whole.lines(expected)
    assert divided.lines(plan) == [
        (f"all/{object_:03d}.jsonl", start, number, content[start:end].removesuffix(b"\n"))
        for object_, content in enumerate(contents)
        for number, start, end in naive_lines(content)
    ]
    assert plan.records == expected.records
    batches = divided.batches(plan)
    assert [batch.batch for batch in batches] == list(range(plan.batches))
    assert all(batch.shard == batch.batch % 8 for batch in batches)
    assert all(1 <= batch.records <= batch_records for batch in batches)
    assert all((batch.pinned is None) == (len(contents) == 1) for batch in batches)
    assert plan.groups == -(-plan.batches // 25)
    assert replace(plan, batches=0, groups=0, manifest_sha256="", partitions=0) == replace(
        expected, batches=0, groups=0, manifest_sha256=""
    )


@given(sizes=st.lists(st.integers(0, 50), max_size=30), partition_bytes=st.integers(1, 60), in_place=st.booleans())
def test_a_partition_is_within_its_bytes_and_partitions_cover_all_objects_in_order(
    sizes: list[int], partition_bytes: int, in_place: bool
) -> None:
    options = PLAIN_JSON_LINES if in_place else GZIPPED
    wholes = [
        ObjectRange.whole(number, PinnedObject("b", f"k{number}", "e", size), options)
        for number, size in enumerate(sizes)
    ]

    divided = partition_ranges(wholes, partition_bytes=partition_bytes)

    for partition in divided:
        assert size_of(partition) <= partition_bytes or (len(partition) == 1 and not in_place)
    in_order = [object_range for partition in divided for object_range in partition]
    assert [object_range.number for object_range in in_order] == sorted(
        object_range.number for object_range in in_order
    )
    for whole in wholes:
        ranges = [object_range for object_range in in_order if object_range.number == whole.number]
        assert (ranges[0].start, ranges[-1].end) == (0, whole.size)
        assert all(first.end == second.start for first, second in pairwise(ranges))
    # No partition has room for the first range of the next one.
    for first, second in pairwise(divided):
        assert size_of(first) + second[0].size > partition_bytes


@given(content=_contents, partition_bytes=st.integers(1, 60), chunk_bytes=st.integers(1, 50))
def test_a_manifest_is_read_from_chunks_of_any_size(content: bytes, partition_bytes: int, chunk_bytes: int) -> None:
    world = World(content, content, partition_bytes=partition_bytes)
    plan = world.plan()
    data = world.work.objects[plan.manifest.key]

    chunks = [data[start : start + chunk_bytes] for start in range(0, len(data), chunk_bytes)]

    assert list(stream_manifest(chunks)) == decode_manifest(data)


# ---------------------------------------------------------------- examples

SIX = b'{"id":"0"}\n{"id":"1"}\n{"id":"2"}\n\n{"id":"3"}\n{"id":"4"}\n{"id":"5"}\n'
#       0           11          22        33 34         45          56          67


def test_a_line_belongs_to_the_range_that_it_starts_in() -> None:
    # 67 bytes in partitions of at most 23: [0, 22), [22, 44), [44, 67); the line at 34 ends in the third.
    world = World(SIX, partition_bytes=23)

    plan = world.plan()

    assert plan.partitions == 3
    assert world.batches(plan) == [
        Batch(0, 0, offset=0, length=22, records=2, line=1),
        Batch(1, 1, offset=22, length=23, records=2, line=3),
        Batch(2, 2, offset=45, length=22, records=2, line=6),
    ]


def test_small_objects_share_a_partition() -> None:
    world = World(*[b'{"id":"1"}\n'] * 7, partition_bytes=33)

    plan = world.plan()

    assert json.loads(world.work.objects["ingests/i1/partitions/i1/partitions.json"]) == [
        {"partition": 0, "objects": 3, "bytes": 33},
        {"partition": 1, "objects": 3, "bytes": 33},
        {"partition": 2, "objects": 1, "bytes": 11},
    ]
    assert [batch.pinned.key for batch in world.batches(plan) if batch.pinned] == [
        f"all/{number:03d}.jsonl" for number in range(7)
    ]


def test_a_partition_has_no_more_objects_than_one_call_can_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "PARTITION_OBJECTS", 2)

    assert World(*[b"{}\n"] * 5, partition_bytes=10**9).plan().partitions == 3


def test_an_object_that_is_not_read_in_place_is_never_split() -> None:
    ranges = [ObjectRange.whole(0, PinnedObject("b", "k.gz", "e", 10**12), GZIPPED)]

    assert partition_ranges(ranges, partition_bytes=10) == [ranges]


def test_a_source_within_the_limit_is_planned_in_one_call() -> None:
    world = World(SIX, partition_bytes=67)

    world.plan()

    assert world.effects == ["begin i1", "write ingests/i1/manifest.json"]


def test_the_ingest_is_in_the_ledger_before_its_joined_manifest_is_written() -> None:
    world = World(SIX)

    world.plan()

    assert world.effects[-2:] == ["begin i1", "write ingests/i1/manifest.json"]
    assert "begin i1" not in world.effects[:-2]


def test_the_limit_of_rejected_records_travels_with_the_partitions() -> None:
    world = World(SIX)
    world.input["max_rejected_percent"] = 2.5

    assert world.plan().max_rejected_percent == 2.5
    assert world.ledger.ingests["i1"][1].max_rejected_percent == 2.5


def test_planning_partitions_twice_changes_nothing() -> None:
    world = World(SIX)
    first = world.plan()
    once = copy.deepcopy((world.work.objects, world.ledger.ingests))

    assert world.plan() == first
    assert (world.work.objects, world.ledger.ingests) == once


def test_an_id_in_use_is_refused_before_partitions_are_written() -> None:
    world = World(SIX)
    world.plan()
    before = dict(world.work.objects)

    with pytest.raises(IngestExistsError):
        world.planner.plan("i1", world.input, LATER)

    assert world.work.objects == before


def test_a_failed_partition_fails_the_ingest_with_its_cause_and_leaves_nothing() -> None:
    world = World(SIX, partition_bytes=23)
    partitioned = as_partitioned(world.planner.plan("i1", world.input, STARTED))
    world.planner.plan_partition("i1", "i1", 0)
    world.planner.plan_partition("i1", "i1", 2)
    world.ledger.partition_failures["i1", 1] = ("SourceChangedError", '{"errorMessage": "it was replaced"}')

    with pytest.raises(
        PartitionFailedError, match="partition 2 of 3 could not be planned: SourceChangedError: it was replaced"
    ):
        world.planner.join_partitions(
            partitioned, {"Error": "States.Any", "Cause": "too many"}, world.input, "i1", STARTED
        )

    assert world.ledger.ingests == {}
    assert "ingests/i1/manifest.json" not in world.work.objects


@pytest.mark.parametrize(
    ("failure", "why"),
    [({"Error": "States.Any", "Cause": "too many"}, "States.Any: too many"), (None, "it did not report back")],
)
def test_a_missing_partition_fails_the_ingest_with_what_is_known(failure: dict[str, str] | None, why: str) -> None:
    world = World(SIX, partition_bytes=23)
    partitioned = as_partitioned(world.planner.plan("i1", world.input, STARTED))

    with pytest.raises(PartitionFailedError, match=f"partition 1 of 3 could not be planned: {why}"):
        world.planner.join_partitions(partitioned, failure, world.input, "i1", STARTED)


def test_a_map_may_fail_after_all_partitions_were_planned() -> None:
    world = World(SIX, partition_bytes=23)
    partitioned = as_partitioned(world.planner.plan("i1", world.input, STARTED))
    for partition in range(3):
        world.planner.plan_partition("i1", "i1", partition)

    plan = world.planner.join_partitions(
        partitioned, {"Error": "States.ResultWriterFailed"}, world.input, "i1", STARTED
    )

    assert plan.records == 6


def test_a_source_that_is_replaced_between_two_partitions_is_refused() -> None:
    world = World(SIX, partition_bytes=23)
    partitioned = as_partitioned(world.planner.plan("i1", world.input, STARTED))
    world.planner.plan_partition("i1", "i1", 0)
    world.sources.objects[ObjectLocation("records", "all/000.jsonl")] = SIX + SIX

    with pytest.raises(SourceChangedError):
        world.planner.plan_partition("i1", "i1", 1)
    assert partitioned.partitions == 3


def test_a_partition_that_was_never_written_is_refused() -> None:
    with pytest.raises(
        InvalidIngestError, match="partition 7 of ingest i1 is not there; plan it again with: hundredfold resume i1"
    ):
        World(SIX).planner.plan_partition("i1", "i1", 7)


# ---------------------------------------------------------------- resuming, and shadows


def test_a_resume_plans_all_partitions_again_if_planning_failed() -> None:
    world = World(SIX, partition_bytes=23)
    world.planner.plan("i1", world.input, STARTED)

    plan = world.resume()

    assert (plan.batches, plan.records) == (3, 6)
    assert plan.manifest.key == "ingests/i1/resumed/i1.resume-1.json"
    assert all(batch.again for batch in world.batches(plan))
    whole = world.ledger.plan("i1")
    assert whole is not None
    assert (whole.partitions, whole.manifest.key) == (3, "ingests/i1/manifest.json")
    assert world.effects[-3:] == [
        "resume i1 i1.resume-1 3",
        "write ingests/i1/manifest.json",
        "write ingests/i1/resumed/i1.resume-1.json",
    ]


def test_a_resume_of_a_partitioned_ingest_plans_what_is_missing_in_one_call() -> None:
    world = World(SIX, partition_bytes=23)
    world.plan()
    world.ledger.batch_done("i1", BatchOutcome(1, 2, 2, 0))

    plan = world.resume()

    assert [batch.batch for batch in world.batches(plan)] == [0, 2]


def test_a_lost_joined_manifest_is_made_again_only_with_the_same_partition_bytes() -> None:
    world = World(SIX, partition_bytes=23)
    whole = world.plan()
    manifest = world.work.objects.pop(whole.manifest.key)

    assert world.resume().batches == 3
    assert world.work.objects[whole.manifest.key] == manifest

    del world.work.objects[whole.manifest.key]
    world.partition_bytes = 10
    with pytest.raises(ManifestDamagedError):
        world.resume("i1.resume-2")


def test_a_shadow_of_a_partitioned_ingest_has_its_share_of_the_same_batches() -> None:
    content = b"".join(b'{"id":"%d"}\n' % number for number in range(100, 200))
    world = World(content, partition_bytes=200, batch_records=2)
    whole = world.batches(world.plan())
    shadow = Shadow("i1", "12", 0.2)
    world.input = {**world.input, "shadow": shadow.as_input()}

    plan = world.plan(shadow.ingest_id)

    assert plan.model == Model("arn:infer:12", "12")
    chosen = world.batches(plan)
    assert 1 < len(chosen) < 30
    assert chosen == [batch for batch in whole if batch.batch in {batch.batch for batch in chosen}]


def size_of(partition: list[ObjectRange]) -> int:
    return sum(object_range.size for object_range in partition)


def _whole(content: bytes) -> ObjectRange:
    return ObjectRange.whole(0, PinnedObject("b", "k", "e", len(content)), PLAIN_JSON_LINES)

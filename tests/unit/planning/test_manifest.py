"""The manifest: batches in groups, of at most so many batches and bytes, and read back as they were."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Batch
from hundredfold.ingest import Model, Plan
from hundredfold.planning.manifest import (
    GROUP_BYTES,
    decode_manifest,
    encode_groups,
    encode_manifest,
    manifest_is_intact,
    read_manifest,
    stream_manifest,
    write_manifest,
)
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from tests.unit.fakes import MemoryWork

STATE_BYTES = 262_144

_batches = st.lists(
    st.builds(
        Batch,
        batch=st.integers(0, 10**6),
        shard=st.integers(0, 7),
        offset=st.integers(0, 2**50),
        length=st.integers(1, 2**30),
        records=st.integers(1, 10**4),
        line=st.integers(1, 2**40),
        again=st.booleans(),
        pinned=st.none() | st.builds(PinnedObject, st.just("b"), st.text(max_size=20), st.just("e"), st.integers(0, 9)),
    ),
    max_size=30,
)
TWO = [Batch(0, 0, offset=0, length=16, records=2, line=1), Batch(1, 1, offset=16, length=8, records=1, line=3)]


@given(batches=_batches, group_batches=st.integers(1, 40), group_bytes=st.integers(1, 2_000))
def test_groups_have_all_batches_in_order_and_stay_within_both_limits(
    batches: list[Batch], group_batches: int, group_bytes: int
) -> None:
    entries = list(encode_groups(batches, group_batches=group_batches, group_bytes=group_bytes))

    groups = [json.loads(entry)["batches"] for entry in entries]
    assert [Batch.from_dict(batch) for group in groups for batch in group] == batches
    assert all(1 <= len(group) <= group_batches for group in groups)
    assert all(len(entry) <= group_bytes or len(group) == 1 for entry, group in zip(entries, groups, strict=True))
    # No group has room for the first batch of the next one.
    for entry, group, following in zip(entries, groups, groups[1:], strict=False):
        added = len(json.dumps(following[0], separators=(",", ":"))) + 1
        assert len(group) == group_batches or len(entry) + added > group_bytes


@given(batches=_batches, group_batches=st.integers(1, 5), chunk_bytes=st.integers(1, 300))
def test_a_manifest_is_read_back_as_it_was_written(batches: list[Batch], group_batches: int, chunk_bytes: int) -> None:
    data = b"".join(encode_manifest(encode_groups(batches, group_batches=group_batches)))
    chunks = [data[start : start + chunk_bytes] for start in range(0, len(data), chunk_bytes)]

    assert decode_manifest(data) == batches
    assert list(stream_manifest(chunks)) == batches


def test_a_manifest_has_one_group_a_line() -> None:
    three = [*TWO, Batch(2, 2, offset=24, length=9, records=1, line=5)]

    assert b"".join(encode_manifest(encode_groups(three, group_batches=2))) == (
        b'[{"batches":[{"batch":0,"shard":0,"offset":0,"length":16,"records":2,"line":1},'
        b'{"batch":1,"shard":1,"offset":16,"length":8,"records":1,"line":3}]},\n'
        b'{"batches":[{"batch":2,"shard":2,"offset":24,"length":9,"records":1,"line":5}]}]\n'
    )


def test_an_empty_manifest_is_an_empty_array() -> None:
    assert b"".join(encode_manifest(encode_groups([], group_batches=25))) == b"[]"
    assert decode_manifest(b"[]") == []


@pytest.mark.parametrize("character", ["k", '"', "\\", "\x01", "ü", "\U0001f3ac"])
def test_a_group_of_many_objects_takes_half_of_what_a_state_may(character: str) -> None:
    """Whatever their keys are: the entry has no character but ASCII, so it is as large as any other way to write it."""
    key = character * (1_024 // len(character.encode()))
    pinned = PinnedObject("b" * 63, key, "e" * 128, 5 * 1024**4, staged_from=f"s3://{'b' * 63}/{key}")
    batches = [Batch(number, number % 8, 0, 4 * 1024**2, 100, 1, again=True, pinned=pinned) for number in range(200)]

    entries = list(encode_groups(batches, group_batches=40))

    assert max(map(len, entries)) <= GROUP_BYTES == STATE_BYTES // 2
    for entry in entries:
        assert len(json.dumps(json.loads(entry), ensure_ascii=False, separators=(",", ":")).encode()) <= len(entry)


def test_a_plan_is_completed_by_what_was_written() -> None:
    work = MemoryWork()
    draft = Plan(
        ingest_id="i1",
        spec=ObjectsSpec("records", "r.jsonl"),
        pinned=None,
        source_bytes=24,
        manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
        batches=0,
        records=0,
        model=Model("arn:infer:7", "7"),
    )

    with write_manifest(draft, TWO, work, group_batches=1) as (plan, upload):
        assert work.objects == {}
        upload.finish()

    assert (plan.batches, plan.records, plan.groups) == (2, 3, 2)
    assert manifest_is_intact(plan, work)
    assert list(read_manifest(plan, work)) == TWO
    work.objects[plan.manifest.key] += b" "
    assert not manifest_is_intact(plan, work)

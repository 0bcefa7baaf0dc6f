"""The index of records: where an id is expected, and what a range of the index says about it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.accounting.index_builder import IndexBuilder
from hundredfold.record_index import ENTRY_BYTES, RecordIndex, id_hash
from tests.unit.fakes import MemoryWork


def built(batches: dict[int, list[str]], held_bytes: int = 10**6) -> tuple[RecordIndex, bytes]:
    work = MemoryWork()
    with IndexBuilder(held_bytes=held_bytes) as builder:
        for batch, record_ids in batches.items():
            builder.add(batch, record_ids)
        index = builder.write("index/i1/i1.bin", work)
    return index, work.objects["index/i1/i1.bin"]


def find(index: RecordIndex, content: bytes, record_id: str) -> list[int] | None:
    start, end = index.likely_range(record_id)
    return index.batches(record_id, content[start:end], start)


def test_an_entry_is_eight_bytes_of_sha256_and_the_number_of_the_batch() -> None:
    index, content = built({7: ["imdb-00001"]})

    assert content == hashlib.sha256(b"imdb-00001").digest()[:8] + (7).to_bytes(4, "big")
    assert sum(index.counts) == 1
    assert index.pinned.size == ENTRY_BYTES


@pytest.mark.parametrize("held_bytes", [10**6, 1_200], ids=["in memory", "spilled to files"])
def test_every_record_is_found_in_its_batch_and_no_other_is(held_bytes: int) -> None:
    batches = {batch: [f"r-{number}" for number in range(100 * batch, 100 * batch + 100)] for batch in range(200)}

    index, content = built(batches, held_bytes)

    assert len(content) == 20_000 * ENTRY_BYTES
    assert sorted(content[at : at + ENTRY_BYTES] for at in range(0, len(content), ENTRY_BYTES)) == [
        content[at : at + ENTRY_BYTES] for at in range(0, len(content), ENTRY_BYTES)
    ]
    assert all(find(index, content, record_id) == [batch] for batch, ids in batches.items() for record_id in ids)
    assert all(find(index, content, f"other-{number}") == [] for number in range(2_000))


def test_an_id_of_many_batches_is_entered_for_the_first_four() -> None:
    index, content = built({batch: ["same", f"r-{batch}"] for batch in reversed(range(300))})

    assert find(index, content, "same") == [0, 1, 2, 3]
    assert find(index, content, "r-299") == [299]


def test_a_range_that_does_not_cover_the_hash_says_so() -> None:
    index, content = built({0: [f"r-{number}" for number in range(20_000)]})
    start, end = index.whole_range("r-5")
    place = content.index(id_hash("r-5"), start)

    assert index.batches("r-5", content[start:end], start) == [0]
    assert index.batches("r-5", content[start : place - 60], start) is None
    assert index.batches("r-5", content[place + 60 : end], place + 60) is None
    assert index.batches("r-5", content[place:end], place) is None  # an entry before it may have the same hash


def test_an_index_without_entries_finds_nothing() -> None:
    index, content = built({})

    assert (content, index.likely_range("a"), find(index, content, "a")) == (b"", (0, 0), [])


@given(st.lists(st.integers(0, 2**32 - 1), min_size=256, max_size=256))
def test_an_index_is_written_into_the_ledger_and_read_back(counts: list[int]) -> None:
    index = RecordIndex(built({})[0].pinned, tuple(counts))

    assert RecordIndex.from_dict(index.as_dict()) == index
    assert len(index.as_dict()["counts"]) == 1_024

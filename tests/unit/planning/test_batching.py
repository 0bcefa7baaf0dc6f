"""Batching: hand-written examples, and properties checked against a naive reading of the same bytes."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Batch
from hundredfold.planning.batching import cut_batches

BOM = b"\xef\xbb\xbf"
NO_LIMIT = 10**9


def batches_of(data: bytes, max_records: int = NO_LIMIT, max_bytes: int = NO_LIMIT) -> list[Batch]:
    return list(cut_batches([data], max_records=max_records, max_bytes=max_bytes))


# ---------------------------------------------------------------- a naive reading, with everything in memory

type NaiveLine = tuple[int, int, int]
"""A line's number, its first byte, and the byte after its last one. Its line feed is part of it."""


def naive_lines(data: bytes) -> list[NaiveLine]:
    """Walk byte by byte. Keep the lines that are not blank."""
    lines = []
    start = 3 if data[:3] == BOM else 0
    number = 1
    for position in range(start, len(data)):
        last_byte = position + 1 == len(data)
        if data[position] == 0x0A or last_byte:
            if any(byte not in b" \t\r\n\v\f" for byte in data[start : position + 1]):
                lines.append((number, start, position + 1))
            start = position + 1
            number += 1
    return lines


def naive_batches(data: bytes, max_records: int, max_bytes: int) -> list[Batch]:
    """Give each batch as many of the remaining lines as fit. Try every number of lines."""
    remaining = naive_lines(data)
    batches: list[Batch] = []
    while remaining:
        fitting = [
            count
            for count in range(1, len(remaining) + 1)
            if count == 1 or (count <= max_records and remaining[count - 1][2] - remaining[0][1] <= max_bytes)
        ]
        lines, remaining = remaining[: max(fitting)], remaining[max(fitting) :]
        number, (line, first, _), after = len(batches), lines[0], lines[-1][2]
        batches.append(Batch(number, number % 8, first, after - first, len(lines), line))
    return batches


# ---------------------------------------------------------------- generated sources

_contents = st.one_of(
    st.binary(max_size=12).map(lambda content: content.replace(b"\n", b"")),
    st.sampled_from(
        [b"", b" ", b"\t \r", b"\x0b\x0c", BOM, b"\r", b"{}", b'{"id":"1"}', "é\u2028ü\u0085€😀".encode(), b"\xff\x00"]
    ),
)


@st.composite
def _sources(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.tuples(_contents, st.sampled_from([b"\n", b"\r\n"])), max_size=25))
    last_line = draw(_contents)
    return draw(st.sampled_from([b"", BOM])) + b"".join(content + end for content, end in lines) + last_line


@st.composite
def _chunked_sources(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A source, and the same source in chunks. Some chunks are empty."""
    data = draw(_sources())
    if draw(st.booleans()):
        return data, [data[start : start + 1] for start in range(len(data))]
    bounds = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return data, [data[start:end] for start, end in zip([0, *bounds], [*bounds, len(data)], strict=True)]


_max_records = st.integers(1, 8)
_max_bytes = st.integers(1, 120)


# ---------------------------------------------------------------- properties


@given(source=_chunked_sources(), max_records=_max_records, max_bytes=_max_bytes)
def test_chunks_of_any_size_give_the_naive_batches(
    source: tuple[bytes, list[bytes]], max_records: int, max_bytes: int
) -> None:
    data, chunks = source

    batches = list(cut_batches(chunks, max_records=max_records, max_bytes=max_bytes))

    assert batches == naive_batches(data, max_records, max_bytes)


@given(data=_sources(), max_records=_max_records, max_bytes=_max_bytes)
def test_every_line_that_is_not_blank_is_in_exactly_one_batch(data: bytes, max_records: int, max_bytes: int) -> None:
    batches = batches_of(data, max_records, max_bytes)

    assert [batch.batch for batch in batches] == list(range(len(batches)))
    assert all(batch.shard == batch.batch % 8 for batch in batches)
    between = data[3:] if data.startswith(BOM) else data
    position = len(data) - len(between)
    for batch in batches:
        assert batch.offset >= position, "batches follow each other, and do not overlap"
        assert not data[position : batch.offset].strip(), "only blank lines lie between two batches"
        assert data[position : batch.offset].count(b"\n") + data[:position].count(b"\n") + 1 == batch.line
        content = data[batch.offset : batch.offset + batch.length]
        assert len(content) == batch.length
        assert sum(1 for line in content.split(b"\n") if line.strip()) == batch.records
        assert content.split(b"\n")[0].strip(), "a batch begins with its first record"
        assert content.removesuffix(b"\n").split(b"\n")[-1].strip(), "a batch ends with its last record"
        position = batch.offset + batch.length
        assert position == len(data) or data[position - 1 : position] == b"\n", "no batch ends within a line"
    assert not data[position:].strip()


@given(data=_sources(), max_records=_max_records, max_bytes=_max_bytes)
def test_a_batch_is_as_large_as_the_limits_allow_and_no_larger(data: bytes, max_records: int, max_bytes: int) -> None:
    batches = batches_of(data, max_records, max_bytes)

    for batch in batches:
        assert batch.records <= max_records
        assert batch.length <= max_bytes or batch.records == 1
    for batch, following in pairwise(batches):
        next_line = data[following.offset :].split(b"\n")[0] + b"\n"
        with_next_line = min(following.offset + len(next_line), len(data)) - batch.offset
        assert batch.records == max_records or with_next_line > max_bytes


# ---------------------------------------------------------------- examples


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n", b" \t\r\n \n", BOM, BOM + b"\n", b"\r"])
def test_a_source_without_records_has_no_batches(data: bytes) -> None:
    assert batches_of(data) == []


def test_no_chunks_give_no_batches() -> None:
    assert list(cut_batches([], max_records=1, max_bytes=1)) == []


def test_each_batch_has_two_records_and_the_last_has_the_rest() -> None:
    assert batches_of(b'{"a":1}\n{"b":2}\n{"c":3}\n', max_records=2) == [
        Batch(batch=0, shard=0, offset=0, length=16, records=2, line=1),
        Batch(batch=1, shard=1, offset=16, length=8, records=1, line=3),
    ]


def test_the_last_line_needs_no_line_end() -> None:
    assert batches_of(b"[1]\n[2]") == [Batch(0, 0, offset=0, length=7, records=2, line=1)]


def test_a_carriage_return_before_a_line_feed_belongs_to_its_line() -> None:
    assert batches_of(b"[1]\r\n[2]\r\n", max_records=1) == [
        Batch(0, 0, offset=0, length=5, records=1, line=1),
        Batch(1, 1, offset=5, length=5, records=1, line=2),
    ]


def test_a_lone_carriage_return_does_not_end_a_line() -> None:
    assert batches_of(b"[1]\r[2]\n", max_records=1) == [Batch(0, 0, offset=0, length=8, records=1, line=1)]


def test_a_unicode_line_separator_does_not_end_a_line() -> None:
    line = '{"text":"a\u2028b\u2029c\u0085d"}\n'.encode()
    assert batches_of(line, max_records=1) == [Batch(0, 0, offset=0, length=len(line), records=1, line=1)]


def test_blank_lines_around_a_batch_are_outside_it_but_are_counted_as_lines() -> None:
    assert batches_of(b"\n \n[1]\n\n\t\n[2]\n\n", max_records=1) == [
        Batch(0, 0, offset=3, length=4, records=1, line=3),
        Batch(1, 1, offset=10, length=4, records=1, line=6),
    ]


def test_blank_lines_inside_a_batch_add_bytes_but_no_records() -> None:
    data = b"[1]\n\n\n[2]\n"
    assert batches_of(data) == [Batch(0, 0, offset=0, length=10, records=2, line=1)]
    assert len(batches_of(data, max_bytes=10)) == 1
    assert len(batches_of(data, max_bytes=9)) == 2


def test_a_byte_order_mark_is_skipped_at_the_beginning_only() -> None:
    assert batches_of(BOM + b"[1]\n" + BOM + b"\n", max_records=1) == [
        Batch(0, 0, offset=3, length=4, records=1, line=1),
        Batch(1, 1, offset=7, length=4, records=1, line=2),
    ]


def test_a_line_over_the_byte_limit_is_a_batch_of_its_own() -> None:
    assert batches_of(b"[1]\n[22222222]\n[3]\n[4]\n", max_bytes=8) == [
        Batch(0, 0, offset=0, length=4, records=1, line=1),
        Batch(1, 1, offset=4, length=11, records=1, line=2),
        Batch(2, 2, offset=15, length=8, records=2, line=3),
    ]


def test_the_ninth_batch_is_in_the_first_shard_again() -> None:
    assert [batch.shard for batch in batches_of(b"[]\n" * 10, max_records=1)] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]


def test_a_batch_is_yielded_before_the_whole_source_is_read() -> None:
    chunks_read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal chunks_read
        for _ in range(100):
            chunks_read += 1
            yield b"[]\n"

    batches = cut_batches(chunks(), max_records=2, max_bytes=NO_LIMIT)

    assert next(batches).records == 2
    assert chunks_read <= 4

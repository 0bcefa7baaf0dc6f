"""The lines of an object, as verification reads them, are those that the planner batches."""

import io

import pytest

from hundredfold.planning.batching import cut_batches
from hundredfold_cli.ingests.verification import pinned_lines
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine, read_pinned_lines


def read(content: bytes) -> list[PinnedLine]:
    return list(read_pinned_lines(io.BytesIO(content)))


def test_a_line_has_its_number_its_place_and_its_bytes() -> None:
    assert read(b"\xef\xbb\xbfa\r\n\n  \t\nbc\nd") == [
        PinnedLine(number=1, content=b"a", size=1, offset=3, end=6),
        PinnedLine(number=4, content=b"bc", size=2, offset=11, end=14),
        PinnedLine(number=5, content=b"d", size=1, offset=14, end=15),
    ]


def test_a_carriage_return_or_a_line_separator_ends_no_line() -> None:
    assert [line.content for line in read("a\rb\u2028c\n".encode())] == ["a\rb\u2028c".encode()]


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\r\n\x0b\x0c\n", b"\xef\xbb\xbf"])
def test_blank_lines_are_no_records(content: bytes) -> None:
    assert read(content) == []


def test_bytes_of_a_byte_order_mark_within_the_content_are_content() -> None:
    assert [line.content for line in read(b"a\n\xef\xbb\xbf\n\xbb")] == [b"a", b"\xef\xbb\xbf", b"\xbb"]


def test_a_long_line_is_counted_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_lines, "LONGEST_BYTES", 10)
    monkeypatch.setattr(pinned_lines, "_PIECE_BYTES", 4)

    long, short = read(b"x" * 50 + b"\r\n" + b"y\n")

    assert (long.size, long.offset, long.end, len(long.content) < 30) == (50, 0, 52, True)
    assert short == PinnedLine(number=2, content=b"y", size=1, offset=52, end=54)


def test_they_are_the_lines_that_are_batched() -> None:
    content = b"\xef\xbb\xbf" + b"".join(b"%d\r\n" % number if number % 5 else b" \n" for number in range(1_000))

    lines = read(content)
    batches = list(cut_batches([content], max_records=7, max_bytes=10_000))

    assert sum(batch.records for batch in batches) == len(lines) == 800
    for number, batch in enumerate(batches):
        inside = lines[7 * number : 7 * number + 7]
        assert (batch.line, batch.offset) == (inside[0].number, inside[0].offset)
        assert batch.offset + batch.length == inside[-1].end

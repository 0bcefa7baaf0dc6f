"""Which lines of an object a manifest's batches have, and which are in none."""

import io

from hundredfold.batches import Batch
from hundredfold_cli.ingests.verification.batch_lines import BatchLines, divide_lines, range_faults
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine, read_pinned_lines

CONTENT = b"a\nb\n\nc\nd\ne"


def batch(number: int, offset: int, length: int, records: int, line: int) -> Batch:
    return Batch(number, number % 8, offset, length, records, line)


RIGHT = [batch(0, 0, 4, 2, 1), batch(1, 5, 4, 2, 4), batch(2, 9, 1, 1, 6)]


def divide(*batches: Batch) -> list[BatchLines]:
    return list(divide_lines(read_pinned_lines(io.BytesIO(CONTENT)), batches))


def contents(divided: list[BatchLines]) -> list[tuple[int | None, list[bytes]]]:
    return [(read.batch.batch if read.batch else None, [line.content for line in read.lines]) for read in divided]


def test_each_line_is_in_its_batch() -> None:
    divided = divide(*RIGHT)

    assert contents(divided) == [(0, [b"a", b"b"]), (1, [b"c", b"d"]), (2, [b"e"])]
    assert [range_faults(read) for read in divided] == [[], [], []]


def test_lines_before_between_and_after_the_batches_are_in_none() -> None:
    divided = divide(batch(0, 2, 2, 1, 2), batch(1, 7, 2, 1, 5))

    assert contents(divided) == [(None, [b"a"]), (0, [b"b"]), (None, [b"c"]), (1, [b"d"]), (None, [b"e"])]


def test_a_line_that_is_cut_by_the_end_of_a_range_is_in_none() -> None:
    cut, rest, *_ = divide(batch(0, 0, 3, 2, 1), *RIGHT[1:])

    assert contents([cut, rest]) == [(None, [b"b"]), (0, [b"a"])]
    assert range_faults(rest) == [
        "has 2 records, and the source has 1 there",
        "is not the range from its first record to the end of its last",
    ]


def test_a_batch_beyond_the_source_has_no_lines() -> None:
    divided = divide(*RIGHT, batch(3, 100, 5, 1, 50))

    assert contents(divided)[-1] == (3, [])
    assert range_faults(divided[-1]) == ["has 1 records, and the source has 0 there"]


def test_the_number_of_the_first_line_is_compared() -> None:
    divided = divide(batch(0, 0, 4, 2, 7), *RIGHT[1:])

    assert range_faults(divided[0]) == ["begins with line 7, and that is line 1"]


def test_rows_without_a_place_are_divided_by_their_numbers() -> None:
    rows = (PinnedLine(number, b"{}", 2) for number in (1, 2, 4, 5, 6, 7))

    divided = list(divide_lines(rows, RIGHT))

    assert [(read.batch.batch if read.batch else None, [line.number for line in read.lines]) for read in divided] == [
        (0, [1, 2]), (1, [4, 5]), (2, [6]), (None, [7]),
    ]  # fmt: skip

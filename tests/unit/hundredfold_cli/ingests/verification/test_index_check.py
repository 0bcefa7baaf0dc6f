"""The index of packed predictions has an entry for each of them, in order, and no other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hundredfold.record_index import entry_of
from hundredfold_cli.ingests.verification.findings import Verification
from hundredfold_cli.ingests.verification.index_check import IndexCheck

PREDICTIONS = [(f"r-{number}", number // 100) for number in range(1_000)]
CONTENT = b"".join(sorted(entry_of(record_id, batch) for record_id, batch in PREDICTIONS))


def counts_of(content: bytes) -> bytes:
    counts = [0] * 256
    for place in range(0, len(content), 12):
        counts[content[place]] += 1
    return b"".join(count.to_bytes(4) for count in counts)


def compared(content: bytes, counts: bytes | None = None, predictions: Any = PREDICTIONS) -> Verification:
    verification, check = Verification(), IndexCheck()
    for record_id, batch in predictions:
        check.add(record_id, batch)

    def chunks() -> Iterator[bytes]:
        yield from (content[first : first + 120] for first in range(0, len(content), 120))

    check._compare(chunks(), counts_of(content) if counts is None else counts, verification)
    return verification


def test_the_right_index_agrees() -> None:
    assert compared(CONTENT).problems == []
    assert compared(b"", predictions=[]).problems == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda content: content[12:], "its 999 entries are not those of the 1,000 stored predictions"),
        (lambda content: content + content[-12:], "its 1,001 entries are not those of the 1,000 stored predictions"),
        (lambda content: content[:11] + b"\xff" + content[12:], "its 1,000 entries are not those of the 1,000"),
        (lambda content: content[12:24] + content[:12] + content[24:], "its entries are not in order"),
    ],
    ids=["one less", "one twice", "another batch", "exchanged"],
)
def test_another_index_does_not(change: Callable[[bytes], bytes], fault: str) -> None:
    [problem] = compared(change(CONTENT)).problems

    assert problem.what.startswith(fault)


def test_its_counts_are_those_of_its_entries() -> None:
    [problem] = compared(CONTENT, counts=counts_of(CONTENT[12:])).problems

    assert problem.what == "its counts of first bytes are not those of its entries"


def test_an_id_that_many_batches_have_is_left_out_since_the_index_names_only_four() -> None:
    predictions = [("a", batch) for batch in range(6)]
    content = b"".join(entry_of("a", batch) for batch in range(4))

    verification = compared(content, predictions=predictions)

    assert verification.problems == []
    assert verification.not_verified == [
        "an id is in four batches or more: the index names no more, and was not compared"
    ]

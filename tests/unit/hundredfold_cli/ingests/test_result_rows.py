"""The rows of results: which batches have any, whose a prediction is, and what is done without the source."""

from typing import NoReturn

import pytest

from hundredfold.errors import HundredfoldError, InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.keys import manifest_key
from hundredfold_cli.ingests.result_rows import ResultRows, SourceLostError
from tests.unit.hundredfold_cli.ingests.stored_ingest import SOURCE, StoredIngest, record

LINES = [record(record_id) for record_id in ("d", "c", "b", "a", "e")]


def no_scan(lost: SourceLostError) -> NoReturn:
    raise AssertionError(lost)


def rows_of(ingest: StoredIngest) -> ResultRows:
    return ResultRows(ingest.deployment, ingest.plan, no_scan)


def ids(results: ResultRows) -> list[str]:
    return [row["record_id"] for row in results.rows()]


def test_rows_are_in_the_order_of_the_source() -> None:
    results = rows_of(StoredIngest(LINES))

    assert ids(results) == ["d", "c", "b", "a", "e"]
    assert (results.overwritten, results.missing) == (0, 0)


def test_a_batch_that_is_not_done_has_no_rows_although_its_predictions_are_stored() -> None:
    ingest = StoredIngest(LINES, failed=[1])

    assert ids(rows_of(ingest)) == ["d", "c", "e"]
    assert [record["id"] for record, _ in rows_of(ingest).joined()] == ["d", "c", "e"]
    assert "b" in ingest.predictions.items


def test_a_record_whose_prediction_another_batch_has_replaced_says_so() -> None:
    ingest = StoredIngest([record("a"), record("b"), record("c"), record("a")])

    results = rows_of(ingest)
    joined = list(results.joined())

    assert [(row["record_id"], row["batch"], row.get("overwritten_by")) for _, row in joined] == [
        ("a", 0, 1), ("b", 0, None), ("c", 1, None), ("a", 1, None),
    ]  # fmt: skip
    assert "label" not in joined[0][1]
    assert (results.overwritten, results.missing) == (1, 0)


def test_a_record_of_a_batch_that_is_done_must_have_an_outcome() -> None:
    ingest = StoredIngest(LINES)
    del ingest.predictions.items["b"]

    results = rows_of(ingest)

    assert ids(results) == ["d", "c", "a", "e"]
    assert results.missing == 1


@pytest.mark.parametrize("content", [None, b"another"], ids=["gone", "replaced"])
def test_without_its_source_predictions_are_read_by_batch_and_record_id(content: bytes | None) -> None:
    ingest = StoredIngest(LINES, failed=[2])
    if content is None:
        ingest.sources.objects = {SOURCE: b""}
    else:
        ingest.sources.objects[SOURCE] = content
    lost: list[HundredfoldError] = []

    results = ResultRows(ingest.deployment, ingest.plan, lost.append)

    assert ids(results) == ["c", "d", "a", "b"]
    assert [type(error) for error in lost] == [SourceChangedError]
    assert ingest.predictions.scans == 1


def test_without_its_manifest_too() -> None:
    ingest = StoredIngest(LINES, failed=[2])
    del ingest.work.objects[manifest_key("i1")]
    lost: list[HundredfoldError] = []

    results = ResultRows(ingest.deployment, ingest.plan, lost.append)

    assert ids(results) == ["c", "d", "a", "b"]
    assert [type(error) for error in lost] == [SourceMissingError]


def test_nothing_is_scanned_if_that_is_refused() -> None:
    ingest = StoredIngest(LINES)
    ingest.sources.objects[SOURCE] = b"another"

    def refuse(lost: SourceLostError) -> None:
        raise InvalidIngestError(str(lost))

    with pytest.raises(InvalidIngestError, match="was replaced"):
        list(ResultRows(ingest.deployment, ingest.plan, refuse).rows())
    assert ingest.predictions.scans == 0


def test_joined_rows_need_the_source() -> None:
    ingest = StoredIngest(LINES)
    ingest.sources.objects[SOURCE] = b"another"

    with pytest.raises(SourceChangedError):
        list(rows_of(ingest).joined())

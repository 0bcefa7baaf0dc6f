"""Looking up one record: its prediction, its rejection, or what there is in place of one."""

import json

import pytest

from hundredfold_cli.errors import NotThereError
from hundredfold_cli.ingests.one_record import find_outcome
from tests.unit.hundredfold_cli.ingests.stored_ingest import SOURCE, StoredIngest, record

LINES = [record("a"), record("b"), record(7), record(""), record("e"), b"not json"]
REJECTED = {
    2: ("empty_text", "b"), 3: ("invalid_id", None), 4: ("invalid_id", None), 6: ("not_json", None),
}  # fmt: skip


@pytest.fixture
def ingest() -> StoredIngest:
    return StoredIngest(LINES, REJECTED)


def test_a_prediction_or_a_rejection_is_found_by_its_id(ingest: StoredIngest) -> None:
    assert find_outcome(ingest.deployment, ingest.plan, "a")["label"] == "good"
    assert find_outcome(ingest.deployment, ingest.plan, "b")["reason"] == "empty_text"


@pytest.mark.parametrize(("record_id", "line"), [("7", 3), ("", 4), ('""', 4)])
def test_a_rejection_is_found_by_an_id_that_was_invalid(ingest: StoredIngest, record_id: str, line: int) -> None:
    outcome = find_outcome(ingest.deployment, ingest.plan, record_id)

    assert (outcome["line"], outcome["reason"]) == (line, "invalid_id")


def test_an_id_that_is_too_long_for_a_key_is_looked_up_among_the_rejections() -> None:
    long = "x" * 3_000
    ingest = StoredIngest([json.dumps({"id": long}).encode()], {1: ("invalid_id", None)})

    assert find_outcome(ingest.deployment, ingest.plan, long)["line"] == 1


def test_without_an_outcome_it_says_how_many_were_rejected_without_an_id(ingest: StoredIngest) -> None:
    with pytest.raises(NotThereError) as error:
        find_outcome(ingest.deployment, ingest.plan, "z")

    assert str(error.value) == (
        "ingest i1 has no outcome for a record 'z'; "
        "records without a valid id were rejected (2 invalid_id, 1 not_json): --rejected lists them"
    )


def test_it_says_so_too_if_the_source_was_replaced(ingest: StoredIngest) -> None:
    ingest.sources.objects[SOURCE] = b"another"

    with pytest.raises(NotThereError, match="2 invalid_id, 1 not_json"):
        find_outcome(ingest.deployment, ingest.plan, "7")


def test_a_prediction_of_a_batch_that_is_not_done_is_no_outcome_yet() -> None:
    ingest = StoredIngest(LINES, REJECTED, failed=[0])

    with pytest.raises(NotThereError, match="'a' is in batch 0, which is not done; run: hundredfold resume i1"):
        find_outcome(ingest.deployment, ingest.plan, "a")
    with pytest.raises(NotThereError, match="no outcome for a record 'b'"):
        find_outcome(ingest.deployment, ingest.plan, "b")

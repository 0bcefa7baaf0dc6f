"""A report: its figures, and the document that it is written as for a machine."""

from dataclasses import asdict

import pytest

from hundredfold_cli.ingests.report import percentile, steps
from tests.unit.drifts import drift
from tests.unit.hundredfold_cli.reports import batch, report


@pytest.mark.parametrize(("share", "expected"), [(50, 20), (95, 40), (100, 40), (1, 10)])
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert percentile([40, 10, 30, 20], share) == expected
    assert percentile([], share) == 0


def test_steps_have_their_share() -> None:
    by_name = {step.step: step for step in steps([batch(0, 20), batch(1, 20), batch(2, 60)])}

    assert list(by_name) == ["read", "write"]
    assert (by_name["read"].p50, by_name["read"].longest) == (5, 5)
    assert by_name["read"].share == pytest.approx(0.15)  # 15 of 100
    assert (by_name["write"].p50, by_name["write"].longest) == (15, 55)


def test_a_straggler_takes_three_times_the_median_and_a_quarter_of_a_second_more() -> None:
    slow = report(done=[batch(0, 100), batch(1, 100), batch(2, 349), batch(3, 351)])
    slower = report(done=[batch(0, 200), batch(1, 200), batch(2, 599), batch(3, 601)])

    # More than 100 + 250 ms, which is over three times 100; and more than three times 200 ms, which is over 450
    assert [slow.is_straggler(entry) for entry in slow.done] == [False, False, False, True]
    assert [slower.is_straggler(entry) for entry in slower.done] == [False, False, False, True]


def test_the_document_has_drift_against_the_baseline() -> None:
    document = report().as_dict()

    assert document["drift"]["ingest"]["labels"] == [300]
    assert document["drift"]["baseline"]["on"] == "ours"
    assert document["drift"]["indices"] == asdict(drift(0.0, 0.25, 0.1))
    assert [(entry["batch"], entry["straggler"], entry["cold_start"]) for entry in document["batches"]] == [
        (0, False, True), (1, False, False), (2, True, False),
    ]  # fmt: skip
    bare = report(baseline=None, sketch=None, drift=None, cost=None).as_dict()
    assert bare["drift"] == {"baseline": None, "ingest": None, "indices": None}
    assert bare["cost"] is None

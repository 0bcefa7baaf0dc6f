"""What a person is shown of batches that failed."""

import pytest

from hundredfold_cli.ingests.display import print_failures


def test_batches_are_named_in_ranges_by_cause_and_the_way_on_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_failures({"OutOfTimeError: time was out": [0, 1, 2, 5, 7, 8], "Runtime.ExitError: exited": [4]}, "i1")

    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "  batches 0-2, 5, 7-8: OutOfTimeError: time was out",
        "  batch 4: Runtime.ExitError: exited",
    ]
    assert shown.err.splitlines() == ["mend the cause, and then run: hundredfold resume i1"]


def test_nothing_is_said_of_no_failures(capsys: pytest.CaptureFixture[str]) -> None:
    print_failures({}, "i1")

    assert capsys.readouterr() == ("", "")

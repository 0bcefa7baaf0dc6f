"""What a person is shown of an ingest."""

from dataclasses import asdict
from typing import Any

import pytest

from hundredfold.summary import Accuracy
from hundredfold_cli.console import out
from hundredfold_cli.ingests.display import print_failures, print_rejections, print_summary, print_verification
from hundredfold_cli.ingests.rejections import group_rejections
from hundredfold_cli.ingests.verification.findings import Store, Verification
from tests.unit.drifts import drift

SUMMARY: dict[str, Any] = {
    "ingest_id": "i1", "status": "FAILED", "cause": "[Errno 2] no [/such] file", "records": 1_200, "predicted": 1_000,
    "rejected": 2, "failed": 198, "batches": 12, "batches_failed": 2, "seconds": 2.0, "model_version": "7",
    "source": "s3://b/[k]", "reasons": {"not_json": 2}, "failures": {"StoreBusyError: busy [x]": 2}, "drift": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print into a terminal that no row is too long for."""
    monkeypatch.setattr(out, "width", 160)


def rows(shown: str) -> dict[str, str]:
    """Return the rows of a table of names and values."""
    lines = (line.strip().partition("  ") for line in shown.splitlines())
    return {name: value.strip() for name, _, value in lines if value}


def test_a_summary_shows_every_count_and_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(SUMMARY, "the-table")

    shown = rows(capsys.readouterr().out)
    assert shown["status"] == "FAILED  [Errno 2] no [/such] file"
    assert shown["records in"] == "1,200"
    assert shown["rejected"] == "2  (2 not_json)"
    assert shown["batches"] == "12, 2 failed  (2 StoreBusyError: busy [x])"
    assert shown["records a second"] == "501"  # 1,002 in 2 s
    assert shown["source"] == "s3://b/[k]"
    assert shown["predictions"] == "DynamoDB table the-table"
    assert shown["drift"] == "-"


def test_an_ingest_that_runs_shows_how_far_it_is_and_no_words_for_the_dead(capsys: pytest.CaptureFixture[str]) -> None:
    running = {
        "status": "RUNNING", "cause": None, "predicted": 458, "rejected": 0, "failed": 0, "failures": {}, "reasons": {},
        "batches": 500, "batches_failed": 0, "seconds": 20.0,
        "progress": {
            "batches_done": 229, "batches_failed": 3, "batches": 500, "records_a_second": 1_145.2, "seconds_left": 23.7,
            "ends_at": "2026-11-24T22:41:10+00:00",
        },
    }  # fmt: skip

    print_summary(SUMMARY | running, "t")

    text = capsys.readouterr().out
    shown = rows(text)
    assert shown["status"] == "RUNNING"
    assert shown["done"] == "229 of 500 batches (46%), 3 failed so far"
    assert shown["records a second"] == "1,145"
    assert shown["will end"] == "in about 0:00:24, at 22:41:10 UTC"
    assert not {"never", "lost", "finished"} & set(text.split())


def test_a_summary_shows_what_only_some_ingests_have(capsys: pytest.CaptureFixture[str]) -> None:
    more = {
        "status": "COMPLETED",
        "cause": None,
        "failures": {},
        "executions": [
            {"batches": 3, "model_version": "7", "seconds": 1.5, "usd": 0.01},
            {"batches": 0, "model_version": "8", "seconds": 0.5, "usd": None},
        ],
        "resumed": [{"batches": 3, "model_version": "7"}, {"batches": 1, "model_version": "8"}],
        "written_back": 900,
        "outdated": 2,
        "shadow": {"version": "4", "compared": 100, "disagreed": 5},
        "drift": asdict(drift(0.01, 0.02, 0.3, unseen_share=0.015, accuracy=Accuracy(0.685, 0.68, 0.69, 0.7))),
        "usd": 0.01234,
    }

    print_summary(SUMMARY | more, "t")

    shown = rows(capsys.readouterr().out)
    assert shown["status"] == "COMPLETED"
    assert shown["resumed"] == "2 times, last for 1 batches with model version 8"
    assert shown["execution 1"] == "3 batches with version 7 in 1.5 s, $0.0100"
    assert shown["execution 2"] == "0 batches in 0.5 s"
    assert shown["written back"] == "900  (2 items changed or gone since)"
    assert shown["shadow"] == "version 4 disagrees on 5 of 100 records"
    assert shown["drift"] == (
        "labels 0.010, scores 0.020, inputs 0.300 (chance: under 0.050, age: value); 1.5% unknown or out of range"
    )
    assert shown["accuracy"] == "about 68.5% (68.0% to 69.0%) by the scores alone; 70.0% in the baseline"
    assert shown["cost"] == "$0.0123 by list prices"


def test_batches_are_named_in_ranges_by_cause_with_the_command_that_does_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_failures({"OutOfTimeError: time was out": [0, 1, 2, 5, 7, 8], "Runtime.ExitError: exited": [4]}, "i1")

    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "  batches 0-2, 5, 7-8: OutOfTimeError: time was out",
        "  batch 4: Runtime.ExitError: exited",
    ]
    assert shown.err.splitlines() == ["mend the cause, and then run: hundredfold resume i1"]


def test_nothing_is_printed_without_failures(capsys: pytest.CaptureFixture[str]) -> None:
    print_failures({}, "i1")

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("verified", "shown"),
    [
        ({"ok": True, "problems": 0, "overwritten": 0}, "2026-11-24 20:00:00+00:00: agrees"),
        (
            {"ok": False, "problems": 3, "overwritten": 2},
            ("2026-11-24 20:00:00+00:00: 3 problems, 2 records overwritten; hundredfold verify i1 shows them"),
        ),
    ],
)
def test_a_summary_shows_the_last_verification(
    capsys: pytest.CaptureFixture[str], verified: dict[str, Any], shown: str
) -> None:
    print_summary({**SUMMARY, "verified": {"at": "2026-11-24T20:00:00+00:00", **verified}}, "the-table")

    assert rows(capsys.readouterr().out)["verified"] == shown


def test_a_recount_says_whether_it_agrees_and_shows_what_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Verification(records=2, predicted=1, missing=1, extra=1, predicted_again=1)
    for number in range(25):
        wrong.add(Store.PREDICTIONS, f"line {number} has no outcome")
    wrong.compare(Store.SUMMARY, "records", 1_003, 2)
    wrong.leave_out("the source was replaced")
    wrong.leave_out("the source was replaced")

    print_verification(Verification(records=3, predicted=2, rejected=1), "i1")
    print_verification(wrong, "i2")

    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Recount of i1 agrees: 3 records in the source = 2 predicted + 1 rejected + 0 failed"
    assert shown[1:5] == [
        (
            "Recount of i2 does not agree: 2 records in the source = 1 predicted + 0 rejected + 0 failed + 1 missing; "
            "1 outcomes of no record"
        ),
        "  1 records were predicted again",
        "  predictions: 25 problems",
        "    line 0 has no outcome",
    ]
    assert shown[-6:] == [
        "    line 19 has no outcome",
        "    and 5 more",
        "  summary: 1 problem",
        "    records is 1,003, and should be 2",
        "  not verified:",
        "    the source was replaced",
    ]


def test_what_made_an_ingest_fail_by_its_rejections_comes_with_the_commands_to_type(
    capsys: pytest.CaptureFixture[str],
) -> None:
    null = {"reason": "wrong_type", "detail": "its field 'bmi' is null, not a number"}
    rejections: list[dict[str, Any]] = [
        {"line": 3, "record_id": None, "reason": "not_json", "detail": "[/bold]"},
        {"line": 7, "record_id": "p-7", **null},
        {"line": 9, "record_id": "p-9", **null},
        *({"line": 10 + line, "record_id": None, "reason": "not_json", "detail": f"byte {line}"} for line in range(5)),
    ]

    print_rejections(group_rejections(rejections), "i1", complete=True)

    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[:3] == [
        "Rejected:",
        "  2 wrong_type: its field 'bmi' is null, not a number (the first is record p-7)",
        "  1 not_json: [/bold] (the first is line 3)",
    ]
    assert lines[6:] == ["  and 2 more causes"]
    assert "hundredfold results i1 --rejected" in shown.err
    assert "hundredfold resume i1 --max-rejected PERCENT" in shown.err


def test_rejections_that_were_not_all_read_are_called_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    print_rejections([], "i1", complete=False)

    assert capsys.readouterr().out == "Rejected, of the first rejections:\n"

"""A report: its figures, and the document that it is written as for a machine."""

from dataclasses import asdict

import pytest

from hundredfold.batches import BatchOutcome, Sketch
from hundredfold_cli.ingests.earlier import add_fitting, earlier_ingests
from hundredfold_cli.ingests.examples import Example, Examples, choose, read_examples
from hundredfold_cli.ingests.report import MOST_GROUPS, RejectionGroup, group_rejections, percentile, steps
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws_services import AwsServices
from tests.unit.drifts import drift
from tests.unit.hundredfold_cli.ingests.stored_ingest import SOURCE, StoredIngest, record
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


def test_rejections_are_grouped_by_what_is_wrong_the_most_frequent_first() -> None:
    rejections = [{"reason": "wrong_type", "detail": "field 'bmi' is null"}] * 64
    rejections += [{"reason": "not_json", "detail": f"JSON is malformed (byte {byte})"} for byte in (4, 17)]
    rejections += [{"reason": "missing_field", "detail": f"it has no field 'f{number}'"} for number in range(20)]

    groups = group_rejections(rejections)

    assert groups[:2] == [
        RejectionGroup("wrong_type", "field 'bmi' is null", 64), RejectionGroup("not_json", "JSON is malformed", 2),
    ]  # fmt: skip
    assert len(groups) == MOST_GROUPS


def test_the_surest_and_the_least_sure_are_examples_and_none_is_both() -> None:
    examples = [Example(str(number), "yes", number / 10) for number in range(10)]

    chosen = choose(examples)

    assert [example.record_id for example in chosen.sure] == ["9", "8", "7", "6"]
    assert [example.record_id for example in chosen.unsure] == ["0", "1", "2", "3"]
    assert choose(examples[:3]) == Examples((), tuple(examples[:3]), 3)


def test_examples_are_read_back_without_their_records_unless_they_are_wanted() -> None:
    ingest = StoredIngest([record("a"), record("b"), record("c"), record("d"), record("e")], {2: ("empty_text", "b")})
    done = [entry for entry in ingest.ledger.entries("i1") if isinstance(entry, BatchOutcome)]

    bare = read_examples(ingest.deployment, ingest.plan, done)
    whole = read_examples(ingest.deployment, ingest.plan, done, with_records=True)

    assert bare.among == 4
    assert [(example.record_id, example.label, example.score, example.record) for example in bare.unsure] == [
        (name, "good", 0.75, "") for name in "acde"
    ]
    assert whole.unsure[0].record == "text of a"


def test_there_is_no_example_if_the_source_is_gone() -> None:
    ingest = StoredIngest([record("a"), record("b")])
    done = [entry for entry in ingest.ledger.entries("i1") if isinstance(entry, BatchOutcome)]
    ingest.sources.objects[SOURCE] = b"replaced"

    assert read_examples(ingest.deployment, ingest.plan, done) == Examples()


def test_an_ingest_is_compared_with_the_last_ones_of_its_model(aws: AnsweringServer) -> None:
    services = AwsServices(aws)
    for name, status, version, began in (
        ("a", "COMPLETED", "7", "t1"), ("b", "FAILED", "7", "t2"), ("c", "COMPLETED", "8", "t3"),
        ("d", "COMPLETED", "7", "t4"), ("d.shadow-7", "COMPLETED", "7", "t5"), ("e", "COMPLETED", "7", "t9"),
    ):  # fmt: skip
        values = {"ledger_key": name, "entry": "summary", "status": status, "model_version": version}
        item = {key: {"S": value} for key, value in {**values, "began_at": began, "execution": name}.items()}
        services.items[name, "summary"] = item

    earlier = earlier_ingests(services.deployment(), "now", "7", "t8")

    assert [ingest.ingest_id for ingest in earlier] == ["d", "a"]


def test_sketches_of_another_shape_are_not_added() -> None:
    ours, other = Sketch((1, 2), (3,), ((1,),), 1), Sketch((1, 2, 3), (3,), ((1,),), 1)

    assert add_fitting([ours, other, ours]) == Sketch((2, 4), (6,), ((2,),), 2)
    assert add_fitting([]) is None

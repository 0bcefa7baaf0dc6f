"""Records and bundles that the model misbehaves with: the fault is seen, and the release of another one mends it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hundredfold.layout import Layout
from hundredfold.summary import Status
from hundredfold_cli.ingests.cost import ingest_usage
from tests.faults import poisonous
from tests.faults.poison_layer import poison_layer, released
from tests.faults.trial import REJECTED, Trial, World, labels
from tests.support.deployed import planning

NUMBER = 250
"""Which record is poisonous: one in the middle of the third batch."""


def texts(poison: str) -> list[str]:
    plain = [f"I loved scene {number} of this film." for number in range(800)]
    return [*plain[:NUMBER], poison, *plain[NUMBER + 1 :]]


def test_a_record_that_makes_the_model_raise_is_rejected_alone(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path
) -> None:
    expected = {f"r-{number}": "negative" for number in range(800)} | {f"r-{NUMBER}": REJECTED}
    trial = Trial(world, new_id(), tmp_path / "records.jsonl", texts(poisonous.RAISE), expected)

    with released(world.stack, poison_layer(), timeout=20):
        trial.start()
        summary = trial.end().summary

    assert (summary["status"], summary["reasons"]) == (Status.COMPLETED, {"not_predictable": 1})
    trial.check(f"a record makes the model raise{layout_name}", 1)


TIMEOUT_SECONDS = 4
"""Of the poisonous model's version."""


@pytest.mark.parametrize(
    ("poison", "name", "why", "attempts", "least_seconds"),
    [
        # AWS would try a crash again; the local stack gives it a name that is not retried.
        (poisonous.CRASH, "a record crashes the interpreter", "", 1, 0),
        (poisonous.SWALLOW, "a record takes more memory than there is", "MemoryError", 1, 0),
        (poisonous.HANG, "a record makes the model hang until Lambda's timeout", "", 4, 4 * TIMEOUT_SECONDS),
    ],
    ids=["crash", "memory", "hang"],
)
def test_a_record_that_takes_its_batch_down_fails_that_batch_alone_until_the_model_is_mended(
    world: World,
    layout_name: str,
    new_id: Callable[[], str],
    tmp_path: Path,
    poison: str,
    name: str,
    why: str,
    attempts: int,
    least_seconds: float,
) -> None:
    trial = Trial(world, new_id(), tmp_path / "records.jsonl", texts(poison))
    # What is done under the poisonous model stays so; only the third batch is left to the other one.
    trial.expected = {
        record: label if 200 <= int(record[2:]) < 300 else "negative" for record, label in trial.expected.items()
    }

    with released(world.stack, poison_layer(), timeout=TIMEOUT_SECONDS):
        trial.start()
        failed = trial.end()
    assert failed.summary["status"] == Status.FAILED
    assert (failed.summary["failed"], failed.summary["batches_failed"]) == (100, 1)
    [cause] = failed.summary["failures"]
    assert why in cause
    # Lambda bills every attempt, also those that ended without a word. So each counts.
    used = ingest_usage(trial.deployment, failed)
    assert used.attempts == 7 + attempts
    assert used.infer_seconds + used.init_seconds >= least_seconds

    resumed = trial.resume("live")

    assert resumed.summary["status"] == Status.COMPLETED
    assert ingest_usage(trial.deployment, resumed).attempts == 7 + attempts + 1

    trial.check(f"{name}{layout_name}", 1)


def test_a_bundle_that_does_not_load_fails_at_once_and_says_why(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path
) -> None:
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")

    with released(world.stack, poison_layer(damaged=True), timeout=20):
        trial.start()
        summary = trial.end().summary
    assert (summary["status"], summary["failed"], summary["predicted"]) == (Status.FAILED, 800, 0)
    [cause] = summary["failures"]
    assert "model.joblib is not the file that the model's card describes" in cause
    trial.recover("live")

    trial.check(f"the model's bundle does not load{layout_name}", 1)


@pytest.mark.parametrize(("layout", "batches"), [(Layout.ITEM, 200), (Layout.PACKED, 2_000)])
def test_one_poison_batch_of_many_fails_alone_and_is_resumed_alone(
    world: World, new_id: Callable[[], str], tmp_path: Path, layout: Layout, batches: int
) -> None:
    """No batch may fail, which is the template's default. So the ingest fails, once all others are done."""
    poison = batches * 2 // 3
    texts = [f"I loved scene {number} of this film." for number in range(batches)]
    texts[poison] = poisonous.CRASH
    expected = {f"r-{number}": "negative" for number in range(batches)}
    trial = Trial(world, new_id(), tmp_path / "records.jsonl", texts, expected)

    # Given many batches of one record, of which one ends the process that scores it
    with planning(world.stack.deployment, BATCH_RECORDS="1", PREDICTIONS_LAYOUT=layout.value):
        with released(world.stack, poison_layer(), timeout=TIMEOUT_SECONDS):
            trial.start()
            failed = trial.end().summary

            # Then all others are done, and the ingest failed and names the batch
            assert (failed["status"], failed["batches"]) == (Status.FAILED, batches)
            assert (failed["predicted"], failed["batches_failed"]) == (batches - 1, 1)
            assert failed["cause"] == f"1 of {batches:,} batches failed (batch {poison}), more than the 0 % that may"

            # And a resume does that one alone, whether it is still poison or not
            again = trial.resume().summary
            assert (again["status"], again["predicted"]) == (Status.FAILED, batches - 1)
        mended = trial.resume("live").summary
    assert mended["status"] == Status.COMPLETED
    assert [resumed["batches"] for resumed in mended["resumed"]] == [1, 1]

    trial.expected[f"r-{poison}"] = labels(world, [poisonous.CRASH])[0]
    trial.check(f"one batch of {batches:,} crashes the interpreter, {layout.value}", 1)


def test_more_failed_groups_than_may_stop_the_ingest_and_nothing_is_lost(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path
) -> None:
    """Eight groups, of which three may fail. The local stack tries them all; tests/workflow judges as AWS does."""
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")

    with (
        planning(world.stack.deployment, GROUP_BATCHES="1"),
        released(world.stack, poison_layer(damaged=True), timeout=20),
    ):
        trial.start()
        summary = trial.end().summary
    assert (summary["status"], summary["failed"], summary["predicted"]) == (Status.FAILED, 800, 0)
    assert summary["cause"].startswith("States.ExceedToleratedFailureThreshold")
    history = trial.deployment.step_functions.get_execution_history(
        executionArn=trial.deployment.execution(trial.ingest_id)
    )
    assert "AwaitCalls" in [event.get("stateEnteredEventDetails", {}).get("name") for event in history["events"]]
    trial.recover("live")

    trial.check(f"the model's bundle does not load, in more groups than may fail{layout_name}", 1)

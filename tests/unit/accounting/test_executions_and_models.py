"""An ingest that took several executions: their figures add up, and each model is compared with its own baseline."""

from dataclasses import replace

import pytest

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats, Sketch
from hundredfold.ingest import Model
from hundredfold.model.drift import Baseline, Measure
from hundredfold.summary import ExecutionPart, History, Status
from tests.unit.runtime.test_invocation import LISTED, PLAN

FIRST, SECOND, THIRD = (f"2026-11-24T{hour}:00:00+00:00" for hour in ("10", "11", "12"))
FIRST_MS, SECOND_MS, THIRD_MS = 1_795_514_400_000, 1_795_518_000_000, 1_795_521_600_000


def batch(number: int, started_at: int, *, units: float = 100.0, version: str = "7", rejected: int = 0) -> BatchOutcome:
    stats = InvocationStats("e", started_at, 0, 1_769, units)
    return BatchOutcome(number, 100, 100 - rejected, rejected, {}, {"write": 1_500}, stats, model_version=version)


def test_seconds_and_cost_are_the_sums_of_the_executions() -> None:
    # Given an execution that did batch 0 and was summed up, and a resume that did the others
    earlier = ExecutionPart("i1", FIRST, "7", seconds=20.0, batches=1, usd=0.105)
    entries = [batch(0, FIRST_MS + 5_000), batch(1, SECOND_MS + 1_000), batch(2, SECOND_MS + 2_000)]

    summary = summarize(
        "i1", SECOND, "2026-11-24T11:00:09+00:00", PLAN, entries, None,
        execution="i1.resume-1", history=History((earlier,), None, FIRST), price_list=LISTED,
    )  # fmt: skip

    # two batches of 100 writes and their two entries, the ingest's own item twice, and three writes of the list
    second = ExecutionPart("i1.resume-1", SECOND, "7", seconds=9.0, batches=2, usd=0.207)
    assert summary.executions == (earlier, second)
    assert (summary.seconds, summary.usd) == (29.0, 0.312)
    assert (summary.began_at, summary.started_at) == (FIRST, SECOND)


def test_an_execution_that_was_stopped_gets_the_figures_of_its_batches() -> None:
    stopped = ExecutionPart("i1", FIRST, "7")
    entries = [batch(0, FIRST_MS + 5_000), batch(1, FIRST_MS + 7_000), batch(2, SECOND_MS + 2_000)]

    summary = summarize(
        "i1", SECOND, "2026-11-24T11:00:09+00:00", PLAN, entries, None,
        execution="i1.resume-1", history=History((stopped,), None, FIRST), price_list=LISTED,
    )  # fmt: skip

    first, second = summary.executions
    assert (first.seconds, first.batches, first.usd) == (8.5, 2, 0.207)  # its last batch began at 7 s and took 1.5
    assert (second.seconds, second.batches, second.usd) == (9.0, 1, 0.106)


def test_a_batch_that_is_done_again_adds_to_the_cost_and_keeps_that_of_its_first_time() -> None:
    earlier = ExecutionPart("i1", FIRST, "7", seconds=20.0, batches=3, usd=0.305)
    entries = [batch(0, FIRST_MS + 1), batch(1, SECOND_MS + 1_000), batch(2, FIRST_MS + 1)]

    summary = summarize(
        "i1", SECOND, "2026-11-24T11:00:02+00:00", PLAN, entries, None,
        execution="i1.resume-1", history=History((earlier,), None, FIRST), price_list=LISTED,
    )  # fmt: skip

    assert [part.batches for part in summary.executions] == [3, 1]
    assert summary.usd == 0.411


def test_failed_batches_are_of_the_execution_that_is_summed_up() -> None:
    earlier = ExecutionPart("i1", FIRST, "7", seconds=20.0, batches=1, usd=0.105)
    entries: list[BatchOutcome | BatchFailure] = [
        batch(0, FIRST_MS), BatchFailure(1, "E", "c"), BatchFailure(2, "E", "c"),
    ]  # fmt: skip

    summary = summarize(
        "i1", SECOND, "2026-11-24T11:00:02+00:00", PLAN, entries, None,
        execution="i1.resume-1", history=History((earlier,)), price_list=LISTED,
    )  # fmt: skip

    assert (summary.status, summary.executions[1].batches) == (Status.FAILED, 0)
    assert summary.executions[1].usd == 0.007  # two entries, the ingest's own item twice, and the list


BASELINES = {
    "7": Baseline(
        "b7", 400, {"no": 0.5, "yes": 0.5}, (0.5,), (0.5, 0.5), (Measure("x", "value", (0.5, 0.5), (1.0,)),), 0
    ),
    "12": Baseline(
        "b12", 400, {"a": 0.25, "b": 0.25, "c": 0.5}, (0.2, 0.8), (0.2, 0.6, 0.2),
        (Measure("x", "value", (0.5, 0.25, 0.25), (1.0, 2.0)), Measure("y", "value", (1.0,))), 0,
    ),
}  # fmt: skip


def test_models_whose_baselines_have_another_shape_are_each_compared_with_their_own() -> None:
    # Given batches of version 7 with two classes, and after a resume of version 12 with three classes and two fields
    old = Sketch((150, 150), (150, 150), ((150, 150),), 0)
    new = Sketch((75, 225, 0), (60, 180, 60), ((150, 75, 75), (300,)), 6)
    entries = [
        replace(batch(0, FIRST_MS, version="7"), sketch=old),
        replace(batch(1, SECOND_MS, version="12"), sketch=new),
    ]
    plan = replace(PLAN, batches=2, records=200, model=Model("f:12", "12"))

    summary = summarize(
        "i1", SECOND, "2026-11-24T11:00:09+00:00", plan, entries, None,
        execution="i1.resume-1", history=History((ExecutionPart("i1", FIRST, "7", 20.0, 1),)),
        baseline_of=BASELINES.get,
    )  # fmt: skip

    first, second = summary.models
    assert [(part.version, part.batches, part.predicted) for part in summary.models] == [("7", 1, 100), ("12", 1, 100)]
    assert first.drift is not None
    assert second.drift is not None
    assert (first.drift.labels.index, first.drift.inputs.index) == (0, 0)
    # (0.75 - 0.25) ln 3 for b, and (0.0001 - 0.5) ln (0.0001 / 0.5) for c
    assert second.drift.labels.index == pytest.approx(0.54931 + 4.25775, abs=1e-4)
    assert summary.drift == second.drift


def test_batches_that_name_no_model_are_of_the_plans_if_all_are_such() -> None:
    sketch = Sketch((150, 150), (150, 150), ((150, 150),), 0)
    entries = [replace(batch(0, FIRST_MS, version=""), sketch=sketch)]

    summary = summarize("i1", FIRST, SECOND, PLAN, entries, None, baseline_of=BASELINES.get)

    assert summary.models == ()
    assert summary.drift is not None
    assert summary.drift.labels.index == 0

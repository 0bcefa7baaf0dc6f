"""Nights that once ended badly, as scenarios of their own: they stay the same whatever the seeds become."""

import json
from collections.abc import Sequence

from hundredfold.layout import Layout
from tests.simulation import substitutes
from tests.simulation.faults import CallFault, InvocationFault, Kind, StatesKind
from tests.simulation.model import CRASHES
from tests.simulation.run import simulate
from tests.simulation.scenario import Action, Release, Resume, Scenario, Settings, Start

SETTINGS = Settings(
    layout=Layout.ITEM,
    batch_records=1,
    group_batches=2,
    groups_at_once=1,
    partition_bytes=1_000_000,
    tolerated_groups=3,
    page_items=50,
    skew=0.0,
)


def problems_of(
    lines: Sequence[object],
    actions: tuple[Action, ...],
    faults: tuple[CallFault | InvocationFault, ...] = (),
    seed: int = 0,
) -> list[str]:
    source = tuple(json.dumps(line).encode() + b"\n" for line in lines)
    with substitutes.installed():
        result = simulate(Scenario(seed, SETTINGS, (source,), actions, faults))
    return [str(problem) for problem in result.problems]


def test_a_batch_without_predictions_is_of_the_model_that_the_ledger_names() -> None:
    lines = [{"id": "a", "text": "t"}, {"id": "rejected"}, {"id": "c", "text": CRASHES}]
    actions = (Start(0.1, "one", 0, False), Release(5.0), Resume(60.0, "one", model="live"))

    assert problems_of(lines, actions) == []


def test_a_call_of_the_planner_that_was_given_up_leaves_an_ended_ingest_alone() -> None:
    lines = [{"id": "a", "text": "t"}]
    actions = (Start(0.1, "one", 0, False),)
    for nth in range(10):  # it is slow before one of its calls, and goes on beside the next one
        faults = (InvocationFault("plan", 0, StatesKind.UNANSWERED), CallFault("plan", nth, Kind.UNANSWERED))

        assert problems_of(lines, actions, faults) == []

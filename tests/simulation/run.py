"""Runs a simulation: what the scenario says, then a world without faults in which everything must end well."""

from dataclasses import dataclass, field
from functools import partial

from hundredfold.errors import HundredfoldError
from hundredfold_cli.ingests.verification.verify import verify_ingest
from tests.simulation.endings import check_first_end, check_metrics
from tests.simulation.invariants import Invariants, Problem
from tests.simulation.operators import Operator
from tests.simulation.scenario import Redrive, Scenario, Stop
from tests.simulation.world import LEDGER, World, make_world

MOST_STEPS = 200_000
ROUNDS = 6
"""How often an ingest is resumed once nothing goes wrong any more."""

_MEASURED = (
    "seconds, which the execution returned,",
    "usd is ",
    "batches of its last execution is ",
)
"""Figures that differ if a summary or a batch ran twice: the later one replaces what the earlier one measured."""

_CARD_OF_ANOTHER = "card.json is another one"
"""A planner whose execution was stopped may go on, and keep its model's card after a resume has kept another's."""


@dataclass
class Result:
    """What came of a simulation.

    Attributes
    ----------
    seconds : of virtual time
    injected : how many faults happened
    timeline : in words; empty if it was not kept
    """

    scenario: Scenario
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    injected: int = 0
    timeline: str = ""


def simulate(scenario: Scenario, *, keeps_timeline: bool = False, definition: str | None = None) -> Result:
    """Run a scenario to its end. `substitutes.installed` must be in place."""
    world = make_world(scenario, keeps_timeline=keeps_timeline, definition=definition)
    invariants = Invariants(world, scenario)
    invariants.watch()
    operator = Operator(world, scenario)
    operator.place_sources()
    operator.schedule()
    result = Result(scenario, invariants.problems)
    try:
        world.scheduler.run(MOST_STEPS)
        check_first_end(world, invariants, operator)
        _end_well(world, operator, invariants)
        check_metrics(world, invariants)
    except TimeoutError as error:
        invariants.add("it never ends", str(error))
    for problem in world.lambda_.problems:
        invariants.add("a handler has a bug", problem)
    for problem in operator.problems:
        invariants.add("a command has a bug", problem)
    result.seconds, result.steps = world.scheduler.now, world.scheduler.switches
    result.injected = world.injector.injected
    result.timeline = world.timeline.text()
    return result


def _end_well(world: World, operator: Operator, invariants: Invariants) -> None:
    """End all faults. Then every ingest must be completed, by resuming it, and verify must agree."""
    world.injector.ended = True
    operator.restore_sources()
    world.timeline.add("WORLD", "nothing goes wrong from here on")
    for ingest_id, source in operator.started.items():
        for attempt in range(ROUNDS):
            if _is_over(world, operator, ingest_id):
                break
            invariants.put_back_source(ingest_id)
            if ingest_id in world.step_functions.executions:
                operator.begin(f"resume {ingest_id} at last", partial(operator.resume, ingest_id, force=attempt > 0))
            else:
                operator.begin(
                    f"start {ingest_id} at last",
                    partial(operator.start, ingest_id, source, uploads=False, reclaim=True),
                )
            world.scheduler.run(MOST_STEPS)
        else:
            if not operator.scenario.is_poisoned:
                invariants.add("it cannot be completed", f"{ingest_id}: {_status(world, ingest_id)}")
                continue
        _check_ended(world, operator, invariants, ingest_id)


def _is_over(world: World, operator: Operator, ingest_id: str) -> bool:
    return _status(world, ingest_id) == "COMPLETED"


def _status(world: World, ingest_id: str) -> str:
    item = world.dynamodb.tables[LEDGER].items.get((ingest_id, "summary"), {})
    return str(item.get("status", {}).get("S", "without a status"))


def _check_ended(world: World, operator: Operator, invariants: Invariants, ingest_id: str) -> None:
    invariants.check_end(ingest_id)
    try:
        verification = verify_ingest(world.deployment(operator.scenario.settings), ingest_id, scan=True)
    except HundredfoldError as error:
        invariants.add("verify refuses", f"{ingest_id}: {error}")
        return
    for problem in verification.problems:
        if not _is_expected(world, operator.scenario, problem.what):
            invariants.add("verify disagrees", f"{ingest_id}: {problem.store}: {problem.what}")


def _is_expected(world: World, scenario: Scenario, what: str) -> bool:
    """Tell whether `verify` may say so of an ingest that is right. docs/testing.md lists what is known of these."""
    redrives = any(isinstance(action, Redrive) for action in scenario.actions)
    if what.startswith(_MEASURED):
        return bool(world.injector.injected or scenario.settings.skew or redrives)
    stops = any(isinstance(action, Stop) for action in scenario.actions)
    return stops and _CARD_OF_ANOTHER in what

"""What must hold when all that a scenario has is over, and before anything is mended."""

from typing import Final

from hundredfold.aws.attributes import plain_item
from tests.simulation.faults import CallFault, ChildFault, InvocationFault, StatesKind, Storm
from tests.simulation.invariants import Invariants
from tests.simulation.operators import Operator
from tests.simulation.scenario import Redrive, Release, Resume, Scenario, Start, Stop
from tests.simulation.world import LEDGER, World

MILD: Final = 2
"""So many single faults must not fail an ingest: each is tried again, by botocore, by our code or by Step Functions."""


def check_first_end(world: World, invariants: Invariants, operator: Operator) -> None:
    """Check ingests as the faults have left them."""
    if _is_mild(operator.scenario):
        for execution in world.step_functions.executions.values():
            if execution.name in operator.started and execution.status != "SUCCEEDED":
                why = f"{execution.status} {execution.error} {execution.cause}"
                invariants.add("a single fault fails an ingest", f"{execution.name}: {why}")
    if _leaves_no_calls(operator.scenario):
        for ingest_id in operator.started:
            _check_failed_summary(world, invariants, ingest_id)


def _check_failed_summary(world: World, invariants: Invariants, ingest_id: str) -> None:
    """Check that the summary of a failed ingest has what its ledger has: it ran when all batches had ended."""
    item = plain_item(world.dynamodb.tables[LEDGER].items.get((ingest_id, "summary"), {}))
    if item.get("status") != "FAILED" or ingest_id not in invariants.planned:
        return
    entries = [invariants.entry(ingest_id, number) for number in invariants.batches(ingest_id)]
    predicted = sum(entry["predicted"] for entry in entries if entry and entry["status"] == "done")
    if item["predicted"] != predicted:
        summary = f"{item['predicted']} predicted records in the summary, and {predicted} in the ledger"
        invariants.add("a summary ran too early", f"{ingest_id}: {summary}")


def check_metrics(world: World, invariants: Invariants) -> None:
    """Check that nothing was counted twice. Counts can be too low: a process may end before it sends them.

    The summary of an execution that was stopped may go on beside a resume, and then both count the ingest.
    """
    if any(isinstance(action, Stop | Redrive) for action in invariants.scenario.actions):
        return
    ingests = len(invariants.planned)
    predicted = sum(
        len(batch.expected) for ingest_id in invariants.planned for batch in invariants.batches(ingest_id).values()
    )
    for name, most in {"RecordsPredicted": predicted, "IngestsCompleted": ingests}.items():
        if world.counted.get(name, 0) > most:
            invariants.add("metrics count twice", f"{name} is {world.counted[name]:g}, and should be {most} at most")


def _is_mild(scenario: Scenario) -> bool:
    """Tell whether all faults of a scenario are of the kind that no ingest may fail for."""
    # A resume right after the start may not see its execution yet, and take the ingest over from it.
    calm = all(isinstance(action, Start | Release) for action in scenario.actions)
    single = all(isinstance(fault, CallFault | InvocationFault) for fault in scenario.faults)
    # After Ctrl-C, a start gives its claim back, and another one may take the id before the planner looks.
    undisturbed = all(getattr(action, "interrupted_after", None) is None for action in scenario.actions)
    return calm and single and undisturbed and len(scenario.faults) <= MILD and not scenario.is_poisoned


def _leaves_no_calls(scenario: Scenario) -> bool:
    """Tell whether no invocation can go on after Step Functions has given it up, but for those of a stopped Map."""
    disturbed = any(isinstance(action, Stop | Redrive | Resume) for action in scenario.actions)
    zombies = any(
        isinstance(fault, ChildFault)
        or (isinstance(fault, InvocationFault) and fault.kind in {StatesKind.UNANSWERED, StatesKind.TWICE})
        or (isinstance(fault, Storm) and fault.service == "lambda")
        for fault in scenario.faults
    )
    return not disturbed and not zombies

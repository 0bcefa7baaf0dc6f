"""How long a state machine can take at the very worst: every attempt times out, every wait is as long as it can be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.workflow.states import Machine, State

EXPRESS_SECONDS = 300
"""https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, read 2026-11-24."""


@dataclass(frozen=True, slots=True)
class TaskTime:
    """The longest that a Task can take, in seconds.

    Attributes
    ----------
    attempts : how many there are when each retrier is used up
    attempt_seconds : of one
    waits : of each retrier, one before each of its retries; jitter only shortens them
    """

    name: str
    attempts: int
    attempt_seconds: int
    waits: tuple[tuple[float, ...], ...]

    @property
    def seconds(self) -> float:
        return self.attempts * self.attempt_seconds + sum(sum(waits) for waits in self.waits)


def task_time(state: State) -> TaskTime:
    """Return how long a Task can take; raises KeyError if it has no timeout."""
    waits = tuple(_waits(retrier) for retrier in state.body.get("Retry", ()))
    return TaskTime(
        state.name,
        attempts=1 + sum(len(retries) for retries in waits),
        attempt_seconds=state.body["TimeoutSeconds"],
        waits=waits,
    )


def slowest_way(machine: Machine) -> list[TaskTime]:
    """Return the Tasks on the slowest way through a machine that has no loop, in their order."""
    return _slowest_from(machine, machine.start, ())


def seconds(machine: Machine) -> float:
    """Return how long a machine can take. Its own steps take milliseconds and are not counted."""
    return sum(task.seconds for task in slowest_way(machine))


def _slowest_from(machine: Machine, name: str, before: tuple[str, ...]) -> list[TaskTime]:
    if name in before:
        raise ValueError(f"{' -> '.join((*before, name))} is a loop: there is no longest time")
    if name not in machine.states:
        return []
    state = machine.states[name]
    here = [task_time(state)] if state.type == "Task" else []
    ways = [_slowest_from(machine, target, (*before, name)) for target in state.leads_to()]
    return here + max(ways, key=lambda way: sum(task.seconds for task in way), default=[])


def _waits(retrier: Mapping[str, Any]) -> tuple[float, ...]:
    # Step Functions' own defaults: 1 s, doubled, 3 attempts, no limit to a wait.
    interval, rate = retrier.get("IntervalSeconds", 1), retrier.get("BackoffRate", 2.0)
    longest = retrier.get("MaxDelaySeconds", float("inf"))
    return tuple(min(interval * rate**retry, longest) for retry in range(retrier.get("MaxAttempts", 3)))

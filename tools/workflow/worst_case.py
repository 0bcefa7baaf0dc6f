"""How long a state machine can take at the very worst: every attempt times out, every wait is as long as it can be."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.workflow.states import Machine, State

EXPRESS_SECONDS = 300
"""https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, read 2026-11-24."""

INLINE_AT_ONCE = 40
"""How many iterations of an inline Map run at once.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html, read 2026-11-24."""


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


@dataclass(frozen=True, slots=True)
class MapTime:
    """The longest that an inline Map can take, in seconds: in each round, one iteration takes the slowest way.

    Attributes
    ----------
    rounds : how often as many iterations as may run at once are started
    way : the slowest way through an iteration
    """

    name: str
    rounds: int
    way: "tuple[TaskTime | MapTime, ...]"

    @property
    def seconds(self) -> float:
        return self.rounds * sum(step.seconds for step in self.way)


type StepTime = TaskTime | MapTime


def task_time(state: State) -> TaskTime:
    """Return how long a Task can take; raises KeyError if it has no timeout."""
    waits = tuple(_waits(retrier) for retrier in state.body.get("Retry", ()))
    return TaskTime(
        state.name,
        attempts=1 + sum(len(retries) for retries in waits),
        attempt_seconds=state.body["TimeoutSeconds"],
        waits=waits,
    )


class WorstCase:
    """How long the state machines of a definition can take.

    Parameters
    ----------
    machines : all of the definition
    items : the most items of each inline Map, by its name
    """

    def __init__(self, machines: Iterable[Machine], items: Mapping[str, int] | None = None) -> None:
        self._machines = {machine.inside: machine for machine in machines}
        self._items = items or {}

    def slowest_way(self, machine: Machine) -> list[StepTime]:
        """Return the Tasks and Maps on the slowest way through a machine that has no loop, in their order."""
        return self._slowest_from(machine, machine.start, ())

    def seconds(self, machine: Machine) -> float:
        """Return how long a machine can take. Its own steps take milliseconds and are not counted."""
        return sum(step.seconds for step in self.slowest_way(machine))

    def _slowest_from(self, machine: Machine, name: str, before: tuple[str, ...]) -> list[StepTime]:
        if name in before:
            raise ValueError(f"{' -> '.join((*before, name))} is a loop: there is no longest time")
        if name not in machine.states:
            return []
        state = machine.states[name]
        ways = [self._slowest_from(machine, target, (*before, name)) for target in state.leads_to()]
        return self._step(state) + max(ways, key=lambda way: sum(step.seconds for step in way), default=[])

    def _step(self, state: State) -> list[StepTime]:
        match state.type:
            case "Task":
                return [task_time(state)]
            case "Map":
                at_once = min(state.body.get("MaxConcurrency", 0) or INLINE_AT_ONCE, INLINE_AT_ONCE)
                inner = self._machines[*state.inside, state.name]
                rounds = math.ceil(self._items[state.name] / at_once)
                return [MapTime(state.name, rounds, tuple(self.slowest_way(inner)))]
        return []


def _waits(retrier: Mapping[str, Any]) -> tuple[float, ...]:
    # Step Functions' own defaults: 1 s, doubled, 3 attempts, no limit to a wait.
    interval, rate = retrier.get("IntervalSeconds", 1), retrier.get("BackoffRate", 2.0)
    longest = retrier.get("MaxDelaySeconds", float("inf"))
    return tuple(min(interval * rate**retry, longest) for retry in range(retrier.get("MaxAttempts", 3)))

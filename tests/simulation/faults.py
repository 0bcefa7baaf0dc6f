"""What goes wrong in a simulation: single faults, each at a call that is known by its number, and storms."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What happens to a call, and to whoever makes it."""

    THROTTLED = "throttled"
    """The service refuses it."""
    BROKEN = "broken"
    """The service fails, and nothing was done."""
    UNREACHED = "unreached"
    """There is no connection, and nothing was done."""
    UNANSWERED = "unanswered"
    """It was done, and the answer is lost."""
    SLOW = "slow"
    """It takes seconds, but fewer than its client waits."""
    KILLED_BEFORE = "killed before"
    """The process that makes it is killed, and nothing was done."""
    KILLED_AFTER = "killed after"
    """It was done, and the process is killed before it reads the answer."""


class StatesKind(StrEnum):
    """What happens to an invocation that Step Functions makes."""

    THROTTLED = "throttled"
    """Lambda refuses it."""
    BROKEN = "broken"
    """Lambda fails, and nothing was invoked."""
    UNANSWERED = "unanswered"
    """The function runs, and Step Functions does not hear of it: it tries again while the first call goes on."""
    TWICE = "twice"
    """Two invocations run at once, and the answer of one is taken."""
    CRASHED = "crashed"
    """The environment ends before the handler is called."""
    OUT_OF_MEMORY = "out of memory"
    """The environment ends in the middle of its work."""


CALL_ROLES: Final = ("plan", "infer", "summarize", "operator")
"""Who makes calls that faults can hit."""


@dataclass(frozen=True, slots=True)
class CallFault:
    """A fault of the nth call (from 0) that processes of a role make, all together."""

    role: str
    nth: int
    kind: Kind

    def __str__(self) -> str:
        return f"call {self.nth} of {self.role}: {self.kind}"


@dataclass(frozen=True, slots=True)
class InvocationFault:
    """A fault of the nth invocation (from 0) that Step Functions makes of a function."""

    role: str
    nth: int
    kind: StatesKind

    def __str__(self) -> str:
        return f"invocation {self.nth} of {self.role}: {self.kind}"


@dataclass(frozen=True, slots=True)
class ChildFault:
    """The nth child (from 0) of a Map is run twice, as an Express execution may be."""

    nth: int

    def __str__(self) -> str:
        return f"child {self.nth} is run twice"


@dataclass(frozen=True, slots=True)
class Storm:
    """A time in which a service does this to a share of all calls.

    Attributes
    ----------
    service : "dynamodb", "s3" or "lambda"
    begin, end : seconds
    """

    service: str
    kind: Kind
    begin: float
    end: float
    share: float

    def __str__(self) -> str:
        share = f"{self.share:.0%} of calls"
        return f"storm from {self.begin:.1f} to {self.end:.1f} s: {share} of {self.service} are {self.kind}"


@dataclass(frozen=True, slots=True)
class Unprocessed:
    """A time in which DynamoDB leaves a share of all items of batch calls unprocessed."""

    begin: float
    end: float
    share: float

    def __str__(self) -> str:
        return f"from {self.begin:.1f} to {self.end:.1f} s DynamoDB leaves {self.share:.0%} of items unprocessed"


type Fault = CallFault | InvocationFault | ChildFault | Storm | Unprocessed


class Injector:
    """Says what goes wrong with each call, by the faults of a scenario."""

    def __init__(self, faults: tuple[Fault, ...], chance: random.Random) -> None:
        self.ended = False
        self.injected = 0
        self._chance = chance
        self._calls = {(fault.role, fault.nth): fault.kind for fault in faults if isinstance(fault, CallFault)}
        self._invocations = {
            (fault.role, fault.nth): fault.kind for fault in faults if isinstance(fault, InvocationFault)
        }
        self._children = {fault.nth for fault in faults if isinstance(fault, ChildFault)}
        self._storms = [fault for fault in faults if isinstance(fault, Storm)]
        self._unprocessed = [fault for fault in faults if isinstance(fault, Unprocessed)]
        self._counts: dict[tuple[str, str], int] = {}

    def of_call(self, role: str, service: str, now: float) -> Kind | None:
        """Return what happens to the next call of a role."""
        nth = self._next("call", role)
        if self.ended:
            return None
        kind = self._calls.get((role, nth))
        for storm in self._storms:
            if kind is None and storm.service == service and storm.begin <= now < storm.end:
                kind = storm.kind if self._chance.random() < storm.share else None
        self.injected += kind is not None
        return kind

    def of_invocation(self, role: str) -> StatesKind | None:
        """Return what happens to the next invocation of a function."""
        nth = self._next("invocation", role)
        kind = None if self.ended else self._invocations.get((role, nth))
        self.injected += kind is not None
        return kind

    def runs_child_twice(self) -> bool:
        """Tell whether the next child of a Map runs twice."""
        nth = self._next("child", "")
        twice = not self.ended and nth in self._children
        self.injected += twice
        return twice

    def leaves(self, now: float) -> bool:
        """Tell whether DynamoDB leaves an item unprocessed."""
        if self.ended:
            return False
        left = any(
            fault.begin <= now < fault.end and self._chance.random() < fault.share for fault in self._unprocessed
        )
        self.injected += left
        return left

    def _next(self, what: str, role: str) -> int:
        number = self._counts.get((what, role), 0)
        self._counts[what, role] = number + 1
        return number

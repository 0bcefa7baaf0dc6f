"""What a simulation is of: settings, sources, what the operator does, and what goes wrong. A seed decides all of it."""

import json
import random
from dataclasses import dataclass
from typing import Final

from hundredfold.layout import Layout
from tests.simulation.faults import (
    CALL_ROLES,
    CallFault,
    ChildFault,
    Fault,
    InvocationFault,
    Kind,
    StatesKind,
    Storm,
    Unprocessed,
)
from tests.simulation.model import CRASHES, RAISES

INGESTS: Final = ("one", "two")


@dataclass(frozen=True, slots=True)
class Start:
    """Start an ingest of a source, which is uploaded or in S3 already; perhaps take the id from an earlier start."""

    at: float
    ingest_id: str
    source: int
    uploads: bool
    interrupted_after: float | None = None

    def __str__(self) -> str:
        how = "upload and start" if self.uploads else "start"
        return f"{self.at:6.2f} s: {how} {self.ingest_id} of source {self.source}{_interrupted(self.interrupted_after)}"


@dataclass(frozen=True, slots=True)
class Resume:
    """Resume an ingest."""

    at: float
    ingest_id: str
    model: str | None = None
    rejected: bool = False
    interrupted_after: float | None = None

    def __str__(self) -> str:
        options = f"{' --model ' + self.model if self.model else ''}{' --rejected' if self.rejected else ''}"
        return f"{self.at:6.2f} s: resume {self.ingest_id}{options}{_interrupted(self.interrupted_after)}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the execution of an ingest that runs."""

    at: float
    ingest_id: str

    def __str__(self) -> str:
        return f"{self.at:6.2f} s: stop {self.ingest_id}"


@dataclass(frozen=True, slots=True)
class Redrive:
    """Redrive the first execution of an ingest, by another client."""

    at: float
    ingest_id: str

    def __str__(self) -> str:
        return f"{self.at:6.2f} s: redrive {self.ingest_id}"


@dataclass(frozen=True, slots=True)
class Release:
    """Release another model, or go back to the one before."""

    at: float
    back: bool = False

    def __str__(self) -> str:
        return f"{self.at:6.2f} s: {'roll back' if self.back else 'release the next model'}"


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace the object of a source by another one, for some seconds."""

    at: float
    source: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:6.2f} s: replace source {self.source} for {self.seconds:.2f} s"


type Action = Start | Resume | Stop | Redrive | Release | Replace


@dataclass(frozen=True, slots=True)
class Settings:
    """How the stack is deployed, and how the world is.

    Attributes
    ----------
    page_items : how many items a page of DynamoDB has
    skew : how far clocks are off, in seconds
    """

    layout: Layout
    batch_records: int
    group_batches: int
    groups_at_once: int
    partition_bytes: int
    tolerated_groups: int
    page_items: int
    skew: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One simulation, as its seed draws it, or as it was shrunk.

    Attributes
    ----------
    sources : the lines of each
    """

    seed: int
    settings: Settings
    sources: tuple[tuple[bytes, ...], ...]
    actions: tuple[Action, ...]
    faults: tuple[Fault, ...]

    @property
    def is_poisoned(self) -> bool:
        """Whether a record ends every process that predicts it."""
        return any(CRASHES.encode() in line for lines in self.sources for line in lines)

    def text(self) -> str:
        """Return it for a person."""
        lines = [f"seed {self.seed}", f"  {self.settings}"]
        lines += [f"  source {n}: {len(source)} records" for n, source in enumerate(self.sources)]
        lines += [f"  {action}" for action in self.actions]
        lines += [f"  {fault}" for fault in self.faults]
        return "\n".join(lines)


def draw(seed: int) -> Scenario:
    """Draw the scenario of a seed."""
    chance = random.Random(f"scenario {seed}")
    poisoned = chance.random() < 0.06
    settings = Settings(
        layout=chance.choice(list(Layout)),
        batch_records=chance.randint(1, 4),
        group_batches=chance.randint(1, 4),
        groups_at_once=chance.randint(1, 3),
        partition_bytes=chance.choice([1_000_000, 1_000_000, 1_000_000, 300]),
        tolerated_groups=3 if poisoned else chance.randint(0, 3),
        page_items=chance.choice([1, 2, 50]),
        skew=chance.choice([0.0, 0.0, 0.1, 5.0]),
    )
    sources = tuple(_source(chance, number, poisoned=poisoned) for number in range(chance.randint(1, 2)))
    actions = _actions(chance, len(sources))
    if chance.random() < 0.25:  # a quiet night, in which nothing may fail
        actions = tuple(action for action in actions if isinstance(action, Start | Release))
        faults: tuple[Fault, ...] = tuple(_single_fault(chance) for _ in range(chance.randint(0, 2)))
    else:
        faults = _faults(chance)
    return Scenario(seed, settings, sources, actions, faults)


def _source(chance: random.Random, number: int, *, poisoned: bool) -> tuple[bytes, ...]:
    lines = []
    for record in range(chance.randint(1, 14)):
        value: object = {"id": f"{number}-{record}", "text": f"text {chance.randint(0, 999)} of {number}-{record}"}
        odd = chance.random() if record else 1.0  # an ingest that rejects every record has failed, and stays so
        if odd < 0.04:
            value = {"id": f"{number}-{record}", "text": RAISES}
        elif odd < 0.08:
            value = {"id": f"{number}-{record}"}
        elif odd < 0.10:
            value = ["no object"]
        lines.append(json.dumps(value).encode() + b"\n")
    if poisoned:
        place = chance.randrange(len(lines) + 1)
        lines.insert(place, json.dumps({"id": f"{number}-poison", "text": CRASHES}).encode() + b"\n")
    return tuple(lines)


def _actions(chance: random.Random, sources: int) -> tuple[Action, ...]:
    actions: list[Action] = []
    ingests = INGESTS[: chance.randint(1, 2)]
    for ingest_id in ingests:
        at, source = chance.uniform(0.0, 2.0), chance.randrange(sources)
        actions.append(Start(at, ingest_id, source, chance.random() < 0.4, _interruption(chance)))
        if chance.random() < 0.2:  # two starts at once
            other = Start(at + chance.uniform(0.0, 0.3), ingest_id, chance.randrange(sources), chance.random() < 0.5)
            actions.append(other)
        if chance.random() < 0.3:
            stop = Stop(at + chance.uniform(0.2, 8.0), ingest_id)
            actions.append(stop)
            if chance.random() < 0.3:
                actions.append(Redrive(stop.at + chance.uniform(0.1, 10.0), ingest_id))
        for _ in range(chance.choice([0, 0, 1, 2])):
            resume = Resume(
                at + chance.uniform(0.5, 30.0),
                ingest_id,
                _model_of_resume(chance, actions, ingest_id),
                chance.random() < 0.2,
                _interruption(chance),
            )
            actions.append(resume)
            if chance.random() < 0.4:  # two resumes at once
                actions.append(Resume(resume.at + chance.uniform(0.0, 0.2), ingest_id, resume.model))
    # Half of them fall into the time in which ingests are planned.
    actions += [
        Release(chance.choice([chance.uniform(0.0, 3.5), chance.uniform(0.0, 20.0)]), chance.random() < 0.3)
        for _ in range(chance.choice([0, 0, 1, 2]))
    ]
    if chance.random() < 0.2:
        actions.append(Replace(chance.uniform(0.0, 8.0), chance.randrange(sources), chance.uniform(0.5, 10.0)))
    return tuple(sorted(actions, key=lambda action: action.at))


_REACH: Final = {"plan": 18, "infer": 60, "summarize": 20, "operator": 40}
"""About how many calls the processes of each role make in a night."""


def _single_fault(chance: random.Random) -> CallFault | InvocationFault:
    if chance.random() < 0.65:
        role = chance.choice([*CALL_ROLES, "infer", "infer"])
        return CallFault(role, chance.randrange(_REACH[role]), chance.choice(list(Kind)))
    role = chance.choice(["infer", "infer", "infer", "plan", "summarize"])
    return InvocationFault(role, chance.randrange(12 if role == "infer" else 2), chance.choice(list(StatesKind)))


def _faults(chance: random.Random) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    faults += [_single_fault(chance) for _ in range(chance.choice([0, 1, 2, 4, 8, 12]))]
    faults += [ChildFault(chance.randrange(6)) for _ in range(chance.choice([0, 0, 0, 1, 2]))]
    for _ in range(chance.choice([0, 0, 1, 2])):
        begin = chance.uniform(0.0, 10.0)
        kinds = [Kind.THROTTLED, Kind.THROTTLED, Kind.BROKEN, Kind.UNREACHED, Kind.UNANSWERED, Kind.SLOW]
        service = chance.choice(["dynamodb", "dynamodb", "s3", "lambda"])
        end = begin + chance.choice([1.0, 5.0, 20.0, 60.0])
        faults.append(Storm(service, chance.choice(kinds), begin, end, chance.choice([0.05, 0.3, 0.8, 1.0])))
    if chance.random() < 0.3:
        begin = chance.uniform(0.0, 5.0)
        faults.append(Unprocessed(begin, begin + chance.uniform(1.0, 20.0), chance.choice([0.2, 0.6])))
    return tuple(faults)


def _model_of_resume(chance: random.Random, actions: list[Action], ingest_id: str) -> str | None:
    """Draw a resume's model. One that is redriven as well keeps its own: two executions at once need one model."""
    model = chance.choice([None, None, "live"])
    redriven = any(isinstance(action, Redrive) and action.ingest_id == ingest_id for action in actions)
    return None if redriven else model


def _interruption(chance: random.Random) -> float | None:
    return chance.uniform(0.0, 1.0) if chance.random() < 0.12 else None


def _interrupted(after: float | None) -> str:
    return "" if after is None else f", Ctrl-C after {after:.2f} s"

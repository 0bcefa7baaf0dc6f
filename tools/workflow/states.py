"""Going through a definition: its state machines, one inside the other, and their states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TERMINAL = frozenset({"Succeed", "Fail"})


@dataclass(frozen=True, slots=True)
class State:
    """One state of a definition; `inside` names the Map states that it lies in, the outermost first."""

    name: str
    body: Mapping[str, Any]
    inside: tuple[str, ...]

    @property
    def type(self) -> str:
        return str(self.body.get("Type", ""))

    @property
    def ends(self) -> bool:
        """Whether its machine can end with it."""
        return self.type in TERMINAL or self.body.get("End") is True

    @property
    def caught(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """The names of errors that each Catch takes, and where it leads to."""
        return tuple((tuple(catcher["ErrorEquals"]), catcher["Next"]) for catcher in self.body.get("Catch", ()))

    @property
    def retried(self) -> tuple[str, ...]:
        """The names of all errors that its Retry lists."""
        return tuple(name for retrier in self.body.get("Retry", ()) for name in retrier["ErrorEquals"])

    def leads_to(self) -> list[str]:
        """Return the names of the states that can come next, each once."""
        names = [self.body["Next"]] if "Next" in self.body else []
        names += [choice["Next"] for choice in self.body.get("Choices", ()) if "Next" in choice]
        names += [self.body["Default"]] if "Default" in self.body else []
        names += [target for _, target in self.caught]
        return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine: the whole definition, or what a Map runs for each item."""

    inside: tuple[str, ...]
    start: str
    states: Mapping[str, State]
    processor: Mapping[str, Any]

    @property
    def express(self) -> bool:
        return bool(self.processor.get("ExecutionType") == "EXPRESS")


def machines(definition: Mapping[str, Any]) -> Iterator[Machine]:
    """Yield the definition's own state machine, then those of its Map states, in the order of the text."""
    yield from _machines(definition, ())


def all_states(definition: Mapping[str, Any]) -> Iterator[State]:
    """Yield every state, those inside a Map after the states around it."""
    for machine in machines(definition):
        yield from machine.states.values()


def find(definition: Mapping[str, Any], name: str) -> State:
    """Return the state of this name, wherever it is; raises KeyError if there is none."""
    for state in all_states(definition):
        if state.name == name:
            return state
    raise KeyError(name)


def _machines(body: Mapping[str, Any], inside: tuple[str, ...]) -> Iterator[Machine]:
    states = {name: State(name, state, inside) for name, state in body["States"].items()}
    yield Machine(inside, body["StartAt"], states, body.get("ProcessorConfig", {}))
    for name, state in states.items():
        for processor in ("ItemProcessor", "Iterator"):
            if processor in state.body:
                yield from _machines(state.body[processor], (*inside, name))

"""Draws the definition as a Mermaid flowchart, in docs/workflow.md; `make workflow-drawing` renews it."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.workflow.definition import EXAMPLE, render
from tools.workflow.error_names import integration
from tools.workflow.states import Machine, State, machines

PAGE = Path(__file__).resolve().parents[2] / "docs/workflow.md"
BEGIN, END = "<!-- drawn from the definition: begin -->", "<!-- drawn from the definition: end -->"

ITEMS = {"PlanPartitions": "partition", "InferBatches": "group", "InferGroup": "batch"}
"""What each Map goes through, in a word."""

SYMBOLS = {"<=": "≤", ">=": "≥"}
COMPARISONS = {
    "NumericEquals": "=", "NumericGreaterThan": ">", "NumericGreaterThanEquals": ">=", "NumericLessThan": "<",
    "NumericLessThanEquals": "<=", "StringEquals": "=", "BooleanEquals": "=", "IsPresent": "is present:",
}  # fmt: skip


def draw(definition: Mapping[str, Any]) -> str:
    """Return a Mermaid flowchart: solid arrows for what comes next, dotted ones for what a Catch takes."""
    by_place = {machine.inside: machine for machine in machines(definition)}
    lines = ["flowchart TD", *_lines(by_place, (), "    ")]
    lines += ["    classDef good fill:#e6f4ea,stroke:#137333", "    classDef bad fill:#fce8e6,stroke:#c5221f"]
    return "\n".join(lines)


def block(definition: Mapping[str, Any]) -> str:
    """Return what stands in the page between its two marks, the marks included."""
    return f"{BEGIN}\n\n```mermaid\n{draw(definition)}\n```\n\n{END}"


def renewed(page: str, definition: Mapping[str, Any]) -> str:
    """Return the page with the drawing of this definition; raises ValueError if it has no place for one."""
    begin, end = page.index(BEGIN), page.index(END) + len(END)
    return page[:begin] + block(definition) + page[end:]


def _lines(by_place: Mapping[tuple[str, ...], Machine], place: tuple[str, ...], indent: str) -> Iterator[str]:
    machine = by_place[place]
    if not place:
        yield f"{indent}start(( )) --> {_id(machine.states[machine.start])}"
    for state in machine.states.values():
        inner = (*place, state.name)
        if inner in by_place:
            yield f'{indent}subgraph {_id(state)} ["{_label(state)}"]'
            yield from _lines(by_place, inner, f"{indent}    ")
            yield f"{indent}end"
        else:
            yield f"{indent}{_id(state)}{_shape(state)}"
    for state in machine.states.values():
        yield from (f"{indent}{line}" for line in _arrows(machine, state))


def _arrows(machine: Machine, state: State) -> Iterator[str]:
    ids = {name: _id(other) for name, other in machine.states.items()}
    here = _id(state)
    for choice in state.body.get("Choices", ()):
        yield f'{here} -- "{_condition(choice)}" --> {ids[choice["Next"]]}'
    if "Default" in state.body:
        yield f"{here} -- else --> {ids[state.body['Default']]}"
    if "Next" in state.body:
        yield f"{here} --> {ids[state.body['Next']]}"
    for errors, target in state.caught:
        label = "any error" if errors == ("States.ALL",) else "<br/>".join(errors)
        yield f'{here} -. "{label}" .-> {ids[target]}'


def _condition(choice: Mapping[str, Any]) -> str:
    for name, symbol in COMPARISONS.items():
        if name in choice:
            path = str(choice["Variable"]).removeprefix("$.")
            return f"{path} {SYMBOLS.get(symbol, symbol)} {choice[name]}".replace(">", "&gt;").replace("<", "&lt;")
    return "a condition"


def _shape(state: State) -> str:
    label = _label(state)
    match state.type:
        case "Choice":
            return f'{{"{label}"}}'
        case "Succeed":
            return f'(["{label}"]):::good'
        case "Fail":
            return f'(["{label}"]):::bad'
        case _:
            return f'["{label}"]'


def _label(state: State) -> str:
    lines = [state.name]
    if state.type == "Task":
        service, action = integration(state)
        lines.append(f"{service}:{action}, {state.body.get('TimeoutSeconds', '?')} s")
    if state.type == "Wait":
        lines.append(f"{state.body['Seconds']} s")
    if state.type == "Map":
        config = state.body["ItemProcessor"].get("ProcessorConfig", {})
        lines[0] += f": for each {ITEMS.get(state.name, 'item')}, {config.get('Mode', 'INLINE').lower()}"
    retries = [
        f"{', '.join(retrier['ErrorEquals'][:1])}{' and others' if len(retrier['ErrorEquals']) > 1 else ''}: "
        f"{retrier.get('MaxAttempts', 3)} retries"
        for retrier in state.body.get("Retry", ())
    ]
    return "<br/>".join([*lines, *retries])


def _id(state: State) -> str:
    return "_".join([*state.inside, state.name]).replace("?", "_asked")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the definition into docs/workflow.md.")
    parser.add_argument("--check", action="store_true", help="only say whether the drawing there is current")
    arguments = parser.parse_args()
    page = PAGE.read_text()
    new = renewed(page, render(EXAMPLE))
    if new == page:
        sys.stdout.write(f"{PAGE.name} has the drawing of this definition\n")
    elif arguments.check:
        raise SystemExit(f"the drawing in docs/{PAGE.name} is not of this definition; run make workflow-drawing")
    else:
        PAGE.write_text(new)
        sys.stdout.write(f"{PAGE.name} has a new drawing\n")


if __name__ == "__main__":
    main()

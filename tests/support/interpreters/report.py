"""The table of cases and interpreters, and the history of a case that went wrong, for a person."""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.local_stack import REGION
from tests.support.interpreters.cases import CASES, Case, Interpreter, Outcome, Verdict, judge
from tests.support.interpreters.executions import AT_ONCE, Event, Run, Runner
from tests.support.interpreters.processes import clients, local_stack, localstack

STYLES = {Verdict.AS_EXPECTED: "green", Verdict.AS_KNOWN: "yellow", Verdict.MENDED: "red", Verdict.WRONG: "bold red"}
_MOST_CHARACTERS = 300
_REGIONS = {Interpreter.LOCALSTACK_INLINE: "us-west-2"}
_SAYS_NOTHING_NEW = ("TaskStarted", "StateExited", "LambdaFunctionStarted")


@contextmanager
def running(folder: Path) -> Iterator[dict[Interpreter, str]]:
    """Start the interpreters of `make check`; the context is the endpoint of each."""
    with ExitStack() as started:
        second = started.enter_context(localstack(folder / "localstack"))
        yield {
            Interpreter.LOCAL_STACK: started.enter_context(local_stack(folder / "mocked")),
            Interpreter.LOCALSTACK: second,
            Interpreter.LOCALSTACK_INLINE: second,
        }


def run_all(endpoints: dict[Interpreter, str], cases: Sequence[Case], text: str | None = None) -> list[Run]:
    """Run all cases on all interpreters, some side by side; `text` is another text of the definition to be used."""
    runners = {
        # Mocked cases belong to a state machine's name, so a second one of that name lives in another region.
        interpreter: Runner(interpreter, *clients(endpoint, _REGIONS.get(interpreter, REGION)), text)
        for interpreter, endpoint in endpoints.items()
    }
    asked = [(runners[interpreter], case) for case in cases for interpreter in runners]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: one[0].run_case(one[1]), asked))


def table(runs: Sequence[Run]) -> Table:
    """Show what each case came to on each interpreter, and the way that it took."""
    shown = Table(box=SIMPLE)
    shown.add_column("case", no_wrap=True)
    shown.add_column("interpreter", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("way", overflow="fold")
    for number, run in enumerate(runs):
        verdict, why = judge(run.case, run.interpreter, run.outcome)
        first = not number or runs[number - 1].case is not run.case
        last = number + 1 == len(runs) or runs[number + 1].case is not run.case
        shown.add_row(
            run.case.id if first else "",
            run.interpreter.value,
            f"[{STYLES[verdict]}]{verdict.value}[/]",
            "\n".join([way(run.outcome), *(f"[dim]{line}[/]" for line in why)]),
            end_section=last,
        )
    return shown


def way(outcome: Outcome) -> str:
    """Write the way an execution took: its states, and in brackets what its children did."""
    children = ""
    if outcome.children:
        counts = Counter(outcome.children)
        children = ", ".join(f"{count} x {' > '.join(path)}" for path, count in counts.items())
    elif outcome.succeeded or outcome.failed:
        children = f"{outcome.succeeded} children done, {outcome.failed} failed"
    names = [f"{name} ({children})" if name == "InferBatches" and children else name for name in outcome.path]
    return " > ".join(names) + (f", told of {outcome.caught}" if outcome.caught else "")


def history(events: Sequence[Event]) -> Table:
    """Show an execution's history as a person wants to read it: when, what happened where, and with what data."""
    shown = Table(box=SIMPLE)
    for name, justify in (("s", "right"), ("event", "left"), ("state", "left"), ("with", "left")):
        shown.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    state, before = "", None
    began = events[0]["timestamp"] if events else None
    for event in events:
        details: Mapping[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
        state = details.get("name", state)
        kind = str(event["type"])
        if kind.endswith(_SAYS_NOTHING_NEW):
            continue
        data = _data(details)
        if kind.endswith("StateEntered"):
            data, before = _new_in(data, before), data
        bad = kind.endswith(("Failed", "TimedOut", "Aborted"))
        shown.add_row(
            f"{(event['timestamp'] - began).total_seconds():.2f}",
            f"[red]{kind}[/]" if bad else kind,
            state,
            escape(_text(data)),
        )
    return shown


def _data(details: Mapping[str, Any]) -> Any:
    """Return an event's data: an error with its cause, or what a Task was given or answered, without its envelope."""
    if "error" in details or "cause" in details:
        return f"{details.get('error', '')}: {details.get('cause', '')}"
    text = next((str(details[name]) for name in ("output", "parameters", "input") if name in details), "")
    try:
        data = json.loads(text)
    except ValueError:
        return text
    return data.get("Payload", data) if isinstance(data, dict) else data


def _new_in(data: Any, before: Any) -> Any:
    """Return what a state was given that the one before it was not."""
    if not isinstance(data, dict) or not isinstance(before, dict):
        return data
    return {name: value for name, value in data.items() if before.get(name) != value} or "as before"


def _text(data: Any) -> str:
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."


def explain(run: Run) -> Iterator[object]:
    """Yield what to print of a run that is not as it should be: what differs, the way it took, its history."""
    verdict, why = judge(run.case, run.interpreter, run.outcome)
    yield f"[bold red]{run.case.id} on {run.interpreter.value}: {verdict.value}[/]"
    yield from (f"  {line}" for line in why)
    yield f"  wanted  {way(run.case.outcome)}"
    yield f"  found   {way(run.outcome)}"
    yield history(run.events)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the workflow's mocked cases on every interpreter that is here.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these cases, such as HappyPath")
    parser.add_argument("--history", action="store_true", help="print the history of every execution")
    parser.add_argument("--json", action="store_true", help="print the outcomes for a machine")
    arguments = parser.parse_args()
    cases = [case for case in CASES if not arguments.cases or {case.name, case.id} & set(arguments.cases)]
    if not cases:
        raise SystemExit(f"there is no such case; there are {', '.join(case.name for case in CASES)}")
    out = Console(highlight=False, width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160")))
    LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="workflow-", dir=LOCAL) as folder, running(Path(folder)) as endpoints:
        runs = run_all(endpoints, cases)
    verdicts = Counter(judge(run.case, run.interpreter, run.outcome)[0] for run in runs)
    if arguments.json:
        found = [
            {
                "case": run.case.id,
                "interpreter": run.interpreter,
                "verdict": judge(run.case, run.interpreter, run.outcome)[0],
                "way": way(run.outcome),
            }
            for run in runs
        ]
        out.print(json.dumps(found, indent=2), markup=False, soft_wrap=True)
    else:
        out.print(table(runs))
        out.print("  " + ", ".join(f"{count} {verdict.value}" for verdict, count in verdicts.items()))
    for run in runs:
        bad = judge(run.case, run.interpreter, run.outcome)[0] in (Verdict.WRONG, Verdict.MENDED)
        if bad or arguments.history:
            for part in explain(run) if bad else (f"\n{run.case.id} on {run.interpreter.value}", history(run.events)):
                out.print(part)
    if verdicts[Verdict.WRONG] or verdicts[Verdict.MENDED]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

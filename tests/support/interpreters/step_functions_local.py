"""Runs the cases on AWS's Step Functions Local: its image by docker compose, its jar, or one that runs already.

It knows no Distributed Map, so it gets the projected definition; docs/testing.md says what that leaves out. Without a
Docker engine and a jar it says so and ends well.
"""

import argparse
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from hundredfold_cli.stack.checkout import LOCAL, ROOT
from hundredfold_cli.stack.local_stack import REGION, LocalStack
from tests.support.interpreters.cases import CASES, Case, Interpreter, Verdict, judge
from tests.support.interpreters.executions import Run, Runner
from tests.support.interpreters.processes import clients, free_port, stop
from tests.support.interpreters.report import explain, table
from tools.workflow.mocks import MOCKS

COMPOSE = ROOT / "infra/step-functions-local.compose.yaml"
JAR_PORT = 8083
_START_SECONDS = 180


def environment(port: int) -> dict[str, str]:
    """Return what the compose file and the jar are told: the port, and where Lambda is, if the local stack runs."""
    told = {"SFN_LOCAL_PORT": str(port)}
    if running := LocalStack(LOCAL).running():
        told["LAMBDA_ENDPOINT"] = f"http://host.docker.internal:{running.port}"
    return told


def engine_there() -> bool:
    """Tell whether there is a Docker engine, not only its command, and compose."""
    try:
        for question in ("info",), ("compose", "version"):
            subprocess.run(["docker", *question], capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@contextmanager
def by_compose() -> Iterator[str]:
    """Run the image; the context is its endpoint."""
    port = free_port()
    command = ["docker", "compose", "--file", str(COMPOSE), "--project-name", f"hundredfold-{os.getpid()}"]
    told = {**os.environ, **environment(port)}
    try:
        subprocess.run([*command, "up", "--detach", "--quiet-pull"], env=told, check=True)
        endpoint = f"http://127.0.0.1:{port}"
        _await(endpoint)
        yield endpoint
    finally:
        subprocess.run([*command, "down", "--volumes"], env=told, check=False)


@contextmanager
def by_jar(jar: Path) -> Iterator[str]:
    """Run the jar, which listens on port 8083; the context is its endpoint."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    told |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "SFN_MOCK_CONFIG": str(MOCKS)}
    told |= {"AWS_DEFAULT_REGION": REGION, "AWS_ACCOUNT_ID": "000000000000"}
    if running := LocalStack(LOCAL).running():
        told["LAMBDA_ENDPOINT"] = told["DYNAMODB_ENDPOINT"] = running.endpoint
    child = subprocess.Popen(["java", "-jar", str(jar)], env=told, start_new_session=True)
    try:
        endpoint = f"http://127.0.0.1:{JAR_PORT}"
        _await(endpoint)
        yield endpoint
    finally:
        stop(child)


def run_at(endpoint: str, interpreter: Interpreter, cases: Sequence[Case] = CASES) -> list[Run]:
    """Run cases on a server that speaks the API of Step Functions, with the projected definition."""
    step_functions, _ = clients(endpoint)
    return Runner(interpreter, step_functions, None).run(cases)


def _await(endpoint: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(endpoint, timeout=2):  # noqa: S310 - made here
                return
        except urllib.error.HTTPError:
            return  # it answers, and that is enough
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"Step Functions Local did not answer at {endpoint} within {_START_SECONDS} s")


def _judged(endpoint: str, interpreter: Interpreter, cases: Sequence[Case]) -> int:
    out = Console(highlight=False, width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160")))
    runs = run_at(endpoint, interpreter, cases)
    out.print(table(runs))
    wrong = [run for run in runs if judge(run.case, interpreter, run.outcome)[0] in (Verdict.WRONG, Verdict.MENDED)]
    for run in wrong:
        for part in explain(run):
            out.print(part)
    return 1 if wrong else 0


def main(arguments: list[str] | None = None, told: Mapping[str, str] = os.environ) -> int:
    parser = argparse.ArgumentParser(description="Runs the workflow's cases on AWS's Step Functions Local.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these cases, such as HappyPath")
    parser.add_argument("--endpoint", help="of one that runs already, with SFN_MOCK_CONFIG set")
    parser.add_argument(
        "--as",
        dest="interpreter",
        type=Interpreter,
        default=Interpreter.STEP_FUNCTIONS_LOCAL,
        help="judge by what is known of another interpreter",
    )
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if not options.cases or case.name in options.cases]
    if options.endpoint:
        return _judged(options.endpoint, options.interpreter, cases)
    if jar := told.get("SFN_LOCAL_JAR"):
        with by_jar(Path(jar).resolve(strict=True)) as endpoint:
            return _judged(endpoint, options.interpreter, cases)
    if not engine_there():
        sys.stdout.write(
            "skipped: there is no Docker engine here to run amazon/aws-stepfunctions-local with;\n"
            "start one, or name AWS's jar: make step-functions-local SFN_LOCAL_JAR=StepFunctionsLocal.jar\n"
        )
        return 0
    with by_compose() as endpoint:
        return _judged(endpoint, options.interpreter, cases)


if __name__ == "__main__":
    raise SystemExit(main())

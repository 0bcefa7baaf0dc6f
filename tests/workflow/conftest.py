"""The interpreters, started once for all tests here, and the runs of all cases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from tests.support.interpreters.cases import CASES, Interpreter
from tests.support.interpreters.executions import Run
from tests.support.interpreters.processes import clients
from tests.support.interpreters.report import run_all, running
from tests.support.interpreters.state_cases import STATE_CASES, Seen
from tests.support.interpreters.state_tests import StateTester
from tools.workflow.samples import WORK_BUCKET


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--aws", action="store_true", help="test single states on AWS, with your credentials and region")


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Interpreter, str]]:
    """The endpoint of each interpreter."""
    with running(tmp_path_factory.mktemp("interpreters")) as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, interpreters: dict[Interpreter, str]) -> dict[tuple[Interpreter, str], Run]:
    """Every case that is asked for on every interpreter, run side by side: most of their time is waiting.

    The states that are asked for are tested meanwhile.
    """
    chosen = [case for case in CASES if case in _asked_for(request)]
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(run_all, interpreters, chosen)
        request.getfixturevalue("seen")
        return {(run.interpreter, run.case.id): run for run in ending.result()}


@pytest.fixture(scope="session")
def on_aws(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--aws", default=False))


@pytest.fixture(scope="session")
def seen(request: pytest.FixtureRequest, on_aws: bool) -> dict[str, Seen]:
    """What TestState says of every state case that is asked for, by the case's name."""
    if on_aws:
        tester, threads = StateTester(boto3.client("stepfunctions"), real=True), 1
    else:
        endpoints: dict[Interpreter, str] = request.getfixturevalue("interpreters")
        step_functions, s3 = clients(endpoints[Interpreter.LOCALSTACK])
        s3.create_bucket(Bucket=WORK_BUCKET)  # localstack writes a Map's results even when only its state is tested
        tester, threads = StateTester(step_functions), 2
    chosen = [case for case in STATE_CASES if case in _asked_for(request)]
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip((case.name for case in chosen), pool.map(tester.see, chosen), strict=True))


def _asked_for(request: pytest.FixtureRequest) -> list[object]:
    """Return the cases of the tests that were chosen to be run."""
    return [item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")]

"""A local stack whose functions reach S3 and DynamoDB through a proxy that fails on request; the matrix at the end."""

from collections.abc import Iterator

import pytest

from hundredfold.layout import Layout
from hundredfold.model.bundle import load
from hundredfold_cli.stack.checkout import ROOT
from tests.faults.fault_proxy import FaultProxy
from tests.faults.matrix import Row, render
from tests.faults.trial import World
from tests.support.deployed import deployed, storing

ROWS: list[Row] = []


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with FaultProxy() as proxy:
        environment = {"AWS_ENDPOINT_URL_S3": proxy.url, "AWS_ENDPOINT_URL_DYNAMODB": proxy.url}
        with deployed("faults", environment=environment, started=proxy.forward_to) as stack:
            yield World(stack, proxy, load(ROOT / "build/bundle"), ROWS)


@pytest.fixture(params=Layout, ids=lambda layout: layout.value)
def layout_name(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """Store predictions in each layout in turn; what the names of rows end with."""
    with storing(world.stack.deployment, request.param):
        yield f", {request.param.value}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ROWS:
        terminalreporter.section("what came of each fault")
        terminalreporter.write_line(render(ROWS))

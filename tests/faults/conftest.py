"""A local stack whose functions reach S3 and DynamoDB through a proxy that fails on request; the matrix at the end."""

import os
from collections.abc import Iterator

import pytest
from deployed import Stack
from hundredfold.bundle import load
from hundredfold_cli.deploying import deploy_locally
from hundredfold_cli.deployment import STACK_NAME
from hundredfold_cli.local_stack import LocalStack
from hundredfold_cli.project import LOCAL, ROOT

from tests.faults.fault_proxy import FaultProxy
from tests.faults.matrix import Row, render
from tests.faults.trial import World

ROWS: list[Row] = []


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    folder = LOCAL / f"faults-{os.getpid()}"
    local = LocalStack(folder)
    with FaultProxy() as proxy:
        try:
            process = local.start({"AWS_ENDPOINT_URL_S3": proxy.url, "AWS_ENDPOINT_URL_DYNAMODB": proxy.url})
            proxy.endpoint_port = process.port
            deploy_locally(process.environment(), folder / "deploy.log")
            stack = Stack(process, process.deployment(STACK_NAME))
            yield World(stack, proxy, load(ROOT / "build/bundle"), ROWS)
        finally:
            local.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ROWS:
        terminalreporter.section("what came of each fault")
        terminalreporter.write_line(render(ROWS))

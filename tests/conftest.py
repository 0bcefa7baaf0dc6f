"""One local stack for all tests that need one: started and deployed to on first use, stopped at the end."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from deployed import PARAMETERS, Stack
from hundredfold_cli.deploying import deploy_locally
from hundredfold_cli.deployment import STACK_NAME
from hundredfold_cli.local_stack import LocalStack
from hundredfold_cli.project import LOCAL
from xdist.scheduler import LoadScopeScheduling

WORKFLOW = "tests/workflow"
FIRST = (WORKFLOW, "tests/e2e/test_starting.py", "tests/e2e")
"""What takes longest is begun first, so that two processes end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((n for n, begin in enumerate(FIRST) if item.nodeid.startswith(begin)), len(FIRST)))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives to one process what shares something that takes long to start: all of tests/workflow, and each file."""

    def _split_scope(self, nodeid: str) -> str:
        return WORKFLOW if nodeid.startswith(WORKFLOW) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    folder = LOCAL / f"tests-{os.getpid()}"
    local = LocalStack(folder)
    try:
        process = local.start()
        deploy_locally(process.environment(), folder / "deploy.log", PARAMETERS)
        yield Stack(process, process.deployment(STACK_NAME))
    finally:
        local.stop()


@pytest.fixture
def new_id(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Make ingest ids that no other test has."""
    name = request.node.name.removeprefix("test_")[:40].replace("[", "-").replace("]", "")
    return lambda: f"{name}-{uuid.uuid4().hex[:8]}"

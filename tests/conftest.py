"""One local stack for all tests that need one: started and deployed to on first use, stopped at the end."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.deployed import PARAMETERS, Stack, deployed

WORKFLOW = "tests/workflow"
FIRST = (WORKFLOW, "tests/e2e/test_store_mutations.py", "tests/e2e/test_starting.py", "tests/e2e")
"""What takes longest is begun first, so that two processes end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((n for n, begin in enumerate(FIRST) if item.nodeid.startswith(begin)), len(FIRST)))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives to one process what shares something that takes long to start: all of tests/workflow, and each file."""

    def _split_scope(self, nodeid: str) -> str:
        return WORKFLOW if nodeid.startswith(WORKFLOW) else nodeid.partition("::")[0]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name gzipped parameters without their bytes, which have the time: all processes must collect the same names."""
    return f"{argname}-gzip" if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with deployed("tests", PARAMETERS) as stack:
        yield stack


@pytest.fixture
def new_id(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Make ingest ids that no other test has."""
    name = request.node.name.removeprefix("test_")[:40].replace("[", "-").replace("]", "")
    return lambda: f"{name}-{uuid.uuid4().hex[:8]}"

"""One local stack for all tests that need one: started and deployed to on first use, stopped at the end."""

import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from deployed import Stack
from hundredfold_cli.deploying import deploy_locally
from hundredfold_cli.deployment import STACK_NAME
from hundredfold_cli.local_stack import LocalStack
from hundredfold_cli.project import LOCAL

OTHER_BUCKET = "records-of-others"
PARAMETERS = {
    "StartOnArrival": "yes",
    "OtherSourceArns": f"arn:aws:s3:::{OTHER_BUCKET},arn:aws:s3:::{OTHER_BUCKET}/shared/*",
}
"""What is off by default is on, where it does not act by itself: no schedule."""


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

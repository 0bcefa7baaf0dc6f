"""What the unit tests share: Hypothesis' settings, and AWS as a server of our own that answers as it is told."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.unit.answering_server import AnsweringServer

# Telemetry reads it when it is imported, as in a function.
os.environ["POWERTOOLS_SERVICE_NAME"] = "tests"

# How long an example takes says nothing here: the machine may be busy.
settings.register_profile("unit", max_examples=150, deadline=None)
settings.load_profile("unit")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    """A server that all boto3 clients made in the test talk to; botocore's waits between attempts are left out."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with AnsweringServer() as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "no-such-file",
            "AWS_SHARED_CREDENTIALS_FILE": "no-such-file",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield server

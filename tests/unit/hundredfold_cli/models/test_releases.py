"""Releases: which versions of the inference function are the same."""

from typing import Any

import pytest

from hundredfold_cli.models.releases import Releases
from tests.unit.answering_server import AnsweringServer, json_reply
from tests.unit.aws_services import AwsServices


@pytest.mark.parametrize(
    "changed",
    [
        {"MemorySize": 3538},
        {"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}},
        {"TracingConfig": {"Mode": "Active"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_version_with_another_configuration_is_another_version(aws: AnsweringServer, changed: dict[str, Any]) -> None:
    # Given version 1, and version 2 of the same code with another configuration
    releases = Releases(AwsServices(aws).deployment())
    configurations = {
        "1": {"Version": "1", "MemorySize": 1769, "TracingConfig": {"Mode": "PassThrough"}},
        "2": {"Version": "2", "MemorySize": 1769, "TracingConfig": {"Mode": "PassThrough"}} | changed,
    }
    aws.answer = lambda request: json_reply(configurations[request.path.rpartition("=")[2]])

    # Then a release publishes version 2, since version 1 would not do
    assert releases.version("1").settings != releases.version("2").settings

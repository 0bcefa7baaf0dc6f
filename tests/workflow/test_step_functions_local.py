"""What can be known of Step Functions Local without a Docker engine: its files, and its runner on another server."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.interpreters.cases import Interpreter
from tests.support.interpreters.executions import definition_for, with_short_waits
from tests.support.interpreters.processes import clients
from tests.support.interpreters.step_functions_local import COMPOSE, environment, main
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.projection import project

SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]


def test_what_the_compose_file_mounts_is_there_and_is_where_the_image_is_told_to_look() -> None:
    service = SERVICES["step-functions-local"]
    (mount,) = service["volumes"]
    source, target, mode = mount.split(":")

    assert (COMPOSE.parent / source).resolve() == Path(__file__).resolve().parents[2] / "workflows/MockConfigFile.json"
    assert service["environment"]["SFN_MOCK_CONFIG"] == target
    assert Path(target).name == "MockConfigFile.json", "the image takes no other name"
    assert mode == "ro"


def test_nothing_is_reached_from_outside_of_this_machine() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_every_variable_of_the_compose_file_has_a_default_or_is_given() -> None:
    named = re.findall(r"\$\{(\w+)(:-[^}]*)?\}", COMPOSE.read_text())

    assert {name for name, default in named if not default} == set()
    assert environment(1234)["SFN_LOCAL_PORT"] == "1234"
    assert {name for name, _ in named} >= environment(1234).keys()


def test_it_gets_the_projected_definition() -> None:
    substitutions = {
        **EXAMPLE, "GroupsAtOnce": "1", "GroupBatchesAtOnce": "1", "PartitionsAtOnce": "1",
        "ToleratedFailureCount": "0", "ChildExecutionType": "STANDARD",
    }  # fmt: skip

    assert definition_for(Interpreter.STEP_FUNCTIONS_LOCAL) == project(with_short_waits(render(substitutions)))


def test_without_an_engine_it_says_so_and_ends_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a docker command that finds no engine
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main([], told={}) == 0

    assert "skipped: there is no Docker engine here" in capsys.readouterr().out


def test_the_runner_works_on_another_server_with_the_same_api(
    interpreters: dict[Interpreter, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    # Given localstack, whose other state machines of these names are in other regions
    monkeypatch.setattr(
        "tests.support.interpreters.step_functions_local.clients",
        lambda endpoint: clients(endpoint, region="eu-central-1"),
    )

    quick = ["HappyPath", "EmptyIngest", "PlanRejected", "SummaryFails", "UnknownErrorFails"]
    code = main([*quick, "--endpoint", interpreters[Interpreter.LOCALSTACK], "--as", "localstack, projected"])

    told = capsys.readouterr().out
    assert code == 0, told
    assert told.count("as expected") == 4
    assert told.count("wrong, as known") == 1

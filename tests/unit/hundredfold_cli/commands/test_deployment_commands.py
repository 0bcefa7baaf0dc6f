"""The commands `doctor` and `check-deployment`: what they ask, refuse and print before anything is touched."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hundredfold_cli.commands import check_deployment
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.row import Row
from hundredfold_cli.errors import OptionError
from hundredfold_cli.main import app
from hundredfold_cli.stack.target import Target

AWS = ["--target", "aws"]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without credentials, region and endpoint."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("nowhere")
def test_the_doctor_says_what_to_set_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hundredfold_cli.commands.doctor.examine_machine", lambda **_: [])

    result = CliRunner().invoke(app, [*AWS, "doctor", "--json"])

    findings = {finding["subject"]: finding for finding in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert findings["endpoint"]["fine"]
    assert findings["region"]["action"].startswith("set AWS_DEFAULT_REGION")
    assert findings["credentials"]["action"].startswith("no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID")
    assert findings["account"]["detail"] == "not looked at, without credentials"


def test_on_aws_the_expense_is_said_first_and_a_no_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_deployment, "ask_own_stack", lambda *_: pytest.fail("it went on"))

    result = CliRunner().invoke(app, [*AWS, "check-deployment"], input="n\n")

    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == "nothing was done; --yes goes on without asking"
    assert "about $0.047 by list price" in result.stderr


def test_yes_and_the_local_stack_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def ask(_: Target, checks: Sequence[Check], __: Path) -> list[Row]:
        asked.append([check.name for check in checks])
        return []

    monkeypatch.setattr(check_deployment, "ask_own_stack", ask)

    assert CliRunner().invoke(app, [*AWS, "check-deployment", "--yes", "--json"]).exit_code == 0
    assert CliRunner().invoke(app, ["check-deployment", "--json"]).exit_code == 0
    assert CliRunner().invoke(app, [*AWS, "check-deployment", "--yes", "--kinesis", "--only", "keys"]).exit_code == 0

    on_aws, here, only = asked
    assert set(here) - set(on_aws) == {"stream-kinesis"}
    assert only == ["keys"]


def test_an_unknown_check_is_refused_before_anything_else() -> None:
    result = CliRunner().invoke(app, [*AWS, "check-deployment", "--only", "speed"])

    assert isinstance(result.exception, OptionError)


def test_costs_want_a_run_of_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(check_deployment, "RECKONING", tmp_path / "none.json")

    result = CliRunner().invoke(app, ["check-deployment", "--costs", "--yes"])

    assert str(result.exception).startswith("no run of the checks on AWS is known here")

"""The commands about a stack: deploying goes to AWS only by name."""

import pytest
from typer.testing import CliRunner

from hundredfold_cli.commands import stack
from hundredfold_cli.errors import OptionError
from hundredfold_cli.main import app


@pytest.fixture
def deployed_to(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks that were deployed, in place of a deployment."""
    stacks: list[str] = []
    monkeypatch.delenv("HUNDREDFOLD_TARGET", raising=False)
    monkeypatch.setattr(stack, "prepare", lambda *_: None)
    monkeypatch.setattr(stack, "deploy_to_aws", lambda name, *_, **__: stacks.append(name))
    return stacks


@pytest.mark.parametrize("options", [[], ["--target", "local"]])
def test_a_deployment_that_does_not_name_aws_changes_nothing(options: list[str], deployed_to: list[str]) -> None:
    result = CliRunner().invoke(app, [*options, "deploy"])

    assert isinstance(result.exception, OptionError)
    assert "hundredfold --target aws deploy" in str(result.exception)
    assert deployed_to == []


def test_a_deployment_to_aws_is_named_by_the_option_or_the_variable(deployed_to: list[str]) -> None:
    CliRunner().invoke(app, ["--target", "aws", "deploy"], catch_exceptions=False)
    CliRunner().invoke(app, ["--stack", "mine", "deploy"], env={"HUNDREDFOLD_TARGET": "aws"}, catch_exceptions=False)

    assert deployed_to == ["hundredfold", "mine"]

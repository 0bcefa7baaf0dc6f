"""The commands about a stack: deploying goes to AWS only by name, and removing only if it is confirmed."""

import json

import pytest
from typer.testing import CliRunner

from hundredfold_cli.commands import stack
from hundredfold_cli.errors import OptionError
from hundredfold_cli.main import app
from tests.unit.hundredfold_cli.account_in_memory import Account
from tests.unit.hundredfold_cli.stack.test_removal import OF_OTHERS, account, left


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


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with stack `s` and others, which the command connects to."""
    there = account()
    monkeypatch.setenv("HUNDREDFOLD_TARGET", "aws")
    monkeypatch.setenv("HUNDREDFOLD_STACK", "s")
    monkeypatch.setattr(stack, "StackContents", lambda _session, _endpoint, name: there.contents(name))
    return there


def test_a_dry_run_lists_what_would_go_and_what_would_stay(there: Account) -> None:
    result = CliRunner().invoke(app, ["remove", "--dry-run"])

    assert result.exit_code == 0
    assert "this would be deleted:\n  table s-PredictionsTable-1" in result.stdout
    assert (
        "this stays:\n  a backup of table s-PredictionsTable-1, which DynamoDB keeps for 35 days: free" in result.stdout
    )
    assert there.calls == []


@pytest.mark.parametrize("answer", ["", "y\n", "yes\n", "S\n", "hundredfold\n"])
def test_tables_are_deleted_only_if_the_stack_s_name_is_typed(there: Account, answer: str) -> None:
    result = CliRunner().invoke(app, ["remove"], input=answer)

    assert isinstance(result.exception, OptionError)
    assert "nothing was deleted" in str(result.exception)
    assert there.calls == []


@pytest.mark.parametrize(("options", "answer"), [([], "s\n"), (["--yes"], "")])
def test_what_is_confirmed_is_deleted(there: Account, options: list[str], answer: str) -> None:
    result = CliRunner().invoke(app, ["remove", *options], input=answer, catch_exceptions=False)

    assert result.exit_code == 0
    assert left(there) == OF_OTHERS


def test_without_the_tables_a_yes_is_enough_and_they_are_priced(there: Account) -> None:
    result = CliRunner().invoke(app, ["remove", "--keep-data"], input="y\n", catch_exceptions=False)

    assert "table s-PredictionsTable-1, 4,000.0 MB with point-in-time recovery: $1.8000 a month" in result.stdout
    assert set(there.tables) == {"t-LedgerTable", "s-PredictionsTable-1", "s-LedgerTable-1"}


def test_a_machine_is_told_what_went_and_what_stays(there: Account) -> None:
    result = CliRunner().invoke(app, ["remove", "--yes", "--json"], catch_exceptions=False)

    said = json.loads(result.stdout)
    assert (said["stack"], said["dry_run"], said["log_groups"]) == (
        "s", False, ["/aws/lambda/s-infer-batch", "/aws/vendedlogs/states/s-batch-inference"],
    )  # fmt: skip
    assert {one["usd_a_month"] for one in said["stays"]} == {0.0}
    assert left(there) == OF_OTHERS

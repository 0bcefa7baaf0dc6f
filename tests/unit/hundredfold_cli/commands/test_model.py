"""`model prune` asks before it deletes, and says what it does not."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from hundredfold_cli.commands import model
from hundredfold_cli.errors import OptionError
from hundredfold_cli.main import app
from hundredfold_cli.models.pruning import Pruner
from tests.unit.hundredfold_cli.account_in_memory import SAM_BUCKET, Account
from tests.unit.hundredfold_cli.models import test_pruning


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with stack `s`, whose version 1 can be pruned, which the command finds."""
    there = test_pruning.account()
    releases: Any = test_pruning.Releases(there, ["1"], {"2": "it is live"})
    deployment: Any = test_pruning.Deployed()
    monkeypatch.setattr(model, "find_deployment", lambda _: deployment)
    monkeypatch.setattr(model, "Releases", lambda *_: releases)
    monkeypatch.setattr(model, "contents_of", lambda _: there.contents("s"))
    monkeypatch.setattr(model, "Pruner", Pruner)
    return there


def prune(*options: str, answer: str = "") -> Any:
    return CliRunner().invoke(app, ["model", "prune", "--keep", "1", *options], input=answer)


def test_it_says_what_it_will_delete_and_deletes_nothing_if_that_is_not_confirmed(there: Account) -> None:
    result = prune(answer="n\n")

    assert isinstance(result.exception, OptionError)
    assert "version 2 stays: it is live" in result.stderr
    assert "this will be deleted:\n  version 1 with model m\n  layer s-readers, version 1" in result.stderr
    assert there.calls == []


@pytest.mark.parametrize(("options", "answer"), [([], "y\n"), (["--yes"], "")])
def test_what_is_confirmed_is_deleted(there: Account, options: list[str], answer: str) -> None:
    result = prune(*options, answer=answer)

    assert result.exit_code == 0
    assert result.stdout.startswith("deleted:\n  version 1 with model m\n")
    assert there.layers["s-core"] == [2]
    assert ("s/old", "v1") not in there.objects[SAM_BUCKET]


def test_a_dry_run_deletes_nothing_and_asks_nothing(there: Account) -> None:
    said = json.loads(prune("--dry-run", "--json").stdout)

    assert (said["dry_run"], said["deleted"], said["kept"]) == (True, ["1"], {"2": "it is live"})
    assert len(said["uploads"]) == 3
    assert there.calls == []


def test_where_nothing_can_be_deleted_nothing_is_asked(there: Account) -> None:
    prune("--yes")
    there.calls.clear()

    result = prune()

    assert result.exit_code == 0
    assert "there is nothing to delete" in result.stderr
    assert there.calls == []

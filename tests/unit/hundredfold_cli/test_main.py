"""The command's help: that of every subcommand can be read, in a narrow terminal too, and leaves nothing out."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from hundredfold_cli.main import app


def commands(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield a command and all of its subcommands, each with the words that call it."""
    yield names, command
    for name, subcommand in getattr(command, "commands", {}).items():
        yield from commands(subcommand, *names, name)


COMMANDS = dict(commands(get_command(app)))


def words(text: str) -> str:
    """Return the words of a text, without the frames, the marks of Markdown and the line breaks around them."""
    return " ".join(re.sub(r"[│╭╮╰╯─`]", " ", text).split())


def test_there_are_as_many_commands_as_are_documented() -> None:
    assert {names[0] for names in COMMANDS if len(names) == 1} == {
        "ingest", "watch", "resume", "summary", "results", "verify", "report", "estimate", "cost", "up", "status",
        "down", "deploy", "remove", "dashboard", "model", "doctor", "list", "stop", "logs", "redeliver",
        "check-deployment",
    }  # fmt: skip
    assert {names[1] for names in COMMANDS if len(names) == 2} == {
        "package", "publish", "list", "show", "diff", "rollback", "prune", "compare", "shadow",
    }  # fmt: skip


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("names", COMMANDS, ids=lambda names: " ".join(names) or "hundredfold")
def test_every_help_is_printed_in_whole(names: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", columns)

    result = CliRunner().invoke(app, [*names, "--help"])

    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= columns
    shown = words(result.output)
    command = COMMANDS[names]
    assert words(command.help) in shown
    for parameter in command.params:
        assert parameter.opts[0].strip("-") in result.output
        missing = [word for word in words(getattr(parameter, "help", "") or "").split() if word not in shown]
        assert missing == [], parameter.name


def test_an_error_in_the_options_is_bad_input() -> None:
    result = CliRunner().invoke(app, ["estimate", "--records", "many"])

    assert result.exit_code == 2
    assert "--records" in result.output


def test_the_target_is_what_the_options_before_the_command_say() -> None:
    targets = []

    probe = typer.Typer()
    probe.callback()(app.registered_callback.callback)  # type: ignore[union-attr, type-var]

    @probe.command()
    def show(context: typer.Context) -> None:
        targets.append((context.obj.cloud.value, context.obj.stack))

    CliRunner().invoke(probe, ["--target", "aws", "--stack", "mine", "show"], catch_exceptions=False)
    CliRunner().invoke(probe, ["show"], env={"HUNDREDFOLD_STACK": "theirs"}, catch_exceptions=False)

    assert targets == [("aws", "mine"), ("local", "theirs")]

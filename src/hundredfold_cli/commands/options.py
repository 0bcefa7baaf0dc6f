"""Arguments and options that several commands take, and the target that the options before the command name."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hundredfold_cli.console import ask
from hundredfold_cli.errors import OptionError
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.target import Target


def check_not_empty(parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Return the value of an id; raises OptionError if it is blank, as a variable of a shell is that was not set."""
    if value is None or value.strip():
        return value
    if parameter.param_type_name == "option":
        raise OptionError(f"{parameter.opts[0]} is empty")
    raise OptionError("the ingest's id is empty; leave it out for the newest ingest")


IngestId = Annotated[
    str | None, typer.Argument(callback=check_not_empty, help="The ingest's id; without it, the newest ingest.")
]
MaxRejected = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT",
        help="The share of the records that may be rejected, such as 5%. If more are, the ingest ends FAILED and its "
        "predictions are kept. By default the stack's own limit; an ingest that rejects all records always fails.",
    ),
]
RequiredIngestId = Annotated[str, typer.Argument(help="The ingest's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
TemplateParameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of the template; may be repeated."),
]
Bundle = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Build this bundle into the stack; `model package` makes one."),
]
BuiltModel = Annotated[
    bool, typer.Option("--built-model", help="Make the model live that was built here; without it, the live one stays.")
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")]


def check_confirmed(question: str, expected: str = "y") -> None:
    """Ask a person whether to go on.

    Parameters
    ----------
    expected : the answer that confirms; a longer word than `y` must be typed exactly

    Raises
    ------
    OptionError
        If the answer is another one, or nobody can answer.
    """
    answer = ask(question)
    if answer != expected and not (expected == "y" and answer.lower() in {"y", "yes"}):
        raise OptionError("it was not confirmed, so nothing was deleted; --yes confirms it without asking")


def target_of(context: typer.Context) -> Target:
    """Return the target that the options before the command name."""
    target: Target = context.obj
    return target


def find_deployment(context: typer.Context) -> Deployment:
    """Return what is deployed at the target.

    Raises
    ------
    NotThereError
        If nothing is; the message says what to do.
    """
    return target_of(context).find_deployment()


def parse_percent(text: str | None, option: str) -> float | None:
    """Return a share such as `5%` as a number from 0 to 100; None if it is not set.

    Raises
    ------
    OptionError
        If it is no such share. A number without the sign is refused too, since it could be meant as either.
    """
    if text is None:
        return None
    number = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%", text.strip())
    if not number or float(number[1]) > 100:
        raise OptionError(f"{option} {text} is no share from 0% to 100%: write {option} 5%")
    return float(number[1])


def parse_pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """Read the `NAME=VALUE` words of an option that may be repeated.

    Raises
    ------
    OptionError
        If a word is not of that form; the message names the option.
    """
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, equals, value in pairs if not (name and equals and value)]:
        raise OptionError(f"{option} {wrong[0]} must be of the form name=value")
    return {name: value for name, _, value in pairs}

"""The `hundredfold` command: its subcommands, the options before them, and how it ends."""

import sys
from collections.abc import Callable
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from hundredfold_cli.commands import (
    check_deployment,
    cost,
    doctor,
    ingest,
    list_ingests,
    logs,
    model,
    redeliver,
    report,
    results,
    resume,
    stack,
    stop,
    verify,
)
from hundredfold_cli.console import print_error, print_line
from hundredfold_cli.errors import explain
from hundredfold_cli.stack.deployment import STACK_NAME
from hundredfold_cli.stack.target import Cloud, Target

# Help texts are Markdown: as rich's own markup, `[/index]` in one of them would be an error.
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    help="Batch inference for scikit-learn models on AWS Step Functions and layered Lambda.",
    epilog="Exit codes: 0 done, 1 the ingest failed or does not add up, or a check differs, 2 bad input, "
    "3 stack or ingest not there, 4 AWS or the local stack refused, 130 Ctrl-C.",
)

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Ingests": (
        ingest.ingest,
        ingest.watch,
        list_ingests.list_ingests,
        stop.stop,
        resume.resume,
        logs.logs,
        redeliver.redeliver,
    ),
    "Results": (results.summary, results.results, verify.verify, report.report),
    "Cost": (cost.estimate, cost.cost),
    "Stack": (
        *(doctor.doctor, stack.up, stack.status, stack.down, stack.deploy),
        *(check_deployment.check_deployment, stack.remove, report.dashboard),
    ),
}
"""The subcommands, under the headings that `--help` shows them under. Those of `model` are in `commands/model.py`."""

for heading, commands in COMMANDS.items():
    for command in commands:
        # A function cannot be named `list` without hiding the built-in.
        name = getattr(command, "__name__", "").removesuffix("_ingests").replace("_", "-")
        app.command(name, rich_help_panel=heading)(command)
app.add_typer(model.app, name="model", rich_help_panel="Models")


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"hundredfold {version_of('hundredfold')}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    target: Annotated[
        Cloud,
        typer.Option(
            envvar="HUNDREDFOLD_TARGET", help="The local stack, or AWS with the usual credentials and region."
        ),
    ] = Cloud.LOCAL,
    stack_name: Annotated[
        str, typer.Option("--stack", envvar="HUNDREDFOLD_STACK", help="The CloudFormation stack's name.")
    ] = STACK_NAME,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; also after the subcommand.")
    ] = False,
) -> None:
    context.obj = Target(target, stack_name)


def run() -> None:
    """Run the command. An error is printed in one line, and the exit code says what kind it is."""
    try:
        app([argument for argument in sys.argv[1:] if argument != "--debug"])
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        code, message = explain(error)
        print_error(message)
        raise SystemExit(code) from None


if __name__ == "__main__":
    run()

"""The `hundredfold` command: the local stack, and ingests on it or on AWS."""

import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import error_code
from hundredfold.errors import HundredfoldError, StoreBusyError
from hundredfold_cli import terminal as show
from hundredfold_cli.commands import cost as costing
from hundredfold_cli.commands import ingest as ingesting
from hundredfold_cli.commands import model
from hundredfold_cli.commands import report as seeing
from hundredfold_cli.commands import results as reading
from hundredfold_cli.commands import resume as resuming
from hundredfold_cli.commands import stack as local
from hundredfold_cli.errors import DeploymentError, ExitCode, IngestNotFoundError, NotThereError
from hundredfold_cli.stack.deployment import STACK_NAME
from hundredfold_cli.stack.target import Target, choice

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Batch inference for scikit-learn models on AWS Step Functions and layered Lambda.",
    epilog="Exit codes: 0 done, 1 the ingest failed or does not add up, 2 bad input, 3 stack or ingest not there, "
    "4 AWS or the local stack refused, 130 Ctrl-C.",
)


@app.callback()
def options(
    target: Annotated[
        Target,
        typer.Option(
            envvar="HUNDREDFOLD_TARGET", help="The local stack, or AWS with the usual credentials and region."
        ),
    ] = Target.LOCAL,
    stack: Annotated[
        str, typer.Option(envvar="HUNDREDFOLD_STACK", help="The CloudFormation stack's name.")
    ] = STACK_NAME,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    choice.target, choice.stack = target, stack


for command in (
    local.up,
    local.down,
    local.status,
    local.deploy,
    ingesting.ingest,
    ingesting.watch,
    resuming.resume,
    reading.summary,
    reading.results,
    reading.verify,
    costing.cost,
    costing.estimate,
    seeing.report,
    seeing.dashboard,
):
    app.command()(command)
app.add_typer(model.app, name="model")


def run() -> None:
    """Run the command; an error is one line, and the exit code says what kind it was."""
    try:
        app([argument for argument in sys.argv[1:] if argument != "--debug"])
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        raise SystemExit(_explain(error)) from None


def _explain(error: Exception) -> ExitCode:
    match error:
        case NotThereError() | IngestNotFoundError():
            code, message = ExitCode.NOT_THERE, str(error)
        case DeploymentError() | StoreBusyError():
            code, message = ExitCode.SERVICE_ERROR, str(error)
        case HundredfoldError():
            code, message = ExitCode.BAD_INPUT, str(error)
        case ClientError():
            code, message = ExitCode.SERVICE_ERROR, f"{error.operation_name} was refused: {error_code(error)}"
        case BotoCoreError():
            code, message = ExitCode.SERVICE_ERROR, str(error)
        case _:
            code = ExitCode.SERVICE_ERROR
            message = f"{type(error).__name__}: {error} (--debug shows where)"
    show.complain(message)
    return code


if __name__ == "__main__":
    run()

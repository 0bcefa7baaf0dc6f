"""up, down, status: the local stack; deploy: AWS."""

import os
from typing import Annotated

import typer

from hundredfold_cli import terminal as show
from hundredfold_cli.commands.options import AsJson
from hundredfold_cli.deploy import deploy_locally, deploy_to_aws
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.models.recipe import parse_pairs
from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.local_stack import LocalStack
from hundredfold_cli.stack.target import choice

Parameters = Annotated[list[str] | None, typer.Option("--parameter", help="Name=value, of the template.")]
BuiltModel = Annotated[
    bool, typer.Option("--built-model", help="Make the model that was built here live; without it, the live one stays.")
]


def up(parameter: Parameters = None, built_model: BuiltModel = False) -> None:
    """Start the local stack, and deploy the template to it. Done again, it deploys what has changed."""
    parameters = parse_pairs(parameter or [], "--parameter")
    stack = LocalStack(LOCAL)
    was_running = stack.running() is not None
    if not was_running:
        show.say("starting the local stack ...")
    process = stack.start()
    try:
        show.say(f"deploying infra/template.yaml to {process.endpoint} ...")
        deploy_locally(process.environment(), LOCAL / "deploy.log", parameters, built_model=built_model, say=show.say)
    except BaseException:
        if not was_running:
            stack.stop()  # a stack with nothing in it, or half of it, is of no use to anyone
        raise
    show.say("deployed.")


def deploy(parameter: Parameters = None, built_model: BuiltModel = False) -> None:
    """Deploy the template to AWS (sam shows what changes and asks), and release it. The live model stays live."""
    parameters = parse_pairs(parameter or [], "--parameter")
    deploy_to_aws(choice.stack, parameters, built_model=built_model, say=show.say)


def down() -> None:
    """Stop the local stack. What was in it is gone."""
    show.say("stopped." if LocalStack(LOCAL).stop() else "the local stack was not running.")


def status(as_json: AsJson = False) -> None:
    """Say whether the local stack runs, and how to look around in it."""
    stack = LocalStack(LOCAL)
    process = stack.running()
    if as_json:
        found = {"endpoint": process.endpoint, "pid": process.pid} if process else {}
        show.print_json({"running": bool(process), **found})
        return
    if process is None:
        raise NotThereError("the local stack is not running; start it with: make up")
    variables = " ".join(f"{name}={value}" for name, value in process.environment().items())
    show.out.print(
        f"""The local stack is up at {process.endpoint} (process {process.pid}, log {os.path.relpath(stack.log)}).
Look around in it with
  .venv/bin/hundredfold summary          the newest ingest
  .venv/bin/hundredfold results          all of its predictions (--id for one record, --rejected for the others)
  .venv/bin/hundredfold verify           recount it from the tables and the source
  .venv/bin/hundredfold ingest SOURCE    score other records; --help lists the rest
or with any AWS client: export {variables}
make down ends it.""",
        soft_wrap=True,
        markup=False,
    )

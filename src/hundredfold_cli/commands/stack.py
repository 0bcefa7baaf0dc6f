"""up, status, down: the local stack. deploy: AWS."""

import os

import typer

from hundredfold_cli.commands.options import AsJson, BuiltModel, Bundle, TemplateParameters, parse_pairs, target_of
from hundredfold_cli.console import print_json, print_line, say
from hundredfold_cli.deploy import deploy_locally, deploy_to_aws, prepare
from hundredfold_cli.errors import NotThereError, OptionError
from hundredfold_cli.stack.checkout import COMMAND, LOCAL, UP
from hundredfold_cli.stack.environments import need_environment
from hundredfold_cli.stack.local_stack import LocalStack
from hundredfold_cli.stack.target import Cloud


def up(parameter: TemplateParameters = None, bundle: Bundle = None, built_model: BuiltModel = False) -> None:
    """Start the local stack, and deploy the template to it. Run again, it deploys what has changed.

    The local stack is in memory. What is in it stays until it is stopped, or until its process ends.
    """
    parameters = parse_pairs(parameter or [], "--parameter")
    need_environment("stack")
    prepare(bundle, None, say)
    stack = LocalStack(LOCAL)
    was_running = stack.running() is not None
    if not was_running:
        if stack.has_ended():
            say(f"{stack.absence()}.")
        say("starting the local stack ...")
    process = stack.start()
    try:
        say(f"deploying infra/template.yaml to {process.endpoint} ...")
        deploy_locally(process.environment(), LOCAL / "deploy.log", parameters, built_model=built_model, say=say)
    except BaseException:
        if not was_running:
            stack.stop()  # an empty or half-deployed stack is of no use
        raise
    say("deployed.")


def deploy(
    context: typer.Context,
    parameter: TemplateParameters = None,
    bundle: Bundle = None,
    built_model: BuiltModel = False,
) -> None:
    """Deploy the template to AWS, and release it. sam shows what changes, and asks first. The live model stays live.

    It needs `--target aws`, so that nobody deploys to AWS by mistake.
    """
    if target_of(context).cloud is not Cloud.AWS:
        raise OptionError(
            f"deploy is for AWS: hundredfold --target aws deploy; the local stack is deployed to with: {UP}"
        )
    parameters = parse_pairs(parameter or [], "--parameter")
    prepare(bundle, parameters.get("Architecture", "x86_64"), say)
    deploy_to_aws(target_of(context).stack, parameters, built_model=built_model, say=say)


def down() -> None:
    """Stop the local stack, and remove everything in it."""
    say("stopped." if LocalStack(LOCAL).stop() else "the local stack was not running.")


def status(as_json: AsJson = False) -> None:
    """Show whether the local stack runs, and which commands look into it."""
    stack = LocalStack(LOCAL)
    process = stack.running()
    if as_json:
        address = {"endpoint": process.endpoint, "pid": process.pid} if process else {}
        print_json({"running": bool(process), **address})
        return
    if process is None:
        raise NotThereError(f"{stack.absence()}; start it with: {UP}")
    variables = " ".join(f"{name}={value}" for name, value in process.environment().items())
    print_line(
        f"""The local stack is up at {process.endpoint} (process {process.pid}, log {os.path.relpath(stack.log)}).
Look around in it with
  {COMMAND} summary          the newest ingest
  {COMMAND} results          all of its predictions (--id for one record, --rejected for the rejections)
  {COMMAND} verify           a recount from the tables and the source
  {COMMAND} ingest SOURCE    score other records; --help lists the other commands
or with any AWS client: export {variables}
{COMMAND} down stops it."""
    )

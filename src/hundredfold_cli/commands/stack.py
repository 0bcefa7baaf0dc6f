"""up, status, down: the local stack. deploy: AWS. remove: a stack on either."""

import os
from typing import Annotated

import typer

from hundredfold_cli.commands.options import (
    AsJson,
    BuiltModel,
    Bundle,
    DryRun,
    TemplateParameters,
    Yes,
    check_confirmed,
    parse_pairs,
    target_of,
)
from hundredfold_cli.console import print_json, print_line, say
from hundredfold_cli.deploy import deploy_locally, deploy_to_aws, prepare
from hundredfold_cli.errors import NotThereError, OptionError
from hundredfold_cli.stack.checkout import COMMAND, LOCAL, UP
from hundredfold_cli.stack.contents import StackContents
from hundredfold_cli.stack.environments import need_environment
from hundredfold_cli.stack.local_stack import LocalStack
from hundredfold_cli.stack.removal import Staying, list_staying, take_inventory
from hundredfold_cli.stack.removal import remove as remove_stack
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

    Without `--target aws` before it, it deploys nothing: nobody should deploy to AWS by mistake.
    """
    if target_of(context).cloud is not Cloud.AWS:
        raise OptionError(
            f"deploy is for AWS: hundredfold --target aws deploy; the local stack is deployed to with: {UP}"
        )
    parameters = parse_pairs(parameter or [], "--parameter")
    prepare(bundle, parameters.get("Architecture", "x86_64"), say)
    deploy_to_aws(target_of(context).stack, parameters, built_model=built_model, say=say)


def remove(
    context: typer.Context,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the tables, with all predictions and the ledger.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take a stack away wholly, with its buckets, tables, layers, logs and uploads. It lists them, and asks first.

    To delete the tables, the stack's name must be typed. What stays is listed with what it costs a month.
    """
    target = target_of(context)
    contents = StackContents(*target.connect(), target.stack)
    inventory = take_inventory(contents)
    if dry_run:
        staying = list_staying(contents, inventory, keep_data)
    else:
        if not yes:
            say("\n".join(["this will be deleted:", *(f"  {line}" for line in inventory.lines(keep_data))]))
            if inventory.tables and not keep_data:
                check_confirmed(
                    f"no prediction can be brought back; to delete them too, type the stack's name ({target.stack}):",
                    target.stack,
                )
            else:
                check_confirmed("delete it? [y/N]")
        staying = remove_stack(contents, inventory, keep_data, say)
    if as_json:
        remains = [{"what": one.what, "usd_a_month": one.usd} for one in staying]
        print_json({**inventory.as_dict(keep_data), "stays": remains, "dry_run": dry_run})
        return
    heading = "this would be deleted:" if dry_run else "deleted:"
    print_line("\n".join([heading, *(f"  {line}" for line in inventory.lines(keep_data))]))
    print_line("\n".join(["this stays:", *(f"  {_with_price(one)}" for one in staying)]))


def _with_price(staying: Staying) -> str:
    match staying.usd:
        case None:
            return f"{staying.what}: no prices of this region are known"
        case 0.0:
            return f"{staying.what}: free"
        case usd:
            return f"{staying.what}: ${usd:,.4f} a month"


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

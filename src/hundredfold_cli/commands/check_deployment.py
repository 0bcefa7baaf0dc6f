"""check-deployment: what no emulator shows, asked of the real service."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import boto3
import typer

from hundredfold_cli.commands.options import AsJson, target_of
from hundredfold_cli.console import print_json, print_line, print_table, say
from hundredfold_cli.deploy import prepare
from hundredfold_cli.deployment_checks.ask import ask, chosen, without_stack
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.expense import bill, expected_usd, hour_usd, used_lines
from hundredfold_cli.deployment_checks.own_stack import own_stack, site_of
from hundredfold_cli.deployment_checks.reckoning import REQUEST_USD, Reckoning, billed, compare
from hundredfold_cli.deployment_checks.registry import CHECKS
from hundredfold_cli.deployment_checks.row import Row, differs
from hundredfold_cli.deployment_checks.rows.deploying import DEPLOYS, DEPLOYS_AGAIN
from hundredfold_cli.deployment_checks.rows.streams import KINESIS
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.errors import DeploymentError, ExitCode, OptionError
from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.target import Cloud, Target

RECKONING = LOCAL / "deployment-check.json"
"""What the last run on AWS has cost by its own reckoning, for `--costs`."""


def check_deployment(
    context: typer.Context,
    here: Annotated[
        bool,
        typer.Option("--here", help="Ask the deployed stack, which stays; without it, a stack of the checks' own."),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="Ask only this check; may be repeated.")
    ] = None,
    kinesis: Annotated[bool, typer.Option("--kinesis", help="Also make a Kinesis stream, for $0.015 more.")] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="A day after a run on AWS: compare what it cost with Cost Explorer.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it costs something.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare what a deployed stack does with what is expected of it, and print a table.

    Small ingests ask the real service what no emulator shows. They run in a stack of the checks' own, which is removed
    at the end. On AWS they cost less than $0.05, and the command asks first. The local stack can answer some of the
    checks only. It ends with 1 if something differs.
    """
    target = target_of(context)
    if costs:
        _finish(compare_costs(yes=yes), as_json=as_json)
        return
    checks = [
        check for check in chosen(CHECKS, only or []) if check is not KINESIS or _asks_kinesis(target, kinesis, only)
    ]
    if target.cloud is Cloud.AWS:
        confirm_expense(yes=yes, kinesis=KINESIS in checks)
    with tempfile.TemporaryDirectory() as folder:
        rows = ask_here(target, checks, Path(folder)) if here else ask_own_stack(target, checks, Path(folder))
    _finish(rows, as_json=as_json)


def ask_here(target: Target, checks: Sequence[Check], folder: Path) -> list[Row]:
    """Ask the checks of the target's own stack. Those that would change it are not asked."""
    return ask(checks, Stage(target.find_deployment(), folder, say=say), _say_row)


def ask_own_stack(target: Target, checks: Sequence[Check], folder: Path) -> list[Row]:
    """Ask the checks of a stack that is deployed for them, and removed at the end."""
    site = site_of(target)
    prepare(None, "x86_64" if target.cloud is Cloud.AWS else None, say)
    began = datetime.now(UTC)
    twice = DEPLOYS in checks or DEPLOYS_AGAIN in checks
    try:
        with own_stack(site, folder, say, twice=twice) as stage:
            rows = ask(checks, stage, _say_row)
            if stage.on_aws:
                _keep_reckoning(stage, began)
    except DeploymentError as refused:
        return without_stack(checks, str(refused))
    return rows


def confirm_expense(*, yes: bool, kinesis: bool) -> None:
    """Say what the checks cost, and ask whether to go on.

    Raises
    ------
    OptionError
        If nobody can be asked.
    typer.Exit
        If the answer is no.
    """
    usd, hour, left = expected_usd(kinesis=kinesis), hour_usd(), 60 - datetime.now(UTC).minute
    say(
        f"the checks should take about 30 minutes, and cost about ${usd:.3f} by list price. A part is charged by the "
        f"hour of the clock: this one has {left} minutes left, another one costs ${hour:.3f} more."
    )
    _confirm("Go on?", yes=yes)


def compare_costs(*, yes: bool) -> list[Row]:
    """Compare the last run's reckoning with Cost Explorer.

    Raises
    ------
    NotThereError
        If there was no run.
    OptionError
        If Cost Explorer does not have all of it yet.
    """
    reckoning = Reckoning.read(RECKONING)
    if datetime.now(UTC) < reckoning.ready_at():
        raise OptionError(f"Cost Explorer has all of that run from {reckoning.ready_at():%Y-%m-%d %H:%M} UTC on")
    say(f"a request to Cost Explorer costs ${REQUEST_USD}.")
    _confirm("Go on?", yes=yes)
    return list(compare(reckoning, billed(boto3.client("ce", region_name="us-east-1"), reckoning)))


def _asks_kinesis(target: Target, kinesis: bool, only: Sequence[str] | None) -> bool:
    """Tell whether to make a Kinesis stream: on AWS it costs as much as a third of all others."""
    return kinesis or target.cloud is Cloud.LOCAL or KINESIS.name in (only or [])


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        raise OptionError("nothing was done; --yes goes on without asking") from None


def _keep_reckoning(stage: Stage, began: datetime) -> None:
    """Keep what the run has cost by its own reckoning."""
    ended = datetime.now(UTC)
    hours = int(ended.timestamp() // 3600 - began.timestamp() // 3600) + 1
    reckoned = bill(used_lines(stage.deployment, stage.ingests, hours))
    account = stage.deployment.state_machine.split(":")[4]
    Reckoning.of(reckoned, account, stage.deployment.session.region_name or "", began, ended).write(RECKONING)
    say(f"it has cost ${reckoned.usd:.4f} by our reckoning; compare it tomorrow, with: check-deployment --costs")


def _say_row(row: Row) -> None:
    say(f"  {row.name}: {row.verdict.value}")


def _finish(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print the rows, and end with 1 if one differs."""
    if as_json:
        print_json([row.as_dict() for row in rows])
    else:
        print_table(
            ("check", "expected", "seen", ""),
            [(row.name, row.expected, row.seen, row.verdict.value) for row in rows],
        )
        for row in rows:
            print_line(f"{row.name}: {row.source}")
    if differs(rows):
        raise typer.Exit(ExitCode.INGEST_FAILED)

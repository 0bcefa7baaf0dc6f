"""doctor: what must hold before a deployment."""

import boto3
import typer

from hundredfold_cli.commands.options import AsJson, target_of
from hundredfold_cli.console import print_json, print_table
from hundredfold_cli.doctor.account import AccountClients, examine_account
from hundredfold_cli.doctor.finding import Finding, all_fine
from hundredfold_cli.doctor.machine import examine_machine
from hundredfold_cli.errors import ExitCode
from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.local_stack import LocalStack
from hundredfold_cli.stack.target import Cloud, Target


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what to do before a deployment. Nothing is changed, and nothing is charged.

    It looks at this machine, and at the account: credentials, region, concurrent executions, names and rights. It ends
    with 1 if something must be done.
    """
    findings = examine(target_of(context))
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        print_table(
            ("looked at", "is", "to do"),
            [(finding.subject, finding.detail, finding.action or "fine") for finding in findings],
        )
    if not all_fine(findings):
        raise typer.Exit(ExitCode.INGEST_FAILED)


def examine(target: Target) -> list[Finding]:
    """Look at what a deployment to the target needs."""
    if target.cloud is Cloud.AWS:
        clients = AccountClients(boto3.Session(), None)
        return [*examine_machine(local=False), *examine_account(clients, target.stack, local=False)]
    findings = examine_machine(local=True)
    process = LocalStack(LOCAL).running()
    if process is None:
        return [*findings, Finding("endpoint", "the local stack does not run; hundredfold up starts it")]
    account = examine_account(AccountClients(process.session(), process.endpoint), target.stack, local=True)
    return [*findings, Finding("endpoint", process.endpoint), *account]

"""stop: end an ingest that runs."""

import typer

from hundredfold.ingest import check_ingest_id
from hundredfold.summary import Status
from hundredfold_cli.commands.options import AsJson, RequiredIngestId, find_deployment
from hundredfold_cli.commands.results import show_status
from hundredfold_cli.console import say
from hundredfold_cli.ingests.stop import stop_ingest


def stop(context: typer.Context, ingest_id: RequiredIngestId, as_json: AsJson = False) -> None:
    """Stop an ingest, wait until what runs has ended, and sum it up.

    Batches that are done stay as they are. `resume` does the others.
    """
    deployment = find_deployment(context)
    check_ingest_id(ingest_id)
    say("stopping; calls that run come to their end, which takes up to half a minute ...")
    status = stop_ingest(
        deployment,
        ingest_id,
        waiting=lambda done, batches: say(f"  {done:,} of {batches:,} batches are done"),
    )
    show_status(deployment, status, as_json=as_json)
    if status.summary["status"] == Status.COMPLETED:
        say("every batch was done before it could be stopped")
    else:
        say(f"stopped. Go on with: hundredfold resume {ingest_id}")

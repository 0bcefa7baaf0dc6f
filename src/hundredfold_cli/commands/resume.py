"""resume: do the batches of an ingest that are not done."""

from typing import Annotated

import typer

from hundredfold.ingest import Resume, check_ingest_id
from hundredfold.summary import Status
from hundredfold_cli.commands.ingest import follow_to_end
from hundredfold_cli.commands.options import AsJson, MaxRejected, find_deployment, parse_percent
from hundredfold_cli.console import print_json, say
from hundredfold_cli.ingests.resume import start_resume


def resume(
    context: typer.Context,
    ingest_id: Annotated[str, typer.Argument(help="The ingest's id.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="VERSION", help='The model for what is missing: the number of a version, or "live".'
        ),
    ] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="Also redo the batches with rejected records.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Sum up again though no batch is left to do.")] = False,
    max_rejected: MaxRejected = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Do the batches of an ingest that are not done.

    An ingest that failed, was stopped or was lost is completed that way. Batches that are done are not touched.
    Without --model, the model is the one that the ingest began with. If nothing is missing, nothing is started.
    """
    request = Resume(check_ingest_id(ingest_id), model, rejected, force)
    limit = parse_percent(max_rejected, "--max-rejected")
    deployment = find_deployment(context)
    execution = start_resume(deployment, request, limit)
    say(f"resumed as execution {execution}")
    if not detach:
        follow_to_end(deployment, ingest_id, as_json=as_json, resumed_by=execution)
        return
    say(f"follow it with: hundredfold watch {ingest_id}")
    if as_json:
        print_json({"ingest_id": ingest_id, "execution": execution, "status": Status.RUNNING.value})

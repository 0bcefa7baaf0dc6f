"""resume: going on with an ingest that failed, was stopped, or was lost."""

from typing import Annotated

import typer

from hundredfold.ingest import Resume, check_ingest_id
from hundredfold.summary import Status
from hundredfold_cli import terminal as show
from hundredfold_cli.commands.ingest import follow_to_end
from hundredfold_cli.commands.options import AsJson
from hundredfold_cli.ingests.resume import start_resume
from hundredfold_cli.stack.target import find_deployment


def resume(
    ingest_id: Annotated[str, typer.Argument(help="The ingest's id.")],
    model: Annotated[
        str | None,
        typer.Option("--model", help='Another model for what is missing: the number of its version, or "live".'),
    ] = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Also do the batches again that have rejected records.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Go on with an ingest that failed, was stopped or was lost: do the batches that are not done, and no others."""
    asked = Resume(check_ingest_id(ingest_id), model, rejected)
    deployment = find_deployment()
    execution = start_resume(deployment, asked)
    show.say(f"resumed as execution {execution}")
    if not detach:
        follow_to_end(deployment, ingest_id, as_json=as_json)
        return
    show.say(f"started; follow it with: hundredfold watch {ingest_id}")
    if as_json:
        show.print_json({"ingest_id": ingest_id, "execution": execution, "status": Status.RUNNING.value})

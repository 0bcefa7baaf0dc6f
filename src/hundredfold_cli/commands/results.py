"""summary, results, verify: the outcome of an ingest."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from hundredfold.accounting.summarize import group_failures
from hundredfold.batches import BatchOutcome
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold.layout import Layout
from hundredfold.model.card import Card
from hundredfold.model.signature import Signature
from hundredfold_cli.commands.options import AsJson, IngestId, find_deployment
from hundredfold_cli.console import print_json, say
from hundredfold_cli.errors import ExitCode, NotThereError, OptionError
from hundredfold_cli.export.columns import JoinedRows, flat_predictions, rejection_columns
from hundredfold_cli.export.destinations import open_destination, parse_destination
from hundredfold_cli.export.formats import Format, write_rows
from hundredfold_cli.ingests.display import print_failures, print_sample, print_summary, print_verification
from hundredfold_cli.ingests.outcomes import (
    find_rejection,
    read_all_joined,
    read_all_predictions,
    read_all_rejections,
    read_batches,
    read_manifest,
    read_prediction,
)
from hundredfold_cli.ingests.report import read_card
from hundredfold_cli.ingests.status import IngestStatus, ingest_status, newest_ingest
from hundredfold_cli.ingests.verification import verify as recount
from hundredfold_cli.stack.deployment import Deployment

_SAMPLES = 5
"""How many predictions a summary shows."""


def summary(context: typer.Context, ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Show the outcome of an ingest, or how far it has got."""
    deployment = find_deployment(context)
    show_status(deployment, ingest_status(deployment, ingest_id or newest_ingest(deployment)), as_json=as_json)


def verify(context: typer.Context, ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Recount an ingest: does every record of the source have exactly one outcome?

    The recount reads the source, the predictions and the rejections. The exit code is 1 if it does not agree.
    """
    deployment = find_deployment(context)
    name = ingest_id or newest_ingest(deployment)
    status = ingest_status(deployment, name)
    if not status.ended:
        raise InvalidIngestError(f"ingest {name} is still running; verify it when it has ended")
    if status.plan is None:
        raise InvalidIngestError(f"ingest {name} was never planned, so there is nothing to recount")
    done = {entry.batch for entry in deployment.ledger.entries(name) if isinstance(entry, BatchOutcome)}
    batches = read_manifest(deployment, status.plan)
    verification = recount(read_batches(deployment, status.plan, batches), done, status.summary)
    if as_json:
        print_json({"ingest_id": name, **verification.as_dict()})
    else:
        print_verification(verification, name)
    if not verification.ok:
        raise typer.Exit(ExitCode.INGEST_FAILED)


def results(
    context: typer.Context,
    ingest_id: IngestId = None,
    record_id: Annotated[
        str | None, typer.Option("--id", metavar="RECORD", help="Print the outcome of this record only.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="The format of the export.")] = Format.JSONL,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="A file, or s3://bucket/key; standard output without it."),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Add the fields of each record, as its source has them.")
    ] = False,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Export the rejections, and not the predictions.")
    ] = False,
) -> None:
    """Export the predictions of an ingest, its rejections, or the outcome of one record.

    Predictions and rejections are in the order of the source.
    """
    if join and (rejected or record_id is not None):
        raise OptionError("--join is for all predictions; leave out --rejected and --id")
    destination = parse_destination(output, format_)
    deployment = find_deployment(context)
    name = ingest_id or newest_ingest(deployment)
    plan = ingest_status(deployment, name).plan
    if plan is None:
        raise InvalidIngestError(f"ingest {name} has no results: it was never planned")
    if record_id is not None:
        print_json(_find_outcome(deployment, plan, record_id))
        return
    left_out: Mapping[str, int] = {}
    with open_destination(destination, deployment.s3, sys.stdout.buffer) as file:
        if rejected:
            count = write_rows(read_all_rejections(deployment, plan), rejection_columns(plan), format_, file)
        elif not join:
            count = write_rows(*flat_predictions(read_all_predictions(deployment, plan)), format_, file)
        else:
            joined = JoinedRows.of(read_all_joined(deployment, plan), _read_signature(deployment, name))
            if format_ is Format.JSONL:
                count = write_rows(joined.rows(all_fields=True), None, format_, file)
            else:
                count = write_rows(joined.rows(all_fields=False), joined.columns, format_, file)
                left_out = joined.left_out
    say(f"{count:,} {'rejections' if rejected else 'predictions'} of {name}")
    for field, records in left_out.items():
        say(f"left out: {field} of {records:,} records; the first record has no such field. --format jsonl has it")


def show_status(deployment: Deployment, status: IngestStatus, *, as_json: bool) -> None:
    """Print an ingest's summary, its failed batches, and a few of its predictions."""
    summary, plan = status.summary, status.plan
    failed: dict[str, list[int]] = {}
    if plan and summary["batches_failed"]:
        failed = group_failures(deployment.ledger.entries(plan.ingest_id), plan.batches)
    if as_json:
        print_json({**summary, **({"failed_batches": failed} if failed else {})})
        return
    packed = plan is not None and plan.layout is Layout.PACKED
    print_summary(summary, f"{deployment.ledger_table}, packed" if packed else deployment.predictions_table)
    print_failures(failed, summary["ingest_id"])
    if plan and summary["predicted"]:
        batches = read_manifest(deployment, plan)
        sample = batches[:: max(1, len(batches) // _SAMPLES)][:_SAMPLES]
        try:
            print_sample(plan, list(read_batches(deployment, plan, sample)))
        except (SourceChangedError, SourceMissingError) as error:
            say(f"no sample: {error}")


def _find_outcome(deployment: Deployment, plan: Plan, record_id: str) -> object:
    outcome = read_prediction(deployment, plan.ingest_id, record_id) or find_rejection(deployment, plan, record_id)
    if outcome is None:
        raise NotThereError(f"ingest {plan.ingest_id} has no outcome for a record {record_id!r}")
    return outcome


def _read_signature(deployment: Deployment, ingest_id: str) -> Signature | None:
    card = read_card(deployment, ingest_id)
    return Card.from_json(card).signature if card else None

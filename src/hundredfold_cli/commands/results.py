"""summary, results, verify: what became of an ingest."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from hundredfold.accounting.summarize import group_failures
from hundredfold.batches import BatchOutcome
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.model.card import Card
from hundredfold.model.signature import Signature
from hundredfold_cli import terminal as show
from hundredfold_cli.commands.options import AsJson, IngestId
from hundredfold_cli.errors import ExitCode, NotThereError
from hundredfold_cli.ingests import terminal as show_ingest
from hundredfold_cli.ingests.columns import Column, Join, answers, rejection_columns
from hundredfold_cli.ingests.export import Format, export, opened, target_of
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
from hundredfold_cli.stack.target import find_deployment

_SAMPLES = 5


def summary(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Show what became of an ingest, or how far it has got."""
    deployment = find_deployment()
    show_status(deployment, ingest_status(deployment, ingest_id or newest_ingest(deployment)), as_json=as_json)


def verify(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Recount an ingest from the source, the tables and the rejections: exactly one outcome for each record?"""
    deployment = find_deployment()
    name = ingest_id or newest_ingest(deployment)
    now = ingest_status(deployment, name)
    if not now.ended:
        raise InvalidIngestError(f"ingest {name} is still running; verify it when it has ended")
    if now.plan is None:
        raise InvalidIngestError(f"ingest {name} was never planned, so there is nothing to recount")
    done = {entry.batch for entry in deployment.ledger.entries(name) if isinstance(entry, BatchOutcome)}
    batches = read_manifest(deployment, now.plan)
    found = recount(read_batches(deployment, now.plan, batches), done, now.summary)
    if as_json:
        show.print_json({"ingest_id": name, **found.as_dict()})
    else:
        show_ingest.print_verification(found, name)
    if not found.ok:
        raise typer.Exit(ExitCode.INGEST_FAILED)


def results(
    ingest_id: IngestId = None,
    record_id: Annotated[str | None, typer.Option("--id", help="Only this record's.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.JSONL,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="A file, or s3://bucket/key; standard output if none.")
    ] = None,
    join: Annotated[bool, typer.Option("--join", help="With the records' own fields, as the source has them.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="The rejections in place of the predictions.")] = False,
) -> None:
    """Look up one record's outcome, or export all predictions (or rejections) in the order of the source."""
    if join and (rejected or record_id is not None):
        raise InvalidIngestError("--join is for all predictions: not for --rejected, and not for --id")
    target = target_of(output, format_)
    deployment = find_deployment()
    name = ingest_id or newest_ingest(deployment)
    plan = ingest_status(deployment, name).plan
    if plan is None:
        raise InvalidIngestError(f"ingest {name} has no results: it was never planned")
    if record_id is not None:
        outcome = read_prediction(deployment, name, record_id) or find_rejection(deployment, plan, record_id)
        if outcome is None:
            raise NotThereError(f"ingest {name} has no outcome for a record {record_id!r}")
        show.print_json(outcome)
        return
    left_out: Mapping[str, int] = {}
    rows: Iterable[Mapping[str, Any]]
    columns: Sequence[Column] | None
    if rejected:
        rows, columns, kind = read_all_rejections(deployment, plan), rejection_columns(plan), "rejections"
    elif join:
        joined = Join.of(read_all_joined(deployment, plan), _signature(deployment, name))
        every = format_ is Format.JSONL
        rows, columns, kind = joined.rows(all_fields=every), None if every else joined.columns, "predictions"
        left_out = {} if every else joined.left_out
    else:
        rows, columns = answers(read_all_predictions(deployment, plan))
        kind = "predictions"
    with opened(target, deployment.s3, sys.stdout.buffer) as file:
        count = export(rows, columns, format_, file)
    show.say(f"{count:,} {kind} of {name}")
    for field, records in left_out.items():
        show.say(f"left out: {field} of {records:,} records; the first record has no such field. --format jsonl has it")


def _signature(deployment: Deployment, ingest_id: str) -> Signature | None:
    card = read_card(deployment, ingest_id)
    return Card.from_json(card).signature if card else None


def show_status(deployment: Deployment, now: IngestStatus, *, as_json: bool) -> None:
    """Print how an ingest stands, with a few of its predictions."""
    failed: dict[str, list[int]] = {}
    if now.plan and now.summary["batches_failed"]:
        failed = group_failures(deployment.ledger.entries(now.plan.ingest_id), now.plan.batches)
    if as_json:
        show.print_json({**now.summary, **({"failed_batches": failed} if failed else {})})
        return
    show_ingest.print_summary(now.summary, deployment.predictions_table)
    show_ingest.print_failures(failed, now.summary["ingest_id"])
    if now.plan and now.summary["predicted"]:
        batches = read_manifest(deployment, now.plan)
        spread = batches[:: max(1, len(batches) // _SAMPLES)][:_SAMPLES]
        try:
            show_ingest.print_sample(now.plan, list(read_batches(deployment, now.plan, spread)))
        except (SourceChangedError, SourceMissingError) as gone:
            show.say(f"no sample: {gone}")

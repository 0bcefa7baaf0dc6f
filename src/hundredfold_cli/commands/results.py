"""summary, results: the outcome of an ingest."""

import sys
from collections.abc import Mapping
from itertools import islice
from typing import Annotated

import typer

from hundredfold.accounting.summarize import group_failures, is_over_limit
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold.layout import Layout
from hundredfold.model.card import Card
from hundredfold.model.signature import Signature
from hundredfold.summary import Status
from hundredfold_cli.commands.options import AsJson, IngestId, check_not_empty, find_deployment
from hundredfold_cli.console import print_json, say
from hundredfold_cli.errors import ExitCode, OptionError
from hundredfold_cli.export.columns import JoinedRows, flat_predictions, rejection_columns
from hundredfold_cli.export.destinations import open_destination, parse_destination
from hundredfold_cli.export.formats import Format, write_rows
from hundredfold_cli.ingests.display import print_failures, print_rejections, print_sample, print_summary
from hundredfold_cli.ingests.one_record import find_outcome
from hundredfold_cli.ingests.outcomes import batches_done, read_all_rejections, read_batches, read_manifest
from hundredfold_cli.ingests.rejections import group_rejections
from hundredfold_cli.ingests.report import read_card
from hundredfold_cli.ingests.result_rows import OVERWRITTEN_BY, ResultRows, SourceLostError
from hundredfold_cli.ingests.scanning import cost_of_predictions, may_scan
from hundredfold_cli.ingests.status import IngestStatus, ingest_status, newest_ingest
from hundredfold_cli.stack.deployment import Deployment

_MOST_REJECTIONS = 10_000
"""How many rejections are read to say why an ingest has too many."""

_SAMPLES = 5
"""How many predictions a summary shows."""


def summary(context: typer.Context, ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Show the outcome of an ingest, or how far it has got."""
    deployment = find_deployment(context)
    show_status(deployment, ingest_status(deployment, ingest_id or newest_ingest(deployment)), as_json=as_json)


def results(
    context: typer.Context,
    ingest_id: IngestId = None,
    record_id: Annotated[
        str | None,
        typer.Option("--id", metavar="RECORD", callback=check_not_empty, help="Print the outcome of this record only."),
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
    scan: Annotated[
        bool | None,
        typer.Option(
            "--scan/--no-scan",
            help="If the source is gone, scan the table of predictions; without it, only if that costs a cent at most.",
        ),
    ] = None,
) -> None:
    """Export the predictions of an ingest, its rejections, or the outcome of one record.

    Predictions and rejections are in the order of the source. Only batches that are done have any. The exit code is 1
    if a record of another batch has the same id, so that only one of the two predictions is stored.
    """
    if join and (rejected or record_id is not None):
        raise OptionError("--join is for all predictions; leave out --rejected and --id")
    destination = parse_destination(output, format_)
    deployment = find_deployment(context)
    name = ingest_id or newest_ingest(deployment)
    status = ingest_status(deployment, name)
    plan = status.plan
    if plan is None:
        raise InvalidIngestError(f"ingest {name} has no results: it was never planned")
    if record_id is not None:
        print_json(find_outcome(deployment, plan, record_id))
        return
    left_out: Mapping[str, int] = {}
    results = ResultRows(deployment, plan, lambda lost: _scan(deployment, name, lost, wanted=scan))
    with open_destination(destination, deployment.s3, sys.stdout.buffer) as file:
        if rejected:
            rejections = read_all_rejections(deployment, plan, results.done)
            count = write_rows(rejections, rejection_columns(plan), format_, file)
        elif not join:
            count = write_rows(*flat_predictions(results.rows()), format_, file)
        else:
            joined = JoinedRows.of(results.joined(), _read_signature(deployment, name))
            if format_ is Format.JSONL:
                count = write_rows(joined.rows(all_fields=True), None, format_, file)
            else:
                count = write_rows(joined.rows(all_fields=False), joined.columns, format_, file)
                left_out = joined.left_out
    say(f"{count - results.overwritten:,} {'rejections' if rejected else 'predictions'} of {name}")
    for field, records in left_out.items():
        say(f"left out: {field} of {records:,} records; the first record has no such field. --format jsonl has it")
    _say_what_lacks(results, plan, ended=status.ended)
    if results.overwritten or results.missing:
        raise typer.Exit(ExitCode.INGEST_FAILED)


def _scan(deployment: Deployment, ingest_id: str, lost: SourceLostError, *, wanted: bool | None) -> None:
    cost = cost_of_predictions(deployment, ingest_id)
    if not may_scan(deployment, cost, wanted=wanted):
        raise InvalidIngestError(f"{lost}; --scan reads the table of predictions without it: {cost}")
    say(f"{lost}; scanning the table of predictions without it: {cost}")


def _say_what_lacks(results: ResultRows, plan: Plan, *, ended: bool) -> None:
    if results.overwritten:
        say(
            f"{results.overwritten:,} more {'has' if results.overwritten == 1 else 'have'} no prediction: "
            f"another batch has a record with the same id; {OVERWRITTEN_BY} names that batch"
        )
    if results.missing:
        say(
            f"{results.missing:,} records of batches that are done have no outcome: hundredfold verify {plan.ingest_id}"
        )
    if lacking := plan.batches - len(results.done):
        advice = f"finish them with: hundredfold resume {plan.ingest_id}" if ended else "the ingest is still running"
        say(f"{lacking:,} of {plan.batches:,} batches are not done, and have no results; {advice}")


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
    if plan and summary["status"] == Status.FAILED and is_over_limit(summary["rejected"], plan):
        _show_rejections(deployment, plan)
    print_summary(summary, f"{deployment.ledger_table}, packed" if packed else deployment.predictions_table)
    print_failures(failed, summary["ingest_id"])
    if plan and summary["predicted"]:
        done = batches_done(deployment, plan.ingest_id)
        try:
            batches = [batch for batch in read_manifest(deployment, plan) if batch.batch in done]
            sample = batches[:: max(1, len(batches) // _SAMPLES)][:_SAMPLES]
            print_sample(plan, list(read_batches(deployment, plan, sample)))
        except (SourceChangedError, SourceMissingError) as error:
            say(f"no sample: {error}")


def _show_rejections(deployment: Deployment, plan: Plan) -> None:
    first = list(islice(read_all_rejections(deployment, plan), _MOST_REJECTIONS + 1))
    groups = group_rejections(first[:_MOST_REJECTIONS])
    print_rejections(groups, plan.ingest_id, complete=len(first) <= _MOST_REJECTIONS)


def _read_signature(deployment: Deployment, ingest_id: str) -> Signature | None:
    card = read_card(deployment, ingest_id)
    return Card.from_json(card).signature if card else None

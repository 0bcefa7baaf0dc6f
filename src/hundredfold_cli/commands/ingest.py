"""ingest, watch: starting an ingest and following it."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from hundredfold.summary import Status
from hundredfold_cli import terminal as show
from hundredfold_cli.commands.options import AsJson, IngestId
from hundredfold_cli.commands.results import show_status
from hundredfold_cli.errors import ExitCode
from hundredfold_cli.ingests.follow import follow
from hundredfold_cli.ingests.request import SourceOptions, read_request
from hundredfold_cli.ingests.status import check_new, new_ingest_id, newest_ingest, start_ingest, start_shadow
from hundredfold_cli.ingests.terminal import upload_progress
from hundredfold_cli.models.shadows import new_shadow, report_shadow
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.target import find_deployment


def ingest(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, - for standard input, s3://bucket/key, s3://bucket/prefix/, "
            "or dynamodb://table[/index][?attribute=value]."
        ),
    ],
    ingest_id: Annotated[str | None, typer.Option("--id", help="The ingest's id; made from the source's name.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
    kind: Annotated[
        str | None, typer.Option(help="jsonl, json, csv, tsv or parquet; by the name's end, else jsonl.")
    ] = None,
    compression: Annotated[str | None, typer.Option(help="none, gzip or zstd; by the name's end.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between the values of CSV, a comma unless stated.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of CSV and TSV, utf-8 unless stated.")] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Which column a field is taken from; may be repeated."),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="The only columns that are read, with commas between.")] = None,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="All objects whose keys begin so, also if it does not end in a slash.")
    ] = False,
    write_back: Annotated[
        str | None, typer.Option(help="Write predictions to this attribute of the table's items too.")
    ] = None,
    shadow: Annotated[
        str | None, typer.Option(help="A version of the model that runs on a sample beside the live one.")
    ] = None,
    sample: Annotated[str, typer.Option(help="Which share of the batches it runs on.")] = "5%",
    as_json: AsJson = False,
) -> None:
    """Start one execution that scores the records of a source, and follow it to its end.

    A file and standard input are uploaded first. docs/sources.md has all sources and options.
    """
    stated = SourceOptions(kind, compression, delimiter, encoding, maps or [], columns, prefix, write_back)
    given = read_request(source, stated, sys.stdin.buffer)
    deployment = find_deployment()
    name = ingest_id if ingest_id is not None else new_ingest_id(given.name)
    check_new(deployment, name)
    given.check(deployment)
    beside = new_shadow(deployment, name, shadow, sample) if shadow else None
    show.say(given.told(name))
    with upload_progress(given.size) as uploaded:
        spec = start_ingest(deployment, given, name, uploaded)
    if beside:
        _apart(lambda: start_shadow(deployment, beside, spec))
    if not detach:
        if beside:
            _apart(lambda: (follow(deployment, name), report_shadow(deployment, name)))
        follow_to_end(deployment, name, as_json=as_json)
        return
    show.say(f"started; follow it with: hundredfold watch {name}")
    if as_json:
        show.print_json({"ingest_id": name, "status": Status.RUNNING.value})


def watch(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Follow an ingest to its end, and show its summary."""
    deployment = find_deployment()
    follow_to_end(deployment, ingest_id or newest_ingest(deployment), as_json=as_json)


def _apart(do: Callable[[], object]) -> None:
    """Do something with a shadow; whatever becomes of that, its ingest goes on."""
    try:
        do()
    except KeyboardInterrupt:
        show.say("\nthe shadow goes on; look at it with: hundredfold model shadow")
    except Exception as error:  # noqa: BLE001, RUF100 - anything at all
        show.complain(f"the shadow: {error}; the ingest itself is not touched by that")


def follow_to_end(deployment: Deployment, ingest_id: str, *, as_json: bool) -> None:
    """Follow an ingest, and show how it stands at the end; raises typer.Exit if it failed."""
    try:
        now = follow(deployment, ingest_id)
    except KeyboardInterrupt:
        show.say(f"\nthe ingest goes on; come back to it with: hundredfold watch {ingest_id}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    show_status(deployment, now, as_json=as_json)
    if now.summary["status"] != Status.COMPLETED:
        raise typer.Exit(ExitCode.INGEST_FAILED)

"""The commands that start an ingest and follow it: ingest, watch."""

import sys
from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.format_options import DELIMITER, ENCODING, FormatOption
from hundredfold.sources.formats import DEFAULT_KIND, FORMATS
from hundredfold.sources.read_options import NOT_COMPRESSED
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


def _listed(names: Iterable[str], last: str) -> str:
    *first, final = names
    return f"{', '.join(first)} {last} {final}" if first else final


def _option_help(option: FormatOption) -> str:
    kinds = (name for name, format_ in FORMATS.items() if option in format_.options)
    return f"{option.description} For {_listed(kinds, 'and')}."


_KIND_HELP = f"{_listed(FORMATS, 'or')}. By default the name's ending decides, else {DEFAULT_KIND}."
_COMPRESSION_HELP = f"{_listed((NOT_COMPRESSED, *COMPRESSIONS), 'or')}. By default the name's ending decides."


def ingest(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, - for standard input, s3://bucket/key, s3://bucket/prefix/, "
            "dynamodb://table or dynamodb://table/index; of a table also only items with ?attribute=value."
        ),
    ],
    ingest_id: Annotated[
        str | None, typer.Option("--id", help="The ingest's id; by default from the source's name and the time.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the ingest's end.")] = False,
    kind: Annotated[str | None, typer.Option(help=_KIND_HELP)] = None,
    compression: Annotated[str | None, typer.Option(help=_COMPRESSION_HELP)] = None,
    delimiter: Annotated[str | None, typer.Option(help=_option_help(DELIMITER))] = None,
    encoding: Annotated[str | None, typer.Option(help=_option_help(ENCODING))] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="The column that a field comes from; may be repeated."),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="The only columns to read, separated by commas.")] = None,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="Read all objects whose keys begin with the source's key.")
    ] = False,
    write_back: Annotated[
        str | None, typer.Option(help="Also write predictions to this attribute of the table's items.")
    ] = None,
    shadow: Annotated[
        str | None, typer.Option(help="A model version that also runs, on a sample, beside the live version.")
    ] = None,
    sample: Annotated[str, typer.Option(help="The share of the batches that the shadow runs on.")] = "5%",
    as_json: AsJson = False,
) -> None:
    """Start one execution that scores the records of a source, and follow it to its end.

    A file and standard input are uploaded first. docs/sources.md has all sources and options.
    """
    source_options = SourceOptions(kind, compression, delimiter, encoding, maps or [], columns, prefix, write_back)
    request = read_request(source, source_options, sys.stdin.buffer)
    deployment = find_deployment()
    name = ingest_id if ingest_id is not None else new_ingest_id(request.name)
    check_new(deployment, name)
    request.check(deployment)
    shadow_ingest = new_shadow(deployment, name, shadow, sample) if shadow else None
    show.say(request.describe(name))
    with upload_progress(request.size) as uploaded:
        spec = start_ingest(deployment, request, name, uploaded)
    if shadow_ingest:
        _isolated(lambda: start_shadow(deployment, shadow_ingest, spec))
    if not detach:
        if shadow_ingest:
            _isolated(lambda: (follow(deployment, name), report_shadow(deployment, name)))
        follow_to_end(deployment, name, as_json=as_json)
        return
    show.say(f"started; follow it with: hundredfold watch {name}")
    if as_json:
        show.print_json({"ingest_id": name, "status": Status.RUNNING.value})


def watch(ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Follow an ingest to its end, and show its summary."""
    deployment = find_deployment()
    follow_to_end(deployment, ingest_id or newest_ingest(deployment), as_json=as_json)


def _isolated(action: Callable[[], object]) -> None:
    """Do something with a shadow. If it fails, the ingest goes on."""
    try:
        action()
    except KeyboardInterrupt:
        show.say("\nthe shadow goes on; look at it with: hundredfold model shadow")
    except Exception as error:  # noqa: BLE001, RUF100 - anything at all
        show.complain(f"the shadow: {error}; the ingest itself is not touched by that")


def follow_to_end(deployment: Deployment, ingest_id: str, *, as_json: bool) -> None:
    """Follow an ingest, and show its status at the end; raises typer.Exit if it failed."""
    try:
        status = follow(deployment, ingest_id)
    except KeyboardInterrupt:
        show.say(f"\nthe ingest goes on; come back to it with: hundredfold watch {ingest_id}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    show_status(deployment, status, as_json=as_json)
    if status.summary["status"] != Status.COMPLETED:
        raise typer.Exit(ExitCode.INGEST_FAILED)

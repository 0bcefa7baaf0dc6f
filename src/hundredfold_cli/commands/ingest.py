"""ingest, watch: start an ingest, and follow it to its end."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.format_options import DELIMITER, ENCODING, FormatOption
from hundredfold.sources.formats import DEFAULT_KIND, FORMATS
from hundredfold.sources.read_options import NOT_COMPRESSED
from hundredfold.summary import Status
from hundredfold_cli.commands.options import (
    AsJson,
    IngestId,
    MaxRejected,
    check_not_empty,
    find_deployment,
    parse_percent,
)
from hundredfold_cli.commands.results import show_status
from hundredfold_cli.console import answer_by, print_error, print_json, say
from hundredfold_cli.errors import ExitCode
from hundredfold_cli.ingests.follow import follow
from hundredfold_cli.ingests.preview.advice import advice_as_options
from hundredfold_cli.ingests.progress import upload_progress
from hundredfold_cli.ingests.read_request import STANDARD_INPUT, read_request
from hundredfold_cli.ingests.review import review
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.start import check_new, new_ingest_id, start_ingest, start_shadow
from hundredfold_cli.ingests.status import newest_ingest
from hundredfold_cli.models.live_signature import live_signature
from hundredfold_cli.models.shadows import new_shadow, report_shadow
from hundredfold_cli.stack.deployment import Deployment


def _listed(names: Iterable[str], last: str) -> str:
    *first, final = names
    return f"{', '.join(first)} {last} {final}" if first else final


def _option_help(option: FormatOption) -> str:
    kinds = (name for name, format_ in FORMATS.items() if option in format_.options)
    return f"{option.description} For {_listed(kinds, 'and')}."


_KIND_HELP = f"{_listed(FORMATS, 'or')}. By default the name's ending decides, else {DEFAULT_KIND}."
_COMPRESSION_HELP = f"{_listed((NOT_COMPRESSED, *COMPRESSIONS), 'or')}. By default the name's ending decides."


def ingest(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a folder, - for standard input, s3://bucket/key, s3://bucket/prefix/, "
            "dynamodb://table or dynamodb://table/index; of a table also only items with ?attribute=value."
        ),
    ],
    ingest_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            callback=check_not_empty,
            help="The ingest's id; by default from the source's name, the time and a random ending.",
        ),
    ] = None,
    reclaim: Annotated[
        bool,
        typer.Option(
            "--reclaim", help="Take the id from a start that has claimed it and ended before its ingest began."
        ),
    ] = False,
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
    max_rejected: MaxRejected = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="A model version that also runs, on a sample, beside the live version. scikit-learn: the live model "
            "itself by that engine.",
        ),
    ] = None,
    sample: Annotated[str, typer.Option(help="The share of the batches that the shadow runs on.")] = "5%",
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Take what is suggested, and ask nothing. Without a terminal nothing is asked."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score the records of a source with the live model, and follow the ingest to its end.

    The first records are compared with the model before anything is written. A file, the files of a folder and standard
    input are uploaded then. docs/sources.md has all sources and options.
    """
    source_options = SourceOptions(kind, compression, delimiter, encoding, maps or [], columns, prefix, write_back)
    limit = parse_percent(max_rejected, "--max-rejected")
    with advice_as_options():
        request = read_request(source, source_options, sys.stdin.buffer)
        deployment = find_deployment(context)
        name = ingest_id if ingest_id is not None else new_ingest_id(request.name)
        check_new(deployment, name)
        request.check(deployment)
        if request.found:
            say(f"{request.name} is read with {' '.join(request.found)}, by its content")
        if signature := live_signature(deployment, say):
            review(deployment, request, signature, say, answer_by(yes=yes, may_ask=source != STANDARD_INPUT))
    shadow_ingest = new_shadow(deployment, name, shadow, sample, say) if shadow else None
    say(request.describe(name))
    with upload_progress(request.size) as uploaded:
        spec = start_ingest(deployment, request, name, uploaded, reclaim=reclaim, max_rejected_percent=limit)
    if shadow_ingest:
        with _shadow_errors_printed():
            start_shadow(deployment, shadow_ingest, spec)
    if not detach:
        if shadow_ingest:
            with _shadow_errors_printed():
                follow(deployment, name)
                report_shadow(deployment, name)
        follow_to_end(deployment, name, as_json=as_json)
        return
    say(f"started; follow it with: hundredfold watch {name}")
    if as_json:
        print_json({"ingest_id": name, "status": Status.RUNNING.value})


def watch(context: typer.Context, ingest_id: IngestId = None, as_json: AsJson = False) -> None:
    """Follow an ingest to its end, and show its summary."""
    deployment = find_deployment(context)
    follow_to_end(deployment, ingest_id or newest_ingest(deployment), as_json=as_json)


def follow_to_end(deployment: Deployment, ingest_id: str, *, as_json: bool, resumed_by: str = "") -> None:
    """Follow an ingest to its end, and print its summary.

    Parameters
    ----------
    resumed_by : the execution that the command has started to resume it

    Raises
    ------
    typer.Exit
        If it failed, if the planner refused to resume it, or if Ctrl-C ended the following.
    """
    try:
        status = follow(deployment, ingest_id)
    except KeyboardInterrupt:
        say(f"\nthe ingest goes on; follow it again with: hundredfold watch {ingest_id}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    show_status(deployment, status, as_json=as_json)
    if resumed_by and status.refusal and status.execution == resumed_by:
        print_error(f"the ingest was not resumed, and is as it was before: {status.refusal}")
        raise typer.Exit(ExitCode.INGEST_FAILED)
    if status.summary["status"] != Status.COMPLETED:
        raise typer.Exit(ExitCode.INGEST_FAILED)


@contextmanager
def _shadow_errors_printed() -> Iterator[None]:
    """Print an error of a shadow, and go on: it must not stop the ingest itself."""
    try:
        yield
    except KeyboardInterrupt:
        say("\nthe shadow goes on; look at it with: hundredfold model shadow")
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it is
        print_error(f"the shadow: {error}; the ingest itself is not affected")

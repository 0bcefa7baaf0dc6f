"""logs: what the functions logged about an ingest."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from hundredfold_cli.commands.options import IngestId, find_deployment
from hundredfold_cli.console import print_line, say
from hundredfold_cli.errors import ExitCode
from hundredfold_cli.ingests.cost import execution_spans
from hundredfold_cli.ingests.invocations import Span, spans_of
from hundredfold_cli.ingests.log_lines import LogLine, read_log_lines
from hundredfold_cli.ingests.status import IngestStatus, ingest_status, newest_ingest
from hundredfold_cli.stack.deployment import Deployment

_FOLLOW_SECONDS = 2.0


def logs(
    context: typer.Context,
    ingest_id: IngestId = None,
    batch: Annotated[int | None, typer.Option(min=0, metavar="N", help="Only the lines about this batch.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only errors, time-outs and crashes.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the ingest has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Show what the functions logged about an ingest, in order. Times are in UTC. No line has a record's content."""
    deployment = find_deployment(context)
    name = ingest_id or newest_ingest(deployment)
    shown: set[tuple[str, int, str]] = set()
    try:
        while True:
            status = ingest_status(deployment, name)
            for line in read_log_lines(deployment, name, _spans(deployment, status), batch):
                key = (line.event, line.time, line.message)
                if key not in shown and (line.is_error or not errors):
                    _print(line, as_json=as_json)
                shown.add(key)
            if status.ended or not follow:
                break
            time.sleep(_FOLLOW_SECONDS)
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if not shown:
        say(f"there is no log line about {name}; logs are kept for RetentionDays")


def _spans(deployment: Deployment, status: IngestStatus) -> list[Span]:
    spans = list(execution_spans(deployment, status))
    if not status.ended:
        spans[0] = Span(spans[0].begin, round(datetime.now(UTC).timestamp() * 1000))
    return spans_of(spans)


def _print(line: LogLine, *, as_json: bool) -> None:
    print_line(json.dumps(asdict(line)) if as_json else line.text())

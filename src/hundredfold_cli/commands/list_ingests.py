"""list: the ingests of a stack, the newest first."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from hundredfold.summary import Status
from hundredfold_cli.commands.options import find_deployment
from hundredfold_cli.console import out, print_line, say
from hundredfold_cli.ingests.listing import as_dict, list_lines, list_newest, parse_since


def list_ingests(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="Only ingests of this status.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only ingests that began since: 24h, 7d, 2026-11-24.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, at most.")] = 20,
    shadows: Annotated[bool, typer.Option("--shadows", help="List shadows too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """List ingests, the newest first: what ran, how it ended, and what it cost.

    An ingest is listed once it is planned. Times are in UTC.
    """
    began = parse_since(since, datetime.now(UTC)) if since else ""
    ingests = list_newest(find_deployment(context), status, began, limit, shadows=shadows)
    if as_json:
        for ingest in ingests:
            print_line(json.dumps(as_dict(ingest)))
        return
    for line in list_lines(ingests, out.width):
        print_line(line)
    if not ingests:
        say("there is no such ingest" if status or since else "there is no ingest yet: hundredfold ingest SOURCE")
    elif len(ingests) == limit:
        say(f"the newest {limit:,}; --limit N shows more")

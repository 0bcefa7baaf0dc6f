"""report, dashboard: pages to look at."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from hundredfold.accounting.bill import bill_of
from hundredfold.accounting.usage import usage_lines
from hundredfold.errors import InvalidIngestError
from hundredfold_cli import terminal as show
from hundredfold_cli.commands.cost import prices_of, usage_of
from hundredfold_cli.commands.options import AsJson, IngestId
from hundredfold_cli.ingests.report import read_report
from hundredfold_cli.ingests.status import ingest_status, newest_ingest
from hundredfold_cli.pages.dashboard import dashboards_page
from hundredfold_cli.pages.dashboard_data import SMALLEST_PERIOD, fill, read_dashboards
from hundredfold_cli.pages.local_metrics import collect, is_local
from hundredfold_cli.pages.pictures import take
from hundredfold_cli.pages.report import report_page
from hundredfold_cli.stack.checkout import PAGES
from hundredfold_cli.stack.target import find_deployment

Output = Annotated[Path | None, typer.Option("--output", "-o", help="The page's file; in build/pages/ if none.")]
Picture = Annotated[Path | None, typer.Option("--png", help="Write a picture of it too; needs Chromium.")]


def report(ingest_id: IngestId = None, output: Output = None, png: Picture = None, as_json: AsJson = False) -> None:
    """Write a page about an ingest: outcomes, timeline, drift, rejections, failures, model card, cost."""
    deployment = find_deployment()
    name = ingest_id or newest_ingest(deployment)
    now = ingest_status(deployment, name)
    if not now.ended:
        raise InvalidIngestError(f"ingest {name} is still running; report on it when it has ended")
    cost = bill_of(usage_lines(usage_of(deployment, now)), prices_of(deployment)) if now.plan else None
    found = read_report(deployment, now, cost)
    if as_json:
        show.print_json(found.as_dict())
        return
    file = output or PAGES / f"report-{name}.html"
    report_page(found).write(file)
    _tell("report", file, png)


def dashboard(
    hours: Annotated[float, typer.Option(min=0.01, help="How far back to look.")] = 3.0,
    output: Output = None,
    png: Picture = None,
) -> None:
    """Write a page with the deployed dashboards, and their values from CloudWatch."""
    deployment = find_deployment()
    local = is_local(deployment.cloudwatch.meta.endpoint_url)
    if local:
        collect(deployment)
    dashboards = read_dashboards(deployment)
    end = datetime.now(UTC)
    begin, end, period = fill(
        deployment, dashboards, end - timedelta(hours=hours), end, 1 if local else SMALLEST_PERIOD
    )
    file = output or PAGES / "dashboards.html"
    dashboards_page(dashboards, deployment.stack, begin, end, period).write(file)
    _tell("dashboards", file, png)


def _tell(what: str, file: Path, png: Path | None) -> None:
    show.out.print(f"{what}: {os.path.relpath(file)}", soft_wrap=True, markup=False)
    if png:
        take(file, png)
        show.out.print(f"picture: {os.path.relpath(png)}", soft_wrap=True, markup=False)

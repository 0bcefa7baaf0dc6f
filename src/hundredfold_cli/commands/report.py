"""report, dashboard: pages to look at."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from hundredfold.accounting.bill import Bill, bill_of
from hundredfold.accounting.usage import usage_lines
from hundredfold_cli.commands.options import AsJson, IngestId, find_deployment
from hundredfold_cli.console import print_json, print_line, say
from hundredfold_cli.errors import OptionError
from hundredfold_cli.ingests.cost import ingest_usage, regional_prices
from hundredfold_cli.ingests.listing import list_newest
from hundredfold_cli.ingests.report import Report, read_report
from hundredfold_cli.ingests.status import ingest_status, newest_ingest
from hundredfold_cli.pages.dashboards import dashboards_page
from hundredfold_cli.pages.index import index_page, report_files, write_index
from hundredfold_cli.pages.report import report_page
from hundredfold_cli.pages.screenshots import take_screenshot
from hundredfold_cli.stack.checkout import PAGES
from hundredfold_cli.stack.dashboards import SMALLEST_PERIOD, read_dashboards, read_values
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_metrics import collect, is_local

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The page's file; without it, one in build/pages/.")
]
Png = Annotated[Path | None, typer.Option("--png", help="Write a picture of the page too; needs Chromium.")]


def report(
    context: typer.Context,
    ingest_id: IngestId = None,
    output: Output = None,
    png: Png = None,
    examples: Annotated[
        bool, typer.Option("--examples", help="Read the source, and show the records of the examples.")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Report on the newest ingests, with an index; --output is a folder.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many ingests --all reports on, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Write a page about an ingest: was it good, what was rejected, what did it cost, what to do about it."""
    if all_ and (ingest_id or as_json):
        raise OptionError("--all goes with neither an ingest's id nor --json; for a machine: hundredfold list --json")
    _check_page(output)
    deployment = find_deployment(context)
    if all_:
        _report_on_all(deployment, output or PAGES / "ingests", png, limit, with_records=examples)
        return
    name = ingest_id or newest_ingest(deployment)
    ingest_report = _read(deployment, name, with_records=examples)
    if as_json:
        print_json(ingest_report.as_dict())
        return
    file = output or PAGES / f"report-{name}.html"
    report_page(ingest_report).write(file)
    _print_files("report", file, png)


def _check_page(output: Path | None) -> None:
    if output and output.suffix.lower() == ".png":
        raise OptionError(f"--output is the file of a page; for a picture of it: --png {output}")


def _report_on_all(deployment: Deployment, folder: Path, png: Path | None, limit: int, *, with_records: bool) -> None:
    ingests = list_newest(deployment, None, "", limit)
    files = report_files(ingests)
    for number, ingest in enumerate(ingests, start=1):
        say(f"{number:,} of {len(ingests):,}: {ingest.ingest_id}")
        report_page(_read(deployment, ingest.ingest_id, with_records=with_records)).write(
            folder / files[ingest.ingest_id]
        )
    _print_files("ingests", write_index(index_page(ingests, deployment.stack, files), folder), png)


def _read(deployment: Deployment, ingest_id: str, *, with_records: bool) -> Report:
    status = ingest_status(deployment, ingest_id)
    cost: Bill | None = None
    if status.plan and status.ended:
        cost = bill_of(usage_lines(ingest_usage(deployment, status)), regional_prices(deployment))
    return read_report(deployment, status, cost, with_records=with_records)


def dashboard(
    context: typer.Context,
    hours: Annotated[float, typer.Option(min=0.01, help="How far back to look.")] = 3.0,
    output: Output = None,
    png: Png = None,
) -> None:
    """Write a page with the deployed dashboards, and their values from CloudWatch."""
    _check_page(output)
    deployment = find_deployment(context)
    local = is_local(deployment.cloudwatch.meta.endpoint_url)
    if local:
        collect(deployment)
    dashboards = read_dashboards(deployment)
    now = datetime.now(UTC)
    begin, end, period = read_values(
        deployment, dashboards, now - timedelta(hours=hours), now, 1 if local else SMALLEST_PERIOD
    )
    file = output or PAGES / "dashboards.html"
    dashboards_page(dashboards, deployment.stack, begin, end, period).write(file)
    _print_files("dashboards", file, png)


def _print_files(title: str, page: Path, png: Path | None) -> None:
    print_line(f"{title}: {os.path.relpath(page)}")
    if png:
        take_screenshot(page, png)
        print_line(f"picture: {os.path.relpath(png)}")

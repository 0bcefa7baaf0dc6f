"""cost, estimate: what an ingest cost, and what one will."""

from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from hundredfold.accounting.bill import Bill, bill_of
from hundredfold.accounting.prices import PriceList, prices
from hundredfold.accounting.usage import ASSUMED, Usage, usage_lines, usage_of_ledger
from hundredfold.accounting.usage import OTHER_MEMORY_MB as OTHER_MB
from hundredfold.errors import InvalidIngestError
from hundredfold_cli.commands.options import AsJson, IngestId, find_deployment
from hundredfold_cli.console import out, print_json, say
from hundredfold_cli.estimates.estimate import ADVICE, BATCH_SIZES, break_even, by_service, expect, month, optimum
from hundredfold_cli.estimates.scenario import BATCH_RECORDS, CONCURRENCY, INFER_MEMORY_MB, RECORD_BYTES, Scenario
from hundredfold_cli.ingests.invocations import read_invocations, with_reports
from hundredfold_cli.ingests.status import IngestStatus, ingest_status, newest_ingest
from hundredfold_cli.stack.deployment import Deployment

_ITEM_OVERHEAD_BYTES = 100  # that DynamoDB counts with each item's storage


class Architecture(StrEnum):
    """A processor that Lambda offers."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


def cost(
    context: typer.Context,
    ingest_id: IngestId = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="By the ledger alone, without what Lambda reported in the logs.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Hold it against the estimate of the same ingest, line by line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what an ingest cost: what it really used, times the list prices."""
    deployment = find_deployment(context)
    now = ingest_status(deployment, ingest_id or newest_ingest(deployment))
    if not now.ended:
        raise InvalidIngestError(f"ingest {now.summary['ingest_id']} is still running; its cost is known when it ends")
    price_list = prices_of(deployment)
    usage = usage_of(deployment, now, reports=not ledger)
    bill = bill_of(usage_lines(usage), price_list)
    expected = expect(scenario_of(usage), price_list) if estimate else None
    if as_json:
        answer: dict[str, Any] = {"ingest_id": now.summary["ingest_id"], **bill.as_dict(), "usage": asdict(usage)}
        if expected:
            answer["estimate"] = expected.as_dict()
        print_json(answer)
        return
    print_bill(bill, f"What {now.summary['ingest_id']} cost", expected)
    out.print(explain(bill), soft_wrap=True)


def estimate(
    records: Annotated[int, typer.Option(min=1, help="Records of an ingest.")] = 50_000,
    batch_size: Annotated[int, typer.Option(min=1, max=10_000, help="Records of a batch.")] = BATCH_RECORDS,
    memory: Annotated[
        int, typer.Option(min=128, max=10_240, help="Of the inference function, in MB.")
    ] = INFER_MEMORY_MB,
    arch: Annotated[Architecture, typer.Option(help="Its processor.")] = Architecture.X86_64,
    concurrency: Annotated[int, typer.Option(min=1, max=10_000, help="Batches inferred at once.")] = CONCURRENCY,
    record_bytes: Annotated[int, typer.Option(min=1, help="Bytes of a record.")] = RECORD_BYTES,
    record_ms: Annotated[
        float, typer.Option(min=0, help="Processor time a record, in ms, at one processor.")
    ] = ASSUMED.cpu_ms_a_record,
    init_seconds: Annotated[
        float, typer.Option(min=0, help="Start of an environment, in s, at one processor.")
    ] = ASSUMED.init_seconds,
    ingests_a_day: Annotated[float, typer.Option(min=0, help="For the cost of a month.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Estimate what an ingest will cost and how long it will take, before anything runs."""
    assumed = replace(ASSUMED, cpu_ms_a_record=record_ms, init_seconds=init_seconds)
    scenario = Scenario(records, batch_size, memory, arch.value, concurrency, record_bytes, assumed)
    price_list = prices()
    bill = expect(scenario, price_list)
    best = optimum(scenario, price_list)
    ends = break_even(bill, price_list)
    whole_month = month(bill, ingests_a_day, prediction_gb(records), price_list)
    sizes = [replace(scenario, batch_records=size) for size in BATCH_SIZES]
    if as_json:
        print_json(
            {
                **bill.as_dict(),
                "seconds": scenario.seconds,
                "batches": scenario.batches,
                "writes_a_second": scenario.writes_a_second,
                "limits_broken": scenario.broken_limits(),
                "by_service": by_service(bill),
                "batch_sizes": [_size_row(size, price_list) for size in sizes],
                "optimum": _size_row(best, price_list) if best else None,
                "break_even": [asdict(end) for end in ends],
                "month": whole_month.as_dict(),
            }
        )
        return
    print_bill(bill, f"Estimate: {records:,} records in batches of {batch_size:,}, {memory:,} MB, {arch.value}")
    out.print(
        f"Time to finish about {scenario.seconds:,.0f} s: {scenario.batches:,} batches of "
        f"{scenario.batch_seconds * 1000:,.0f} ms, {scenario.at_once:,} at once, "
        f"{scenario.writes_a_second:,.0f} writes a second.",
        soft_wrap=True,
    )
    for broken in scenario.broken_limits():
        out.print(f"[bold yellow]over a limit:[/] {broken}", soft_wrap=True)
    out.print(explain(bill), soft_wrap=True)
    _print_sizes(sizes, best, price_list)
    for end in ends:
        out.print(
            f"An always-on SageMaker {end.instance} is ${end.usd_a_month:,.2f} a month"
            f"{' (price to be checked)' if end.unsure else ''}: it costs less from {end.ingests_a_month:,.0f} such "
            f"ingests a month on ({end.ingests_a_month / 30:,.0f} a day), DynamoDB left out on both sides.",
            soft_wrap=True,
        )
    print_bill(whole_month, f"A month with {ingests_a_day:g} such ingests a day")
    out.print(
        "What the times are from, and what is left out: docs/cost.md. After a run: hundredfold cost --estimate.",
        soft_wrap=True,
    )


def prices_of(deployment: Deployment) -> PriceList:
    """Return the prices of the deployment's region; those of us-east-1, with a warning, if there is no list for it."""
    region = deployment.session.region_name or ""
    try:
        return prices(region)
    except FileNotFoundError:
        say(f"there is no price list for {region}; these are the prices of us-east-1")
        return prices()


def usage_of(deployment: Deployment, now: IngestStatus, *, reports: bool = True) -> Usage:
    """Return what an ingest used, from its ledger and, if there are any, from Lambda's REPORT lines."""
    ingest_id = str(now.summary["ingest_id"])
    if now.plan is None:
        raise InvalidIngestError(f"ingest {ingest_id} was never planned, so there is nothing to bill")
    usage = usage_of_ledger(deployment.ledger.entries(ingest_id), now.plan, other_memory_mb=OTHER_MB)
    if not reports:
        return usage
    started, seconds = str(now.summary["started_at"]), float(now.summary["seconds"])
    return with_reports(usage, read_invocations(deployment, ingest_id, started, seconds))


def scenario_of(usage: Usage) -> Scenario:
    """Return the scenario that `hundredfold estimate` would have worked out before this ingest."""
    per_batch = -(-usage.records // usage.batches) if usage.batches else 1
    return Scenario(
        records=max(usage.records, 1),
        batch_records=per_batch,
        memory_mb=usage.infer_memory_mb or INFER_MEMORY_MB,
        concurrency=max(usage.environments, 1),
        record_bytes=max(1, round(usage.source_bytes / max(usage.records, 1))),
    )


def prediction_gb(records: int) -> float:
    """Return what an ingest's predictions take in the table."""
    return records * (ASSUMED.prediction_bytes + _ITEM_OVERHEAD_BYTES) / 1e9


def explain(bill: Bill) -> str:
    """Say which service costs most, and what would change it."""
    sums = by_service(bill)
    if not bill.usd:
        return "Nothing was used."
    first, second = list(sums)[:2]
    return (
        f"{first} is {sums[first] / bill.usd:.0%} of it: {ADVICE[first]}\n"
        f"{second} is {sums[second] / bill.usd:.0%}: {ADVICE[second]}"
    )


def print_bill(bill: Bill, title: str, expected: Bill | None = None) -> None:
    """Print a bill, beside the one that was expected if there is one."""
    table = Table(box=SIMPLE, title=title, title_justify="left", show_footer=True)
    table.add_column("", footer="together", max_width=40)
    table.add_column("quantity", justify="right", no_wrap=True)
    if expected:
        table.add_column("estimated", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("$ a million", justify="right", no_wrap=True)
    table.add_column("$", justify="right", footer=f"{bill.usd:,.6f}", no_wrap=True)
    if expected:
        table.add_column("difference", justify="right", footer=f"{bill.usd - expected.usd:+,.6f}", no_wrap=True)
    before = {(line.price, line.what): line for line in expected.lines} if expected else {}
    for line in bill.lines:
        was = before.pop((line.price, line.what), None)
        row = [line.what, _quantity(line.quantity), line.unit, f"{line.unit_usd * 1e6:,.3f}", f"{line.usd:,.6f}"]
        if expected:
            row.insert(2, _quantity(was.quantity) if was else "-")
            row.append(f"{line.usd - (was.usd if was else 0):+,.6f}")
        table.add_row(*row)
    for line in before.values():
        unit_usd = f"{line.unit_usd * 1e6:,.3f}"
        table.add_row(line.what, "-", _quantity(line.quantity), line.unit, unit_usd, "-", f"{-line.usd:+,.6f}")
    out.print(table)
    out.print(f"List prices of {bill.region}, {bill.dated}, without free tiers.", style="dim")


def _quantity(quantity: float) -> str:
    return f"{quantity:,.0f}" if float(quantity).is_integer() else f"{quantity:,.6g}"


def _size_row(scenario: Scenario, price_list: PriceList) -> dict[str, Any]:
    return {
        "batch_size": scenario.batch_records,
        "batches": scenario.batches,
        "usd": expect(scenario, price_list).usd,
        "at_once": scenario.at_once,
        "seconds": scenario.seconds,
        "writes_a_second": scenario.writes_a_second,
        "limits_broken": scenario.broken_limits(),
    }


def _print_sizes(sizes: list[Scenario], best: Scenario | None, price_list: PriceList) -> None:
    table = Table(box=SIMPLE, title="By batch size", title_justify="left")
    for name in ("batch size", "batches", "$", "seconds", "writes/s"):
        table.add_column(name, justify="right")
    table.add_column("over a limit")
    for scenario in sizes:
        row = _size_row(scenario, price_list)
        broken = "; ".join(row["limits_broken"])
        table.add_row(
            f"{row['batch_size']:,}",
            f"{row['batches']:,}",
            f"{row['usd']:.4f}",
            f"{row['seconds']:,.0f}",
            f"{row['writes_a_second']:,.0f}",
            broken or "-",
        )
    out.print(table)
    if best:
        row = _size_row(best, price_list)
        out.print(
            f"Best within the limits: batches of {best.batch_records:,}, {best.at_once:,} at once: ${row['usd']:.4f} "
            f"and {row['seconds']:,.0f} s (the smallest batches within 2 % of the cheapest).",
            soft_wrap=True,
        )
    else:
        out.print("No batch size stays within the limits.", soft_wrap=True)

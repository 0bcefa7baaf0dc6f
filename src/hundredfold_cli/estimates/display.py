"""What a person sees of costs: a bill, and an estimate."""

from rich.box import SIMPLE
from rich.table import Table

from hundredfold.accounting.bill import Bill, Line
from hundredfold_cli.console import out
from hundredfold_cli.estimates.estimate import (
    ADVICE,
    BatchSizeEstimate,
    Deviation,
    Estimate,
    LayoutEstimate,
    by_service,
)

_WIDE = 110
"""The width of a terminal in which a comparison of bills has all its columns."""


def print_bill(bill: Bill, title: str, expected: Bill | None = None) -> None:
    """Print a bill, line by line.

    Parameters
    ----------
    expected : a bill to print beside it, with the differences
    """
    # In a narrow terminal, a comparison leaves out units and prices, so that names and figures are whole.
    has_prices = expected is None or out.width >= _WIDE
    table = Table(box=SIMPLE, title=title, title_justify="left", show_footer=True)
    table.add_column("", footer="together", max_width=40, min_width=16)
    table.add_column("quantity", justify="right", no_wrap=True)
    if expected:
        table.add_column("estimated", justify="right", no_wrap=True)
    if has_prices:
        table.add_column("unit", no_wrap=True)
        table.add_column("$ a million", justify="right", no_wrap=True)
    table.add_column("$", justify="right", footer=f"{bill.usd:,.6f}", no_wrap=True)
    if expected:
        table.add_column("difference", justify="right", footer=f"{bill.usd - expected.usd:+,.6f}", no_wrap=True)
    expected_lines = {(line.price, line.what): line for line in expected.lines} if expected else {}
    for line in bill.lines:
        estimated = expected_lines.pop((line.price, line.what), None)
        row = [line.what, _quantity(line.quantity), *_price(line, shown=has_prices), f"{line.usd:,.6f}"]
        if expected:
            row.insert(2, _quantity(estimated.quantity) if estimated else "-")
            row.append(f"{line.usd - (estimated.usd if estimated else 0):+,.6f}")
        table.add_row(*row)
    for line in expected_lines.values():
        price = _price(line, shown=has_prices)
        table.add_row(line.what, "-", _quantity(line.quantity), *price, "-", f"{-line.usd:+,.6f}")
    out.print(table)
    out.print(f"List prices of {bill.region}, {bill.dated}, without free tiers.", style="dim")


def print_deviation(deviation: Deviation) -> None:
    """Print how far a bill is from its estimate, and how much of that is time."""
    out.print(
        f"Used {deviation.together:+.1%} against the estimate: {deviation.counted:+.1%} by counted quantities, and "
        f"{deviation.timed:+.1%} by times. A call took {deviation.batch_ms:,.0f} ms, and "
        f"{deviation.expected_batch_ms:,.0f} were expected. A busy machine lengthens it, and the local stack waits for "
        "log lines. --ledger takes the times that the functions measured themselves.",
        soft_wrap=True,
    )


def print_advice(bill: Bill) -> None:
    """Print which two services cost most, and what would change it."""
    if not bill.usd:
        out.print("Nothing was used.")
        return
    sums = by_service(bill)
    first, second = list(sums)[:2]
    out.print(f"{first} is {sums[first] / bill.usd:.0%} of it: {ADVICE[first]}", soft_wrap=True)
    out.print(f"{second} is {sums[second] / bill.usd:.0%}: {ADVICE[second]}", soft_wrap=True)


def print_estimate(estimate: Estimate) -> None:
    """Print an estimate: the bill, the time, other batch sizes, an always-on endpoint, and a month."""
    scenario = estimate.scenario
    print_bill(
        estimate.bill,
        f"Estimate: {scenario.records:,} records in batches of {scenario.batch_records:,}, {scenario.memory_mb:,} MB, "
        f"{scenario.architecture}, predictions in the layout {scenario.layout}",
    )
    out.print(
        f"Time to finish about {scenario.seconds:,.0f} s: {scenario.batches:,} batches of "
        f"{scenario.batch_seconds * 1000:,.0f} ms in {scenario.groups:,} groups, {scenario.at_once:,} at once, "
        f"{scenario.writes_a_second:,.0f} writes a second.",
        soft_wrap=True,
    )
    if scenario.wait_seconds:
        out.print(
            f"[bold yellow]waits for the table:[/] {scenario.at_once:,} batches at once can write "
            f"{scenario.wanted_writes_a_second:,.0f} a second, and the table takes {scenario.table_writes:,}. So each "
            f"batch waits {scenario.wait_seconds * 1000:,.0f} ms. A new table doubles within half an hour of use; "
            "WarmWritesPerSecond warms it up at once, for a charge; fewer at once wait less.",
            soft_wrap=True,
        )
    for limit in scenario.broken_limits():
        out.print(f"[bold yellow]over a limit:[/] {limit}", soft_wrap=True)
    print_advice(estimate.bill)
    _print_layouts(estimate.layouts)
    if estimate.fastest:
        fastest = estimate.fastest
        out.print(
            f"Fastest without waiting for the table: GroupBatches={fastest.group_batches} "
            f"GroupsAtOnce={fastest.groups_at_once}, {fastest.at_once:,} batches at once: ${fastest.usd:.4f} and "
            f"{fastest.seconds:,.0f} s.",
            soft_wrap=True,
        )
    _print_batch_sizes(estimate.batch_sizes, estimate.optimum)
    for endpoint in estimate.break_even:
        out.print(
            f"An always-on SageMaker {endpoint.instance} is ${endpoint.usd_a_month:,.2f} a month"
            f"{' (price to be checked)' if endpoint.unsure else ''}: it costs less from "
            f"{endpoint.ingests_a_month:,.0f} such ingests a month on ({endpoint.ingests_a_month / 30:,.0f} a day), "
            "DynamoDB left out on both sides.",
            soft_wrap=True,
        )
    print_bill(estimate.month, f"A month with {estimate.ingests_a_day:g} such ingests a day")
    out.print(
        "What the times are from, and what is left out: docs/cost.md. After a run: hundredfold cost --estimate.",
        soft_wrap=True,
    )


def _print_layouts(layouts: list[LayoutEstimate]) -> None:
    table = Table(box=SIMPLE, title="By layout of predictions", title_justify="left")
    for name in ("layout", "$", "seconds", "write units a batch", "batches at once, at most"):
        table.add_column(name, justify="right")
    for layout in layouts:
        table.add_row(
            layout.layout,
            f"{layout.usd:.4f}",
            f"{layout.seconds:,.0f}",
            f"{layout.units_a_batch:,}",
            f"{layout.most_at_once:,}",
        )
    out.print(table)
    out.print(
        "item is right if any client reads single predictions by their id, or if they are written back onto items; "
        "packed if an ingest is read as a whole, or by few look-ups. docs/packed.md has more.",
        soft_wrap=True,
    )


def _print_batch_sizes(batch_sizes: list[BatchSizeEstimate], best: BatchSizeEstimate | None) -> None:
    table = Table(box=SIMPLE, title="By batch size", title_justify="left")
    for name in ("batch size", "batches", "$", "seconds", "writes/s"):
        table.add_column(name, justify="right")
    table.add_column("over a limit")
    for size in batch_sizes:
        table.add_row(
            f"{size.batch_size:,}",
            f"{size.batches:,}",
            f"{size.usd:.4f}",
            f"{size.seconds:,.0f}",
            f"{size.writes_a_second:,.0f}",
            "; ".join(size.limits_broken) or "-",
        )
    out.print(table)
    if best is None:
        out.print("No size of batches stays within the limits.", soft_wrap=True)
        return
    out.print(
        f"Best within the limits: batches of {best.batch_size:,} in groups of {best.group_batches:,}, {best.at_once:,} "
        f"at once: ${best.usd:.4f} and {best.seconds:,.0f} s (the smallest batches within 2 % of the cheapest).",
        soft_wrap=True,
    )


def _price(line: Line, *, shown: bool) -> list[str]:
    return [line.unit, f"{line.unit_usd * 1e6:,.3f}"] if shown else []


def _quantity(quantity: float) -> str:
    return f"{quantity:,.0f}" if float(quantity).is_integer() else f"{quantity:,.6g}"

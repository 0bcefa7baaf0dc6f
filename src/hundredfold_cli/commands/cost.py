"""cost, estimate: what an ingest cost, and what an ingest would cost."""

from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from hundredfold.accounting.bill import bill_of
from hundredfold.accounting.prices import prices
from hundredfold.accounting.usage import ASSUMED, usage_lines
from hundredfold.errors import InvalidIngestError
from hundredfold.layout import Layout
from hundredfold_cli.commands.options import AsJson, IngestId, find_deployment
from hundredfold_cli.console import print_json
from hundredfold_cli.estimates.display import print_advice, print_bill, print_deviation, print_estimate
from hundredfold_cli.estimates.estimate import deviation, expect, make_estimate
from hundredfold_cli.estimates.scenario import (
    BATCH_RECORDS,
    GROUP_BATCHES,
    GROUPS_AT_ONCE,
    INFER_MEMORY_MB,
    RECORD_BYTES,
    TABLE_WRITES,
    Scenario,
)
from hundredfold_cli.ingests.cost import ingest_usage, regional_prices
from hundredfold_cli.ingests.display import print_executions
from hundredfold_cli.ingests.status import ingest_status, newest_ingest


class Architecture(StrEnum):
    """A processor that Lambda offers."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


def cost(
    context: typer.Context,
    ingest_id: IngestId = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Use the ledger alone, without what Lambda reported in the logs.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Compare with the estimate of the same ingest, line by line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an ingest cost: what it used, times the list prices."""
    deployment = find_deployment(context)
    name = ingest_id or newest_ingest(deployment)
    status = ingest_status(deployment, name)
    if not status.ended:
        raise InvalidIngestError(f"ingest {name} is still running; its cost is known when it ends")
    price_list = regional_prices(deployment)
    usage = ingest_usage(deployment, status, reports=not ledger)
    bill = bill_of(usage_lines(usage), price_list)
    scenario = Scenario.of_usage(usage)
    expected = expect(scenario, price_list) if estimate else None
    deviates = deviation(bill, usage, scenario, price_list) if estimate else None
    if as_json:
        document: dict[str, Any] = {"ingest_id": name, **bill.as_dict(), "usage": asdict(usage)}
        document["executions"] = status.summary.get("executions", [])
        if expected and deviates:
            document |= {"estimate": expected.as_dict(), "deviation": asdict(deviates)}
        print_json(document)
        return
    print_bill(bill, f"What {name} cost", expected)
    if deviates:
        print_deviation(deviates)
    print_executions(status.summary)
    print_advice(bill)


def estimate(
    records: Annotated[int, typer.Option(min=1, help="The records of an ingest.")] = 50_000,
    batch_size: Annotated[int, typer.Option(min=1, max=10_000, help="The records of a batch.")] = BATCH_RECORDS,
    memory: Annotated[
        int, typer.Option(min=128, max=10_240, help="The memory of the inference function, in MB.")
    ] = INFER_MEMORY_MB,
    arch: Annotated[Architecture, typer.Option(help="The processor of the inference function.")] = Architecture.X86_64,
    group_batches: Annotated[
        int, typer.Option(min=1, max=40, help="The batches of a group, which are inferred at once.")
    ] = GROUP_BATCHES,
    groups_at_once: Annotated[
        int, typer.Option(min=1, max=1_000, help="How many groups are inferred at once.")
    ] = GROUPS_AT_ONCE,
    table_writes: Annotated[
        int, typer.Option(min=1, help="Writes a second that the predictions table takes; the default is of a new one.")
    ] = TABLE_WRITES,
    layout: Annotated[Layout, typer.Option(help="How predictions are stored.")] = Layout.ITEM,
    record_bytes: Annotated[int, typer.Option(min=1, help="The bytes of a record.")] = RECORD_BYTES,
    record_ms: Annotated[
        float, typer.Option(min=0, help="The processor time of a record, in ms on one whole processor.")
    ] = ASSUMED.cpu_ms_a_record,
    init_seconds: Annotated[
        float, typer.Option(min=0, help="The start of an environment, in seconds on one whole processor.")
    ] = ASSUMED.init_seconds,
    ingests_a_day: Annotated[float, typer.Option(min=0, help="How many ingests a day the month has.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Estimate what an ingest will cost and how long it will take. It needs no stack."""
    assumed = replace(ASSUMED, cpu_ms_a_record=record_ms, init_seconds=init_seconds)
    scenario = Scenario(
        records,
        batch_size,
        memory,
        arch.value,
        group_batches,
        groups_at_once,
        record_bytes,
        assumed,
        table_writes=table_writes,
        layout=layout,
    )
    result = make_estimate(scenario, ingests_a_day, prices())
    if as_json:
        print_json(result.as_dict())
    else:
        print_estimate(result)

"""The list of ingests, as a person or a machine reads it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from hundredfold.planning.shadows import SHADOW
from hundredfold.summary import Status
from hundredfold_cli.errors import OptionError
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.ingest_list import ListedIngest

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COLUMNS = ("status", "began", "records", "predicted", "rejected", "failed", "seconds", "cost $", "model", "drift")
_LEFT = {"status", "began"}


def parse_since(text: str, now: datetime) -> str:
    """Return the time that `--since` names, in UTC: `90m`, `24h`, `7d`, `2w`, a date, or a date and time.

    Raises
    ------
    OptionError
        If it is none of these.
    """
    if back := re.fullmatch(r"([0-9]+)([mhdw])", text):
        time = now - timedelta(**{_UNITS[back[2]]: int(back[1])})
    else:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise OptionError(
                f"--since {text} is no time; write 24h, 7d, 2026-11-24, or 2026-11-24T06:00 (UTC)"
            ) from None
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def list_newest(
    deployment: Deployment, status: Status | None, since: str, limit: int, *, shadows: bool = False
) -> list[ListedIngest]:
    """Return the newest ingests.

    An ingest whose execution has ended without a summary is FAILED: nothing works on it any more.

    Parameters
    ----------
    status : of all that are returned; None for any
    shadows : also return the shadows of ingests
    """
    # Those that run are always read: one whose execution has ended is FAILED.
    statuses = [each for each in Status if each is Status.RUNNING or status in {None, each}]
    listed = deployment.ingests.newest(statuses, since, limit)
    current = _resolved(listed, lambda: _running_executions(deployment))
    wanted = (
        ingest
        for ingest in current
        if (status is None or ingest.status == status) and (shadows or SHADOW not in ingest.ingest_id)
    )
    return list(islice(wanted, limit))


def as_dict(ingest: ListedIngest) -> dict[str, Any]:
    """Return an ingest for a machine, with the largest index of its drift."""
    return {**asdict(ingest), "drift": ingest.drift.largest if ingest.drift else None}


def list_lines(ingests: Sequence[ListedIngest], width: int) -> list[str]:
    """Return the lines of the list. Ids are whole: in a narrow terminal, each has a line of its own.

    Parameters
    ----------
    width : of the terminal, in columns
    """
    rows = [dict(zip(_COLUMNS, _cells(ingest), strict=True)) for ingest in ingests]
    widths = {name: max(len(name), *(len(row[name]) for row in rows), 0) for name in _COLUMNS} if rows else {}
    id_width = max((len(ingest.ingest_id) for ingest in ingests), default=0)
    row_width = sum(widths.values()) + len(widths) - 1
    in_one_line = id_width + 2 + row_width <= width

    def line(cells: dict[str, str]) -> str:
        aligned = (cells[n].ljust(widths[n]) if n in _LEFT else cells[n].rjust(widths[n]) for n in _COLUMNS)
        return " ".join(aligned).rstrip()

    if not rows:
        return []
    head = line({name: name for name in _COLUMNS})
    if in_one_line:
        names = (f"{ingest.ingest_id.ljust(id_width)}  {line(row)}" for ingest, row in zip(ingests, rows, strict=True))
        return [f"{'id'.ljust(id_width)}  {head}", *names]
    return [head, *(text for ingest, row in zip(ingests, rows, strict=True) for text in (ingest.ingest_id, line(row)))]


def _cells(ingest: ListedIngest) -> tuple[str, ...]:
    def count(value: int | None) -> str:
        return "-" if value is None else f"{value:,}"

    return (
        ingest.status,
        ingest.began_at[5:16].replace("T", " "),
        count(ingest.records),
        count(ingest.predicted),
        count(ingest.rejected),
        count(ingest.failed),
        "-" if ingest.seconds is None else f"{ingest.seconds:,.1f}",
        "-" if ingest.usd is None else f"{ingest.usd:.4f}",
        ingest.model_version or "-",
        "-" if ingest.drift is None else f"{ingest.drift.largest:.2f}",
    )


def _resolved(ingests: Iterable[ListedIngest], running_executions: Any) -> Iterator[ListedIngest]:
    running: frozenset[str] | None = None
    for ingest in ingests:
        if ingest.status == Status.RUNNING:
            running = running_executions() if running is None else running
            if ingest.execution not in running:
                yield replace(ingest, status=Status.FAILED.value)
                continue
        yield ingest


def _running_executions(deployment: Deployment) -> frozenset[str]:
    """Return the names of all executions that run."""
    pages = deployment.step_functions.get_paginator("list_executions").paginate(
        stateMachineArn=deployment.state_machine, statusFilter="RUNNING"
    )
    return frozenset(execution["name"] for page in pages for execution in page["executions"])

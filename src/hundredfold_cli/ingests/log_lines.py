"""The log lines of an ingest: of all functions that worked on it, in the order of their time."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hundredfold_cli.ingests.invocations import Span
from hundredfold_cli.stack.deployment import FUNCTIONS, Deployment

_START = re.compile(r"START RequestId: ")
_PLATFORM = re.compile(r"(START|END) RequestId: |INIT_START ")
_ERROR = re.compile(
    r'"level": ?"(ERROR|CRITICAL)"|\[ERROR\]|Status: (error|timeout)|Task timed out|Traceback |Runtime\.\w+Error'
)
_BATCH = re.compile(r'"batch": ?(\d+)')


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a function's log.

    Attributes
    ----------
    time : in milliseconds since 1970
    event : its id in CloudWatch Logs
    """

    time: int
    function: str
    message: str
    event: str

    @property
    def is_error(self) -> bool:
        return _ERROR.search(self.message) is not None

    def text(self) -> str:
        """Return the line for a person: time, function, level, message and what else it has."""
        time = datetime.fromtimestamp(self.time / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        return f"{time} {self.function:<16} {_readable(self.message)}"


def read_log_lines(
    deployment: Deployment, ingest_id: str, spans: Sequence[Span], batch: int | None = None
) -> list[LogLine]:
    """Read the log lines of an ingest within some spans of time.

    An invocation belongs to the ingest if one of its lines names it, and to a batch if one names that too. Metrics,
    lines that name another ingest or batch, and the lines that only mark an invocation's start and end are left out.

    Parameters
    ----------
    batch : only the lines about this batch; None for all
    """
    lines: list[LogLine] = []
    for function in FUNCTIONS:
        if batch is not None and function != FUNCTIONS[0]:
            continue
        events = (event for span in spans for event in deployment.log_events(function, span.begin, span.end))
        lines += lines_of(events, function, ingest_id, batch)
    unique = {(line.event, line.time, line.message): line for line in lines}
    return sorted(unique.values(), key=lambda line: line.time)


def lines_of(events: Iterable[Any], function: str, ingest_id: str, batch: int | None = None) -> Iterator[LogLine]:
    """Yield the lines of one function's log that are about an ingest, in no order.

    A log stream is one environment's, with one invocation after the other.
    """
    named = f'"ingest_id":{json.dumps(ingest_id)}'
    streams: dict[str, list[Any]] = {}
    for event in events:
        streams.setdefault(event["logStreamName"], []).append(event)
    for stream in streams.values():
        for invocation in _invocations(stream):
            text = "\n".join(event["message"] for event in invocation).replace('"ingest_id": ', '"ingest_id":')
            if named not in text or (batch is not None and str(batch) not in _BATCH.findall(text)):
                continue
            for event in invocation:
                message = event["message"].rstrip("\n")
                if not _PLATFORM.match(message) and '"_aws"' not in message and _is_about(message, ingest_id, batch):
                    yield LogLine(event["timestamp"], function, message, str(event.get("eventId", "")))


def _is_about(message: str, ingest_id: str, batch: int | None) -> bool:
    """Tell whether a line may be about an ingest and a batch. One that names another is not, wherever it stands.

    The local stack may hand on the last line of an invocation with the next one of the same environment.
    """
    try:
        values = json.loads(message)
    except ValueError:
        return True
    if not isinstance(values, dict):
        return True
    return values.get("ingest_id", ingest_id) == ingest_id and (batch is None or values.get("batch", batch) == batch)


def _invocations(events: Iterable[Any]) -> Iterator[list[Any]]:
    invocation: list[Any] = []
    for event in events:
        if _START.match(event["message"]) and invocation:
            yield invocation
            invocation = []
        invocation.append(event)
    if invocation:
        yield invocation


def _readable(message: str) -> str:
    """Return a JSON line as its level, its message and its own fields. Return any other line as it is."""
    try:
        values = json.loads(message)
    except ValueError:
        return message
    if not isinstance(values, dict) or "message" not in values:
        return message
    own = {name: value for name, value in values.items() if name not in _OF_EVERY_LINE}
    fields = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in own.items())
    return f"{values.get('level', ''):<7} {values['message']}  {fields}".rstrip()


_OF_EVERY_LINE = {
    "level", "message", "location", "timestamp", "service", "cold_start", "function_name", "function_memory_size",
    "function_arn", "function_request_id", "ingest_id", "execution", "xray_trace_id",
}  # fmt: skip
"""What Powertools and we add to every line."""

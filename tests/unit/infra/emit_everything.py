"""A program that sends each metric of a function once, as the function does. Its arguments: a stack, a function.

The metrics go to standard output, as EMF documents. What they are named and have as dimensions depends on the
environment, so each function of the template needs a process of its own.
"""

import sys
from types import SimpleNamespace
from typing import Any

from hundredfold.runtime.telemetry import (
    metrics,
    observe_batch,
    observe_notification,
    observe_plan,
    observe_stream,
    observe_summary,
)
from tests.unit.runtime.test_telemetry import BATCH, PLAN, STREAMED, SUMMARY

FUNCTIONS = ("plan-ingest", "infer-batch", "summarize-ingest")
"""Those that send metrics, after their names without the stack's."""


def send(function: str) -> None:
    match function:
        case "plan-ingest":
            observe_plan(PLAN)
        case "infer-batch":
            observe_batch("i1", BATCH, "7", 1.0)
            observe_stream("reviews", STREAMED, "7")
        case "summarize-ingest":
            observe_summary(SUMMARY)
            observe_notification("AccessDeniedException")
        case _:
            raise ValueError(f"{function} is none of {FUNCTIONS}")


@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: Any) -> None:
    send(event["function"])


if __name__ == "__main__":
    stack, function = sys.argv[1:]
    handler({"function": function}, SimpleNamespace(function_name=f"{stack}-{function}"))

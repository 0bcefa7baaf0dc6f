"""Times that `hundredfold estimate` assumes: an environment's start, a batch, and a child's dispatch."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from hundredfold.accounting.usage import ASSUMED
from hundredfold.model.engine import Engine
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.ingests import EndedIngest
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.estimates.scenario import BATCH_RECORDS
from hundredfold_cli.stack.deployment import Deployment

INIT_LIMIT_MS = 10_000
"""What Lambda gives an environment to start before it begins again.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
INTERPRETED_INIT_SECONDS = 1.3
"""Of a model that scikit-learn runs. docs/cost.md has it, with its source."""
TOLERANCE = 2
"""A time agrees if it is at most so many times what is assumed."""
LOGS_SECONDS = 60
"""REPORT lines come some seconds after their calls."""

_DURATION = re.compile(r"REPORT RequestId: \S+\s+Duration: ([\d.]+) ms")
_INIT = re.compile(r"Init Duration: ([\d.]+) ms")


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of the inference function, as Lambda's REPORT lines have them.

    Attributes
    ----------
    inits : the start of each environment, in milliseconds
    warm : the duration of each other call, in milliseconds
    """

    inits: tuple[float, ...]
    warm: tuple[float, ...]


def read_calls(messages: Iterable[str]) -> Calls:
    """Read REPORT lines; other lines are passed over."""
    inits, warm = [], []
    for message in messages:
        if duration := _DURATION.search(message):
            if init := _INIT.search(message):
                inits.append(float(init[1]))
            else:
                warm.append(float(duration[1]))
    return Calls(tuple(inits), tuple(warm))


def judge_inits(inits: Sequence[float], assumed_ms: float) -> Answer:
    """Judge how long environments take to start."""
    if not inits:
        raise CannotAskError("no environment started during the ingest")
    seen = f"{len(inits)} started in {median(inits):,.0f} ms (median), {max(inits):,.0f} ms at most"
    return Answer(seen, max(inits) < INIT_LIMIT_MS and median(inits) <= TOLERANCE * assumed_ms)


def judge_batches(warm: Sequence[float], assumed_ms: float) -> Answer:
    """Judge how long a warm call for a batch of 100 records takes."""
    if not warm:
        raise CannotAskError("every call was the first of its environment")
    return Answer(f"{median(warm):,.0f} ms (median of {len(warm)})", median(warm) <= TOLERANCE * assumed_ms)


def judge_dispatch(map_entered: datetime, first_call: datetime, assumed_seconds: float) -> Answer:
    """Judge how long it takes from the Map's begin to the first call of its children."""
    seconds = (first_call - map_entered).total_seconds()
    return Answer(f"{seconds:.2f} s from the Map's begin to the first call", seconds <= TOLERANCE * assumed_seconds)


def assumed_batch_ms(records: int) -> float:
    """Return what `hundredfold estimate` assumes for a batch that is written in one round, in milliseconds."""
    processor = ASSUMED.cpu_ms_a_batch + records * ASSUMED.cpu_ms_a_record
    return processor + ASSUMED.wait_ms_a_batch + ASSUMED.wait_ms_a_call


def map_entered(events: Iterable[Any]) -> datetime:
    """Return when an execution entered its Map; raises CannotAskError if it never did."""
    for event in events:
        if event["type"] == "MapRunStarted":
            moment: datetime = event["timestamp"]
            return moment
    raise CannotAskError("the execution's history has no Map")


def _calls(stage: Stage, ingest: EndedIngest) -> Calls:
    return read_calls(event["message"] for event in _events(stage.deployment, ingest))


def _inits(stage: Stage) -> Answer:
    compiled = stage.live_card.engine.engine is Engine.COMPILED
    assumed_seconds = ASSUMED.init_seconds if compiled else INTERPRETED_INIT_SECONDS
    return judge_inits(_calls(stage, stage.first).inits, assumed_seconds * 1000)


def _batches(stage: Stage) -> Answer:
    return judge_batches(_calls(stage, stage.warm).warm, assumed_batch_ms(BATCH_RECORDS))


def _dispatch(stage: Stage) -> Answer:
    first, deployment = stage.first, stage.deployment
    history = deployment.step_functions.get_paginator("get_execution_history")
    pages = history.paginate(executionArn=deployment.execution(first.ingest_id))
    entered = map_entered(event for page in pages for event in page["events"])
    # The first line is the one with which an environment begins to start, so its start is not in the time.
    lines = [event["timestamp"] for event in _events(deployment, first)]
    if not lines:
        raise CannotAskError("the function's log has no lines of the ingest")
    first_call = datetime.fromtimestamp(min(lines) / 1000, entered.tzinfo)
    return judge_dispatch(entered, first_call, ASSUMED.start_seconds + ASSUMED.child_overhead_seconds)


def _events(deployment: Deployment, ingest: EndedIngest) -> list[Any]:
    end = ingest.ended + timedelta(seconds=LOGS_SECONDS)
    return list(deployment.log_events("infer-batch", *(round(at.timestamp() * 1000) for at in (ingest.began, end))))


NO_LAMBDA = "its times are this machine's, and not Lambda's"
INIT = Check(
    "init-time",
    f"an environment starts in about {ASSUMED.init_seconds} s, or {INTERPRETED_INIT_SECONDS} s with scikit-learn, and "
    f"always in less than {INIT_LIMIT_MS // 1000} s",
    "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
    _inits,
    not_local=NO_LAMBDA,
)
DISPATCH = Check(
    "dispatch",
    f"the Map calls the function after about {ASSUMED.start_seconds + ASSUMED.child_overhead_seconds} s",
    "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-asl-use-map-state-distributed.html",
    _dispatch,
    not_local=NO_LAMBDA,
)
BATCH_TIME = Check(
    "batch-time",
    f"a warm call for {BATCH_RECORDS} records takes about {assumed_batch_ms(BATCH_RECORDS):.0f} ms",
    "https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html",
    _batches,
    not_local=NO_LAMBDA,
)

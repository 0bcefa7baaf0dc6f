"""The whole ingest against the simplest loop, in turn: how much longer does the real thing take on one machine?

A is the real thing on a fresh local stack whose workers are cold, from `start_execution` to the end of the
execution. B is `simple_loop.py`, one process from its start to its end, writing to the same local DynamoDB. Starting
the stack, deploying to it and uploading the source are not timed. Both must have written the same predictions.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.fresh_stack import MODEL, end_on_signals, fresh_stack, say
from hundredfold.keys import upload_key
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_stack import Process

_POLL_SECONDS = 0.1
_LIMIT_SECONDS = 600
_SCORE_TOLERANCE = 1e-6
_INGEST = "ingest"
_LOOP = "simple-loop"

type Answers = dict[str, tuple[str, float]]
"""Label and score by record id."""


@dataclass(frozen=True, slots=True)
class Run:
    """The seconds of one run: of the ingest, of the loop, and of the loop without its imports and model load."""

    ingest: float
    loop: float
    loop_loaded: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path, nargs="?", default=ROOT / "build/ingest-50000.jsonl", help="JSON Lines")
    parser.add_argument("--runs", type=int, default=5, help="how often each of the two is run (default 5)")
    parser.add_argument("--max-concurrency", type=int, default=2, help="batches inferred at once (default 2)")
    parser.add_argument(
        "--temporary", type=Path, help="a folder to make, where workers unzip their layers (default: the stack's own)"
    )
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    if arguments.temporary and arguments.temporary.exists():
        parser.error(
            f"--temporary {arguments.temporary} is there already; name one that is not, it is removed at the end"
        )
    for needed in (arguments.records, MODEL):
        if not needed.exists():
            sys.exit(f"{needed} is not there yet; run: make build build/ingest-50000.jsonl")
    end_on_signals()
    runs = [
        _run(number, arguments.records, arguments.max_concurrency, arguments.temporary)
        for number in range(arguments.runs)
    ]
    _show_medians(runs)


def _run(number: int, records: Path, max_concurrency: int, temporary: Path | None) -> Run:
    """Run both on a fresh stack, the one first that was second in the run before; raises SystemExit if they differ."""
    with fresh_stack("compare", {"GroupBatchesAtOnce": str(max_concurrency)}, temporary) as (process, deployment):
        busy = psutil.cpu_percent(interval=1)
        if number % 2:
            loop, loop_loaded = _time_loop(process, deployment, records)
            ingest = _time_ingest(process, deployment, records)
        else:
            ingest = _time_ingest(process, deployment, records)
            loop, loop_loaded = _time_loop(process, deployment, records)
        difference = _compare_answers(deployment, records)
    run = Run(ingest, loop, loop_loaded)
    say(f"run {number + 1}: {_line(run)}   machine {busy:.0f} % busy before, scores within {difference:.0e}")
    return run


def _time_ingest(process: Process, deployment: Deployment, records: Path) -> float:
    """Return the seconds that an ingest takes with cold workers; raises SystemExit if it did not predict them all."""
    key = upload_key(_INGEST, "bench")
    deployment.s3.upload_file(str(records), deployment.source_bucket, key)
    execution = deployment.execution(_INGEST)
    task = json.dumps({"source": {"bucket": deployment.source_bucket, "key": key}})
    deployment.step_functions.describe_state_machine(stateMachineArn=deployment.state_machine)  # connects
    process.end_workers()  # deploying has started one, for the smoke test of the model
    started = time.perf_counter()
    deployment.step_functions.start_execution(stateMachineArn=deployment.state_machine, name=_INGEST, input=task)
    while (state := deployment.step_functions.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.perf_counter() - started > _LIMIT_SECONDS:
            sys.exit(f"the ingest did not end within {_LIMIT_SECONDS} seconds")
        time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - started
    summary = deployment.ledger.ingest(_INGEST) or {}
    expected = sum(1 for line in records.open("rb") if line.strip())
    if (summary.get("status"), summary.get("predicted")) != ("COMPLETED", expected):
        sys.exit(f"the ingest is {state['status']}, and predicted {summary.get('predicted')} of {expected} records")
    return seconds


def _time_loop(process: Process, deployment: Deployment, records: Path) -> tuple[float, float]:
    """Return the seconds that the loop takes, as a process and without its imports and model load."""
    command = [
        *(sys.executable, "-m", "bench.simple_loop"),
        *(str(records), str(MODEL), deployment.predictions_table, _LOOP),
    ]
    environment = {**os.environ, **process.environment()}
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - started, float(done.stdout)


def _compare_answers(deployment: Deployment, records: Path) -> float:
    """Return the largest difference between two scores; raises SystemExit if the two wrote different predictions."""
    answers = _read_answers(deployment)
    ingest, loop = answers[_INGEST], answers[_LOOP]
    expected = {json.loads(line)["id"] for line in records.open("rb") if line.strip()}
    if ingest.keys() != expected or loop.keys() != expected:
        sys.exit(f"of {len(expected)} records the ingest wrote {len(ingest)} and the loop {len(loop)}")
    if unlike := [record for record in expected if ingest[record][0] != loop[record][0]]:
        sys.exit(f"{len(unlike)} labels differ, the first is that of record {min(unlike)}")
    difference = max(abs(ingest[record][1] - loop[record][1]) for record in expected)
    if difference > _SCORE_TOLERANCE:
        sys.exit(f"two scores of the same record differ by {difference}")
    return difference


def _read_answers(deployment: Deployment) -> dict[str, Answers]:
    """Read the whole predictions table, by ingest."""
    answers: dict[str, Answers] = {_INGEST: {}, _LOOP: {}}
    pages = deployment.dynamodb.get_paginator("scan").paginate(TableName=deployment.predictions_table)
    for page in pages:
        for item in page["Items"]:
            answer = item["label"]["S"], float(item["score"]["N"])
            answers[item["ingest_id"]["S"]][item["record_id"]["S"]] = answer
    return answers


def _show_medians(runs: list[Run]) -> None:
    middle = Run(
        median(run.ingest for run in runs), median(run.loop for run in runs), median(run.loop_loaded for run in runs)
    )
    say(f"median: {_line(middle)}")
    for name, ratios in (
        ("A / B", [run.ingest / run.loop for run in runs]),
        ("A / B without imports and model load", [run.ingest / run.loop_loaded for run in runs]),
    ):
        say(f"{name}: median {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _line(run: Run) -> str:
    return f"A {run.ingest:6.2f} s   B {run.loop:6.2f} s ({run.loop_loaded:.2f} s without imports and model load)"


if __name__ == "__main__":
    main()

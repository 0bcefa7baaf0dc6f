"""The whole ingest against other ways to do the same on one machine: the simplest loop, joblib, Ray Data, PySpark, and
the function of the article of 2019.

All read the same JSON Lines, predict in batches of 100 with the same model, and write to the same local DynamoDB. Each
run has a local stack of its own. Starting and deploying it, and uploading the source, are not timed. Ours starts with
cold workers. The other ways are timed from the start of their process to its end. CPU and memory are those of all
processes, and the local stack's among them. Each must have written the labels that the model gives in one process.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import joblib

from bench.chart import draw
from bench.fresh_stack import FOLDER, MODEL, end_on_signals, fresh_stack, say
from bench.lines import line_offsets
from bench.usage import watched
from hundredfold.keys import upload_key
from hundredfold_cli.stack.checkout import ENVIRONMENTS, ROOT
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import Process

_POLL_SECONDS = 0.1
_LIMIT_SECONDS = 900
_BATCH = 100
_INGEST = "bench"
_PEERS_PYTHON = ENVIRONMENTS / "peers/bin/python"
_ARTICLE_CALLS_AT_ONCE = 2

type Labels = Mapping[str, str]
"""By record id."""
type Prepare = Callable[[Process, Deployment, Path], Callable[[], None]]
"""Prepares what is not timed, for the records of a file on a stack, and returns what is timed."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do it.

    Attributes
    ----------
    parameters : of the template
    needs : the program without which it is left out; none if empty
    """

    name: str
    prepare: Prepare
    parameters: Mapping[str, str]
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of a way: its wall seconds, the usage of all processes, and how many labels are those of the model."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    labels_equal: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path, nargs="?", default=ROOT / "build/ingest-50000.jsonl", help="JSON Lines")
    parser.add_argument("--runs", type=int, default=3, help="how often each way is run (default 3)")
    parser.add_argument("--only", nargs="+", choices=[way.name for way in WAYS], help="leave out all others")
    parser.add_argument("--max-concurrency", type=int, default=2, help="batches of ours at once (default 2)")
    parser.add_argument("--picture", type=Path, help="a PNG file to draw the medians into; it needs Chromium")
    arguments = parser.parse_args()
    for needed in (arguments.records, MODEL, _PEERS_PYTHON):
        if not needed.exists():
            sys.exit(f"{needed} is not there; run: make bench")
    end_on_signals()
    ways = [way for way in WAYS if not arguments.only or way.name in arguments.only]
    for way in list(ways):
        if way.needs and not shutil.which(way.needs):
            say(f"{way.name} is left out: it needs {way.needs}, which is not installed")
            ways.remove(way)
    expected = model_labels(arguments.records)
    results: dict[str, list[Measured]] = {way.name: [] for way in ways}
    for turn in range(arguments.runs):
        for way in reversed(ways) if turn % 2 else ways:
            results[way.name].append(_run(way, arguments.records, arguments.max_concurrency, expected))
    medians = {name: _median(measured) for name, measured in results.items()}
    show(results, medians, len(expected))
    if arguments.picture:
        figures = {name: (middle.seconds, middle.cpu_seconds) for name, middle in medians.items()}
        draw(figures, len(expected), arguments.runs, arguments.picture)


def model_labels(records: Path) -> dict[str, str]:
    """Return the label that the model gives to each record, in one call."""
    with records.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    model = joblib.load(MODEL)
    labels = model.classes_[model.predict_proba([row["text"] for row in rows]).argmax(axis=1)]
    return {row["id"]: str(label) for row, label in zip(rows, labels, strict=True)}


def _run(way: Way, records: Path, max_concurrency: int, expected: Labels) -> Measured:
    load = os.getloadavg()[0]
    parameters = {"GroupBatchesAtOnce": str(max_concurrency), **way.parameters}
    with fresh_stack("compare", parameters) as (process, deployment):
        run = way.prepare(process, deployment, records)
        with watched([process.pid, os.getpid()]) as usage:
            started = time.perf_counter()
            run()
            seconds = time.perf_counter() - started
        stored = {
            prediction["record_id"]: prediction["label"] for prediction in deployment.predictions.read_all(_INGEST)
        }
    measured = Measured(seconds, usage.cpu_seconds, usage.peak_mib, _equal(stored, expected))
    say(f"{way.name:16} {_line(measured)}   load before {load:.1f}")
    return measured


def _equal(stored: Labels, expected: Labels) -> int:
    if unexpected := stored.keys() - expected.keys():
        sys.exit(f"{len(unexpected)} predictions are of records that are not in the source")
    return sum(stored.get(record) == label for record, label in expected.items())


def prepare_ingest(process: Process, deployment: Deployment, records: Path) -> Callable[[], None]:
    """Upload the source, and end the workers that deploying has started. Then an ingest is run to its end."""
    key = upload_key(_INGEST, "bench")
    deployment.s3.upload_file(str(records), deployment.source_bucket, key)
    task = json.dumps({"source": {"bucket": deployment.source_bucket, "key": key}})
    execution = deployment.execution(_INGEST)
    deployment.step_functions.describe_state_machine(stateMachineArn=deployment.state_machine)  # connects
    process.end_workers()

    def run() -> None:
        deadline = time.monotonic() + _LIMIT_SECONDS
        deployment.step_functions.start_execution(stateMachineArn=deployment.state_machine, name=_INGEST, input=task)
        while deployment.step_functions.describe_execution(executionArn=execution)["status"] == "RUNNING":
            if time.monotonic() > deadline:
                sys.exit(f"the ingest did not end within {_LIMIT_SECONDS} seconds")
            time.sleep(_POLL_SECONDS)
        if (status := (deployment.ledger.ingest(_INGEST) or {}).get("status")) != "COMPLETED":
            sys.exit(f"the ingest is {status}")

    return run


def peer(module: str) -> Prepare:
    """Return how to prepare a program of `bench/peers`, which runs in the peers' environment."""

    def prepare(process: Process, deployment: Deployment, records: Path) -> Callable[[], None]:
        command = [
            *(str(_PEERS_PYTHON), "-m", f"bench.peers.{module}"),
            *(str(records), str(MODEL), deployment.predictions_table, _INGEST),
        ]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))},
            **process.environment(),
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        FOLDER.mkdir(parents=True, exist_ok=True)
        log = FOLDER / f"{module}.log"

        def run() -> None:
            with log.open("wb") as out:
                done = subprocess.run(
                    command, cwd=ROOT, env=environment, stdout=out, stderr=out, timeout=_LIMIT_SECONDS
                )
            if done.returncode:
                sys.exit(f"bench/peers/{module}.py ended with {done.returncode}; its log is {log}")

        return run

    return prepare


def prepare_article(process: Process, deployment: Deployment, records: Path) -> Callable[[], None]:
    """Deploy a function that loads the model in each call, with our dependencies layer; it is called by batches."""
    key = upload_key(_INGEST, "bench")
    deployment.s3.upload_file(str(records), deployment.source_bucket, key)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(ROOT / "bench/plain_function/handler.py", "handler.py")
    ours: Any = deployment.lambda_.get_function_configuration(FunctionName=f"{STACK_NAME}-infer-batch")
    layers: Any = deployment.lambda_.list_layer_versions(LayerName=f"{STACK_NAME}-dependencies")
    deployment.lambda_.create_function(
        FunctionName="article",
        Runtime="python3.13",
        Role=ours["Role"],
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
        Layers=[layers["LayerVersions"][0]["LayerVersionArn"]],
        MemorySize=ours["MemorySize"],
        Timeout=60,
        Environment={
            "Variables": {
                "MODEL": str(MODEL),
                "PREDICTIONS_TABLE": deployment.predictions_table,
                "LOAD_IN_EACH_CALL": "yes",
            }
        },
    )
    offsets = list(line_offsets(records))
    process.end_workers()

    def call(batch: int) -> None:
        first = batch * _BATCH
        last = min(first + _BATCH, len(offsets) - 1)
        event = {
            "bucket": deployment.source_bucket,
            "key": key,
            "ingest_id": _INGEST,
            "batch": batch,
            "offset": offsets[first],
            "length": offsets[last] - offsets[first],
        }
        answer = deployment.lambda_.invoke(FunctionName="article", Payload=json.dumps(event).encode())
        content = answer["Payload"].read()
        if "FunctionError" in answer:
            sys.exit(f"the article's function failed: {content.decode()}")

    def run() -> None:
        with ThreadPoolExecutor(_ARTICLE_CALLS_AT_ONCE) as pool:
            for _ in pool.map(call, range((len(offsets) - 1 + _BATCH - 1) // _BATCH)):
                pass

    return run


WAYS = (
    Way("packed", prepare_ingest, {"PredictionsLayout": "packed"}),
    Way("item", prepare_ingest, {"PredictionsLayout": "item"}),
    Way("simplest loop", peer("simple_loop"), {}),
    Way("joblib.Parallel", peer("joblib_parallel"), {}),
    Way("Ray Data", peer("ray_data"), {}),
    Way("PySpark", peer("spark"), {}, needs="java"),
    Way("the article", prepare_article, {}),
)
LOOP = "simplest loop"


def show(results: Mapping[str, Sequence[Measured]], medians: Mapping[str, Measured], records: int) -> None:
    """Print the medians, and each way's seconds against the loop's of the same turn."""
    say(f"\n{records:,} records, medians of {len(next(iter(results.values())))}; {os.cpu_count()} processors")
    say(f"{'':16} {'seconds':>8} {'CPU s':>7} {'peak MiB':>9} {'labels equal':>13} {'against the loop':>17}")
    for name, middle in medians.items():
        ratio = ""
        if LOOP in results:
            ratios = [run.seconds / loop.seconds for run, loop in zip(results[name], results[LOOP], strict=True)]
            ratio = f"{median(ratios):.2f}"
        say(f"{name:16} {_line(middle)} {ratio:>17}")


def _line(measured: Measured) -> str:
    return f"{measured.seconds:8.1f} {measured.cpu_seconds:7.1f} {measured.peak_mib:9.0f} {measured.labels_equal:13,}"


def _median(measured: Sequence[Measured]) -> Measured:
    return Measured(
        median(run.seconds for run in measured),
        median(run.cpu_seconds for run in measured),
        median(run.peak_mib for run in measured),
        min(run.labels_equal for run in measured),
    )


if __name__ == "__main__":
    main()

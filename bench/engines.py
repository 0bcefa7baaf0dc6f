"""The whole ingest by each engine, in turn: the compiled example against the same model by scikit-learn.

Each run is an ingest of its own on one local stack, with cold workers, from `start_execution` to the end of the
execution. Starting the stack, deploying to it and uploading the source are not timed. Both engines must have written
the same labels, and scores within 1e-9.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

from bench.fresh_stack import end_on_signals, fresh_stack, say
from hundredfold.keys import upload_key
from hundredfold.model.engine import Engine
from hundredfold_cli.models.engines import stage_live_model
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_stack import Process

_POLL_SECONDS = 0.1
_LIMIT_SECONDS = 600
_SCORE_TOLERANCE = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path, nargs="?", default=ROOT / "build/ingest-50000.jsonl", help="JSON Lines")
    parser.add_argument("--runs", type=int, default=5, help="how often each engine runs (default 5)")
    parser.add_argument("--layout", default="item", help="how predictions are stored: item or packed (default item)")
    arguments = parser.parse_args()
    if not arguments.records.exists():
        sys.exit(f"{arguments.records} is not there yet; run: make build build/ingest-50000.jsonl")
    end_on_signals()
    with fresh_stack("engines", {"PredictionsLayout": arguments.layout}) as (process, deployment):
        releases = Releases(deployment)
        compiled = releases.require_live().version
        versions = {
            Engine.COMPILED: compiled,
            Engine.SCIKIT_LEARN: stage_live_model(releases, Engine.SCIKIT_LEARN).number,
        }
        key = upload_key("engines", "bench")
        deployment.s3.upload_file(str(arguments.records), deployment.source_bucket, key)
        seconds: dict[Engine, list[float]] = {engine: [] for engine in versions}
        for run in range(arguments.runs):
            for engine in list(versions)[:: -1 if run % 2 else 1]:
                releases.point_to(versions[engine], releases.live())
                seconds[engine].append(_time_ingest(process, deployment, key, f"{engine}-{run}"))
            ratio = seconds[Engine.COMPILED][-1] / seconds[Engine.SCIKIT_LEARN][-1]
            line = "  ".join(f"{engine} {values[-1]:6.2f} s" for engine, values in seconds.items())
            say(f"run {run + 1}: {line}  ratio {ratio:.2f}  load {os.getloadavg()[0]:.1f}")
            if not run and arguments.layout == "item":
                say(_compare(deployment, *(f"{engine}-0" for engine in versions)))
    ratios = [a / b for a, b in zip(seconds[Engine.COMPILED], seconds[Engine.SCIKIT_LEARN], strict=True)]
    medians = "  ".join(f"{engine} {median(values):6.2f} s" for engine, values in seconds.items())
    say(f"medians: {medians}  ratio {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _time_ingest(process: Process, deployment: Deployment, key: str, name: str) -> float:
    """Return the seconds that an ingest takes with cold workers; raises SystemExit if it did not complete."""
    execution = deployment.execution(name)
    task = json.dumps({"source": {"bucket": deployment.source_bucket, "key": key}})
    process.end_workers()
    started = time.perf_counter()
    deployment.step_functions.start_execution(stateMachineArn=deployment.state_machine, name=name, input=task)
    while (state := deployment.step_functions.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.perf_counter() - started > _LIMIT_SECONDS:
            sys.exit(f"the ingest did not end within {_LIMIT_SECONDS} seconds")
        time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - started
    summary = deployment.ledger.ingest(name) or {}
    if summary.get("status") != "COMPLETED" or summary["predicted"] != summary["records"]:
        sys.exit(f"the ingest is {state['status']}, and predicted {summary.get('predicted')} records")
    return seconds


def _compare(deployment: Deployment, *ingests: str) -> str:
    """Compare the predictions of two ingests; raises SystemExit if a label or score differs."""
    answers: dict[str, dict[str, tuple[str, float]]] = {name: {} for name in ingests}
    for page in deployment.dynamodb.get_paginator("scan").paginate(TableName=deployment.predictions_table):
        for item in page["Items"]:
            score = float(item["score"]["N"])
            answers[item["ingest_id"]["S"]][item["record_id"]["S"]] = (item["label"]["S"], score)
    first, second = answers.values()
    if first.keys() != second.keys():
        sys.exit(f"one engine wrote {len(first)} predictions, and the other {len(second)}")
    if unlike := [record for record, (label, _) in first.items() if label != second[record][0]]:
        sys.exit(f"{len(unlike)} labels differ, the first is that of record {min(unlike)}")
    difference = max(abs(score - second[record][1]) for record, (_, score) in first.items())
    if difference > _SCORE_TOLERANCE:
        sys.exit(f"two scores of the same record differ by {difference}")
    return f"0 of {len(first):,} labels differ, scores are within {difference:.0e}"


if __name__ == "__main__":
    main()

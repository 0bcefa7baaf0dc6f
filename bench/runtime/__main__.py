"""The shipped functions under AWS's Runtime Interface Emulator: cold starts and warm calls, against a plain function.

Ours has the layers that the model's card asks for. If the model is compiled, the same function is measured with
scikit-learn too, as `model publish --engine scikit-learn` releases it.

The plain function is what people write (`bench/plain_function`): `pip install --target` for its layer, the model loaded
at import, `Table.batch_writer` for its items. Both read the same ranges of the same object, and write to the same local
DynamoDB. CPU is that of the function's own process. The kinds take turns, so that a busy machine slows down all.

An archive keeps no file times that Python would accept, so a plain layer's .pyc files do not count once it is unzipped.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from bench.fresh_stack import FOLDER, MODEL, end_on_signals, fresh_stack, say
from bench.lines import line_offsets
from bench.runtime.emulator import RUNTIME_PYTHON, Function, started
from hundredfold.batches import LEDGER_SHARDS
from hundredfold.keys import upload_key
from hundredfold.model.card import CARD, Card
from hundredfold.model.engine import Engine, EngineChoice, LibraryLayer
from hundredfold.settings import MODEL_CARD_VARIABLE
from hundredfold_cli.models.engines import with_engine
from hundredfold_cli.stack.checkout import BUILD, ROOT
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import Process

SIZES = (1, 10, 100)
PLAIN = "plain"
PLAIN_COMPILED = "plain, .pyc valid"
"""As no layer is after it was zipped: with the .pyc files that pip made, and the times of the files they belong to."""
BARE = "bare predict"
_WORK = FOLDER / "functions"
_ARTICLE = ((1, 3803, 0.62), (10, 3838, 0.062), (100, 3912, 0.0062))
"""Batch size, milliseconds a call, and dollars for 50,000 records, as the article of 2019 printed them. It counts
Lambda's duration alone, at 192 MB, and loads the model in each call."""
_USD_PER_GB_SECOND = 0.0000166667
"""Lambda, x86_64, us-east-1. https://aws.amazon.com/lambda/pricing/ (2026-11)"""
_RECORDS = 50_000
_MEMORY_GB = 1769 / 1024

type Event = Callable[[int, int], dict[str, Any]]
"""Makes the event of a call from the number of its batch and the number of its records."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to run the function: its code, its layers, its variables and its events."""

    code: Path
    layers: Path
    environment: dict[str, str]
    event: Event


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a call, or of a start until its first answer."""

    cpu: float
    wall: float
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, default=ROOT / "build/ingest-50000.jsonl", help="JSON Lines")
    parser.add_argument("--rounds", type=int, default=5, help="of cold starts, and of warm calls (default 5)")
    parser.add_argument("--calls", type=int, default=100, help="warm calls of a round, for each size (default 100)")
    parser.add_argument("--layouts", nargs="+", default=["item", "packed"], help="of our function (default both)")
    arguments = parser.parse_args()
    for needed in (arguments.records, MODEL, RUNTIME_PYTHON, BUILD / "functions/infer_batch.zip"):
        if not needed.exists():
            sys.exit(f"{needed} is not there; run: make bench-runtime")
    end_on_signals()
    load = os.getloadavg()[0]
    unpack()
    with fresh_stack("runtime") as (process, deployment):
        kinds = make_kinds(process, deployment, arguments.records, arguments.layouts)
        numbers = count()
        cold = measure_cold(kinds, arguments.rounds, numbers)
        del kinds[PLAIN_COMPILED]  # differs in its start only
        warm = measure_warm(kinds, arguments.rounds, arguments.calls, numbers, arguments.records)
    say(f"load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} at the end; {os.cpu_count()} processors")
    show_cold(cold)
    show_warm(warm)


def unpack() -> None:
    """Install the plain layer and zip it; unzip its archive and the shipped ones, all in the same way."""
    shutil.rmtree(_WORK, ignore_errors=True)
    lock = ROOT / "requirements/plain.txt"
    command = [
        *(sys.executable, "-m", "uv", "--no-config", "pip", "install", "--quiet", "--compile-bytecode"),
        *("--require-hashes", "--python", str(RUNTIME_PYTHON), "--target", str(_WORK / "installed/python")),
        *("-r", str(lock)),
    ]
    # As pip does, this compiles what it installs.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, env=environment)
    plain = _WORK / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        for file in sorted((_WORK / "installed").rglob("*")):
            archive.write(file, file.relative_to(_WORK / "installed"))
    engine = bundled_engine()
    for archives, folder in (
        ([layer(name) for name in (engine.layer, "core", "model")], "opt"),
        ([layer(name) for name in (LibraryLayer.DEPENDENCIES, "core", "model")], "opt-scikit-learn"),
        ([BUILD / "functions/infer_batch.zip"], "task"),
        ([plain], "plain"),
    ):
        for file in archives:
            with zipfile.ZipFile(file) as archive:
                archive.extractall(_WORK / folder)
    if engine.engine is Engine.COMPILED:
        bundle = _WORK / "opt-scikit-learn/python/hundredfold_model/bundle"
        changed = with_engine(bundle, Engine.SCIKIT_LEARN, _WORK / "by-scikit-learn")
        shutil.copytree(changed, bundle, dirs_exist_ok=True)


def layer(name: str) -> Path:
    """Return the archive of a layer."""
    return BUILD / f"layers/{name}.zip"


def bundled_engine() -> EngineChoice:
    """Return the engine on the card of the bundle that was built."""
    return Card.from_json((BUILD / "bundle" / CARD).read_bytes()).engine


def make_kinds(process: Process, deployment: Deployment, records: Path, layouts: Sequence[str]) -> dict[str, Kind]:
    """Upload the records, and return the plain function and ours, in each layout, by name."""
    key = upload_key("runtime", "bench")
    deployment.s3.upload_file(str(records), deployment.source_bucket, key)
    head = deployment.s3.head_object(Bucket=deployment.source_bucket, Key=key)
    source = {"bucket": deployment.source_bucket, "key": key}
    pinned = {**source, "etag": head["ETag"].strip('"'), "size": head["ContentLength"]}
    offsets = list(line_offsets(records))
    configured = deployment.lambda_.get_function_configuration(FunctionName=f"{STACK_NAME}-infer-batch")
    settings = {**process.environment(), **configured["Environment"]["Variables"]}

    def place(batch: int, size: int) -> dict[str, int]:
        first = batch * size % (len(offsets) - 1 - size)
        return {"offset": offsets[first], "length": offsets[first + size] - offsets[first], "line": first + 1}

    def ours(layout: str) -> Event:
        def event(batch: int, size: int) -> dict[str, Any]:
            return {
                "action": "infer_batch",
                "ingest_id": f"runtime-{layout}-{size}",
                "execution": deployment.execution("runtime"),
                "spec": {**source, "kind": "jsonl"},
                "pinned": pinned,
                "model": {"function": f"{deployment.infer_function}:1", "version": "1", "card": ""},
                "layout": layout,
                "batch": {"batch": batch, "shard": batch % LEDGER_SHARDS, "records": size, **place(batch, size)},
            }

        return event

    def plain(batch: int, size: int) -> dict[str, Any]:
        return {**source, **place(batch, size), "ingest_id": f"runtime-{PLAIN}-{size}", "batch": batch}

    plain_settings = {**settings, "MODEL": str(MODEL)}
    kinds = {layout: Kind(_WORK / "task", _WORK / "opt", settings, ours(layout)) for layout in layouts}
    if bundled_engine().engine is Engine.COMPILED:
        by_scikit_learn = {**settings, MODEL_CARD_VARIABLE: ""}
        kinds |= {
            f"{layout}, scikit-learn": Kind(_WORK / "task", _WORK / "opt-scikit-learn", by_scikit_learn, ours(layout))
            for layout in layouts
        }
    code = ROOT / "bench/plain_function"
    return {
        **kinds,
        PLAIN_COMPILED: Kind(code, _WORK / "installed", plain_settings, plain),
        PLAIN: Kind(code, _WORK / "plain", plain_settings, plain),
    }


def measure_cold(kinds: dict[str, Kind], rounds: int, numbers: Iterator[int]) -> dict[str, list[Cost]]:
    """Start each kind of function again and again, and return the costs up to its first answer."""
    costs = defaultdict(list)
    for turn in range(rounds + 1):
        for name, kind in _alternating(kinds, turn):
            with started(kind.code, kind.layers, kind.environment, _WORK / f"{name}.log") as function:
                cost = _measure(function, kind, 1, 100, numbers, cold=True)
            if turn:  # the first one reads files that no cache has yet
                costs[name].append(cost)
    return costs


def measure_warm(
    kinds: dict[str, Kind], rounds: int, calls: int, numbers: Iterator[int], records: Path
) -> dict[tuple[str, int], list[Cost]]:
    """Call each kind of function with batches of each size, and return the costs of a call, by kind and size."""
    costs = defaultdict(list)
    with ExitStack() as stack:
        functions = {
            name: stack.enter_context(started(kind.code, kind.layers, kind.environment, _WORK / f"{name}.log"))
            for name, kind in kinds.items()
        }
        for size in SIZES:
            for name, kind in kinds.items():
                _measure(functions[name], kind, 10, size, numbers, cold=True)
        for turn in range(rounds):
            for size in SIZES:
                for name, kind in _alternating(kinds, turn):
                    costs[name, size].append(_measure(functions[name], kind, calls, size, numbers))
            for size, milliseconds in bare_predict(records).items():
                costs[BARE, size].append(Cost(milliseconds / 1000, 0.0, 0.0))
    return costs


def bare_predict(records: Path) -> dict[int, float]:
    """Return the CPU milliseconds of one predict for each size, with the plain layer, in a process of its own."""
    command = [str(RUNTIME_PYTHON), str(ROOT / "bench/runtime/bare_predict.py"), str(MODEL), str(records)]
    environment = {**os.environ, "PYTHONPATH": str(_WORK / "installed/python")}
    done = subprocess.run([*command, *map(str, SIZES)], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return {int(size): float(milliseconds) for size, milliseconds in json.loads(done.stdout).items()}


def _measure(
    function: Function, kind: Kind, calls: int, size: int, numbers: Iterator[int], *, cold: bool = False
) -> Cost:
    """Call a function; return its cost of one call."""
    events = [kind.event(next(numbers), size) for _ in range(calls)]
    before = 0.0 if cold else function.usage().cpu_seconds
    begin = time.perf_counter()
    for event in events:
        if (predicted := function.invoke(event)["predicted"]) != size:
            sys.exit(f"{predicted} of {size} records were predicted")
    wall = time.perf_counter() - begin
    usage = function.usage()
    return Cost((usage.cpu_seconds - before) / calls, wall / calls, usage.peak_mib)


def _alternating(kinds: dict[str, Kind], turn: int) -> list[tuple[str, Kind]]:
    """Return the kinds, in the other direction each turn."""
    pairs = list(kinds.items())
    return pairs[::-1] if turn % 2 else pairs


def show_cold(costs: dict[str, list[Cost]]) -> None:
    say(f"\n{'cold start until the first answer':34} {'CPU s':>7} {'wall s':>7} {'peak MiB':>9} {'CPU / plain':>12}")
    for name, measured in costs.items():
        ratios = [cost.cpu / plain.cpu for cost, plain in zip(measured, costs[PLAIN], strict=True)]
        say(f"{name:34} {_cpu(measured):7.2f} {_wall(measured):7.2f} {_peak(measured):9.0f} {median(ratios):12.2f}")


def show_warm(costs: dict[tuple[str, int], list[Cost]]) -> None:
    say(f"\n{'warm call':20} {'records':>8} {'CPU ms':>7} {'wall ms':>8} {'CPU / bare':>11} {'$ for 50,000':>13}")
    for (name, size), measured in costs.items():
        bare = costs[BARE, size]
        ratios = [cost.cpu / predict.cpu for cost, predict in zip(measured, bare, strict=True)]
        wall = "" if name == BARE else f"{_wall(measured) * 1000:.1f}"
        usd = "" if name == BARE else f"{lambda_usd(_wall(measured), size):.5f}"
        say(f"{name:20} {size:8} {_cpu(measured) * 1000:7.2f} {wall:>8} {median(ratios):11.2f} {usd:>13}")
    for records, milliseconds, dollars in _ARTICLE:
        say(f"{'the article of 2019':20} {records:8} {'':7} {milliseconds:8.1f} {'':11} {dollars:13.5f}")


def lambda_usd(seconds: float, size: int) -> float:
    """Return Lambda's duration of 50,000 records in dollars, at 1,769 MB: what the article counts, and no more."""
    billed = max(1, round(seconds * 1000 + 0.5)) / 1000  # in steps of 1 ms, upwards
    return _RECORDS / size * billed * _MEMORY_GB * _USD_PER_GB_SECOND


def _cpu(costs: Sequence[Cost]) -> float:
    return median(cost.cpu for cost in costs)


def _wall(costs: Sequence[Cost]) -> float:
    return median(cost.wall for cost in costs)


def _peak(costs: Sequence[Cost]) -> float:
    return median(cost.peak_mib for cost in costs)


if __name__ == "__main__":
    main()

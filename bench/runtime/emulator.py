"""A function in AWS's Runtime Interface Emulator, with AWS's own runtime client for Python, on 127.0.0.1."""

import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from hundredfold_cli.stack.checkout import ENVIRONMENTS

RUNTIME_PYTHON = ENVIRONMENTS / "runtime/bin/python"
"""Holds what Lambda's runtime holds: the runtime client and boto3."""
_EMULATORS = "lib/python3*/site-packages/samcli/local/rapid"
_SECONDS = 60
_TICKS = os.sysconf("SC_CLK_TCK")


def emulator() -> Path:
    """Return the emulator that aws-sam-cli carries for this machine; raises SystemExit if it is not there."""
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
    file = next((ENVIRONMENTS / "tools").glob(f"{_EMULATORS}/aws-lambda-rie-{architecture}"), None)
    if file is None:
        sys.exit("aws-sam-cli brings no Runtime Interface Emulator for this machine")
    return file


@dataclass(frozen=True, slots=True)
class Usage:
    """What the function's process has used so far: CPU seconds, user and system, and its peak memory."""

    cpu_seconds: float
    peak_mib: float


class Function:
    """A running function. It takes one request at a time, as an environment of Lambda does."""

    def __init__(self, process: psutil.Process, port: int, log: Path) -> None:
        self._process = process
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._log = log

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke it and return its answer; raises SystemExit if it answered with an error."""
        request = urllib.request.Request(self._url, json.dumps(event).encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
            answer: dict[str, Any] = json.loads(response.read())
        if "errorType" in answer:
            sys.exit(f"the function failed: {answer}; its log is {self._log}")
        return answer

    def usage(self) -> Usage:
        """Read the usage of the function's own process, without the emulator's."""
        workers = self._process.children()
        if len(workers) != 1:
            sys.exit(f"the function runs in {len(workers)} processes; its log is {self._log}")
        folder = Path(f"/proc/{workers[0].pid}")
        # proc(5): utime, stime, and those of the children that it waited for
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", (folder / "status").read_text(), re.MULTILINE)
        return Usage(sum(map(int, fields[11:15])) / _TICKS, int(peak[1]) / 1024 if peak else 0.0)


@contextmanager
def started(code: Path, layers: Path, environment: Mapping[str, str], log: Path) -> Iterator[Function]:
    """Start a function, and stop it at the end. Its runtime starts with the first request, as a cold start does.

    Parameters
    ----------
    code : the folder of its handler
    layers : the folder in which the layers' archives are unzipped, as /opt on Lambda
    environment : its variables, and how it reaches AWS
    log : the file for what it and the emulator write
    """
    port, runtime_port = _free_ports(2)
    command = [
        *(str(emulator()), "--log-level", "error"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(str(RUNTIME_PYTHON), "-m", "awslambdaric", "handler.handler"),
    ]
    variables = {
        "PATH": os.environ["PATH"],
        "LAMBDA_TASK_ROOT": str(code),
        "PYTHONPATH": f"{code}:{layers / 'python'}",
        "PYTHONDONTWRITEBYTECODE": "1",  # /opt is read-only on Lambda
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(_SECONDS),
        **environment,
    }
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, cwd=code, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    process = psutil.Process(child.pid)
    try:
        _await_port(child, port, log)
        yield Function(process, port, log)
    finally:
        family = [*process.children(recursive=True), process]
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=_SECONDS)
        child.wait()


def _free_ports(count: int) -> Sequence[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _await_port(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    sys.exit(f"the emulator did not start; its log is {log}")

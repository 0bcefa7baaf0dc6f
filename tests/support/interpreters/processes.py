"""Interpreters as processes on 127.0.0.1: started with the mocked cases, stopped by process id."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import psutil
from botocore.config import Config

from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.local_stack import REGION, LocalStack
from tools.workflow.mocks import MOCKS

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

LOCALSTACK_PYTHON = ROOT / ".venvs/localstack/bin/python"
_START_SECONDS = 120
_STOP_SECONDS = 3


def clients(endpoint: str, region: str = REGION) -> "tuple[SFNClient, S3Client]":
    """Return clients for an interpreter and its S3."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)
    # TestState and StartSyncExecution go to a host named sync-..., which no interpreter here has.
    config = Config(inject_host_prefix=False, retries={"mode": "standard", "total_max_attempts": 1})
    return (
        session.client("stepfunctions", endpoint_url=endpoint, config=config),
        session.client("s3", endpoint_url=endpoint, config=config),
    )


@contextmanager
def local_stack(folder: Path) -> Iterator[str]:
    """Run the local stack with the mocked cases, and without waiting between retries; the context is its endpoint."""
    stack = LocalStack(folder)
    try:
        yield stack.start({"SFN_MOCK_CONFIG": str(MOCKS), "SFN_WAIT_SCALE": "0"}).endpoint
    finally:
        stack.stop()


@contextmanager
def localstack(folder: Path) -> Iterator[str]:
    """Run localstack-core, from its own environment and without Docker; the context is its endpoint."""
    if not LOCALSTACK_PYTHON.exists():
        raise RuntimeError("the second interpreter is not installed; run make setup")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "GATEWAY_SERVER": "hypercorn",  # the other one binds every address
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "FILESYSTEM_ROOT": str(folder),
        "TMPDIR": str(folder),
        "SERVICES": "stepfunctions,s3,sts",
        "LS_LOG": "error",
        "SFN_MOCK_CONFIG": str(MOCKS),
    }
    log = folder / "localstack.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(LOCALSTACK_PYTHON), "-m", "localstack.runtime.main"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(f"http://127.0.0.1:{port}/_localstack/health", child, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(child)


def stop(child: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started."""
    if child.poll() is None:
        family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
        child.terminate()
        _, left = psutil.wait_procs(family, timeout=_STOP_SECONDS)
        for member in left:
            member.kill()
    child.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(url: str, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - made here
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the interpreter did not start; {log} says why")

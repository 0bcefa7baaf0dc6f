"""The local stack: a process on 127.0.0.1 that answers as AWS does. It is started and stopped by its process id."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3
import psutil

from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.stack.checkout import STACK_PYTHON
from hundredfold_cli.stack.deployment import Deployment

_START_SECONDS = 60
_STOP_SECONDS = 15
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Process:
    """A running local stack.

    Attributes
    ----------
    created : when it began, in seconds since 1970, which tells it from a later process of the same id
    """

    pid: int
    created: float
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the environment variables that lead an AWS client to it. The credentials are not real ones."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def session(self) -> boto3.Session:
        """Return a session for it. The credentials are not real ones."""
        environment = self.environment()
        return boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )

    def deployment(self, stack: str) -> Deployment:
        """Return what is deployed to it as a CloudFormation stack.

        Raises
        ------
        NotThereError
            If there is no such stack.
        """
        return Deployment.find(self.session(), self.endpoint, stack)

    def end_workers(self) -> None:
        """End the processes in which functions run. The next call of each function is then a cold start."""
        workers = psutil.Process(self.pid).children(recursive=True)
        for worker in workers:
            worker.kill()
        psutil.wait_procs(workers, timeout=_STOP_SECONDS)

    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class LocalStack:
    """The local stack of one folder, which has its files: `stack.json`, `stack.log` and its data."""

    def __init__(self, folder: Path, python: Path = STACK_PYTHON) -> None:
        self._folder = folder
        self._python = python
        self._record = folder / "stack.json"
        self._child: subprocess.Popen[bytes] | None = None
        self.log = folder / "stack.log"

    def running(self) -> Process | None:
        """Return the process, or None if it does not run."""
        try:
            process = Process(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return process if process.alive() else None

    def has_ended(self) -> bool:
        """Tell whether a process that was started here has ended, and nobody has stopped it."""
        return self._record.exists() and self.running() is None

    def absence(self) -> str:
        """Say why no process runs here: it was not started or was stopped, or it has ended by itself.

        The process keeps everything in memory. So what was in one that has ended is gone.
        """
        if self.has_ended():
            return (
                "the local stack has ended without down, by a signal or with the machine; its ingests, predictions and "
                "released models are gone"
            )
        return "the local stack is not running"

    def start(self, extra: Mapping[str, str] | None = None) -> Process:
        """Start it, or return the one that runs. If this is interrupted, nothing is left running.

        Parameters
        ----------
        extra : more environment variables for it and its functions

        Raises
        ------
        DeploymentError
            If it does not answer within a minute; the message names its log.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if running := self.running():
                return running
            self._reap()
            self._discard_data()
            port = _free_port()
            with self.log.open("wb") as log:
                self._child = subprocess.Popen(
                    [str(self._python), "-m", "ministack"],
                    env=self._environment(port, extra or {}),
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C in this terminal is not meant for it
                )
            process = Process(self._child.pid, psutil.Process(self._child.pid).create_time(), port)
            try:
                self._record.write_text(json.dumps(asdict(process)))
                self._await_answer(process)
            except BaseException:
                self._end(process)
                raise
            return process

    def stop(self) -> bool:
        """Stop it and remove its data; return whether it ran."""
        with self._locked():
            process = self.running()
            if process:
                self._end(process)
            self._record.unlink(missing_ok=True)
            self._discard_data()
            return process is not None

    def _environment(self, port: int, extra: Mapping[str, str]) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            # Credentials, a profile or an endpoint meant for AWS must not reach it. Python must be free to write .pyc
            # files, which make its functions start quickly.
            if not name.startswith(("AWS_", "PYTHON"))
        }
        data = self._folder / "data"
        temporary = data / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {
            **inherited,
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",  # would listen on all addresses
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(data / "state"),
            "S3_DATA_DIR": str(data / "s3"),
            "TMPDIR": str(temporary),
            "LOG_LEVEL": "WARNING",
            **extra,
        }

    def _await_answer(self, process: Process) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not process.alive():
                break
            try:
                with urllib.request.urlopen(f"{process.endpoint}/_ministack/health", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise DeploymentError(f"the local stack did not start; {self.log} says why")

    def _end(self, process: Process) -> None:
        if process.alive():
            parent = psutil.Process(process.pid)
            family = [parent, *parent.children(recursive=True)]
            parent.terminate()
            _, left = psutil.wait_procs(family, timeout=_STOP_SECONDS)
            for member in left:
                member.kill()
            psutil.wait_procs(left, timeout=_STOP_SECONDS)
        self._reap()
        self._record.unlink(missing_ok=True)

    def _reap(self) -> None:
        """Take note that our child has ended, as the operating system wants it."""
        if self._child:
            self._child.wait()
            self._child = None

    def _discard_data(self) -> None:
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

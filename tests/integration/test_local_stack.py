"""The local stack is one process on 127.0.0.1, and is gone when it is stopped."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.stack.local_stack import REGION, LocalStack, Process


def client(process: Process) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=process.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_it_listens_on_loopback_only_and_leaves_nothing_behind(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    process = stack.start()
    try:
        assert stack.start() == process  # started again, it is the same one
        assert LocalStack(tmp_path).running() == process
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        listening = {
            connection.laddr.ip
            for member in family
            for connection in member.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
    finally:
        assert stack.stop() is True

    assert not process.alive()
    assert stack.running() is None
    assert not (tmp_path / "data").exists()
    assert stack.stop() is False
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", process.port), timeout=2):
        pass


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_one_that_was_ended_from_outside_says_that_its_data_is_gone(
    tmp_path: Path, signal_number: signal.Signals
) -> None:
    # Given a stack with a bucket, which ends by a signal, as it does with the machine
    stack = LocalStack(tmp_path)
    assert stack.absence() == "the local stack is not running"
    process = stack.start()
    try:
        client(process).create_bucket(Bucket="kept")
        os.kill(process.pid, signal_number)
        psutil.wait_procs([psutil.Process(process.pid)] if psutil.pid_exists(process.pid) else [], timeout=15)

        # Then whoever looks for it is told, and the next one starts empty
        assert stack.absence() == (
            "the local stack has ended without down, by a signal or with the machine; its ingests, predictions and "
            "released models are gone"
        )
        process = stack.start()
        assert client(process).list_buckets()["Buckets"] == []
    finally:
        stack.stop()

    assert stack.absence() == "the local stack is not running"


def test_one_that_ended_from_outside_is_put_away_by_stop(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"pid": 999999999, "created": 1.0, "port": 1}')
    stack = LocalStack(tmp_path)
    assert "are gone" in stack.absence()

    assert stack.stop() is False

    assert stack.absence() == "the local stack is not running"


def test_one_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, python=Path("/bin/false"))

    with pytest.raises(DeploymentError, match=r"stack\.log says why"):
        stack.start()

    assert stack.running() is None


def test_a_record_of_a_process_that_is_another_now_is_not_believed(tmp_path: Path) -> None:
    this = psutil.Process()
    (tmp_path / "stack.json").write_text(f'{{"pid": {this.pid}, "created": {this.create_time() - 1}, "port": 1}}')

    assert LocalStack(tmp_path).running() is None
    assert LocalStack(tmp_path).stop() is False
    assert this.is_running()

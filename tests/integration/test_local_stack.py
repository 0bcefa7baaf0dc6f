"""The local stack is one process on 127.0.0.1, and is gone when it is stopped."""

import socket
from pathlib import Path

import psutil
import pytest

from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.stack.local_stack import LocalStack


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

"""A proxy between the functions and the local stack that makes S3 and DynamoDB fail as AWS does.

It speaks HTTP, so what is tested is all of it: botocore's retries, our adapters, the handlers, the state machine. It
can also end the process that asks, at a place of its work that is known exactly.
"""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import psutil

from hundredfold_cli.stack.local_stack import Process

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Request:
    """What a function asks. `operation` is DynamoDB's, or for S3 its method and "Object", as in "GetObject"."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int

    @property
    def operation(self) -> str:
        target = self.headers.get("X-Amz-Target", "")
        return target.rpartition(".")[2] if target else f"{self.method.capitalize()}Object"

    @property
    def is_dynamodb(self) -> bool:
        return "X-Amz-Target" in self.headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a function is answered. With `cut`, only so many bytes of the body come before the connection ends."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: int | None = None


type Forward = Callable[[Request], Answer]
type Act = Callable[[Request, Forward], Answer | None]
"""What a fault does in place of forwarding; None ends the connection without an answer."""


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes
    ----------
    when : which requests it is for
    share : the share of those that it hits, drawn with a fixed seed
    times : how often at the most; None for no end
    skip : how many it lets pass first
    injected : how often it has happened
    """

    act: Act
    when: Callable[[Request], bool]
    share: float = 1.0
    times: int | None = None
    skip: int = 0
    injected: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(20_261_124))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hits(self, request: Request) -> bool:
        with self._lock:
            if not self.when(request) or (self.times is not None and self.injected >= self.times):
                return False
            if self.skip:
                self.skip -= 1
                return False
            if self._random.random() >= self.share:
                return False
            self.injected += 1
            return True


# ---------------------------------------------------------------- what goes wrong


def dynamodb_error(code: str, status: int = 400) -> Act:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected"}).encode()
    return lambda _request, _forward: Answer(status, {"Content-Type": "application/x-amz-json-1.0"}, body)


def s3_error(code: str, status: int) -> Act:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
    return lambda _request, _forward: Answer(status, {"Content-Type": "application/xml"}, body)


def reset(_request: Request, _forward: Forward) -> None:
    """End the connection without an answer."""


def reset_after(request: Request, forward: Forward) -> None:
    """Do what is asked, and end the connection without an answer."""
    forward(request)


def slowly(seconds: float) -> Act:
    def act(request: Request, forward: Forward) -> Answer:
        time.sleep(seconds)
        return forward(request)

    return act


def cut_off(request: Request, forward: Forward) -> Answer:
    """End the connection in the middle of the answer."""
    answer = forward(request)
    return replace(answer, cut=len(answer.body) // 2)


def leave_unprocessed(request: Request, forward: Forward) -> Answer:
    """Write every second item of a BatchWriteItem, and hand back the others, as DynamoDB does when it is short."""
    [(table, puts)] = request.json["RequestItems"].items()
    written = json.dumps({"RequestItems": {table: puts[::2]}}).encode()
    answer = forward(replace(request, body=written))
    assert answer.status == 200, answer.body
    left = {table: puts[1::2]} if puts[1::2] else {}
    return replace(answer, body=json.dumps({"UnprocessedItems": left}).encode())


def alter_body(alter: Callable[[bytes], bytes]) -> Act:
    return lambda request, forward: forward(replace(request, body=alter(request.body)))


def kill_before(request: Request, _forward: Forward) -> None:
    """Kill the process that asks, and do nothing of what it asks."""
    _kill(request.port)


def kill_after(request: Request, forward: Forward) -> None:
    """Do what is asked, and kill the process before it hears of it."""
    forward(request)
    _kill(request.port)


def _kill(port: int) -> None:
    # The other end of the connection is a process of this machine, started by the local stack of this test.
    for connection in psutil.net_connections("tcp4"):
        if connection.laddr and connection.laddr.port == port and connection.pid not in (None, os.getpid()):
            os.kill(connection.pid, signal.SIGKILL)
            return
    raise AssertionError(f"no process has port {port}")


# ---------------------------------------------------------------- the proxy


class FaultProxy:
    """Forwards everything to `endpoint_port` on 127.0.0.1, with the headers `added`, but for what the faults hit."""

    def __init__(self) -> None:
        self.endpoint_port = 0
        self.added: dict[str, str] = {}
        self.problems: list[str] = []
        self._faults: list[Fault] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def at_work(self, *faults: Fault) -> Iterator[None]:
        """Let faults happen while the context lasts."""
        self._faults = list(faults)
        try:
            yield
        finally:
            self._faults = []

    def answer(self, request: Request) -> Answer | None:
        for fault in self._faults:
            if fault.hits(request):
                return fault.act(request, self.forward)
        return self.forward(request)

    def forward_to(self, process: Process) -> None:
        """Forward to this local stack."""
        self.endpoint_port = process.port

    def forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.endpoint_port, timeout=60)
        try:
            kept = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(
                request.method,
                request.path,
                request.body,
                {**kept, **self.added, "Content-Length": str(len(request.body)), "Connection": "close"},
            )
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            if request.method == "HEAD" and answer.getheader("Content-Length"):
                headers["Content-Length"] = str(answer.getheader("Content-Length"))
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.command, self.path, dict(self.headers.items()), body, self.client_address[1])
                try:
                    answer = proxy.answer(request)
                except Exception as error:
                    proxy.problems.append(repr(error))
                    raise
                self.close_connection = answer is None or answer.cut is not None
                if answer is None:
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body[: answer.cut])

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - names of http.server

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        return Handler

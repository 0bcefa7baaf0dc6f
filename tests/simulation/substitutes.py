"""Puts virtual time, seeded chance and simulated clients in the place of the real ones, in all of our modules.

Our code takes `time`, `random`, `datetime` and thread pools from the modules that it imports. So they are replaced
there, by their identity. Nothing in our code knows of it. What else is replaced stands in `installed`.
"""

import importlib
import pkgutil
import random
import secrets
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any, Final, Self

import hundredfold
import hundredfold_cli.ingests
import hundredfold_cli.models

_LEFT_ALONE: Final = ("hundredfold.model.compiled", "hundredfold_cli.models.compiling")
"""Modules that take long to import, and that no simulation runs."""


class Substitutes:
    """What takes the place of time, chance and clients. A simulation fills it in."""

    now: Callable[[], float]
    elapsed: Callable[[], float]
    sleep: Callable[[float], None]
    chance: random.Random
    client: Callable[[str], Any]
    pool: Callable[[], "futures.Executor"]
    wait: Callable[[Iterable[Any]], None]
    bundle: Callable[[], Any]
    count: Callable[[str, float], None]


current = Substitutes()
"""The one simulation that runs."""


class _VirtualDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(current.now(), tz)


class _Quiet:
    """In place of Powertools' logger: keeps nothing, and its decorator adds nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_args, **_keys: None

    def inject_lambda_context(self, **_: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return lambda handler: handler


class _Counting(_Quiet):
    """In place of Powertools' metrics: adds up what is sent."""

    def add_metric(self, name: str, _unit: str, value: float) -> None:
        current.count(name, value)

    def log_metrics(self, **_: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return lambda handler: handler


def _replacements() -> list[tuple[object, object]]:
    virtual_time = types.SimpleNamespace(
        time=lambda: current.now(),
        perf_counter=lambda: current.elapsed(),
        monotonic=lambda: current.elapsed(),
        sleep=lambda seconds: current.sleep(seconds),
    )
    virtual_random = types.SimpleNamespace(
        uniform=lambda low, high: current.chance.uniform(low, high),
        random=lambda: current.chance.random(),
        Random=random.Random,
        seed=lambda *_: None,
    )
    virtual_secrets = types.SimpleNamespace(token_hex=lambda size: current.chance.randbytes(size).hex())
    return [
        (time, virtual_time),
        (random, virtual_random),
        (secrets, virtual_secrets),
        (datetime, _VirtualDatetime),
        (futures.ThreadPoolExecutor, lambda *_args, **_keys: current.pool()),
        (futures.wait, lambda tasks: current.wait(tasks)),
        (time.sleep, lambda seconds: current.sleep(seconds)),
        (time.perf_counter, lambda: current.elapsed()),
    ]


_BY_IDENTITY: Final = {id(real): substitute for real, substitute in _replacements()}


def substitute(namespace: dict[str, Any]) -> None:
    """Put the substitutes into the namespace of a module that was just run."""
    for name, value in list(namespace.items()):
        if id(value) in _BY_IDENTITY:
            namespace[name] = _BY_IDENTITY[id(value)]


def our_modules() -> list[types.ModuleType]:
    """Import and return the modules of ours that a simulation may run."""
    for package in (hundredfold, hundredfold_cli.ingests, hundredfold_cli.models):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(_LEFT_ALONE):
                importlib.import_module(module.name)
    names = ("hundredfold.", "hundredfold_cli.")
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(names)]


def _functions(module: types.ModuleType) -> Iterator[types.FunctionType]:
    for value in list(vars(module).values()):
        if isinstance(value, types.FunctionType):
            yield value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield from (method for method in vars(value).values() if isinstance(method, types.FunctionType))


@contextmanager
def installed() -> Iterator[None]:
    """Have the substitutes in place while the context lasts."""
    modules = our_modules()
    undo: list[Callable[[], None]] = []

    def put(module: types.ModuleType, name: str, value: object) -> None:
        before = vars(module)[name]
        undo.append(lambda: setattr(module, name, before))
        setattr(module, name, value)

    for module in modules:
        for name, value in list(vars(module).items()):
            if id(value) in _BY_IDENTITY:
                put(module, name, _BY_IDENTITY[id(value)])
        for function in _functions(module):
            if _touches_time(function):
                undo.append(_restore_defaults(function, function.__defaults__, function.__kwdefaults__))
                function.__defaults__ = tuple(
                    _BY_IDENTITY.get(id(value), value) for value in function.__defaults__ or ()
                )
                function.__kwdefaults__ = {
                    name: _BY_IDENTITY.get(id(value), value) for name, value in (function.__kwdefaults__ or {}).items()
                }
    telemetry = sys.modules["hundredfold.runtime.telemetry"]
    put(telemetry, "logger", _Quiet())
    put(telemetry, "metrics", _Counting())
    put(telemetry, "log_ingest", lambda *_args, **_keys: None)
    put(sys.modules["hundredfold.aws.clients"], "_client", lambda service, _config=None: current.client(service))
    put(sys.modules["hundredfold.runtime.invocation"], "_seconds_since_start", lambda: 0.5)
    put(sys.modules["hundredfold.model.bundle"], "load", lambda folder, digest="": folder(digest))
    layer = types.ModuleType("hundredfold_model")
    layer.bundle_folder = lambda: current.bundle()  # type: ignore[attr-defined]
    there = sys.modules.get("hundredfold_model")
    sys.modules["hundredfold_model"] = layer
    try:
        yield
    finally:
        if there is None:
            del sys.modules["hundredfold_model"]
        else:
            sys.modules["hundredfold_model"] = there
        for step in reversed(undo):
            step()


def _touches_time(function: types.FunctionType) -> bool:
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return any(value is time.sleep or value is time.perf_counter for value in defaults)


def _restore_defaults(
    function: types.FunctionType, defaults: tuple[Any, ...] | None, of_keywords: dict[str, Any] | None
) -> Callable[[], None]:
    def restore() -> None:
        function.__defaults__ = defaults
        function.__kwdefaults__ = of_keywords or {}

    return restore

"""The CPU time and the memory of trees of processes, while something runs in them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

_EVERY_SECONDS = 0.2


@dataclass(slots=True)
class Usage:
    """What a tree of processes used: CPU seconds, user and system, and the peak of its memory in MiB.

    Memory is the sum of the processes' PSS, so what several share counts once. A process is seen every 0.2 s. What it
    uses after the last time is not counted.
    """

    cpu_seconds: float = 0.0
    peak_mib: float = 0.0


@dataclass(slots=True)
class _Sampler:
    roots: Sequence[psutil.Process]
    before: dict[psutil.Process, float] = field(default_factory=dict)
    latest: dict[psutil.Process, float] = field(default_factory=dict)
    peak: int = 0

    def sample(self) -> None:
        memory = 0
        for process in _family(self.roots):
            with suppress(psutil.Error):
                times = process.cpu_times()
                self.latest[process] = times.user + times.system
                memory += process.memory_full_info().pss
        self.peak = max(self.peak, memory)


@contextmanager
def watched(roots: Sequence[int]) -> Iterator[Usage]:
    """Watch processes and all that they start; the usage is known at the end of the context."""
    usage = Usage()
    sampler = _Sampler([psutil.Process(root) for root in roots])
    sampler.sample()
    sampler.before = dict(sampler.latest)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY_SECONDS):
            sampler.sample()

    thread = threading.Thread(target=watch, name="usage")
    thread.start()
    try:
        yield usage
    finally:
        ended.set()
        thread.join()
        sampler.sample()
        usage.cpu_seconds = sum(sampler.latest.values()) - sum(sampler.before.values())
        usage.peak_mib = sampler.peak / 2**20


def _family(roots: Sequence[psutil.Process]) -> set[psutil.Process]:
    """Return the processes and all that they started, each once: a root may be another one's child."""
    family: set[psutil.Process] = set()
    for root in roots:
        with suppress(psutil.Error):
            family |= {root, *root.children(recursive=True)}
    return family

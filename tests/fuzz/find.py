"""Gives subjects hostile input, and shrinks what makes one fail."""

import random
import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

from hundredfold.errors import HundredfoldError
from tests.fuzz.subjects import SUBJECTS, Subject

SECONDS: Final = 5
"""How long one input may take. A busy machine takes longer than the second that an idle one needs."""
MEMORY_BYTES: Final = 64_000_000
"""How much memory one input may take: all inputs here are smaller than a megabyte."""
MOST_TRIES: Final = 500
"""How many shorter inputs are tried for one that fails."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that a subject does not take well."""

    subject: str
    data: bytes
    error: str


@contextmanager
def _an_end() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {SECONDS} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def failure_of(subject: Subject, data: bytes, *, measures: bool = False) -> str:
    """Return how a subject fails for an input; empty if it does not.

    Parameters
    ----------
    measures : also measure memory, which takes several times as long
    """
    if measures:
        tracemalloc.start()
    try:
        with _an_end():
            subject.call(data)
    except HundredfoldError:
        pass
    except Exception as error:  # noqa: BLE001, RUF100 - every other one is a bug
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        peak = tracemalloc.get_traced_memory()[1] if measures else 0
        tracemalloc.stop()
    return f"it took {peak:,} bytes of memory" if peak > MEMORY_BYTES else ""


def fuzz(subject: Subject, seed: int, inputs: int) -> Iterator[Failure]:
    """Give a subject so many inputs. Yield those that it fails for, shrunk."""
    chance = random.Random(f"{subject.name} {seed}")
    for number in range(inputs):
        data = subject.mutate(chance, chance.choice(subject.samples))
        if error := failure_of(subject, data, measures=number % 20 == 0):
            yield Failure(subject.name, _shrunk(subject, data, error), error)


def run(task: tuple[int, int, int]) -> list[Failure]:
    """Give one subject, by its number, so many inputs of a seed."""
    number, seed, inputs = task
    return list(fuzz(SUBJECTS[number], seed, inputs))


def _shrunk(subject: Subject, data: bytes, error: str) -> bytes:
    """Return a shorter input that fails with an error of the same kind."""
    kind = error.partition(":")[0]
    size, tries = len(data) // 2, 0
    while size and tries < MOST_TRIES:
        for first in range(0, len(data), size):
            tries += 1
            shorter = data[:first] + data[first + size :]
            if failure_of(subject, shorter).startswith(kind):
                data = shorter
                break
        else:
            size //= 2
    return data

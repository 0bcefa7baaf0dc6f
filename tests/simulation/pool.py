"""Thread pools whose threads are tasks of the simulation."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulation.scheduler import Scheduler, Task


@dataclass(frozen=True)
class SubmittedWork:
    """In place of a future."""

    task: Task | None
    value: Any = None

    def result(self) -> Any:
        return self.value if self.task is None else self.task.outcome()


class TaskPool:
    """In place of a ThreadPoolExecutor. Outside of tasks, it does at once what is submitted."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __enter__(self) -> "TaskPool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> SubmittedWork:
        owner = self._scheduler.current
        if owner is None:
            return SubmittedWork(None, work(*args))
        return SubmittedWork(self._scheduler.spawn(f"{owner.name} (thread)", lambda: work(*args), owner.process))

    def map(self, work: Callable[..., Any], *values: Iterable[Any]) -> Iterator[Any]:
        submitted = [self.submit(work, *args) for args in zip(*values, strict=True)]
        wait_for(self._scheduler, submitted)
        return iter([item.result() for item in submitted])


def wait_for(scheduler: Scheduler, submitted: Iterable[SubmittedWork]) -> None:
    """Wait for all submitted work, whether it succeeds or fails."""
    scheduler.wait_all([work.task for work in submitted if work.task is not None])

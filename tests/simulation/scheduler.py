"""Runs many tasks in one thread and in virtual time. Which of them goes on, and when, depends on one seed."""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from greenlet import greenlet  # type: ignore[import-untyped]

EPOCH: Final = 1_795_478_400.0
"""When the virtual time begins: 2026-11-24T00:00:00Z, in seconds since 1970."""


class KilledError(BaseException):
    """A task's process has been killed. It is no Exception, so that no code takes it for an error of its own."""


@dataclass(eq=False)
class Process:
    """What is killed as a whole: an environment of a function, a command, or an execution.

    Attributes
    ----------
    name : for the timeline
    role : what kind of process it is: "plan", "infer", "summarize", "operator" or "states"
    clock_offset : how many seconds its clock is ahead
    death : what its tasks raise once it was killed
    """

    name: str
    role: str
    clock_offset: float = 0.0
    death: BaseException | None = None
    tasks: list["Task"] = field(default_factory=list)

    def alive(self) -> bool:
        return self.death is None


@dataclass(eq=False)
class Task:
    """One line of work in a process. It runs until it waits, and nothing else runs meanwhile."""

    name: str
    process: Process
    greenlet: Any = None
    wake: int = 0
    interrupt: BaseException | None = None
    done: bool = False
    result: Any = None
    error: BaseException | None = None
    waiters: list[tuple["Task", int]] = field(default_factory=list)

    def outcome(self) -> Any:
        """Return what the task returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.result


class Scheduler:
    """Runs tasks one at a time. Those that are due at the same moment run in an order that the seed decides."""

    def __init__(self, chance: random.Random) -> None:
        self.now = 0.0
        self.switches = 0
        self._chance = chance
        self._due: list[tuple[float, float, int, Task, int]] = []
        self._sequence = 0
        self._hub: Any = greenlet.getcurrent()
        self.current: Task | None = None

    def spawn(self, name: str, work: Callable[[], Any], process: Process, delay: float = 0.0) -> Task:
        """Start a task in a process. It begins to run once this task waits."""
        task = Task(name, process)

        def run() -> None:
            try:
                if process.death is not None:
                    raise process.death
                task.result = work()
            except BaseException as error:  # noqa: BLE001, RUF100 - whoever waits for the task raises it
                task.error = error
            task.done = True
            process.tasks.remove(task)
            for waiter, token in task.waiters:
                self._schedule(self.now, waiter, token)

        task.greenlet = greenlet(run, self._hub)
        process.tasks.append(task)
        self._schedule(self.now + delay, task, task.wake)
        return task

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the current task. Raise what interrupts or kills it."""
        task = self.current
        if task is None:
            self.now += seconds  # outside of tasks, as in a verification at the end
            return
        self.check()
        self._schedule(self.now + seconds, task, task.wake)
        self._wait(task)

    def check(self) -> None:
        """Raise what kills the current task, if its process was killed: the dead have no effects."""
        if self.current is not None and self.current.process.death is not None:
            raise self.current.process.death

    def wait_any(self, tasks: Iterable[Task], seconds: float | None = None) -> bool:
        """Wait until one of the tasks is done. Return False if none is after so many seconds."""
        waiting, task = list(tasks), self.current
        assert task is not None, "only a task can wait for others"
        if any(other.done for other in waiting):
            return True
        self.check()
        for other in waiting:
            other.waiters.append((task, task.wake))
        if seconds is not None:
            self._schedule(self.now + seconds, task, task.wake)
        self._wait(task)
        return any(other.done for other in waiting)

    def wait_all(self, tasks: Iterable[Task]) -> None:
        """Wait until all tasks are done."""
        pending = [task for task in tasks if not task.done]
        while pending:
            self.wait_any(pending)
            pending = [task for task in pending if not task.done]

    def kill(self, process: Process, death: BaseException | None = None) -> None:
        """Kill a process. All its tasks raise `death` where they wait, and have no further effects."""
        if process.death is not None:
            return
        process.death = death or KilledError(process.name)
        for task in list(process.tasks):
            if task is not self.current:
                task.interrupt = process.death
                self._schedule(self.now, task, task.wake)
        if self.current is not None and self.current.process is process:
            raise process.death

    def interrupt(self, task: Task, error: BaseException) -> None:
        """Raise an error in a task where it waits, once. Its process lives on."""
        if not task.done:
            task.interrupt = error
            self._schedule(self.now, task, task.wake)

    def run(self, most_switches: int) -> None:
        """Run until no task is left that can go on.

        Raises
        ------
        TimeoutError
            If there were more switches than that: something runs for ever.
        """
        while self._due:
            time, _, _, task, token = heapq.heappop(self._due)
            if task.done or token != task.wake:
                continue
            self.now = max(self.now, time)
            self.switches += 1
            if self.switches > most_switches:
                raise TimeoutError(f"more than {most_switches} steps: {task.name} still runs at {self.now:.1f} s")
            task.wake += 1
            self.current = task
            try:
                task.greenlet.switch()
            finally:
                self.current = None

    def _wait(self, task: Task) -> None:
        self._hub.switch()
        if task.interrupt is not None:
            error, task.interrupt = task.interrupt, None
            raise error

    def _schedule(self, time: float, task: Task, token: int) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (time, self._chance.random(), self._sequence, task, token))

"""The environment that a function runs in, as Lambda tells it: its name, its memory, and how long it took to start."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hundredfold.batches import InvocationStats
from hundredfold.ports import TimeLeft

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SECONDS_BEFORE_TIMEOUT = 2.0
"""How long before Lambda's timeout a batch gives up by itself, so that its error says why."""


class ExecutionEnvironment:
    """One environment. Made when the function's module has been loaded; its first call is the cold start."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME", "").rpartition("]")[2] or f"process-{os.getpid()}"
        self.memory_mb = int(environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0)
        self._init_milliseconds = max(1, round(_seconds_since_start() * 1000))

    def begin(self) -> InvocationStats:
        """Return what is known of a call when it begins."""
        init, self._init_milliseconds = self._init_milliseconds, 0
        return InvocationStats(self.name, round(time.time() * 1000), init, self.memory_mb)


def _seconds_since_start() -> float:
    """How long this process has been running, from the kernel's own figures (proc(5)): the interpreter counts too."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, uptime - ticks / os.sysconf("SC_CLK_TCK"))


def time_left(context: "LambdaContext") -> TimeLeft:
    """Return what tells the seconds until a call must have ended."""
    return lambda: context.get_remaining_time_in_millis() / 1000 - SECONDS_BEFORE_TIMEOUT

"""An invocation: the environment that it runs in, how long that took to start, and how much time is left."""

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
"""How long before Lambda's timeout a batch gives up. Its own error says why; that of a timeout would not."""


class ExecutionEnvironment:
    """The environment of a function. Make it once the function's module is loaded; the first call is the cold start."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.name = environment_of(environment.get("AWS_LAMBDA_LOG_STREAM_NAME", "")) or f"process-{os.getpid()}"
        self.memory_mb = int(environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0)
        self._init_milliseconds = max(1, round(_seconds_since_start() * 1000))

    def begin(self) -> InvocationStats:
        """Begin an invocation, and return its stats so far. Only those of the first have the environment's start."""
        init, self._init_milliseconds = self._init_milliseconds, 0
        return InvocationStats(self.name, round(time.time() * 1000), init, self.memory_mb)


def _seconds_since_start() -> float:
    """Return how long this process has run, by the kernel's figures (proc(5)). They include the interpreter's start."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, uptime - ticks / os.sysconf("SC_CLK_TCK"))


def time_left(context: "LambdaContext") -> TimeLeft:
    """Return a function that says how many seconds are left until a batch must give up."""
    return lambda: context.get_remaining_time_in_millis() / 1000 - SECONDS_BEFORE_TIMEOUT


def environment_of(log_stream: str) -> str:
    """Return what tells an environment from others in the name of its log stream; empty if the name has nothing of it.

    A function with a log group of its own has `YYYY/MM/DD/[version]id`, and one whose template names the log group has
    `YYYY/MM/DD/function[version][id]`: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html

    Examples
    --------
    >>> environment_of("2026/11/24/[7]0123abcd"), environment_of("2026/11/24/hundredfold-infer-batch[7][0123abcd]")
    ('0123abcd', '0123abcd')
    """
    return log_stream.removesuffix("]").replace("[", "]").rpartition("]")[2]

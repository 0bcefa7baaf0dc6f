"""Backoff: waiting for a service that throttles. A batch waits until its time is out."""

import random
from collections.abc import Callable

from botocore.exceptions import ClientError

from hundredfold.aws.errors import is_throttled
from hundredfold.errors import OutOfTimeError
from hundredfold.ports import TimeLeft

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds. The longest possible pause doubles with each attempt, from the first to the last."""


def backoff_seconds(attempt: int) -> float:
    """Return how many seconds to wait after `attempt` (from 0) failed.

    Full jitter spreads callers that were throttled together:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - spreads load, keeps no secret


def back_off(time_left: TimeLeft, attempt: int, sleep: Callable[[float], None], what: str) -> None:
    """Wait before the next attempt. Raise OutOfTimeError, with `what` in its message, if time is out by then."""
    pause = backoff_seconds(attempt)
    if pause > time_left():
        raise OutOfTimeError(f"{what} until time was out")
    sleep(pause)


def retry_throttled[T](call: Callable[[], T], *, sleep: Callable[[float], None], attempts: int) -> T:
    """Call until the service does not throttle, `attempts` times at most. Raise the last error, and any other one."""
    for attempt in range(attempts - 1):
        try:
            return call()
        except ClientError as error:
            if not is_throttled(error):
                raise
        sleep(backoff_seconds(attempt))
    return call()

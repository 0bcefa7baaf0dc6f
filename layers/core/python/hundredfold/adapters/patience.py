"""Waiting out a service that throttles: back-pressure must slow an ingest down, and fail nothing."""

import random
from collections.abc import Callable

from botocore.exceptions import ClientError

from hundredfold.adapters.clients import is_throttled

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds. The longest that is waited doubles with each attempt, from the one to the other."""


def pause_before(attempt: int) -> float:
    """Return how long to wait before asking again after `attempt` (from 0) failed, in seconds.

    Full jitter, which spreads those that were refused together:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - spreads load, keeps no secret


def patiently[T](call: Callable[[], T], *, sleep: Callable[[float], None], attempts: int) -> T:
    """Call until it is not throttled, `attempts` times at most; the last refusal, and any other error, is raised."""
    for attempt in range(attempts - 1):
        try:
            return call()
        except ClientError as error:
            if not is_throttled(error):
                raise
        sleep(pause_before(attempt))
    return call()

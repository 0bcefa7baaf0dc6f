"""Waiting for what comes late."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 2.0


def until[T](look: Callable[[], T | None], seconds: float, pause: float = PAUSE_SECONDS) -> T | None:
    """Look again and again until there is something; return it, or None after so many seconds."""
    deadline = time.monotonic() + seconds
    while (value := look()) is None:
        if time.monotonic() + pause > deadline:
            return None
        time.sleep(pause)
    return value

"""The model of the checks. It harms its own process where a text asks for it, and else answers by a text's length.

This file's text is what is packaged: see `faulty_bundle`. So it imports nothing of ours.
"""

import os
import signal
import time
from typing import Any

KILL = "hundredfold check: kill the process"
FILL = "hundredfold check: fill the memory"
SLEEP = "hundredfold check: sleep until the call is over"
NAP = "hundredfold check: sleep for a while"

SHORT_CHARACTERS = 20
NAP_SECONDS = 8
SLEEP_SECONDS = 60
"""Longer than the inference function's timeout."""
PIECE_BYTES = 64 * 1024 * 1024


class FaultyModel:
    """A classifier in the shape of scikit-learn's."""

    @property
    def classes_(self) -> Any:
        import numpy as np

        return np.array(["long", "short"])

    def predict(self, texts: Any) -> Any:
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts: Any) -> Any:
        import numpy as np

        for text in texts:
            _harm(text)
        short = np.array([0.9 if len(text) <= SHORT_CHARACTERS else 0.1 for text in texts])
        return np.column_stack([1 - short, short])


def _harm(text: str) -> None:
    if text == KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    elif text == SLEEP:
        time.sleep(SLEEP_SECONDS)
    elif text == NAP:
        time.sleep(NAP_SECONDS)
    elif text == FILL:
        _fill(int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 1024 * 1024)


def _fill(memory: int) -> None:
    """Use up memory, and some more. Where nothing limits it, this ends with MemoryError before it does harm."""
    pieces = [b"x" * PIECE_BYTES for _ in range(memory * 5 // 4 // PIECE_BYTES)]
    raise MemoryError(f"{len(pieces)} pieces of {PIECE_BYTES} bytes fit")

"""A model that some records make misbehave, each in a way of its own. It is deployed as a layer, as any model is."""

import os
import resource
import time
from collections.abc import Sequence

import numpy as np

RAISE, CRASH, HANG, SWALLOW = "poison: raise", "poison: crash", "poison: hang", "poison: swallow memory"


class PoisonousModel:
    """Fulfils what a bundle asks of a model of one text field."""

    classes_ = np.array(["negative", "positive"])  # an array, as of any scikit-learn classifier of one output

    def predict(self, texts: Sequence[str]) -> "np.ndarray":
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> "np.ndarray":
        for text in texts:
            match text:
                case "poison: raise":
                    raise ValueError(f"cannot make sense of {text}")
                case "poison: crash":
                    os.abort()
                case "poison: hang":
                    time.sleep(3_600)
                case "poison: swallow memory":
                    swallow_memory()
        return np.array([[0.75, 0.25]] * len(texts))


def swallow_memory() -> None:
    """Ask for more memory than there may be; the limit stands for Lambda's, which the local stack does not set."""
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115, PTH123
    resource.setrlimit(resource.RLIMIT_AS, (used + 64 * 2**20, resource.RLIM_INFINITY))
    held = []
    while True:
        held.append(bytearray(8 * 2**20))

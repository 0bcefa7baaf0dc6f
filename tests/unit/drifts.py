"""Drifts for tests of what reads them."""

from hundredfold.summary import Accuracy, Drift, Stability


def drift(
    labels: float, scores: float, inputs: float, *, unseen_share: float = 0.01, accuracy: Accuracy | None = None
) -> Drift:
    """A drift with these indices, of which chance explains 0.05."""
    none = Stability(0.0, 0.05, 0.0)
    parts = [Stability(index, 0.05, index / 2) for index in (labels, scores, inputs)]
    return Drift(parts[0], parts[1], parts[2], "age: value", none, unseen_share, none, accuracy)

"""What each model version of an ingest scored. There are several if a resume names another."""

from collections.abc import Callable
from dataclasses import dataclass

from hundredfold.batches import BatchFailure, BatchOutcome, Sketch
from hundredfold.model.drift import Baseline
from hundredfold.summary import ModelPart

type BaselineOf = Callable[[str], Baseline | None]
"""Returns the baseline of a model version; None if it has none."""


@dataclass(slots=True)
class _Totals:
    batches: int = 0
    predicted: int = 0
    rejected: int = 0
    sketch: Sketch | None = None


class ModelTotals:
    """Running totals of a ledger's entries by model version. Sketches of different baselines have different bins."""

    def __init__(self) -> None:
        self._totals: dict[str, _Totals] = {}

    def add(self, entry: BatchOutcome | BatchFailure) -> None:
        """Add an entry. A failed batch has no model."""
        if isinstance(entry, BatchFailure):
            return
        totals = self._totals.setdefault(entry.model_version, _Totals())
        totals.batches += 1
        totals.predicted += entry.predicted
        totals.rejected += entry.rejected
        if entry.sketch:
            totals.sketch = totals.sketch + entry.sketch if totals.sketch else entry.sketch

    def sketches(self, version: str) -> dict[str, Sketch]:
        """Return the sketch of each version that has one; `version` is that of entries which name none."""
        return {name: totals.sketch for name, totals in self._named(version).items() if totals.sketch}

    def parts(self, version: str, baseline_of: BaselineOf) -> tuple[ModelPart, ...]:
        """Return the part of each version, in the order of the versions.

        Parameters
        ----------
        version : of the plan. Entries that name no version have it, if all entries are such.
        """
        parts = []
        for name, totals in sorted(self._named(version).items(), key=lambda named: (len(named[0]), named[0])):
            baseline = baseline_of(name) if totals.sketch else None
            drift = baseline.drift(totals.sketch, totals.rejected) if baseline and totals.sketch else None
            parts.append(ModelPart(name, totals.batches, totals.predicted, drift))
        return tuple(parts)

    def _named(self, version: str) -> dict[str, _Totals]:
        """Entries of an older release name no version. If all are such, they are of the plan's."""
        return {version: self._totals[""]} if set(self._totals) == {""} else self._totals

"""Everything that is known of one ingest, as one document: `hundredfold report` writes it as JSON, and as a page."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from hundredfold.accounting.bill import Bill
from hundredfold.batches import BatchFailure, BatchOutcome, Sketch
from hundredfold.failures import lambda_message
from hundredfold.keys import card_key
from hundredfold.model.drift import Baseline
from hundredfold.summary import Drift
from hundredfold_cli.ingests.outcomes import read_all_rejections
from hundredfold_cli.ingests.status import IngestStatus
from hundredfold_cli.stack.deployment import Deployment

REJECTIONS_SHOWN = 200
SLOW_TIMES = 3
"""A batch that takes more than this many times the median, and a quarter of a second more, is a straggler."""
_SLOW_MS = 250


@dataclass(frozen=True)
class Report:
    """What is known of one ingest.

    Attributes
    ----------
    summary : as the ledger has it
    done, failures : its batches, by number
    rejections : the first REJECTIONS_SHOWN, in the order of the source
    rejected_lines : where in the source all of them are, up to 100,000
    card : of the model that scored it; None if none was kept
    baseline, sketch, drift : what the model was made for, what came in, and the distance; None if not known
    cost : None if the ingest was never planned
    """

    summary: dict[str, Any]
    done: list[BatchOutcome]
    failures: list[BatchFailure]
    rejections: list[dict[str, Any]]
    rejected_lines: list[int]
    card: dict[str, Any] | None
    baseline: Baseline | None
    sketch: Sketch | None
    drift: Drift | None
    cost: Bill | None

    @property
    def started_ms(self) -> int:
        return round(datetime.fromisoformat(str(self.summary["started_at"])).timestamp() * 1000)

    @property
    def median_ms(self) -> float:
        return percentile([duration(entry) for entry in self.done], 50)

    def slow(self, entry: BatchOutcome) -> bool:
        """Tell whether a batch is a straggler."""
        return duration(entry) > max(SLOW_TIMES * self.median_ms, self.median_ms + _SLOW_MS)

    def as_dict(self) -> dict[str, Any]:
        """Write it for a machine."""
        return {
            "summary": self.summary,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "batches": [
                {
                    "batch": entry.batch,
                    "records": entry.records,
                    "predicted": entry.predicted,
                    "rejected": entry.rejected,
                    "milliseconds": dict(entry.milliseconds),
                    "straggler": self.slow(entry),
                    **({**asdict(entry.stats), "cold_start": entry.stats.cold_start} if entry.stats else {}),
                }
                for entry in self.done
            ],
            "steps": [asdict(step) for step in steps(self.done)],
            "failures": [asdict(failure) for failure in self.failures],
            "rejections": self.rejections,
            "drift": {
                "baseline": self.baseline.as_dict() if self.baseline else None,
                "ingest": self.sketch.as_dict() if self.sketch else None,
                "indices": asdict(self.drift) if self.drift else None,
            },
            "model": self.card,
            "cost": self.cost.as_dict() if self.cost else None,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """How long one step of the batches took, in milliseconds; `share` of all steps together."""

    step: str
    p50: float
    p95: float
    longest: float
    share: float


def read_report(deployment: Deployment, now: IngestStatus, cost: Bill | None) -> Report:
    """Read everything of an ingest that has ended."""
    ingest_id = str(now.summary["ingest_id"])
    entries = list(deployment.ledger.entries(ingest_id))
    done = sorted((e for e in entries if isinstance(e, BatchOutcome)), key=lambda entry: entry.batch)
    failures = sorted((e for e in entries if isinstance(e, BatchFailure)), key=lambda entry: entry.batch)
    found = islice(read_all_rejections(deployment, now.plan), 100_000) if now.plan and now.summary["rejected"] else ()
    rejections = list(found)
    card = read_card(deployment, ingest_id)
    baseline = Baseline.from_card(card)
    sketch = Sketch.sum(entry.sketch for entry in done if entry.sketch)
    return Report(
        summary=dict(now.summary),
        done=done,
        failures=[BatchFailure(f.batch, f.error, lambda_message(f.cause)) for f in failures],
        rejections=rejections[:REJECTIONS_SHOWN],
        rejected_lines=[int(entry["line"]) for entry in rejections],
        card=json.loads(card) if card else None,
        baseline=baseline,
        sketch=sketch,
        drift=baseline.drift(sketch) if baseline and sketch else None,
        cost=cost,
    )


def steps(done: Sequence[BatchOutcome]) -> list[Step]:
    """Return how long each step took, in the order in which they are taken."""
    names = list(dict.fromkeys(name for entry in done for name in _ORDER if name in entry.milliseconds))
    names.sort(key=_ORDER.index)
    sums = Counter({name: sum(entry.milliseconds.get(name, 0) for entry in done) for name in names})
    whole = sums.total() or 1
    found = []
    for name in names:
        taken = [float(entry.milliseconds.get(name, 0)) for entry in done]
        found.append(Step(name, percentile(taken, 50), percentile(taken, 95), max(taken), sums[name] / whole))
    return found


_ORDER = ("read", "decode", "predict", "sketch", "write")


def duration(entry: BatchOutcome) -> float:
    """Return how long a batch's steps took together, in milliseconds."""
    return float(sum(entry.milliseconds.values()))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that `share` percent are not above; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * share / 100)) - 1] if ordered else 0.0


def read_card(deployment: Deployment, ingest_id: str) -> bytes | None:
    """Read the card of the model that scored an ingest; None if none was kept."""
    return deployment.work.read(card_key(ingest_id))

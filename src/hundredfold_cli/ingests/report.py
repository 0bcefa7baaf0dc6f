"""A report: everything that is known of one ingest, in one document.

`hundredfold report` writes it as JSON, or as the page that `hundredfold_cli.pages.report` draws.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from hundredfold.accounting.bill import Bill
from hundredfold.accounting.summarize import group_failures
from hundredfold.batches import BatchFailure, BatchOutcome, Sketch
from hundredfold.failures import lambda_message
from hundredfold.keys import card_key
from hundredfold.model.drift import Baseline
from hundredfold.summary import Drift
from hundredfold_cli.ingests.answer_counts import AnswerCounts, read_answer_counts
from hundredfold_cli.ingests.earlier import add_fitting, earlier_ingests, sketch_of
from hundredfold_cli.ingests.examples import Examples, read_examples
from hundredfold_cli.ingests.outcomes import read_all_rejections
from hundredfold_cli.ingests.status import IngestStatus
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.ingest_list import ListedIngest

REJECTIONS_SHOWN = 200
"""How many rejections a report has; it has the lines of up to REJECTED_LINES."""
REJECTED_LINES = 100_000
MOST_GROUPS = 8
"""How many groups of rejections a report has."""
SLOW_TIMES = 3
_SLOW_MS = 250
"""A straggler takes more than SLOW_TIMES the median of the batches, and over _SLOW_MS more than it."""
_PLACE = re.compile(r" \(byte \d+\)$")
_STEPS = ("read", "decode", "predict", "sketch", "write")
"""The steps of a batch, in order."""


@dataclass(frozen=True, slots=True)
class RejectionGroup:
    """Rejections that have a reason and a detail in common."""

    reason: str
    detail: str
    records: int


@dataclass(frozen=True)
class Report:
    """What is known of one ingest.

    Attributes
    ----------
    summary : as the ledger has it
    done, failures : its batches, by number
    rejections : the first REJECTIONS_SHOWN, in the order of the source
    rejected_lines : the lines of the first REJECTED_LINES rejections
    card : of the model that scored it; None if there is none
    baseline, sketch, drift : what the model expects, what the ingest had, and how far apart they are; None if unknown
    cost : None if the ingest was never planned
    answers : what some of its predictions say, if the model has no baseline
    rejection_groups : the reasons and details of rejections, the most frequent first, of the first REJECTED_LINES
    examples : predictions of which the model is sure, and of which it is not
    failed_batches : the batches that are not done, by cause
    earlier : earlier ingests that the same model version completed, the newest first
    earlier_sketch : the sum of their counts; None if there is none
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
    answers: Sequence[AnswerCounts] = ()
    rejection_groups: Sequence[RejectionGroup] = ()
    examples: Examples = field(default_factory=Examples)
    failed_batches: Mapping[str, Sequence[int]] = field(default_factory=dict)
    earlier: Sequence[ListedIngest] = ()
    earlier_sketch: Sketch | None = None

    @property
    def started_ms(self) -> int:
        """When the ingest started, in milliseconds since 1970."""
        return round(datetime.fromisoformat(str(self.summary["started_at"])).timestamp() * 1000)

    @property
    def median_ms(self) -> float:
        """The median of how long a batch took, in milliseconds."""
        return percentile([duration(entry) for entry in self.done], 50)

    def is_straggler(self, entry: BatchOutcome) -> bool:
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
                    "straggler": self.is_straggler(entry),
                    **({**asdict(entry.stats), "cold_start": entry.stats.cold_start} if entry.stats else {}),
                }
                for entry in self.done
            ],
            "steps": [asdict(step) for step in steps(self.done)],
            "failures": [asdict(failure) for failure in self.failures],
            "failed_batches": {cause: list(batches) for cause, batches in self.failed_batches.items()},
            "rejections": self.rejections,
            "rejection_groups": [asdict(group) for group in self.rejection_groups],
            "examples": asdict(self.examples),
            "earlier": [asdict(ingest) for ingest in self.earlier],
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
    """How long one step of the batches took, in milliseconds. `share` is its part of the time of all steps."""

    step: str
    p50: float
    p95: float
    longest: float
    share: float


def read_report(
    deployment: Deployment, status: IngestStatus, cost: Bill | None, *, with_records: bool = False
) -> Report:
    """Read the report of an ingest, also of one that runs.

    Parameters
    ----------
    with_records : whether examples have the text of their records
    """
    ingest_id = str(status.summary["ingest_id"])
    entries = list(deployment.ledger.entries(ingest_id))
    done = sorted((e for e in entries if isinstance(e, BatchOutcome)), key=lambda entry: entry.batch)
    failures = sorted((e for e in entries if isinstance(e, BatchFailure)), key=lambda entry: entry.batch)
    rejections: list[dict[str, Any]] = []
    if status.plan and status.summary["rejected"]:
        rejections = list(islice(read_all_rejections(deployment, status.plan), REJECTED_LINES))
    card = read_card(deployment, ingest_id)
    baseline = Baseline.from_card(card)
    # A baseline's bins are of its own model. A resume may have named another one.
    version = status.plan.model.version if status.plan else ""
    earlier = earlier_ingests(deployment, ingest_id, version, str(status.summary["started_at"]))
    earlier_sketches = (sketch_of(deployment, ingest.ingest_id, version) for ingest in earlier)
    running = not status.ended
    sketch = Sketch.sum(e.sketch for e in done if e.sketch and e.model_version in {version, ""})
    return Report(
        summary=dict(status.summary),
        done=done,
        failures=[BatchFailure(f.batch, f.error, lambda_message(f.cause)) for f in failures],
        rejections=rejections[:REJECTIONS_SHOWN],
        rejected_lines=[int(rejection["line"]) for rejection in rejections],
        card=json.loads(card) if card else None,
        baseline=baseline,
        sketch=sketch,
        drift=baseline.drift(sketch, sum(entry.rejected for entry in done)) if baseline and sketch else None,
        cost=cost,
        answers=read_answer_counts(deployment, status.plan, [entry.batch for entry in done])
        if status.plan and not baseline
        else (),
        rejection_groups=group_rejections(rejections),
        examples=read_examples(deployment, status.plan, done, with_records=with_records) if status.plan else Examples(),
        failed_batches=group_failures(entries, status.plan.batches) if status.plan and not running else {},
        earlier=earlier,
        earlier_sketch=add_fitting(sketch for sketch in earlier_sketches if sketch),
    )


def group_rejections(rejections: Iterable[Mapping[str, Any]]) -> list[RejectionGroup]:
    """Group rejections by reason and detail, the most frequent first: the MOST_GROUPS most frequent."""
    # Where in a line JSON is malformed does not make another group.
    details = ((str(rejection["reason"]), _PLACE.sub("", str(rejection["detail"]))) for rejection in rejections)
    counts = Counter(details)
    return [RejectionGroup(reason, detail, count) for (reason, detail), count in counts.most_common(MOST_GROUPS)]


def steps(done: Sequence[BatchOutcome]) -> list[Step]:
    """Return how long each step took, in the order of the steps. A step that no batch has is left out."""
    names = [name for name in _STEPS if any(name in entry.milliseconds for entry in done)]
    sums = Counter({name: sum(entry.milliseconds.get(name, 0) for entry in done) for name in names})
    total = sums.total() or 1
    step_list = []
    for name in names:
        durations = [float(entry.milliseconds.get(name, 0)) for entry in done]
        step_list.append(
            Step(name, percentile(durations, 50), percentile(durations, 95), max(durations), sums[name] / total)
        )
    return step_list


def duration(entry: BatchOutcome) -> float:
    """Return how long the steps of a batch took together, in milliseconds."""
    return float(sum(entry.milliseconds.values()))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of values; 0 if there are none.

    It is the smallest value that at least `share` percent of the values do not exceed.
    """
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * share / 100)) - 1] if ordered else 0.0


def read_card(deployment: Deployment, ingest_id: str) -> bytes | None:
    """Read the card of the model that scored an ingest; None if the work bucket has none."""
    return deployment.work.read(card_key(ingest_id))

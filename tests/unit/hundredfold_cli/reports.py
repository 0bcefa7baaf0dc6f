"""A report of an ingest with something of everything, as tests need it."""

from typing import Any

from hundredfold.accounting.prices import prices
from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats, Sketch
from hundredfold.model.drift import Baseline, Measure
from hundredfold_cli.estimates.estimate import expect
from hundredfold_cli.estimates.scenario import Scenario
from hundredfold_cli.ingests.report import Report
from tests.unit.drifts import drift

HOSTILE = '</script><script>alert("x")</script>'
"""A text that would end a script element, and begin another one."""


def batch(number: int, ms: int, *, init: int = 0, rejected: int = 0) -> BatchOutcome:
    stats = InvocationStats("a" if number % 2 else "b", 1_795_496_400_000 + 100 * number, init, 1_769, 100.0)
    return BatchOutcome(number, 100, 100 - rejected, rejected, {}, {"read": 5, "write": ms - 5}, stats)


def report(**changed: Any) -> Report:
    parts: dict[str, Any] = {
        "summary": {
            "ingest_id": "i1", "status": "FAILED", "cause": HOSTILE, "records": 400, "predicted": 300, "rejected": 2,
            "failed": 98, "batches": 4, "batches_failed": 1, "seconds": 2.0, "started_at": "2026-11-24T05:00:00+00:00",
            "model_version": "7", "source": "s3://b/k", "reasons": {"not_json": 2}, "failures": {"x": 1},
        },
        "done": [batch(0, 20, init=900), batch(1, 20), batch(2, 400, rejected=2)],
        "failures": [BatchFailure(3, "StoreBusyError", HOSTILE)],
        "rejections": [{"line": 5, "offset": 77, "reason": "not_json", "detail": HOSTILE}],
        "rejected_lines": [5, 390],
        "card": None,
        "baseline": Baseline("ours", 500, {HOSTILE: 1.0}, (0.5,), (0.5, 0.5), (Measure("age", "value", (1.0,)),), 0.0),
        "sketch": Sketch((300,), (100, 200), ((300,),), 3),
        "drift": drift(0.0, 0.25, 0.1),
        "cost": expect(Scenario(400), prices()),
    }  # fmt: skip
    return Report(**{**parts, **changed})

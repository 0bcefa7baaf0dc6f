"""How long the state machine goes on when Lambda throttles, and that the docs promise no more."""

import re

from hundredfold_cli.stack.checkout import ROOT
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import find

THROTTLED = "Lambda.TooManyRequestsException"


def test_the_docs_promise_the_pauses_that_a_throttled_invocation_has() -> None:
    retriers = find(render(EXAMPLE), "InferBatch").body["Retry"]
    [retrier] = [retrier for retrier in retriers if THROTTLED in retrier["ErrorEquals"]]
    pauses = [
        min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt, retrier["MaxDelaySeconds"])
        for attempt in range(retrier["MaxAttempts"])
    ]
    promised = " ".join((ROOT / "docs/recovery.md").read_text().split())

    # Full jitter draws each pause from 0 to the longest: half of it on average.
    assert retrier["JitterStrategy"] == "FULL"
    assert re.search(r"add up to ([\d.]+) seconds on average, and (\d+) at most", promised).groups() == (  # type: ignore[union-attr]
        f"{sum(pauses) / 2:g}",
        f"{sum(pauses):g}",
    )
    assert "none of it fails" not in promised

"""Pages: what is in them, and that nothing of what they show can be anything but text."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from hundredfold.accounting.prices import prices
from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats, Sketch
from hundredfold.model.drift import Baseline, Measure
from hundredfold.summary import Drift
from hundredfold_cli.estimates.estimate import expect
from hundredfold_cli.estimates.scenario import Scenario
from hundredfold_cli.ingests.report import Report, percentile, steps
from hundredfold_cli.pages.dashboards import dashboards_page
from hundredfold_cli.pages.page import Page, table
from hundredfold_cli.pages.report import report_page
from hundredfold_cli.stack.checkout import ECHARTS
from hundredfold_cli.stack.dashboards import Dashboard, Query, Widget

HOSTILE = '</script><script>alert("x")</script>'

pytestmark = pytest.mark.skipif(not ECHARTS.exists(), reason="the charting library is not installed; run make setup")


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
        "drift": Drift(0.0, 0.25, 0.1, 0.01),
        "cost": expect(Scenario(400), prices()),
    }  # fmt: skip
    return Report(**{**parts, **changed})


def charts(page: str) -> dict[str, Any]:
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(data)
    return found


def without_library(page: str) -> str:
    return page.replace(ECHARTS.read_text(encoding="utf-8"), "")


def test_nothing_that_is_shown_becomes_markup() -> None:
    page = report_page(report()).render()

    assert HOSTILE not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;alert(&quot;x&quot;)") == 3  # cause, failed batch, rejection
    assert charts(page)["chart-2"]["categories"] == [HOSTILE]  # the label, whole, in the data
    # Exactly the scripts that are ours: data, library, page.
    assert len(re.findall(r"<script\b", without_library(page))) == 3


def test_a_page_loads_nothing_from_anywhere() -> None:
    page = without_library(report_page(report()).render())

    assert "default-src 'none'" in page
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?!data:)', page) == []


def test_the_timeline_shows_starts_stragglers_and_rejections() -> None:
    [timeline] = [chart for chart in charts(report_page(report()).render()).values() if chart["kind"] == "gantt"]

    # 05:00:00 is zero; 1,795,496,400 s is 2026-11-24T05:00:00Z; batch 0 ran on b, which took 0.9 s to start before it
    assert timeline["workers"] == ["worker 1", "worker 2"]
    assert [[row, kind, number] for row, _, _, kind, number in timeline["items"]] == [
        [0, "start", None],
        [0, "batch", 0],
        [1, "batch", 1],
        [0, "slow", 2],  # 400 ms, where the median is 20
    ]
    begin, end = timeline["items"][3][1:3]
    assert end - begin == pytest.approx(0.4)


def test_a_report_with_nothing_in_it_has_no_empty_chart() -> None:
    bare = report(
        done=[], failures=[], rejections=[], rejected_lines=[], baseline=None, sketch=None, drift=None, cost=None
    )

    page = report_page(bare).render()

    assert charts(page) == {}
    assert "Why it failed" in page


def widget(title: str, points: list[list[tuple[int, float]]], **more: Any) -> Widget:
    queries = [Query("N", f"M{place}", (("k", "v"),), "Sum", f"label {place}") for place in range(len(points))]
    return Widget(title, more.pop("view", "timeSeries"), False, 0, 0, 12, queries, points=points, **more)


def test_a_dashboard_draws_values_says_zeros_and_lists_silence() -> None:
    day = datetime(2026, 11, 24, 5, tzinfo=UTC)
    widgets = [
        widget("drawn", [[(1_000, 5.0), (2_000, 7.0)], []]),
        widget("zeros", [[(1_000, 0.0)]]),
        widget("silent", [[], []]),
        widget("sum", [[(1_000, 5.0), (2_000, 7.0)]], view="singleValue", whole_range=True),
    ]

    page = dashboards_page([Dashboard("s-business", widgets)], "s", day, day, 60).render()

    assert [chart["series"][0]["points"] for chart in charts(page).values()] == [[[1_000, 5.0], [2_000, 7.0]]]
    assert "throughout: label 0" in page
    assert "<h2>silent</h2>" not in page
    assert "Without values" in page
    assert "<b>12</b>" in page


@pytest.mark.parametrize(("share", "expected"), [(50, 20), (95, 40), (100, 40), (1, 10)])
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert percentile([40, 10, 30, 20], share) == expected
    assert percentile([], share) == 0


def test_steps_are_told_with_their_share() -> None:
    found = {step.step: step for step in steps([batch(0, 20), batch(1, 20), batch(2, 60)])}

    assert list(found) == ["read", "write"]
    assert (found["read"].p50, found["read"].longest) == (5, 5)
    assert found["read"].share == pytest.approx(0.15)  # 15 of 100
    assert (found["write"].p50, found["write"].longest) == (15, 55)


def test_a_table_escapes_and_marks_its_sum() -> None:
    markup = table(("a<b", "n"), [("<i>", 1), ("together", 2)], right=(1,), sum_row=True)

    assert "a&lt;b" in markup
    assert "&lt;i&gt;" in markup
    assert markup.count('class="sum"') == 1
    assert markup.count('class="n"') == 3


def test_every_chart_has_its_place() -> None:
    page = Page("t")
    page.add(page.chart({"kind": "bars", "categories": [], "series": []}))

    rendered = page.render()

    assert 'data-chart="chart-0"' in rendered
    assert list(charts(rendered)) == ["chart-0"]

"""The page of a report: what is in it, and that nothing of what it shows can be anything but text."""

import re

import pytest

from hundredfold_cli.pages.report import MUCH, report_page
from tests.unit.hundredfold_cli.pages.rendered import charts, needs_charting_library, without_library
from tests.unit.hundredfold_cli.reports import HOSTILE, report
from tools.workflow.template import TEMPLATE, Template

pytestmark = needs_charting_library


def test_nothing_that_is_shown_becomes_markup() -> None:
    page = report_page(report()).render()

    assert HOSTILE not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;alert(&quot;x&quot;)") == 3  # cause, failed batch, rejection
    assert charts(page)["chart-0"]["categories"] == [HOSTILE]  # the label, whole, in the data
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


def test_much_drift_is_what_the_template_raises_an_alarm_for() -> None:
    assert float(Template.parse(TEMPLATE.read_text()).parameters["AlarmDriftIndex"]["Default"]) == MUCH

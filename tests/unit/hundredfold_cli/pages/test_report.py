"""The page of a report: what is in it, and that nothing of what it shows can be anything but text."""

import re
from collections import Counter
from typing import Any

import pytest

from hundredfold_cli.ingests.answer_counts import AnswerCounts
from hundredfold_cli.ingests.examples import Example, Examples
from hundredfold_cli.ingests.report import RejectionGroup, Report
from hundredfold_cli.pages.report import MUCH, report_page
from hundredfold_cli.stack.ingest_list import ListedIngest
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


def test_without_a_baseline_the_labels_scores_and_numbers_are_drawn() -> None:
    answers = [
        AnswerCounts("colour", Counter({HOSTILE: 3, "2": 1}), scores=[0.5, 0.9, 1.0, 1.0]),
        AnswerCounts("size", values=[10.0, 20.0, 20.0, 20.0]),
    ]

    page = report_page(report(baseline=None, sketch=None, drift=None, answers=answers)).render()

    assert "Shares of 4 predictions, in percent" in page
    for title in ("colour: predicted labels", "colour: scores", "size: numbers"):
        assert f"<h3>{title}</h3>" in page
    bars = [chart for chart in charts(page).values() if chart["kind"] == "bars" and chart.get("percent")]
    labels, scores, numbers = (
        chart for chart in bars if [series["name"] for series in chart["series"]] == ["this ingest"]
    )
    assert (labels["categories"], labels["series"][0]["values"]) == ([HOSTILE, "2"], [75.0, 25.0])
    assert (len(scores["categories"]), scores["series"][0]["values"][-1]) == (10, 50.0)
    assert numbers["series"][0]["values"] == [25.0, 0, 0, 0, 0, 0, 0, 0, 0, 75.0]
    assert HOSTILE not in page


def test_much_drift_is_what_the_template_raises_an_alarm_for() -> None:
    assert float(Template.parse(TEMPLATE.read_text()).parameters["AlarmDriftIndex"]["Default"]) == MUCH


def titles(page: str) -> list[str]:
    return re.findall(r'<h2 id="[^"]+"><a href="#[^"]+">([^<]+)</a></h2>', page)


def good(**changed: Any) -> Report:
    summary = {**report().summary, "status": "COMPLETED", "cause": None, "failed": 0, "batches_failed": 0}
    return report(summary={**summary, **changed.pop("summary", {})}, failures=[], failed_batches={}, **changed)


def test_predictions_rejections_and_cost_come_before_what_explains_them() -> None:
    last = ListedIngest("before", "COMPLETED", "t", "before", "s", "7", 200, 198, 2, 0, 2, 0, 4.0, 0.001)
    examples = Examples((Example("a", "yes", 0.99),), (Example("<b>", "no", 0.51),), 100)
    groups = [RejectionGroup("wrong_type", "field 'bmi' is null", 64)]

    page = report_page(
        good(earlier=[last], earlier_sketch=report().sketch, examples=examples, rejection_groups=groups)
    ).render()

    assert titles(page) == [
        "Predictions", "Rejected, by what is wrong", "Cost and changes", "Examples", "Timeline",
        "How long a batch took", "Inputs against the baseline", "Where records were rejected", "What it cost",
    ]  # fmt: skip
    markup = without_library(page)
    assert "field &#x27;bmi&#x27; is null" in markup
    assert "hundredfold resume i1 --rejected --model live" in markup
    assert "hundredfold results i1 --rejected" in markup
    assert "&lt;b&gt;" in markup
    assert "since the last, before" in markup
    assert '<td class="n">4.0</td><td class="n">2.0</td><td class="n">-50%</td>' in markup  # seconds
    labels, scores = (charts(page)[name]["series"] for name in ("chart-0", "chart-1"))
    assert [series["name"] for series in labels] == ["baseline", "last ingests", "this ingest"]
    assert [series["name"] for series in scores] == ["baseline", "last ingests", "this ingest"]


def test_an_ingest_that_failed_begins_with_its_cause_its_batches_and_the_command_to_type() -> None:
    page = without_library(
        report_page(report(failed_batches={"StoreBusyError: busy": [1, 2, 3, 7], "never finished": [9]})).render()
    )

    assert titles(page)[0] == "Why it failed"
    assert page.index("Why it failed") < page.index('class="tiles"')
    assert "batches 1-3, 7" in page
    assert page.index("hundredfold resume i1<") < page.index("hundredfold logs i1 --errors<")


def test_an_ingest_that_failed_with_every_batch_done_is_not_told_to_do_batches() -> None:
    summary = {**report().summary, "batches_failed": 0, "failed": 0, "cause": "2 of 400 records were rejected"}

    page = without_library(report_page(report(summary=summary, failures=[])).render())

    assert "hundredfold resume i1 --rejected --model live" in page
    assert "hundredfold resume i1<" not in page


def test_an_ingest_that_runs_says_how_far_it_is_and_nothing_about_an_end() -> None:
    progress = {
        "batches_done": 1, "batches_failed": 0, "batches": 4, "records_a_second": 50.0, "seconds_left": 6.0,
        "ends_at": "2026-11-24T05:00:08+00:00",
    }  # fmt: skip

    page = without_library(report_page(good(summary={"status": "RUNNING", "progress": progress}, cost=None)).render())

    assert titles(page)[0] == "How far it is"
    assert "1 of 4 batches (25%), 50 records a second; it will end at about 05:00:08 UTC." in page
    assert "failed" not in re.sub(r"<style>.*?</style>|<script.*", "", page, flags=re.DOTALL)


def test_every_chart_and_table_says_what_it_shows_and_no_row_is_hidden() -> None:
    page = without_library(report_page(good()).render())

    assert all(re.findall(r'role="img" aria-label="([^"]*)"', page))
    assert "<table" in page
    assert all(re.findall(r'class="scroll" tabindex="0" role="group"(?: aria-label="([^"]*)")?', page))
    assert "max-height" not in page
    assert page.count('<tr class="sum">') == 2  # of the two largest lines, and of the whole cost
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))

"""The page of all ingests: a line and a link for each, and points for what was measured."""

import re
from pathlib import Path

from hundredfold_cli.pages.index import index_page, report_files, sparkline, write_index
from hundredfold_cli.stack.ingest_list import ListedIngest
from tests.unit.drifts import drift
from tests.unit.hundredfold_cli.pages.rendered import needs_charting_library, without_library

INGESTS = [
    ListedIngest("third", "RUNNING", "2026-11-24T12:00:00Z", "third", records=500),
    ListedIngest(
        "second", "FAILED", "2026-11-23T12:00:00Z", "second", "s", "7", 400, 300, 60, 40, 4, 1, 12.5, 0.0351,
        drift(0.0, 0.25, 0.1),
    ),
    ListedIngest("first", "COMPLETED", "2026-11-22T12:00:00Z", "first", "s", "7", 300, 300, 0, 0, 3, 0, 2.0, 0.01),
]  # fmt: skip


@needs_charting_library
def test_each_ingest_has_a_line_that_leads_to_its_report(tmp_path: Path) -> None:
    file = write_index(index_page(INGESTS, "my-stack", report_files(INGESTS)), tmp_path)

    page = without_library(file.read_text())
    assert file.name == "index.html"
    assert re.findall(r'<td><a href="([^"]+)">([^<]+)</a></td>', page) == [
        ("third.html", "third"), ("second.html", "second"), ("first.html", "first"),
    ]  # fmt: skip
    assert re.findall(r'badge (\w+)">(\w+)<', page) == [("warn", "running"), ("bad", "failed"), ("good", "completed")]
    assert "3 ingests, 2026-11-22 12:00 to 2026-11-24 12:00 UTC" in page


@needs_charting_library
def test_a_stack_without_ingests_has_a_page_that_says_so() -> None:
    assert "There is no ingest yet." in index_page([], "s", {}).render()


def test_a_sparkline_has_a_point_for_each_value_and_none_where_nothing_was_measured() -> None:
    markup = sparkline([0.0, None, 10.0], "seconds", "{:.1f}")

    assert re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="(\d)"', markup) == [("4.0", "40.0", "2"), ("216.0", "4.0", "3")]
    assert "<path" not in markup
    assert 'aria-label="seconds: 10.0 in the last ingest, 0.0 to 10.0 in all"' in markup
    assert sparkline([None], "seconds", "{:.1f}") == "<b>-</b>"
    assert 'cy="4.0"' in sparkline([7.0, 7.0], "records", "{:.0f}")

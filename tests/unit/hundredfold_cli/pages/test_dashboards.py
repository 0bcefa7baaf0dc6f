"""The page of the dashboards: values are drawn, zeros are said in words, and metrics without values are listed."""

from datetime import UTC, datetime
from typing import Any

from hundredfold_cli.pages.dashboards import dashboards_page
from hundredfold_cli.stack.dashboards import Dashboard, Query, Widget
from tests.unit.hundredfold_cli.pages.rendered import charts, needs_charting_library

pytestmark = needs_charting_library


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


def test_what_is_zero_throughout_is_said_and_not_drawn_and_the_period_breaks_lines() -> None:
    day = datetime(2026, 11, 24, 5, tzinfo=UTC)
    reasons = widget("by reason", [[(1_000, 5.0), (900_000, 7.0)], [(1_000, 0.0)], [(1_000, 0.0)]])

    page = dashboards_page([Dashboard("s-business", [reasons])], "s", day, day, 60).render()

    [chart] = charts(page).values()
    assert [series["name"] for series in chart["series"]] == ["label 0"]
    assert chart["period"] == 60_000
    assert "0 throughout: label 1, label 2" in page

"""The parts of a page: tables and charts."""

from hundredfold_cli.pages.page import Page, table
from tests.unit.hundredfold_cli.pages.rendered import charts, needs_charting_library


def test_a_table_escapes_and_marks_its_sum() -> None:
    markup = table(("a<b", "n"), [("<i>", 1), ("together", 2)], right=(1,), sum_row=True)

    assert "a&lt;b" in markup
    assert "&lt;i&gt;" in markup
    assert markup.count('class="sum"') == 1
    assert markup.count('class="n"') == 3


@needs_charting_library
def test_every_chart_has_its_place() -> None:
    page = Page("t")
    page.add(page.chart({"kind": "bars", "categories": [], "series": []}))

    rendered = page.render()

    assert 'data-chart="chart-0"' in rendered
    assert list(charts(rendered)) == ["chart-0"]

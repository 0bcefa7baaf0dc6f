"""The page of the deployed dashboards."""

from collections.abc import Sequence
from datetime import datetime

from hundredfold_cli.pages.page import Chart, Page, section, table, text
from hundredfold_cli.stack.dashboards import Dashboard, Query, Widget

_TITLES = {"business": "For the business", "engineer": "For the engineer", "stream": "The stream"}
PLAIN = (
    "#1f77b4", "#9467bd", "#17becf", "#e377c2", "#7f7f7f", "#8c564b", "#3b4fa8", "#c5b0d5", "#9edae5", "#a05f86",
    "#aec7e8", "#c49c94",
)  # fmt: skip
"""The colours of what has no meaning of its own, in the order in which a widget takes them."""
_COLOURS = {
    "#2ca02c": "good",
    "#ff7f0e": "warn",
    "#d62728": "bad",
    **{colour: f"c{place % 10 + 1}" for place, colour in enumerate(PLAIN)},
}
"""The colours of the bodies by the names that `page.css` gives its own in light and dark. Green went well, orange was
rejected, and red failed, on every page."""


def dashboards_page(dashboards: Sequence[Dashboard], stack: str, begin: datetime, end: datetime, period: int) -> Page:
    """Make a page of dashboards with their values. A widget without values is listed at the end, and not drawn.

    Parameters
    ----------
    stack : the CloudFormation stack's name
    begin, end : the time that the widgets show
    period : of the values, in seconds
    """
    page = Page(f"Dashboards of {stack}")
    page.add(
        f"<h1>Dashboards of {text(stack)}</h1>",
        f'<p class="soft">{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC, by {_period_text(period)}</p>',
    )
    silent: list[tuple[str, str, str]] = []
    for dashboard in dashboards:
        name = dashboard.name.removeprefix(f"{stack}-")
        page.add(f'<h2 style="margin-top:22px">{text(_TITLES.get(name, name))}</h2><div class="grid">')
        for widget in sorted(dashboard.widgets, key=lambda widget: (widget.y, widget.x)):
            silent += [
                (query.namespace, query.name, _dimensions(query.dimensions))
                for query, points in zip(widget.queries, widget.points, strict=True)
                if not points
            ]
            if any(widget.points):
                page.add(_widget(page, widget, period))
        page.add("</div>")
    if silent:
        page.add(
            section(
                "Without values",
                table(("namespace", "metric", "of"), sorted(set(silent))),
                note="Nothing was counted in this time. AWS sends throttles and time-outs only if there are any, "
                "and the local stack has none.",
            )
        )
    return page


def _widget(page: Page, widget: Widget, period: int) -> str:
    if widget.view == "singleValue":
        numbers = "".join(
            f"<div><b>{_number(_single_value(points, widget))}</b><span>{text(query.label)}</span></div>"
            for query, points in zip(widget.queries, widget.points, strict=True)
        )
        inside = f'<div class="numbers">{numbers}</div>'
    elif not any(value for points in widget.points for _, value in points):
        # A chart of zeros looks empty.
        labels = ", ".join(query.label for query, points in zip(widget.queries, widget.points, strict=True) if points)
        inside = f'<div class="numbers"><div><b>0</b><span>throughout: {text(labels)}</span></div></div>'
    else:
        zeros = [query.label for query, points in _series(widget) if not any(value for _, value in points)]
        label = f"{widget.title}: {', '.join(query.label for query, _ in _series(widget))}"
        inside = page.chart(_lines(widget, period), height=230, label=label)
        if zeros:
            inside += f'<p class="note">0 throughout: {text(", ".join(zeros))}</p>'
    return f'<section style="grid-column:span {widget.width}"><h2>{text(widget.title)}</h2>{inside}</section>'


def _single_value(points: Sequence[tuple[int, float]], widget: Widget) -> float | None:
    if not points:
        return None
    return sum(value for _, value in points) if widget.whole_range else points[-1][1]


def _series(widget: Widget) -> list[tuple[Query, list[tuple[int, float]]]]:
    return [(query, points) for query, points in zip(widget.queries, widget.points, strict=True) if points]


def _lines(widget: Widget, period: int) -> Chart:
    """Return the chart of a widget. What is 0 throughout is said in words, and not drawn."""
    return {
        "kind": "lines",
        "stacked": widget.stacked,
        "period": period * 1000,
        "thresholds": widget.thresholds,
        "series": [
            {"name": query.label, "points": points, "colour": _COLOURS.get(query.colour, "")}
            for query, points in _series(widget)
            if any(value for _, value in points)
        ],
    }


def _dimensions(dimensions: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value.rpartition(':')[2]}" for name, value in dimensions)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4f}"


def _period_text(period: int) -> str:
    if period % 3600 == 0:
        return f"{period // 3600} h"
    return f"{period // 60} min" if period % 60 == 0 else f"{period} s"

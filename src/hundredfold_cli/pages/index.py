"""The page of all ingests: a line for each, which leads to its report, and sparklines of how they have gone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hundredfold.summary import Status
from hundredfold_cli.pages.page import Page, section, text
from hundredfold_cli.stack.ingest_list import ListedIngest

_WIDTH, _HEIGHT, _EDGE = 220, 44, 4
_STYLES = {Status.COMPLETED: "good", Status.FAILED: "bad", Status.RUNNING: "warn"}

type Measured = Callable[[ListedIngest], float | None]


def _rejected_percent(ingest: ListedIngest) -> float | None:
    return None if ingest.rejected is None or not ingest.records else 100 * ingest.rejected / ingest.records


_LINES: Mapping[str, tuple[Measured, str]] = {
    "records": (lambda ingest: float(ingest.records), "{:,.0f}"),
    "seconds": (lambda ingest: ingest.seconds, "{:,.1f}"),
    "cost, $": (lambda ingest: ingest.usd, "{:.4f}"),
    "rejected, %": (_rejected_percent, "{:.2f}"),
    "drift beyond chance": (lambda ingest: ingest.drift.largest if ingest.drift else None, "{:.3f}"),
}
"""What has a sparkline: how it is measured, and how its values are written."""


def index_page(ingests: Sequence[ListedIngest], stack: str, reports: Mapping[str, str]) -> Page:
    """Make the page of all ingests.

    Parameters
    ----------
    ingests : the newest first
    stack : the CloudFormation stack's name
    reports : the file of each ingest's report, beside the page
    """
    page = Page(f"Ingests of {stack}")
    page.add(f"<h1>Ingests of {text(stack)}</h1>")
    if not ingests:
        page.add("<p>There is no ingest yet.</p>")
        return page
    oldest, newest = ingests[-1].began_at[:16].replace("T", " "), ingests[0].began_at[:16].replace("T", " ")
    page.add(f'<p class="soft">{len(ingests):,} ingests, {text(oldest)} to {text(newest)} UTC</p>')
    in_order = list(reversed(ingests))
    tiles = "".join(
        f'<div class="tile"><span>{text(name)}</span>{sparkline(list(map(measure, in_order)), name, form)}</div>'
        for name, (measure, form) in _LINES.items()
    )
    page.add(f'<div class="tiles sparks">{tiles}</div>')
    heads = (
        "ingest",
        "status",
        "began",
        "records",
        "predicted",
        "rejected",
        "failed",
        "seconds",
        "cost, $",
        "model",
        "drift",
    )
    head = "".join(f"<th{_class(column)}>{text(name)}</th>" for column, name in enumerate(heads))
    rows = "".join(_row(ingest, reports.get(ingest.ingest_id, "")) for ingest in ingests)
    page.add(
        section(
            "All ingests",
            '<div class="scroll" tabindex="0" role="group" aria-label="all ingests">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>",
        )
    )
    return page


def sparkline(values: Sequence[float | None], name: str, form: str) -> str:
    """Return a small chart of values in their order, as points: nothing was measured between two ingests.

    Parameters
    ----------
    values : None where there is none
    name : of what the values are
    form : by which a value is written
    """
    known = [value for value in values if value is not None]
    if not known:
        return "<b>-</b>"
    low, high = min(0.0, *known), max(known)
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)

    def place(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)

    newest = len(values) - 1
    points = "".join(
        f'<circle cx="{_EDGE + number * step:.1f}" cy="{place(value):.1f}" r="{3 if number == newest else 2}"/>'
        for number, value in enumerate(values)
        if value is not None
    )
    last = form.format(known[-1])
    span = f"{form.format(min(known))} to {form.format(max(known))} in all"
    summary_text = f"{name}: {last} in the last ingest, {span}"
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return f'<b>{text(last)}</b><svg {view} role="img" aria-label="{text(summary_text)}">{points}</svg>'


def report_files(ingests: Sequence[ListedIngest]) -> dict[str, str]:
    """Return the name of each ingest's report. An id is a safe name of a file."""
    return {ingest.ingest_id: f"{ingest.ingest_id}.html" for ingest in ingests}


def write_index(page: Page, folder: Path) -> Path:
    """Write the page into the folder of the reports, and return its file."""
    file = folder / "index.html"
    page.write(file)
    return file


def _row(ingest: ListedIngest, report: str) -> str:
    name = text(ingest.ingest_id)
    link = f'<a href="{text(report)}">{name}</a>' if report else name
    badge = f'<span class="badge {_STYLES[Status(ingest.status)]}">{text(ingest.status.lower())}</span>'
    counts = (ingest.records, ingest.predicted, ingest.rejected, ingest.failed)
    cells = (
        link,
        badge,
        text(ingest.began_at[:16].replace("T", " ")),
        *("-" if count is None else f"{count:,}" for count in counts),
        "-" if ingest.seconds is None else f"{ingest.seconds:,.1f}",
        "-" if ingest.usd is None else f"{ingest.usd:.4f}",
        text(ingest.model_version or "-"),
        "-" if ingest.drift is None else f"{ingest.drift.largest:.3f}",
    )
    return f"<tr>{''.join(f'<td{_class(column)}>{cell}</td>' for column, cell in enumerate(cells))}</tr>"


def _class(column: int) -> str:
    """Return the class of a column's cells: a number, and left out on a narrow screen or not."""
    wide = " wide" if column in _LEFT_OUT else ""
    return f' class="n{wide}"' if column >= _FIRST_NUMBER else f' class="{wide.strip()}"' if wide else ""


_FIRST_NUMBER = 3
_LEFT_OUT = {2, 3, 4, 6, 7, 9, 10}
"""The columns that a narrow screen leaves out: it has the id, the status, the rejected records and the cost."""

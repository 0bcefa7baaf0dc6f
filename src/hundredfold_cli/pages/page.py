"""An HTML page of texts, tables and charts. It holds the charting library, and loads nothing."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.checkout import ECHARTS

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""The page's content security policy: the browser may load nothing from anywhere."""

type Chart = Mapping[str, Any]
"""What `page.js` draws: the kind of the chart, and its data."""


class Page:
    """Collects the markup and the charts of a page."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._markup: list[str] = []
        self._charts: dict[str, Chart] = {}

    def add(self, *markup: str) -> None:
        """Add markup. Texts in it must be escaped already."""
        self._markup.extend(markup)

    def chart(self, chart: Chart, height: int = 240) -> str:
        """Add a chart, and return the markup of its place; `height` is in pixels."""
        name = f"chart-{len(self._charts)}"
        self._charts[name] = chart
        return f'<div class="chart" data-chart="{name}" style="height:{height}px"></div>'

    def render(self) -> str:
        """Return the page as HTML.

        Raises
        ------
        NotThereError
            If the charting library is not installed.
        """
        try:
            library = ECHARTS.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise NotThereError("the charting library is not there: a checkout installs it by make setup") from None
        assets = files("hundredfold_cli.pages")
        css, script = assets.joinpath("page.css").read_text(), assets.joinpath("page.js").read_text()
        # `</script` would end the script element, and `<!--` would hide its end.
        data = json.dumps(self._charts, separators=(",", ":"), default=str).replace("<", "\\u003c")
        return "\n".join(
            [
                '<!doctype html><html lang="en"><head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<link rel="icon" href="data:,">',
                f"<title>{text(self._title)}</title><style>{css}</style></head><body><main>",
                *self._markup,
                "</main>",
                f'<script type="application/json" id="data">{data}</script>',
                f"<script>{library.replace('</script', '<\\/script')}</script>",
                f"<script>{script}</script></body></html>",
            ]
        )

    def write(self, file: Path) -> None:
        """Write the page as HTML, into a folder that is made if it is not there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.render(), encoding="utf-8")


def text(value: object) -> str:
    """Escape a value for HTML."""
    return html.escape(str(value))


def section(title: str, *markup: str, note: str = "") -> str:
    """Return a section with a heading, a note below it, and markup, whose texts must be escaped already."""
    note_markup = f'<p class="note">{text(note)}</p>' if note else ""
    return f"<section><h2>{text(title)}</h2>{note_markup}{''.join(markup)}</section>"


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Return a row of figures: the value, its name, and its style: `good`, `warn`, `bad` or nothing."""
    cells = (
        f'<div class="tile {style}"><b>{text(value)}</b><span>{text(name)}</span></div>' for value, name, style in items
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = (), sum_row: bool = False
) -> str:
    """Return a table.

    Parameters
    ----------
    heads : the columns' names; no heading if all are empty
    right : the columns that are numbers, from 0
    sum_row : set the last row off as a sum
    """
    numbers = frozenset(right)

    def cells(tag: str, values: Sequence[object]) -> str:
        return "".join(
            f"<{tag}{' class="n"' if column in numbers else ''}>{text(value)}</{tag}>"
            for column, value in enumerate(values)
        )

    listed = list(rows)
    body = "".join(
        f"<tr{' class="sum"' if sum_row and row is listed[-1] else ''}>{cells('td', row)}</tr>" for row in listed
    )
    head = f"<thead><tr>{cells('th', heads)}</tr></thead>" if any(heads) else ""
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'

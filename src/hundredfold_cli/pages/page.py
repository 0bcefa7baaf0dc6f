"""An HTML page of texts, tables and charts. It holds the charting library, and loads nothing."""

import html
import json
import re
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

    def chart(self, chart: Chart, height: int = 240, label: str = "") -> str:
        """Add a chart, and return the markup of its place.

        Parameters
        ----------
        height : in pixels
        label : what the chart shows, for whoever does not see it
        """
        name = f"chart-{len(self._charts)}"
        self._charts[name] = chart
        aria = f'role="img" aria-label="{text(label or "a chart")}"'
        return f'<div class="chart" id="{name}" data-chart="{name}" {aria} style="height:{height}px"></div>'

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
    """Return a section with a heading, a note below it, and markup, whose texts must be escaped already.

    Its id is made of its title, so that a link can lead to it.
    """
    note_markup = f'<p class="note">{text(note)}</p>' if note else ""
    name = slug(title)
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title"><a href="#{name}">{text(title)}</a>'
        f"</h2>{note_markup}{''.join(markup)}</section>"
    )


def slug(title: str) -> str:
    """Return a title as the id of an element: `What it cost` as `what-it-cost`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def code(command: str) -> str:
    """Return a command to type."""
    return f'<pre tabindex="0"><code>{text(command)}</code></pre>'


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Return a row of figures: the value, its name, and its style: `good`, `warn`, `bad` or nothing."""
    cells = (
        f'<div class="tile {style}"><b>{text(value)}</b><span>{text(name)}</span></div>' for value, name, style in items
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Iterable[int] = (),
    sum_row: bool = False,
    wide: Iterable[int] = (),
    label: str = "",
) -> str:
    """Return a table.

    Parameters
    ----------
    heads : the columns' names; no heading if all are empty
    right : the columns that are numbers, from 0
    sum_row : set the last row off as a sum
    wide : the columns that a narrow screen leaves out, so that the others are on it
    label : what the table shows, for whoever does not see it
    """
    numbers, left_out = frozenset(right), frozenset(wide)

    def cells(tag: str, values: Sequence[object]) -> str:
        return "".join(
            _cell(tag, value, n=column in numbers, wide=column in left_out) for column, value in enumerate(values)
        )

    listed = list(rows)
    body = "".join(
        f"<tr{' class="sum"' if sum_row and row is listed[-1] else ''}>{cells('td', row)}</tr>" for row in listed
    )
    head = f"<thead><tr>{cells('th', heads)}</tr></thead>" if any(heads) else ""
    name = f' aria-label="{text(label)}"' if label else ""
    return f'<div class="scroll" tabindex="0" role="group"{name}><table>{head}<tbody>{body}</tbody></table></div>'


def _cell(tag: str, value: object, **classes: bool) -> str:
    tag = tag if value != "" else "td"  # a head without a name is no head to a screen reader
    return f"<{tag}{_classes(**classes)}>{text(value)}</{tag}>"


def _classes(**classes: bool) -> str:
    names = " ".join(name for name, applies in classes.items() if applies)
    return f' class="{names}"' if names else ""

"""A picture of `bench/compare.py`, drawn as the pages of reports are."""

from collections.abc import Mapping
from pathlib import Path

from bench.fresh_stack import FOLDER
from hundredfold_cli.pages.page import Page, section
from hundredfold_cli.pages.screenshots import take_screenshot

_SIZE = (960, 480)
_HEIGHT = 400


def draw(figures: Mapping[str, tuple[float, float]], records: int, runs: int, picture: Path) -> None:
    """Draw wall and CPU seconds of each way into a PNG file.

    Parameters
    ----------
    figures : wall and CPU seconds by the way's name
    runs : how many runs the figures are the medians of
    """
    page = Page("Hundredfold and others")
    chart = {
        "kind": "bars",
        "lying": True,
        "categories": list(figures),
        "series": [
            {"name": "seconds", "values": [round(wall, 1) for wall, _ in figures.values()]},
            {"name": "CPU seconds of all processes", "values": [round(cpu, 1) for _, cpu in figures.values()]},
        ],
    }
    of = f"Medians of {runs} runs" if runs > 1 else "One run of each"
    note = f"One machine of two processors, writing to the same local DynamoDB. {of}. Less is better."
    page.add(section(f"{records:,} records, predicted and stored", page.chart(chart, _HEIGHT), note=note))
    file = FOLDER / "bench.html"
    page.write(file)
    take_screenshot(file, picture, _SIZE)

"""The page of a comparison: how two models answer the same records."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hundredfold_cli.errors import OptionError
from hundredfold_cli.ingests.answers import answer_text, stored_answer
from hundredfold_cli.models.comparison import Comparison
from hundredfold_cli.pages.page import Chart, Page, section, table, text, tiles
from hundredfold_cli.pages.screenshots import take_screenshot

_BINS = 41
"""Of the histogram of differences. An odd number has a bin around 0."""
_CELL, _AROUND = 44, 90
"""The height of a cell of the matrix, and of what is around it, in pixels."""


def write_comparison(comparisons: Sequence[Comparison], first: str, second: str, file: Path) -> None:
    """Draw a comparison into a file: as a page (`.html`), or as a picture of it (`.png`).

    Parameters
    ----------
    first, second : what the two models are called

    Raises
    ------
    OptionError
        If the file's name has another ending.
    NotThereError
        If the charting library is missing or, for a picture, Chromium.
    """
    check_picture(file)
    page = comparison_page(comparisons, first, second)
    if file.suffix == ".html":
        page.write(file)
        return
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "comparison.html"
        page.write(whole)
        take_screenshot(whole, file)


def check_picture(file: Path) -> None:
    """Raise OptionError if no comparison can be drawn into a file of this name."""
    if file.suffix not in {".html", ".png"}:
        raise OptionError(f"--picture {file} must end in .html or .png: --picture {file.with_suffix('.html')}")


def comparison_page(comparisons: Sequence[Comparison], first: str, second: str) -> Page:
    """Make the page of a comparison, with a part for each output of the models."""
    page = Page(f"{first} and {second}")
    page.add(f"<h1>{text(first)} and {text(second)}</h1>")
    for comparison in comparisons:
        if comparison.output:
            page.add(f"<h2>{text(comparison.output)}</h2>")
        page.add(tiles(_figures(comparison)))
        if comparison.matrix:
            height = _CELL * len(comparison.matrix) + _AROUND
            chart = page.chart(matrix_chart(comparison.matrix, first, second), height)
            page.add(section("Labels", chart, note=f"{first} down, {second} across; records of each pair of labels"))
        if comparison.differences:
            quantity = "scores, where the labels agree" if comparison.matrix else "numbers"
            note = f"{second} less {first}; " + ", ".join(
                f"{name.replace('_', ' ')} {value:.4g}" for name, value in comparison.spread.items()
            )
            page.add(section(f"Differences of the {quantity}", page.chart(differences_chart(comparison)), note=note))
        if comparison.worst:
            rows = [
                (
                    record.record_id,
                    answer_text(stored_answer(record.first, record.first_score)),
                    answer_text(stored_answer(record.second, record.second_score)),
                )
                for record in comparison.worst
            ]
            page.add(section("Records that disagree most", table(("record", first, second), rows)))
    return page


def matrix_chart(matrix: Mapping[str, Mapping[str, int]], first: str, second: str) -> Chart:
    """Return the chart of how often each label of the first model came with each of the second."""
    labels = list(matrix)
    cells = [
        [across, down, matrix[label][name]] for down, label in enumerate(labels) for across, name in enumerate(labels)
    ]
    return {"kind": "matrix", "labels": labels, "cells": cells, "down": first, "across": second}


def differences_chart(comparison: Comparison) -> Chart:
    """Return a histogram of the differences, around 0."""
    reach = max(map(abs, comparison.differences)) or 1.0
    counts = [0] * _BINS
    for difference in comparison.differences:
        counts[min(_BINS - 1, int((difference / reach + 1) / 2 * _BINS))] += 1
    width = 2 * reach / _BINS
    middles = [-reach + (place + 0.5) * width for place in range(_BINS)]
    names = ["0" if place == _BINS // 2 else f"{middle:+.3g}" for place, middle in enumerate(middles)]
    return {"kind": "bars", "categories": names, "series": [{"name": "records", "values": counts}]}


def _figures(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [
        (f"{comparison.compared:,}", "records answered by both", ""),
        (f"{comparison.agreement:.2%}", "agree", ""),
        (f"{comparison.compared - comparison.agreed:,}", "do not", ""),
        (f"{comparison.first_only:,}", "rejected by the second only", ""),
        (f"{comparison.second_only:,}", "rejected by the first only", ""),
        (f"{comparison.neither:,}", "rejected by both", ""),
    ]

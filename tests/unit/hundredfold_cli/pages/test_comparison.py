"""The page of a comparison: every pair of labels, the differences, and texts that are not ours."""

from pathlib import Path

import pytest

from hundredfold_cli.errors import OptionError
from hundredfold_cli.models.comparison import Answer, compare_answers
from hundredfold_cli.pages.comparison import check_picture, comparison_page, differences_chart, write_comparison
from tests.unit.hundredfold_cli.pages.rendered import charts, needs_charting_library, without_library

FIRST: list[Answer] = [["<a>", 0.9], ["b", 0.6], ["b", 0.8]]
SECOND: list[Answer] = [["<a>", 0.7], ["b", 0.7], ["<a>", 0.9]]


@needs_charting_library
def test_labels_are_a_matrix_and_scores_a_histogram() -> None:
    page = comparison_page(compare_answers(["1", "2", "<3>"], FIRST, SECOND), "1 & 2", "3").render()

    matrix, differences = charts(page).values()
    assert (matrix["kind"], matrix["labels"]) == ("matrix", ["<a>", "b"])
    assert matrix["cells"] == [[0, 0, 1], [1, 0, 0], [0, 1, 1], [1, 1, 1]]
    assert (matrix["down"], matrix["across"]) == ("1 & 2", "3")
    assert sum(differences["series"][0]["values"]) == 2
    markup = without_library(page)
    assert "<b>66.67%</b><span>agree</span>" in markup
    assert "<td>&lt;3&gt;</td>" in markup
    assert "<h1>1 &amp; 2 and 3</h1>" in markup


@needs_charting_library
def test_each_output_has_a_part_of_its_own_and_numbers_have_no_matrix() -> None:
    first: list[Answer] = [[{"colour": "red", "size": 1.0}, {"colour": 0.9, "size": None}]]
    second: list[Answer] = [[{"colour": "blue", "size": 3.0}, {"colour": 0.8, "size": None}]]

    page = comparison_page(compare_answers(["a"], first, second), "live", "new").render()

    assert [chart["kind"] for chart in charts(page).values()] == ["matrix", "bars"]
    assert "<h2>colour</h2>" in page
    assert "<h2>size</h2>" in page


def test_a_difference_of_nothing_is_in_the_middle() -> None:
    [comparison] = compare_answers(
        ["a", "b", "c"], [[1.0, None], [2.0, None], [3.0, None]], [[0.0, None], [2.0, None], [4.0, None]]
    )

    chart = differences_chart(comparison)

    counts = chart["series"][0]["values"]
    assert [place for place, count in enumerate(counts) if count] == [0, 20, 40]
    assert (chart["categories"][0], chart["categories"][20], chart["categories"][40]) == ("-0.976", "0", "+0.976")


def test_a_picture_of_another_kind_is_refused_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"--picture c\.svg must end in \.html or \.png: --picture c\.html"):
        check_picture(Path("c.svg"))
    with pytest.raises(OptionError):
        write_comparison([], "a", "b", tmp_path / "c.svg")


@needs_charting_library
def test_a_page_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    write_comparison(compare_answers(["1"], FIRST[:1], SECOND[:1]), "a", "b", tmp_path / "new" / "c.html")

    assert (tmp_path / "new" / "c.html").read_text().startswith("<!doctype html>")

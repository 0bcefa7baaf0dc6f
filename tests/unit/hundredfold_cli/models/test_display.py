"""What a person is shown of models."""

import pytest

from hundredfold_cli.models.comparison import compare_answers
from hundredfold_cli.models.display import different_lines, print_comparisons


def test_cards_differ_in_lines_that_are_not_equal_or_that_only_one_of_them_has() -> None:
    first = {"name": "a", "task": "classification", "notes": "trained again"}
    second = {"name": "b", "task": "classification", "score": "0.9"}

    assert different_lines(first, second) == {
        "name": ("a", "b"),
        "notes": ("trained again", None),
        "score": (None, "0.9"),
    }
    assert different_lines(first, first) == {}


def test_a_comparison_says_who_rejected_what_and_names_models_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    ids = ["r0", "r1", "r2", "r3"]
    first = [["x", 0.9], ["x", 0.8], ["y", 0.7], None]
    second = [["x", 0.9], ["y", 0.6], None, None]

    print_comparisons(compare_answers(ids, first, second), "bundles/[1]", "2")

    shown = capsys.readouterr().out
    assert (
        "bundles/[1] and 2: 2 records answered by both, 50.00% agree (1 do not); rejected by the second only 1, "
        "by the first only 0, by both 1" in shown
    )
    assert "r1" in shown
    assert "x  0.800" in shown

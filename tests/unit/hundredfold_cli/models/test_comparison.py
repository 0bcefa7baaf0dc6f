"""Comparing two models: agreement, confusion, differences of scores, and the records that disagree most."""

import pytest

from hundredfold_cli.models.comparison import Answer, Disagreement, compare_answers

FIRST: list[Answer] = [["a", 0.9], ["a", 0.6], ["b", 0.8], ["b", 0.5], None, ["a", 0.7], None]
SECOND: list[Answer] = [["a", 0.8], ["b", 0.7], ["a", 0.9], ["b", 0.6], ["a", 0.9], None, None]
IDS = ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]


def test_labels_are_counted_by_pairs_and_the_surest_disagreements_come_first() -> None:
    [comparison] = compare_answers(IDS, FIRST, SECOND)

    assert (comparison.compared, comparison.agreed, comparison.agreement) == (4, 2, 0.5)
    assert (comparison.first_only, comparison.second_only, comparison.neither) == (1, 1, 1)
    assert comparison.matrix == {"a": {"a": 1, "b": 1}, "b": {"a": 1, "b": 1}}
    assert comparison.differences == pytest.approx([-0.1, 0.1])
    assert comparison.spread == pytest.approx(
        {"mean": 0.0, "mean_absolute": 0.1, "median_absolute": 0.1, "largest": 0.1}, abs=1e-12
    )
    assert [(worst.record_id, worst.first, worst.second) for worst in comparison.worst] == [
        ("r2", "b", "a"),
        ("r1", "a", "b"),
    ]


def test_numbers_are_compared_by_their_differences() -> None:
    first: list[Answer] = [[0.0, None], [100.0, None], [50.0, None]]
    second: list[Answer] = [[0.05, None], [90.0, None], [53.0, None]]

    [comparison] = compare_answers(["a", "b", "c"], first, second)

    # A thousandth of their range of 100 is 0.1.
    assert (comparison.compared, comparison.agreed, comparison.matrix) == (3, 1, {})
    assert comparison.differences == pytest.approx([0.05, -10.0, 3.0])
    assert comparison.worst == [
        Disagreement("b", 100.0, None, 90.0, None, 10.0),
        Disagreement("c", 50.0, None, 53.0, None, 3.0),
    ]


def test_each_output_is_compared_for_itself() -> None:
    first: list[Answer] = [[{"colour": "red", "size": 1.0}, {"colour": 0.9, "size": None}]]
    second: list[Answer] = [[{"colour": "blue", "size": 1.0}, {"colour": 0.8, "size": None}]]

    colour, size = compare_answers(["a"], first, second)

    assert (colour.output, colour.agreed, size.output, size.agreed) == ("colour", 0, "size", 1)


def test_labels_without_scores_disagree_as_if_sure() -> None:
    [comparison] = compare_answers(["a", "b"], [["x", None], ["x", 0.9]], [["y", None], ["y", 0.9]])

    assert [worst.record_id for worst in comparison.worst] == ["a", "b"]
    assert comparison.spread == {}


def test_models_without_an_output_in_common_are_not_compared() -> None:
    assert compare_answers(["a"], [["x", 0.5]], [[{"colour": "red"}, {"colour": 0.5}]]) == []
    assert compare_answers(["a"], [None], [["x", 0.5]]) == []

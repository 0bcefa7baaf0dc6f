"""How many predictions are right, by their scores alone."""

import random

import pytest

from hundredfold.model.score_accuracy import ScoreAccuracy


def answers(count: int, seed: int) -> tuple[list[tuple[str, float]], list[str]]:
    """Answers whose scores are the probability that they are right, and the right labels."""
    draw = random.Random(seed)
    predicted = [("a", draw.uniform(0.5, 1.0)) for _ in range(count)]
    return predicted, ["a" if draw.random() < score else "b" for _, score in predicted]


def test_answers_are_counted_by_bins_of_scores() -> None:
    counted = ScoreAccuracy.from_answers((0.7, 0.9), [("a", 0.6), ("b", 0.7), ("a", 0.95)], ["a", "a", "a"])

    assert counted == ScoreAccuracy((1, 1, 1), (1, 0, 1))
    assert ScoreAccuracy.from_dict(counted.as_dict()) == counted


def test_scores_like_the_baselines_give_the_baselines_accuracy() -> None:
    accuracy = ScoreAccuracy((1_000, 1_000), (600, 900)).of((500, 500))

    assert accuracy.baseline == 0.75
    assert accuracy.expected == pytest.approx(0.75, abs=0.001)
    # Variance: 0.25 x 0.24 / 1000 + 0.25 x 0.09 / 1000 of the rates, 0.5 x 0.24 / 1000 + 0.5 x 0.09 / 1000 of the draw
    assert (accuracy.high - accuracy.low) / 2 == pytest.approx(1.96 * (0.0000825 + 0.000165) ** 0.5, rel=0.01)


def test_lower_scores_lower_it() -> None:
    accuracy = ScoreAccuracy((1_000, 1_000), (600, 900)).of((900, 100))

    assert accuracy.expected == pytest.approx(0.63, abs=0.001)
    assert accuracy.high < accuracy.baseline


def test_the_interval_holds_the_true_accuracy() -> None:
    # Given a baseline with right labels, and ingests whose scores are lower
    edges = tuple(0.5 + tenth / 20 for tenth in range(1, 10))
    counted = ScoreAccuracy.from_answers(edges, *answers(20_000, 1))
    inside = 0
    for seed in range(2, 102):
        predicted, right = answers(1_500, seed)
        low = [(answer, label) for answer, label in zip(predicted, right, strict=True) if answer[1] < 0.8]
        scores = [0] * 10
        for (_, score), _ in low:
            scores[min(int((score - 0.5) * 20), 9)] += 1

        accuracy = counted.of(scores)

        truth = sum(label == "a" for _, label in low) / len(low)
        inside += accuracy.low <= truth <= accuracy.high

    # Then 95 of 100 intervals hold it. Fewer than 89 are less likely than 1 in 100.
    assert inside >= 89

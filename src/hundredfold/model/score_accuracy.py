"""How many of an ingest's predictions are right, by their scores and without the right labels."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from hundredfold.records import ClassLabel, Label, Score
from hundredfold.summary import Accuracy

_NORMAL_95 = 1.96  # 95 % of a normal distribution are within so many standard deviations


@dataclass(frozen=True, slots=True)
class ScoreAccuracy:
    """How often the predictions of each bin of scores were right.

    Attributes
    ----------
    records : of the baseline, in each bin of scores
    right : those with the right label
    """

    records: tuple[int, ...]
    right: tuple[int, ...]

    @classmethod
    def from_answers(
        cls, score_edges: Sequence[float], answers: Sequence[tuple[Label, Score]], right: Sequence[ClassLabel]
    ) -> Self:
        """Count the answers with the right label by bins of scores.

        Raises
        ------
        ValueError
            If an answer is not one class and its score.
        """
        all_, correct = Counter[int](), Counter[int]()
        for (label, score), right_label in zip(answers, right, strict=True):
            if isinstance(label, Mapping) or not isinstance(score, float):
                raise ValueError(  # noqa: TRY004 - the caller chose the model, and no type is wrong
                    "right labels are for a model that answers one class and its score"
                )
            bin_ = bisect_right(score_edges, score)
            all_[bin_] += 1
            correct[bin_] += label == right_label
        bins = range(len(score_edges) + 1)
        return cls(tuple(all_[bin_] for bin_ in bins), tuple(correct[bin_] for bin_ in bins))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(tuple(data["records"]), tuple(data["right"]))

    def as_dict(self) -> dict[str, Any]:
        return {"records": list(self.records), "right": list(self.right)}

    def of(self, scores: Sequence[int]) -> Accuracy:
        """Estimate the accuracy of predictions from their scores alone.

        A prediction is as likely to be right as the baseline's predictions of about the same score. This is the
        confidence-based estimation of performance, with the baseline as its calibration. It holds while a score means
        what it meant in the baseline, and it cannot know of a change in what is right. Source: NannyML, How it works:
        CBPE (2022).

        Parameters
        ----------
        scores : predictions of the ingest in each bin of scores
        """
        total = sum(scores)
        expected = variance = 0.0
        for count, records, right in zip(scores, self.records, self.right, strict=True):
            # The mean of the rate's posterior. It is defined for an empty bin too.
            rate, share = (right + 1) / (records + 2), count / total
            expected += share * rate
            variance += share**2 * rate * (1 - rate) / (records + 3) + share * rate * (1 - rate) / total
        margin = _NORMAL_95 * math.sqrt(variance)
        low, high = max(expected - margin, 0.0), min(expected + margin, 1.0)
        baseline = sum(self.right) / sum(self.records)
        return Accuracy(round(expected, 5), round(low, 5), round(high, 5), round(baseline, 5))

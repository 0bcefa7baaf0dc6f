"""Whether a model still sees what it was trained on: a baseline on its card, and a sketch of what an ingest held.

A sketch is counts only, a few dozen numbers: it is added up over batches, and no content of a record is in it.
"""

import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from hundredfold.batches import Sketch
from hundredfold.model.signature import FieldType, Signature
from hundredfold.records import Prediction
from hundredfold.summary import Drift

LEAST_RECORDS = 200
"""Below this, chance alone moves the index: about (bins - 1) / records, 0.05 for ten bins and 200 records."""

_BINS = 10
_COMMON_WORDS = 200
_CATEGORIES = 50
_TEXT_LOOKED_AT = 1000  # characters; enough to tell one kind of text from another, and bounds what it costs
_SMALLEST_SHARE = 1e-4
_words = re.compile(r"\w+").findall


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is counted of each record's input, in bins.

    Attributes
    ----------
    field : the field of the signature
    kind : `characters` (of a text), `common_words` (share of a text's words that are among `known`), `value` (of a
        number) or `category` (which of `known`; the last bin is for any other)
    edges : between the bins; a value equal to an edge is in the bin above it
    shares : of the baseline's records in each bin
    known : words or categories
    low, high : the smallest and the largest value of the baseline
    """

    field: str
    kind: str
    shares: tuple[float, ...]
    edges: tuple[float, ...] = ()
    known: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the model's inputs and answers looked like on records like those it was made for.

    Attributes
    ----------
    on : what the records were
    records : how many
    labels : share of each class, in the order of the model's classes
    score_edges, scores : score histogram, in tenths of the baseline
    inputs : of each field
    unseen : share of records with an input that is out of range or unknown, as among the baseline itself
    """

    on: str
    records: int
    labels: Mapping[str, float]
    score_edges: tuple[float, ...]
    scores: tuple[float, ...]
    inputs: tuple[Measure, ...]
    unseen: float

    @classmethod
    def of(
        cls,
        on: str,
        signature: Signature,
        classes: Sequence[str],
        values: Sequence[tuple[str | float, ...]],
        answers: Sequence[tuple[str, float]],
    ) -> Self:
        """Take the baseline of records, at least LEAST_RECORDS of them, and of the model's answers to them.

        Choose records like those that will be scored, other than those the model was fitted to: a model made from
        whole reviews that will score sentences needs a baseline of sentences.

        Raises
        ------
        ValueError
            If there are fewer records, or not one answer for each.
        """
        if len(values) < LEAST_RECORDS or len(values) != len(answers):
            raise ValueError(f"a baseline needs at least {LEAST_RECORDS} records, and an answer for each")
        labels = Counter(label for label, _ in answers)
        score_edges = _quantiles([score for _, score in answers])
        measures = tuple(
            measure
            for position, field in enumerate(signature.fields)
            for measure in _measures(field.name, field.type, [row[position] for row in values])
        )
        blank = cls(on, len(values), dict.fromkeys(classes, 0.0), score_edges, (), measures, 0.0)
        seen = blank.sketch(signature, values, [Prediction("", label, score) for label, score in answers])
        return cls(
            on=on,
            records=len(values),
            labels={name: labels[name] / len(answers) for name in classes},
            score_edges=score_edges,
            scores=_shares(seen.scores),
            inputs=tuple(
                Measure(m.field, m.kind, _shares(counts), m.edges, m.known, m.low, m.high)
                for m, counts in zip(measures, seen.inputs, strict=True)
            ),
            unseen=seen.unseen / len(values),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a card's `baseline`; raises KeyError or TypeError if it is not one."""
        inputs = []
        for item in data["inputs"]:
            shares, edges, known = item["shares"], item.get("edges", ()), item.get("known", ())
            low, high = item.get("low", -math.inf), item.get("high", math.inf)
            inputs.append(Measure(item["field"], item["kind"], tuple(shares), tuple(edges), tuple(known), low, high))
        return cls(
            on=data["on"],
            records=data["records"],
            labels=dict(data["labels"]),
            score_edges=tuple(data["scores"]["edges"]),
            scores=tuple(data["scores"]["shares"]),
            inputs=tuple(inputs),
            unseen=data["unseen"],
        )

    @classmethod
    def of_card(cls, card: bytes | None) -> Self | None:
        """Read the baseline on a card that was kept with an ingest; None if there is no card, or none on it.

        Only that: the rest of a card needs what only the inference function's layers hold.
        """
        found = json.loads(card).get("baseline") if card else None
        return cls.from_dict(found) if found else None

    def as_dict(self) -> dict[str, Any]:
        """Write it for the card: shares rounded to 5 places."""
        inputs = []
        for m in self.inputs:
            item: dict[str, Any] = {"field": m.field, "kind": m.kind, "shares": _rounded(m.shares)}
            if m.edges:
                item["edges"] = list(m.edges)
            if m.known:
                item["known"] = list(m.known)
            if math.isfinite(m.low):
                item |= {"low": m.low, "high": m.high}
            inputs.append(item)
        return {
            "on": self.on,
            "records": self.records,
            "labels": {name: round(share, 5) for name, share in self.labels.items()},
            "scores": {"edges": list(self.score_edges), "shares": _rounded(self.scores)},
            "inputs": inputs,
            "unseen": round(self.unseen, 5),
        }

    def sketch(
        self,
        signature: Signature,
        values: Iterable[tuple[str | float, ...]],
        predictions: Sequence[Prediction],
    ) -> Sketch:
        """Count inputs and answers of a batch into the baseline's bins."""
        positions = {field.name: position for position, field in enumerate(signature.fields)}
        counters = [(positions[m.field], _counter(m)) for m in self.inputs]
        counts = [[0] * _bins(m) for m in self.inputs]
        unseen = 0
        for row in values:
            known = True
            for bins, (position, count) in zip(counts, counters, strict=True):
                bin_, seen = count(row[position])
                bins[bin_] += 1
                known = known and seen
            unseen += not known
        scores = [0] * (len(self.score_edges) + 1)
        labels = dict.fromkeys(self.labels, 0)
        for prediction in predictions:
            # A baseline is of one class and its score; no other model has one.
            assert isinstance(prediction.label, str)  # noqa: S101
            assert isinstance(prediction.score, float)  # noqa: S101
            scores[bisect_right(self.score_edges, prediction.score)] += 1
            labels[prediction.label] += 1
        return Sketch(tuple(labels.values()), tuple(scores), tuple(tuple(bins) for bins in counts), unseen)

    def drift(self, sketch: Sketch) -> Drift | None:
        """Hold what an ingest held against the baseline; None if it had fewer than LEAST_RECORDS records."""
        records = sum(sketch.labels)
        if records < LEAST_RECORDS:
            return None
        return Drift(
            labels=stability_index(tuple(self.labels.values()), sketch.labels),
            scores=stability_index(self.scores, sketch.scores),
            inputs=max(stability_index(m.shares, c) for m, c in zip(self.inputs, sketch.inputs, strict=True)),
            unseen=round(sketch.unseen / records, 5),
        )


def stability_index(expected: Sequence[float], counts: Sequence[int]) -> float:
    """Return the population stability index of counts against expected shares.

    The sum over bins of (actual - expected) x ln(actual / expected). By custom under 0.1 nothing has changed, and
    over 0.25 much has. A share under 0.0001 counts as that, so that an empty bin is no infinity. Source: Siddiqi,
    Credit Risk Scorecards (2006), chapter 9.
    """
    total = sum(counts)
    index = 0.0
    for share, count in zip(expected, counts, strict=True):
        e, a = max(share, _SMALLEST_SHARE), max(count / total, _SMALLEST_SHARE)
        index += (a - e) * math.log(a / e)
    return round(index, 5)


def _measures(name: str, type_: FieldType, values: Sequence[str | float]) -> list[Measure]:
    match type_:
        case FieldType.NUMBER:
            numbers = [float(value) for value in values]
            return [Measure(name, "value", (), _quantiles(numbers), low=min(numbers), high=max(numbers))]
        case FieldType.CATEGORY:
            common = tuple(str(value) for value, _ in Counter(values).most_common(_CATEGORIES))
            return [Measure(name, "category", (), known=common)]
        case FieldType.TEXT:
            texts = [str(value) for value in values]
            words = Counter(word for text in texts for word in set(_words(text[:_TEXT_LOOKED_AT].lower())))
            known = tuple(word for word, _ in words.most_common(_COMMON_WORDS))
            count = _counter(Measure(name, "common_words", (), (), known), share=True)
            return [
                Measure(name, "characters", (), _quantiles([float(len(text)) for text in texts])),
                Measure(name, "common_words", (), _quantiles([count(text)[0] for text in texts]), known),
            ]


def _counter(measure: Measure, *, share: bool = False) -> Any:
    """Return what says of a value its bin (or, for common words, its share) and whether it is known."""
    edges = measure.edges
    match measure.kind:
        case "value":
            return lambda value: (bisect_right(edges, value), measure.low <= value <= measure.high)
        case "category":
            bins = {name: position for position, name in enumerate(measure.known)}
            return lambda value: (bins.get(value, len(bins)), value in bins)
        case "characters":
            return lambda value: (bisect_right(edges, len(value)), True)
    known = frozenset(measure.known)

    def common_words(value: str) -> tuple[float, bool]:
        words = _words(value[:_TEXT_LOOKED_AT].lower())
        found = sum(map(known.__contains__, words)) / len(words) if words else 0.0
        return (found if share else bisect_right(edges, found)), found > 0

    return common_words


def _bins(measure: Measure) -> int:
    return len(measure.known if measure.kind == "category" else measure.edges) + 1


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Return what cuts values into tenths; fewer where many are the same."""
    ordered = sorted(values)
    edges = {round(ordered[len(ordered) * tenth // _BINS], 6) for tenth in range(1, _BINS)}
    return tuple(sorted(edges - {ordered[0]}))


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    total = sum(counts)
    return tuple(count / total for count in counts)


def _rounded(shares: Sequence[float]) -> list[float]:
    return [round(share, 5) for share in shares]

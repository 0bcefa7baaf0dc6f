"""Drift: how far the inputs and predictions of an ingest are from the baseline on the model's card.

Each batch is counted into a sketch: a few dozen numbers, which add up over batches. It has no content of a record.
"""

import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from hundredfold.batches import Sketch
from hundredfold.model.score_accuracy import ScoreAccuracy
from hundredfold.model.signature import FieldType, Signature, Values
from hundredfold.model.stability import compare
from hundredfold.records import ClassLabel, Label, Prediction, Score, label_text
from hundredfold.summary import Drift

LEAST_RECORDS = 200
"""The fewest records whose drift is measured. With fewer, chance alone takes the index to 0.13 in ten bins."""

CONFIDENCE = 0.99
"""The share of ingests without drift in which no measure is beyond what chance gives.

It is divided by the number of measures, so that a model of many fields raises no more alarms. Source: O. J. Dunn,
Multiple comparisons among means, Journal of the American Statistical Association 56 (1961).
"""

_BINS = 10
_COMMON_WORDS = 200
_CATEGORIES = 50
_TEXT_CHARACTERS = 1000  # enough to tell kinds of text apart, and it bounds the time for long texts
_find_words = re.compile(r"\w+").findall
_LOWERED = "".join(chr(code).lower() if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128))
"""ASCII as `str.translate` takes it: what `\\w` matches in lower case, and spaces for all else."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A property of the records' inputs that is counted in bins.

    Attributes
    ----------
    field : the field of the signature
    kind : `characters`, the length of a text; `common_words`, the share of a text's words that are in `known`; `value`
        of a number; or `category`, one bin for each of `known` and a last bin for any other
    edges : between the bins. A value equal to an edge is in the bin above it.
    shares : the share of the baseline's records in each bin
    known : words or categories
    low, high : the smallest and the largest value in the baseline
    missing : whether one more bin, the last, counts missing values
    """

    field: str
    kind: str
    shares: tuple[float, ...]
    edges: tuple[float, ...] = ()
    known: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """The distribution of a model's inputs and predictions on records like those that it was made for.

    Attributes
    ----------
    on : a description of the records
    records : how many there were
    labels : the share of each class, in the order of the model's classes. Of several outputs, the shares of all their
        classes (`colour: red`), and of the tenths of their numbers (`size: 0`)
    score_edges, scores : the histogram of scores in tenths of the baseline, or of a regressor's numbers; empty if the
        model has neither
    inputs : the measures of each field
    unseen : the share of records with an input that is out of range or unknown
    output_edges : between the tenths of the numbers of each of several outputs
    accuracy : how often the predictions of each bin of scores were right; None if the right labels were not known
    """

    on: str
    records: int
    labels: Mapping[str, float]
    score_edges: tuple[float, ...]
    scores: tuple[float, ...]
    inputs: tuple[Measure, ...]
    unseen: float
    output_edges: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    accuracy: ScoreAccuracy | None = None

    @classmethod
    def from_records(
        cls,
        on: str,
        signature: Signature,
        classes: Sequence[ClassLabel],
        values: Sequence[Values],
        answers: Sequence[tuple[Label, Score]],
        right: Sequence[ClassLabel] | None = None,
    ) -> Self:
        """Measure the baseline of any model, on at least LEAST_RECORDS records and the model's answers to them.

        The labels of a model without classes, such as a clusterer, are those that it answers here. With the right
        labels of a classifier, each ingest has an estimate of how many of its predictions are right.

        Choose records like those to be scored, and not those that the model was fitted to. A model that is fitted to
        whole reviews and will score sentences needs a baseline of sentences.

        Raises
        ------
        ValueError
            If there are fewer records, or another number of answers.
        """
        if len(values) < LEAST_RECORDS or len(values) != len(answers):
            raise ValueError(f"a baseline needs at least {LEAST_RECORDS} records, and an answer for each")
        if right is not None and len(right) != len(values):
            raise ValueError("a baseline with right labels needs one for each record")
        score_edges = _quantiles([number for answer in answers for number in _score_numbers(*answer)])
        output_edges = _output_edges(answers)
        names = tuple(map(label_text, classes)) or _label_names(answers, output_edges)
        measures = tuple(
            replace(measure, missing=field_.nullable)
            for position, field_ in enumerate(signature.fields)
            for measure in _measures(field_.name, field_.type, [row[position] for row in values])
        )
        empty = cls(on, len(values), dict.fromkeys(names, 0.0), score_edges, (), measures, 0.0, output_edges)
        sketch = empty.sketch(signature, values, [Prediction("", label, score) for label, score in answers])
        return cls(
            on=on,
            records=len(values),
            labels=dict(zip(names, _shares(sketch.labels), strict=True)),
            score_edges=score_edges,
            scores=_shares(sketch.scores) if any(sketch.scores) else (),
            output_edges=output_edges,
            inputs=tuple(
                replace(measure, shares=_shares(counts))
                for measure, counts in zip(measures, sketch.inputs, strict=True)
            ),
            unseen=sketch.unseen / len(values),
            accuracy=ScoreAccuracy.from_answers(score_edges, answers, right) if right is not None else None,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the `baseline` of a card. Raise KeyError or TypeError if it is malformed."""
        inputs = []
        for item in data["inputs"]:
            shares, edges, known = item["shares"], item.get("edges", ()), item.get("known", ())
            low, high, missing = item.get("low", -math.inf), item.get("high", math.inf), bool(item.get("missing"))
            bins = tuple(shares), tuple(edges), tuple(known)
            inputs.append(Measure(item["field"], item["kind"], *bins, low, high, missing))
        return cls(
            on=data["on"],
            records=data["records"],
            labels=dict(data["labels"]),
            score_edges=tuple(data["scores"]["edges"]),
            scores=tuple(data["scores"]["shares"]),
            inputs=tuple(inputs),
            unseen=data["unseen"],
            output_edges={name: tuple(edges) for name, edges in data.get("output_edges", {}).items()},
            accuracy=ScoreAccuracy.from_dict(data["accuracy"]) if "accuracy" in data else None,
        )

    @classmethod
    def from_card(cls, card: bytes | None) -> Self | None:
        """Read the baseline of a card that was kept beside an ingest. Return None if there is no card or no baseline.

        It does not read the rest of the card. That needs packages which only the inference function has.
        """
        values = json.loads(card).get("baseline") if card else None
        return cls.from_dict(values) if values else None

    def as_dict(self) -> dict[str, Any]:
        """Return the `baseline` of a card. Shares are rounded to 5 places."""
        inputs = []
        for measure in self.inputs:
            item: dict[str, Any] = {"field": measure.field, "kind": measure.kind, "shares": _rounded(measure.shares)}
            if measure.edges:
                item["edges"] = list(measure.edges)
            if measure.known:
                item["known"] = list(measure.known)
            if math.isfinite(measure.low):
                item |= {"low": measure.low, "high": measure.high}
            if measure.missing:
                item["missing"] = True
            inputs.append(item)
        values: dict[str, Any] = {
            "on": self.on,
            "records": self.records,
            "labels": {name: round(share, 5) for name, share in self.labels.items()},
            "scores": {"edges": list(self.score_edges), "shares": _rounded(self.scores)},
            "inputs": inputs,
            "unseen": round(self.unseen, 5),
            **({"accuracy": self.accuracy.as_dict()} if self.accuracy else {}),
        }
        if self.output_edges:
            values["output_edges"] = {name: list(edges) for name, edges in self.output_edges.items()}
        return values

    def sketch(
        self,
        signature: Signature,
        values: Iterable[Values],
        predictions: Sequence[Prediction],
    ) -> Sketch:
        """Count the inputs and predictions of a batch into the baseline's bins."""
        positions = {field.name: position for position, field in enumerate(signature.fields)}
        counters = [(positions[measure.field], _counter(measure)) for measure in self.inputs]
        counts = [[0] * _bins(measure) for measure in self.inputs]
        unseen = 0
        for row in values:
            all_known = True
            for bins, (position, count) in zip(counts, counters, strict=True):
                bin_, known = count(row[position])
                bins[bin_] += 1
                all_known = all_known and known
            unseen += not all_known
        scores = [0] * (len(self.score_edges) + 1)
        labels = dict.fromkeys(self.labels, 0)
        for prediction in predictions:
            for number in _score_numbers(prediction.label, prediction.score):
                scores[bisect_right(self.score_edges, number)] += 1
            for name in self._names(prediction.label):
                if name in labels:  # a clusterer may answer with one that the baseline did not have
                    labels[name] += 1
        return Sketch(tuple(labels.values()), tuple(scores), tuple(tuple(bins) for bins in counts), unseen)

    def drift(self, sketch: Sketch, rejected: int = 0) -> Drift | None:
        """Compare the sketch of an ingest with the baseline. Return None for fewer than LEAST_RECORDS records.

        Parameters
        ----------
        rejected : how many records of the ingest were rejected
        """
        records = sum(sketch.inputs[0]) if sketch.inputs else sum(sketch.labels)
        if records < LEAST_RECORDS or not (any(sketch.labels) or any(sketch.scores)):
            return None
        measures = 3 + len(self.inputs)  # labels, scores and the unseen are measures too
        confidence = 1 - (1 - CONFIDENCE) / measures
        inputs = [
            (compare(measure.shares, counts, self.records, confidence), f"{measure.field}: {measure.kind}")
            for measure, counts in zip(self.inputs, sketch.inputs, strict=True)
        ]
        farthest, name = max(inputs, key=lambda pair: pair[0].index - pair[0].chance)
        known = (1 - self.unseen, self.unseen)
        return Drift(
            labels=compare(tuple(self.labels.values()), sketch.labels, self.records, confidence),
            scores=compare(self.scores, sketch.scores if self.scores else (), self.records, confidence),
            inputs=farthest,
            input=name.replace("_", " "),
            unseen=compare(known, (records - sketch.unseen, sketch.unseen), self.records, confidence),
            unseen_share=round(sketch.unseen / records, 5),
            rejected=compare((1.0, 0.0), (records, rejected), self.records, confidence),
            accuracy=self.accuracy.of(sketch.scores) if self.accuracy else None,
        )

    def _names(self, label: Label) -> Iterable[str]:
        """Return the names in `labels` that count an answer."""
        if isinstance(label, Mapping):
            return [
                f"{output}: {bisect_right(self.output_edges[output], value)}"
                if isinstance(value, float)
                else f"{output}: {label_text(value)}"
                for output, value in label.items()
            ]
        return () if isinstance(label, float) else (label_text(label),)


def _score_numbers(label: Label, score: Score) -> Iterable[float]:
    """Return the numbers of an answer that `scores` counts: its scores, or the number of a regressor."""
    if isinstance(label, Mapping):
        return [value for value in score.values() if value is not None] if isinstance(score, Mapping) else ()
    if isinstance(label, float):
        return (label,)
    return (score,) if isinstance(score, float) else ()


def _output_edges(answers: Sequence[tuple[Label, Score]]) -> dict[str, tuple[float, ...]]:
    first = answers[0][0]
    if not isinstance(first, Mapping):
        return {}
    outputs = [label for label, _ in answers if isinstance(label, Mapping)]
    return {
        name: _quantiles([float(output[name]) for output in outputs])
        for name, value in first.items()
        if isinstance(value, float)
    }


def _label_names(
    answers: Sequence[tuple[Label, Score]], output_edges: Mapping[str, tuple[float, ...]]
) -> tuple[str, ...]:
    names: set[str] = {f"{output}: {bin_}" for output, edges in output_edges.items() for bin_ in range(len(edges) + 1)}
    for label, _ in answers:
        if isinstance(label, Mapping):
            names |= {f"{name}: {label_text(value)}" for name, value in label.items() if not isinstance(value, float)}
        elif not isinstance(label, float):
            names.add(label_text(label))
    return tuple(sorted(names))


def _measures(name: str, type_: FieldType, values: Sequence[str | float | None]) -> list[Measure]:
    match type_:
        case FieldType.NUMBER:
            numbers = [value for value in values if isinstance(value, float) and not math.isnan(value)] or [0.0]
            return [Measure(name, "value", (), _quantiles(numbers), low=min(numbers), high=max(numbers))]
        case FieldType.CATEGORY:
            texts = [value for value in values if isinstance(value, str)]
            common = tuple(value for value, _ in Counter(texts).most_common(_CATEGORIES))
            return [Measure(name, "category", (), known=common)]
        case FieldType.TEXT:
            texts = [str(value) for value in values]
            words = Counter(word for text in texts for word in set(words_of(text)))
            # A set has another order in each process, so words of equal counts are in the order of the alphabet.
            known = tuple(sorted(words, key=lambda word: (-words[word], word))[:_COMMON_WORDS])
            count = _counter(Measure(name, "common_words", (), (), known), share=True)
            return [
                Measure(name, "characters", (), _quantiles([float(len(text)) for text in texts])),
                Measure(name, "common_words", (), _quantiles([count(text)[0] for text in texts]), known),
            ]


def _counter(measure: Measure, *, share: bool = False) -> Any:
    """Return a function from a value to its bin and whether the value is known.

    With `share`, a counter of common words returns the share in place of the bin.
    """
    edges = measure.edges
    if measure.missing:
        last = _bins(measure) - 1
        present = _counter(replace(measure, missing=False))
        return lambda value: (last, True) if value is None or value != value else present(value)  # noqa: PLR0124, RUF100 - NaN
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
        words = words_of(value)
        common = len([word for word in words if word in known]) / len(words) if words else 0.0
        return (common if share else bisect_right(edges, common)), common > 0

    return common_words


def words_of(text: str) -> list[str]:
    """Return the words of a text's beginning, in lower case. ASCII is split in half the time of the pattern."""
    text = text[:_TEXT_CHARACTERS]
    return text.translate(_LOWERED).split() if text.isascii() else _find_words(text.lower())


def _bins(measure: Measure) -> int:
    return len(measure.known if measure.kind == "category" else measure.edges) + 1 + measure.missing


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Return the edges that divide values into tenths. There are fewer if many values are equal."""
    if not values:
        return ()
    ordered = sorted(values)
    edges = {round(ordered[len(ordered) * tenth // _BINS], 6) for tenth in range(1, _BINS)}
    return tuple(sorted(edges - {ordered[0]}))


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    total = sum(counts)
    return tuple(count / total if total else 0.0 for count in counts)


def _rounded(shares: Sequence[float]) -> list[float]:
    return [round(share, 5) for share in shares]

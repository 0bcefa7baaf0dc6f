"""Drift: baselines, sketches and the index between them. Expected figures are worked out by hand."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.batches import Sketch
from hundredfold.model.drift import LEAST_RECORDS, Baseline, Measure, words_of
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.records import Prediction

TEXT = Signature((Field("text", FieldType.TEXT),))
MIXED = Signature((Field("age", FieldType.NUMBER), Field("colour", FieldType.CATEGORY)))


BASELINE = Baseline(
    on="records of our own",
    records=1_000,
    labels={"neg": 0.5, "pos": 0.5},
    score_edges=(0.7,),
    scores=(0.5, 0.5),
    inputs=(
        Measure("age", "value", (0.5, 0.5), edges=(30.0,), low=18.0, high=90.0),
        Measure("colour", "category", (0.6, 0.4, 0.0), known=("red", "blue")),
    ),
    unseen=0.0,
)


def test_a_sketch_counts_into_the_baselines_bins() -> None:
    rows: list[tuple[str | float, ...]] = [
        (29.0, "red"),
        (30.0, "blue"),
        (91.0, "red"),
        (18.0, "green"),
        (17.9, "grey"),
    ]
    answers = [
        Prediction("1", "pos", 0.69),
        Prediction("2", "pos", 0.7),
        Prediction("3", "neg", 0.9),
        Prediction("4", "pos", 0.5),
    ]

    sketch = BASELINE.sketch(MIXED, rows, answers)

    assert sketch == Sketch(
        labels=(1, 3),
        scores=(2, 2),  # an edge belongs to the bin above it
        inputs=((3, 2), (2, 1, 2)),
        unseen=3,  # 91 and 17.9 are out of range; green and grey are unknown; the last row is both and counts once
    )


def test_sketches_add_up() -> None:
    first, second = Sketch((1, 2), (3,), ((1, 0),), 1), Sketch((10, 20), (30,), ((0, 5),), 0)

    assert Sketch.sum([first, second]) == Sketch((11, 22), (33,), ((1, 5),), 1)
    assert Sketch.sum([]) is None
    assert Sketch.from_dict(json.loads(json.dumps(first.as_dict()))) == first


def test_drift_is_measured_for_labels_scores_and_the_worst_input() -> None:
    sketch = Sketch(labels=(250, 750), scores=(500, 500), inputs=((500, 500), (300, 700, 0)), unseen=20)

    drift = BASELINE.drift(sketch)

    assert drift is not None
    assert drift.labels.index == pytest.approx(0.27465, abs=1e-5)
    assert drift.scores.index == 0
    # (0.3 - 0.6) x ln(0.3 / 0.6) + (0.7 - 0.4) x ln(0.7 / 0.4) = 0.20794 + 0.16788
    assert drift.inputs.index == pytest.approx(0.37583, abs=1e-5)
    assert drift.input == "colour: category"
    assert drift.unseen_share == 0.02
    assert drift.largest == drift.inputs.beyond_chance > 0.3


def test_the_input_that_is_farthest_beyond_chance_is_named() -> None:
    # The index of many categories is larger by chance. A smaller index of two bins may say more.
    many = Measure("town", "category", (0.02,) * 50 + (0.0,), known=tuple(map(str, range(50))))
    baseline = replace(BASELINE, inputs=(many, BASELINE.inputs[0]))
    noisy = tuple(6 if number % 2 else 2 for number in range(50))

    drift = baseline.drift(Sketch((100, 100), (100, 100), ((*noisy, 0), (140, 60)), 0))

    assert drift is not None
    assert drift.input == "age: value"


def test_rejected_records_drift_too_and_raise_no_alarm_of_drift() -> None:
    sketch = Sketch((500, 500), (500, 500), ((500, 500), (600, 400, 0)), 0)

    drift = BASELINE.drift(sketch, rejected=250)

    assert drift is not None
    assert drift.rejected.beyond_chance > 1
    assert drift.largest == 0


def test_of_many_fields_as_few_alarm_as_of_one() -> None:
    # Each bound is for one measure in a hundred thousand, and not in a hundred
    one = BASELINE.drift(Sketch((500, 500), (500, 500), ((580, 420), (600, 400, 0)), 0))
    fields = replace(BASELINE, inputs=(BASELINE.inputs[0],) * 1_000)
    many = fields.drift(Sketch((500, 500), (500, 500), ((580, 420),) * 1_000, 0))

    assert one is not None
    assert many is not None
    assert one.inputs.beyond_chance > many.inputs.beyond_chance == 0


def test_too_few_records_have_no_drift() -> None:
    sketch = Sketch((100, 99), (100, 99), ((100, 99), (100, 99, 0)), 0)

    assert LEAST_RECORDS == 200
    assert BASELINE.drift(sketch) is None


def sentences(count: int) -> list[str]:
    words = ("the", "film", "was", "good", "and", "long", "but", "never", "dull", "music")
    return [" ".join(words[(number * step) % 10] for step in range(1, 3 + number % 9)) for number in range(count)]


def test_a_baseline_of_texts_knows_their_common_words_and_lengths() -> None:
    texts = sentences(500)
    answers = [("pos" if number % 4 else "neg", 0.5 + (number % 50) / 100) for number in range(500)]

    baseline = Baseline.from_records("our texts", TEXT, ("neg", "pos"), [(text,) for text in texts], answers)

    assert baseline.labels == {"neg": 0.25, "pos": 0.75}
    assert [measure.kind for measure in baseline.inputs] == ["characters", "common_words"]
    assert set(baseline.inputs[1].known) == {
        "the", "film", "was", "good", "and", "long", "but", "never", "dull", "music",
    }  # fmt: skip
    assert all(sum(measure.shares) == pytest.approx(1) for measure in baseline.inputs)
    assert sum(baseline.scores) == pytest.approx(1)
    assert len(baseline.scores) == 10
    assert baseline.unseen == 0


def test_common_words_of_equal_counts_are_in_the_order_of_the_alphabet() -> None:
    # 240 words stand in all texts, one stands in more, and 200 are kept. A set has another order in each process.
    words = [f"{number:03}" for number in range(240)]
    texts = [("often " + " ".join(reversed(words)),) for _ in range(500)]

    baseline = Baseline.from_records("ours", TEXT, ("a",), [*texts, ("often",)], [("a", 1.0)] * 501)

    [_, common_words] = baseline.inputs
    assert common_words.known == ("often", *words[:199])


def test_a_text_without_a_common_word_is_unseen() -> None:
    texts = sentences(500)
    baseline = Baseline.from_records("ours", TEXT, ("a",), [(text,) for text in texts], [("a", 1.0)] * 500)

    sketch = baseline.sketch(
        TEXT, [("The film!",), ("Der Streifen war gut",), ("...",)], [Prediction("", "a", 1.0)] * 3
    )

    assert sketch.unseen == 2


def test_the_baselines_own_records_have_not_drifted() -> None:
    values: list[tuple[str | float, ...]] = [
        (float(number % 71), ("red", "blue", "red")[number % 3]) for number in range(900)
    ]
    answers = [("pos" if number % 3 else "neg", (number % 100) / 100) for number in range(900)]
    baseline = Baseline.from_records("ours", MIXED, ("neg", "pos"), values, answers)

    sketch = baseline.sketch(MIXED, values, [Prediction("", label, score) for label, score in answers])

    drift = baseline.drift(sketch)
    assert drift is not None
    assert [part.index for part in (drift.labels, drift.scores, drift.inputs, drift.unseen)] == [0, 0, 0, 0]


def test_a_baseline_is_read_from_the_card_as_it_was_written() -> None:
    values: list[tuple[str | float, ...]] = [(float(number % 7), "red") for number in range(LEAST_RECORDS)]
    baseline = Baseline.from_records("ours", MIXED, ("a",), values, [("a", 0.5)] * LEAST_RECORDS)
    card = json.dumps({"name": "m", "baseline": baseline.as_dict()}).encode()

    read = Baseline.from_card(card)

    assert read is not None
    assert read.as_dict() == baseline.as_dict()
    assert (read.inputs[0].low, read.inputs[0].high) == (0.0, 6.0)
    assert Baseline.from_card(b'{"name": "m"}') is None
    assert Baseline.from_card(None) is None


@pytest.mark.parametrize(("records", "answers"), [(LEAST_RECORDS - 1, LEAST_RECORDS - 1), (LEAST_RECORDS, 3)])
def test_a_baseline_needs_enough_records_and_an_answer_for_each(records: int, answers: int) -> None:
    with pytest.raises(ValueError, match="at least 200 records, and an answer for each"):
        Baseline.from_records("ours", TEXT, ("a",), [("t",)] * records, [("a", 1.0)] * answers)


def test_a_baseline_holds_no_text_of_a_record() -> None:
    texts = [(f"word{number} secret number {number}",) for number in range(500)]

    written = json.dumps(Baseline.from_records("ours", TEXT, ("a",), texts, [("a", 1.0)] * 500).as_dict())

    assert "secret number" not in written


def test_a_measure_without_edges_has_one_bin() -> None:
    flat = replace(BASELINE, inputs=(Measure("age", "value", (1.0,), low=1.0, high=1.0),))

    assert flat.sketch(MIXED, [(1.0, "red"), (1.0, "blue")], []).inputs == ((2,),)


@given(st.text() | st.text(st.characters(max_codepoint=127), max_size=1_100))
def test_words_are_those_that_a_pattern_of_word_characters_finds(text: str) -> None:
    assert words_of(text) == re.findall(r"\w+", text[:1_000].lower())

"""Labels: classes that could not be stored or told apart are refused before anything is released."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from hundredfold.errors import BundleRefusedError
from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card, Output, Task
from hundredfold.model.labels import (
    MAX_ANSWER_BYTES,
    MAX_LABEL_BYTES,
    UnfitLabelError,
    are_classes,
    classes_of,
    read_free_label,
    read_label,
)
from hundredfold.model.signature import Field, FieldType, Signature

NUMBER = Signature((Field("a", FieldType.NUMBER),))


def classifier(classes: Sequence[Any]) -> Any:
    """A fitted classifier with these classes, of whatever types."""
    model = DummyClassifier(strategy="prior").fit([[0.0]] * 2, ["x", "y"])
    model.classes_ = np.array(classes, dtype=object)
    return model


def load(model: Any, **card: Any) -> Bundle:
    classes = classes_of(model)
    single = classes if isinstance(classes, tuple) else ()
    return Bundle(Card("m", ("m",), NUMBER, single, {}, {"m": ""}, **card), [model])


def test_classes_that_would_be_the_same_label_are_refused_by_both_their_types() -> None:
    with pytest.raises(BundleRefusedError, match=r"1 \(int\) and '1' \(str\) would both be stored as the label '1'"):
        load(classifier([1, "1"]))
    with pytest.raises(BundleRefusedError, match=r"True \(bool\) and 'True' \(str\)"):
        load(classifier([True, "True"]))


def test_a_label_may_have_1024_bytes_and_no_more() -> None:
    assert MAX_LABEL_BYTES == 1024
    [(label, _)] = load(classifier(["é" * 512, "b"])).predict([(0.0,)])
    assert label == "é" * 512

    with pytest.raises(BundleRefusedError, match=r"class '\\xe9.*…\S* has 1,026 bytes, and a label may have 1,024"):
        load(classifier(["é" * 513, "b"]))


def test_a_label_of_300_kb_is_refused_in_a_short_message() -> None:
    with pytest.raises(BundleRefusedError, match="has 300,000 bytes, and a label may have 1,024") as refused:
        load(classifier(["spam" * 75_000, "ham"]))

    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0"])
def test_a_blank_label_is_refused(blank: str) -> None:
    with pytest.raises(BundleRefusedError, match="is blank, so it looks like no label in an export"):
        load(classifier([blank, "b"]))


def test_a_label_that_no_utf_8_text_can_have_is_refused() -> None:
    with pytest.raises(BundleRefusedError, match=r"class '\\ud800' has half a surrogate pair"):
        load(classifier(["\ud800", "b"]))


def test_each_of_several_outputs_is_checked() -> None:
    model = DummyClassifier(strategy="prior").fit([[0.0]] * 2, [["red", "s"], ["blue", ""]])
    outputs = (Output("colour", ("blue", "red")), Output("size", ("", "s")))

    with pytest.raises(BundleRefusedError, match="class '' is blank"):
        load(model, outputs=outputs)

    model.classes_[1] = np.array([1, "1"], dtype=object)
    with pytest.raises(BundleRefusedError, match="would both be stored as the label '1'"):
        load(model, outputs=(outputs[0], Output("size", ("1", "1"))))


@pytest.mark.parametrize("names", [("price", "price"), ("price", ""), ("price", " ")])
def test_outputs_need_names_of_their_own(names: tuple[str, str]) -> None:
    model = DummyRegressor().fit([[0.0]] * 2, [[1.0, 2.0]] * 2)

    with pytest.raises(BundleRefusedError, match="each needs a name of its own"):
        load(model, task=Task.REGRESSION, outputs=tuple(map(Output, names)))


def test_outputs_whose_answer_would_not_fit_an_item_are_refused() -> None:
    assert MAX_ANSWER_BYTES == 200_000
    # Each takes 5 bytes of name, 1,000 of label and 40 beside: 1,045. 191 of them take 199,595.
    long = "x" * 1000
    for count, fits in ((191, True), (192, False)):
        model = DummyClassifier(strategy="prior").fit([[0.0]] * 2, [["a"] * count, [long] * count])
        outputs = tuple(Output(f"o{number:04}", ("a", long)) for number in range(count))
        if fits:
            assert len(load(model, outputs=outputs).predict([(0.0,)])) == 1
        else:
            with pytest.raises(BundleRefusedError, match=r"192 outputs takes up to 200,640 bytes, and 200,000 can"):
                load(model, outputs=outputs)


@pytest.mark.parametrize(
    ("value", "label"),
    [(1, "1"), (1.0, "1"), (np.float32(1.0), "1"), (np.int64(2), "2"), ("2", "2"), (np.str_("2"), "2")],
)
def test_a_predicted_value_is_read_as_the_class_that_it_is(value: Any, label: str) -> None:
    assert read_label(value, {"1": 0, "2": 1}) == label


@pytest.mark.parametrize("value", [3, 1.5, "secret", float("nan"), float("inf"), None])
def test_a_value_that_is_no_class_is_not_quoted(value: Any) -> None:
    with pytest.raises(UnfitLabelError, match=r"^a predicted label is not one of the model's classes$"):
        read_label(value, {"1": 0, "2": 1})


def test_what_a_model_without_classes_predicts_must_fit_an_item_too() -> None:
    assert read_free_label(np.int32(-1)) == -1
    assert read_free_label(np.int32(-1), as_text=True) == "-1"
    with pytest.raises(UnfitLabelError, match=r"^a predicted label has 2,000 bytes, and a label may have 1,024$"):
        read_free_label("x" * 2000)
    with pytest.raises(UnfitLabelError, match="is blank"):
        read_free_label("")


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (np.array([2, 10]), (2, 10)),
        (np.array([False, True]), (False, True)),
        (np.array([1.0, 2.0]), (1, 2)),
        (np.array([0.5, 1.0]), ("0.5", "1.0")),
        (np.array(["a", "b"]), ("a", "b")),
        (np.array([1, "a"], dtype=object), ("1", "a")),
        (np.array([None, "a"], dtype=object), ("None", "a")),
        (np.array([2**63, 1], dtype=object), (str(2**63), "1")),
    ],
    ids=["integers", "booleans", "whole floats", "floats", "texts", "mixed", "None", "too large"],
)
def test_classes_stay_what_they_are_as_far_as_they_can_be_stored(classes: Any, labels: tuple[Any, ...]) -> None:
    model = DummyClassifier()
    model.classes_ = classes

    found = classes_of(model)

    assert found == labels
    assert found is not None
    assert [type(label) for label in found] == [type(label) for label in labels]
    columns = {label: column for column, label in enumerate(labels)}
    read = [read_label(value, columns) for value in classes]
    assert read == list(labels)
    assert [type(label) for label in read] == [type(label) for label in labels]


def test_a_predicted_number_that_is_no_class_is_refused() -> None:
    for value in (3, 1.5, "1", None, float("nan")):
        with pytest.raises(UnfitLabelError):
            read_label(value, {1: 0, 2: 1})
    assert read_label(np.float64(1.0), {False: 0, True: 1}) is True
    assert type(read_label(np.bool_(True), {0: 0, 1: 1})) is int


@pytest.mark.parametrize(
    ("card", "model", "same"),
    [
        ((0, 1), (0, 1), True),
        (("0", "1"), (0, 1), True),
        (("0.0", "1.0"), (0, 1), True),
        (("False", "True"), (False, True), True),
        ((0, 1), (False, True), False),
        ((0, 1), ("0", "1"), False),
        (("a",), ("a", "b"), False),
    ],
)
def test_a_card_of_before_names_classes_as_texts(card: Any, model: Any, same: bool) -> None:
    assert are_classes(card, model) is same

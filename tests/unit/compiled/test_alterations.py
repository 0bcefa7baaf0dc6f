"""The gate refuses a compiled model that is altered in one place."""

import re
from array import array
from collections.abc import Callable
from typing import Any

import pytest

from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.compiled.form import Array, Form
from hundredfold_cli.models.compiling.compiler import compile_model
from hundredfold_cli.models.compiling.derived import derived_records
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.gate import compare
from tests.unit.compiled.models import bundle_of, fitted
from tests.unit.compiled.testbed import CASES, load

DERIVED = 1500

type Change = Callable[[Any], Any]


def _altered(tree: Any, path: tuple[str | int, ...], change: Change) -> Any:
    """Return a copy of a form's tree in which the value at `path` is changed."""
    if not path:
        return change(tree)
    if isinstance(tree, dict):
        return {**tree, path[0]: _altered(tree[path[0]], path[1:], change)}
    copy = list(tree)
    copy[int(path[0])] = _altered(tree[int(path[0])], path[1:], change)
    return copy


def _number(position: int, change: Callable[[float], float]) -> Change:
    def changed(numbers: Array) -> Array:
        values = array(numbers.values.typecode, numbers.values)
        values[position] = change(values[position])
        return Array(numbers.shape, values)

    return changed


def _swap_terms(terms: list[str]) -> list[str]:
    return [terms[1], terms[0], *terms[2:]]


ALTERATIONS: dict[str, tuple[str, tuple[str | int, ...], Change]] = {
    "two terms change places": ("TF-IDF, lines", ("steps", 0, "steps", 0, "vocabulary"), _swap_terms),
    "capitals stay": ("TF-IDF, lines", ("steps", 0, "steps", 0, "lowercase"), lambda _: False),
    "one weight of a term": ("TF-IDF, lines", ("steps", 0, "steps", 1, "weights"), _number(7, lambda n: n * 1.001)),
    "another norm": ("TF-IDF, lines", ("steps", 0, "steps", 1, "norm"), lambda _: "l1"),
    "one coefficient": ("TF-IDF, lines", ("steps", 1, "coefficients"), _number(11, lambda n: n + 1e-3)),
    "unsigned hashes": ("hashes, lines", ("steps", 0, "signed"), lambda _: False),
    "one mean of a column": ("logistic regression, iris", ("steps", 0, "subtract"), _number(2, lambda n: n + 1e-6)),
    "one threshold of a tree": ("forest, iris", ("steps", 0, "thresholds"), _number(0, lambda n: n * 1.02)),
    "one leaf of a tree": ("tree, diabetes", ("steps", 0, "leaves"), _number(-1, lambda n: n + 1)),
    "one place of a category": (
        "one-hot, iris",
        ("steps", 0, "parts", 1, "step", "places", 0),
        _number(0, lambda n: n + 1),
    ),
    "the learning rate": ("gradient boosting, iris", ("steps", 0, "factor"), lambda n: n * 1.0001),
    "the slope of a calibrator": (
        "calibrated SVC, breast cancer",
        ("steps", 1, "folds", 0, "calibrators", 0, "slope"),
        lambda n: n * 1.0001,
    ),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_a_step_that_is_altered_is_refused_with_the_record_and_both_answers(alteration: str) -> None:
    case, path, change = ALTERATIONS[alteration]
    _, _, texts = CASES[case]
    estimator, data = fitted(case), load(case)
    form = compile_model([estimator], texts=texts)
    bundle = bundle_of(estimator, data.training, texts=texts)
    records = derived_records(form, bundle.card.signature, data.training[:5], DERIVED)
    altered = CompiledModel(Form(_altered(form.model, path, change)))

    compare(bundle.predict, CompiledModel(form).predict, records)
    with pytest.raises(NotCompiledError) as refusal:
        compare(bundle.predict, altered.predict, records)

    number = re.search(r"it answers record (\d+) of the \d+ ", str(refusal.value))
    assert number
    record = records[int(number[1]) - 1]
    assert bundle.predict([record]) != altered.predict([record])
    assert f"scikit-learn answers {list(bundle.predict([record])[0])}" in str(refusal.value)

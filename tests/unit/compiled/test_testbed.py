"""Every estimator of the test-bed is answered by both engines alike.

Each is held against one of its three data sets. HUNDREDFOLD_TESTBED=full, as `make testbed` sets it, takes all three.
"""

import numpy as np
import pytest

from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.compiled.form import Form
from hundredfold_cli.models.compiling.compiler import compile_model
from hundredfold_cli.models.compiling.derived import derived_records
from hundredfold_cli.models.compiling.gate import TOLERANCE, compare
from tests.unit.compiled.models import bundle_of, fitted
from tests.unit.compiled.testbed import CASES, CHOSEN, CLASSES, CLASSIFIERS, FULL, NUMBERS, REGRESSORS, arranged, load

DERIVED = 60 if FULL else 30  # beside the edge cases, all of which are always there; a packaged model takes 10,000

TREES = sorted(
    f"{model}, {data}"
    for models, sets in ((CLASSIFIERS, CLASSES), (REGRESSORS, NUMBERS))
    for model in models
    if model in {"tree", "forest", "small forest", "extra trees"}
    for data in sets
)


def test_the_testbed_has_at_least_forty_estimators_with_three_data_sets_each() -> None:
    assert len(CASES) // 3 >= 40
    assert len(CASES) % 3 == 0
    assert {case.partition(", ")[0] for case in CHOSEN} == {case.partition(", ")[0] for case in CASES}


@pytest.mark.parametrize("case", CHOSEN)
def test_every_label_is_the_estimators_own_and_every_score_within_the_tolerance(case: str) -> None:
    _, _, texts = CASES[case]
    estimator, data = fitted(case), load(case)
    form = compile_model([estimator], texts=texts)
    model = CompiledModel(Form.from_bytes(form.to_bytes()))

    answers = model.predict(data.held_out)

    expected = estimator.predict(arranged(data.held_out, texts=texts))
    if model.classes:
        assert [label for label, _ in answers] == expected.tolist()
    else:
        assert np.allclose([float(value) for value, _ in answers], expected, rtol=TOLERANCE, atol=TOLERANCE)
    bundle = bundle_of(estimator, data.training, texts=texts)
    records = [*data.held_out, *derived_records(form, bundle.card.signature, data.training[:5], DERIVED)]
    comparison = compare(bundle.predict, model.predict, records)
    assert comparison.records == len(records)
    assert comparison.largest <= TOLERANCE
    assert comparison.refused < len(records) / 2


@pytest.mark.parametrize("case", TREES if FULL else TREES[::3])
def test_trees_and_forests_answer_the_same_to_the_bit(case: str) -> None:
    estimator, data = fitted(case), load(case)
    model = CompiledModel(compile_model([estimator], texts=False))

    answers = model.predict(data.held_out)

    rows = arranged(data.held_out, texts=False)
    if model.classes:
        assert [score for _, score in answers] == estimator.predict_proba(rows).max(axis=1).tolist()
    else:
        assert [value for value, _ in answers] == estimator.predict(rows).tolist()

"""Fitted models of the test-bed, each fitted once."""

import warnings
from functools import cache
from typing import Any

from sklearn.base import clone
from threadpoolctl import threadpool_limits

from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card, Task
from hundredfold.model.labels import classes_of
from hundredfold.model.signature import Field, FieldType, Signature
from tests.unit.compiled.testbed import CASES, Records, arranged, load


@cache
def fitted(case: str) -> Any:
    """Return the estimator of a case, fitted to its data."""
    estimator, _, texts = CASES[case]
    data = load(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some do not converge, which is all the same here
        # Threads of other tests' processes would only get in the way.
        with threadpool_limits(1):
            return clone(estimator).fit(arranged(data.training, texts=texts), data.targets)


def bundle_of(estimator: Any, records: Records, *, texts: bool) -> Bundle:
    """Return a bundle that scikit-learn answers."""
    kinds = [FieldType.TEXT if texts else _kind(value) for value in records[0]]
    signature = Signature(tuple(Field(f"field_{number}", kind) for number, kind in enumerate(kinds)))
    classes = classes_of(estimator)
    single = classes if isinstance(classes, tuple) else ()
    task = Task.REGRESSION if classes is None else Task.CLASSIFICATION
    return Bundle(Card("testbed", ("model",), signature, single, {}, {"model": ""}, task=task), [estimator])


def _kind(value: Any) -> FieldType:
    return FieldType.CATEGORY if isinstance(value, str) else FieldType.NUMBER

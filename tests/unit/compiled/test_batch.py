"""A batch leaves the same behind by either engine: predictions, rejections, the sketch for drift, the ledger entry."""

import json
from dataclasses import replace
from typing import Any

from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.inference.batch import BatchTask, Scoring, Stores, infer_batch
from hundredfold.ingest import Model
from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.drift import Baseline
from hundredfold.model.output import Predict
from hundredfold.records import Reason
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec
from hundredfold_cli.models.compiling.compiler import compile_model
from tests.unit.compiled.models import bundle_of
from tests.unit.fakes import MemoryItems, MemoryLedger, MemoryPredictions, MemorySources, MemoryWork

LOCATION = ObjectLocation("records", "sizes.jsonl")
ROWS = [(float(number), float(number % 7)) for number in range(600)]
# The fourth is no record. A sum of the sixth and of the ninth overflows: as numbers, nobody can predict those.
LINES = [
    {"id": "r1", "field_0": 3, "field_1": 2},
    {"id": "r2", "field_0": 590, "field_1": 6},
    {"id": "r3", "field_0": 300.5, "field_1": 0},
    {"id": "r4", "field_0": "many", "field_1": 0},
    {"id": "r5", "field_0": 12, "field_1": 3},
    {"id": "r6", "field_0": 1.7e308, "field_1": -1.7e308},
    {"id": "r7", "field_0": 450, "field_1": 1},
    {"id": "r8", "field_0": -40, "field_1": 1},
    {"id": "r9", "field_0": -1.7e308, "field_1": 1.7e308},
    {"id": "r10", "field_0": 700, "field_1": 1},
]
CONTENT = "\n".join(map(json.dumps, LINES)).encode()


def infer(predict: Predict, model: Any, baseline: Baseline | None) -> tuple[BatchOutcome, dict[str, Any], list[bytes]]:
    sources, work, predictions = MemorySources({LOCATION: CONTENT}), MemoryWork(), MemoryPredictions()
    spec = ObjectsSpec(LOCATION.bucket, LOCATION.key)
    batch = Batch(0, 0, 0, len(CONTENT), len(LINES), 1)
    outcome = infer_batch(
        BatchTask("i1", spec, sources.pin(LOCATION), Model("f:7", "7"), batch),
        Scoring(predict, bundle_of(model, ROWS, texts=False).card.signature, 1000, baseline),
        Stores(sources, work, predictions, MemoryItems(), MemoryLedger()),
        time_left=lambda: 60.0,
        clock=iter(range(100)).__next__,
    )
    return replace(outcome, milliseconds={}), vars(predictions), sorted(vars(work)["objects"].values())


def test_a_classifiers_batch_is_the_same_to_the_sketch() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(ROWS, ["tall" if first > 300 else "small" for first, _ in ROWS])
    bundle = bundle_of(model, ROWS, texts=False)
    baseline = Baseline.from_records(
        "rows",
        bundle.card.signature,
        bundle.card.classes,
        ROWS,
        [(str(label), score) for label, score in bundle.predict(ROWS) if isinstance(score, float)],
    )

    ours, expected = (
        infer(predict, model, baseline)
        for predict in (CompiledModel(compile_model([model], texts=False)).predict, bundle.predict)
    )

    assert ours[0] == expected[0]
    assert ours[0].sketch
    assert (ours[0].predicted, ours[0].rejected) == (9, 1)
    assert ours[2] == expected[2]


def test_a_number_that_is_not_finite_is_rejected_by_both() -> None:
    model = LinearRegression().fit(ROWS, [3 * first - second for first, second in ROWS])
    bundle = bundle_of(model, ROWS, texts=False)

    ours, expected = (
        infer(predict, model, None)
        for predict in (CompiledModel(compile_model([model], texts=False)).predict, bundle.predict)
    )

    assert ours[0] == expected[0]
    assert ours[0].reasons[Reason.NOT_PREDICTABLE] == 2
    assert (ours[0].predicted, ours[0].rejected) == (7, 3)


def test_a_batch_is_halved_until_the_faulty_records_stand_alone() -> None:
    model = LinearRegression().fit(ROWS, [3 * first - second for first, second in ROWS])
    compiled = CompiledModel(compile_model([model], texts=False))
    calls: list[int] = []

    def predict(values: Any) -> Any:
        calls.append(len(values))
        return compiled.predict(values)

    outcome, _, _ = infer(predict, model, None)

    assert outcome.predicted == 7
    assert calls[0] == 9
    assert min(calls) == 1

"""Kinds of models that people bring: described from a sample alone, loaded as inference loads them, and held against
the estimator's own answers. `make model-kinds` takes all of them the whole way on a local stack."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from hundredfold.errors import BundleRefusedError
from hundredfold.inference.decode import Record, decode_record
from hundredfold.inference.predict import predict_records
from hundredfold.model.bundle import CARD, Bundle, load
from hundredfold.model.code import CODE as CODE_FOLDER
from hundredfold.model.code import import_code
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions
from hundredfold.sources.reading import read_as_lines
from hundredfold_cli.models.describe import DescribeRequest, describe
from hundredfold_cli.models.sample import read_sample
from tests.support.kinds.check import CODE, FORMATS, REFUSED, WITH_CODE, WITH_PACKAGES, Kind, differences, fit_here
from tests.support.kinds.run import KINDS

HERE = [kind for kind in KINDS if kind not in WITH_PACKAGES]
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Kind]]:
    yield fit_here(tmp_path_factory.mktemp("kinds"), HERE)
    import_code("", {})


def packaged(kind: Kind) -> Bundle:
    """Describe a kind from its sample, and load it as the function does."""
    code: tuple[str, ...] = ()
    if kind.name in WITH_CODE:
        code = (f"{CODE_FOLDER}{CODE.name}",)
        (kind.folder / CODE_FOLDER).mkdir()
        shutil.copyfile(CODE, kind.folder / code[0])
    sample = read_sample(kind.folder / "sample.csv")
    steps = tuple(file.name for file in kind.files)
    request = DescribeRequest(kind.name, steps, records=sample.records, converts=sample.converts, code=code)
    card = json.loads(describe(kind.folder, request).to_json())
    card["files"] = {name: hashlib.sha256((kind.folder / name).read_bytes()).hexdigest() for name in card["files"]}
    (kind.folder / CARD).write_text(json.dumps(card))
    return load(kind.folder)


def scored(bundle: Bundle, file: Path) -> dict[str, Any]:
    """Score a file as the planner and the function do; return the answers by record id."""
    kind = file.suffix.removeprefix(".")
    signature = bundle.card.signature if kind == "jsonl" else bundle.card.signature.converting()
    with file.open("rb") as content:
        options = ReadOptions(kind=kind, compression=NOT_COMPRESSED)
        lines = b"".join(read_as_lines(content, options, file.name)).splitlines()
    decoded = [decode_record(line, number, signature, max_record_bytes=100_000) for number, line in enumerate(lines)]
    records = [record for record in decoded if isinstance(record, Record)]
    predictions, _ = predict_records(records, bundle.predict)
    return {prediction.record_id: [prediction.label, prediction.score] for prediction in predictions}


@pytest.mark.parametrize("name", [kind for kind in HERE if kind not in REFUSED])
def test_a_kind_is_packaged_from_its_sample_and_answers_as_its_estimator_does(
    fitted: dict[str, Kind], name: str
) -> None:
    kind = fitted[name]
    bundle = packaged(kind)

    assert not bundle.card.sample.get("made_up")
    assert len(pyarrow.parquet.read_table(kind.records("parquet"))) == len(kind.answers) >= 200
    for format_ in FORMATS:
        assert differences(kind, scored(bundle, kind.records(format_))) == []


@pytest.mark.parametrize("name", [kind for kind in HERE if kind in REFUSED])
def test_a_kind_that_cannot_work_is_refused_with_what_to_do(fitted: dict[str, Kind], name: str) -> None:
    with pytest.raises(BundleRefusedError) as refused:
        packaged(fitted[name])

    assert REFUSED[name] in str(refused.value)

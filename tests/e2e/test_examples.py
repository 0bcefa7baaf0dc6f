"""What the pages on the doors and on results tell a reader to type does what they say."""

import json
import re
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from pyarrow.parquet import read_table

from hundredfold_cli.stack.checkout import ROOT
from tests.support.deployed import STREAM, Stack
from tests.support.examples import run_examples


def lines(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


def test_the_page_on_sources(stack: Stack, tmp_path: Path) -> None:
    [told] = run_examples(stack, ROOT / "docs/sources.md", tmp_path)

    rows = told[told.index("record_id,label,score") :].splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["0-1", "positive"], ["1-1", "negative"]]


def test_the_page_on_files(stack: Stack, tmp_path: Path) -> None:
    page = ROOT / "docs/files.md"
    [shown] = re.findall(r'^\{"line": .*\}$', page.read_text(), re.MULTILINE)

    [told] = run_examples(stack, page, tmp_path)

    first, second, rejection = lines(told)
    assert (first["record_id"], first["text"], first["stars"]) == ("o-1", "Arrived late; but works\nwell.", "4")
    assert (second["record_id"], "shop" in second) == ("o-2", False)
    assert {name: rejection[name] for name in json.loads(shown)} == json.loads(shown)


def test_the_page_on_tables(stack: Stack, tmp_path: Path) -> None:
    [told] = run_examples(stack, ROOT / "docs/tables.md", tmp_path)

    rows = {row["record_id"]: row for row in lines(told)}
    assert (rows["4711"]["text"], rows["4711"]["label"]) == ("A wonderful film.", "positive")
    assert "$key" not in told  # which the staged lines have, to write back by
    items = [line.split() for line in told.splitlines() if line.startswith("471")]
    assert sorted(item[:2] for item in items) == [["4711", "positive"], ["4712", "negative"]]


@pytest.mark.usefixtures("kinesis")
def test_the_page_on_streams(stack: Stack, tmp_path: Path) -> None:
    [told] = run_examples(stack, ROOT / "docs/streams.md", tmp_path)

    place, label, score = told.split()
    assert (place.partition("/")[0], label) == (STREAM, "positive")
    assert 0.5 < float(score) < 1


def test_the_page_on_starting(stack: Stack, tmp_path: Path) -> None:
    landed, ended = run_examples(stack, ROOT / "docs/starting.md", tmp_path)

    rows = landed[landed.index("record_id,label,score") :].splitlines()
    assert (len(rows), rows[1].split(",")[0]) == (201, "note-0")
    event = json.loads(ended[ended.rindex('{"version"') :])
    assert (event["source"], event["detail-type"]) == ("hundredfold", "IngestCompleted")
    assert (event["detail"]["records"], event["detail"]["predicted"]) == (1, 1)


def test_the_tutorial(stack: Stack, tmp_path: Path) -> None:
    page = ROOT / "docs/tutorial.md"
    shown = re.search(r"^```text\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)

    fitted, _, scored, unfit, back = run_examples(stack, page, tmp_path)

    # The page shows what the model's training prints, and every prediction is the model's own in one process
    assert shown is not None
    assert fitted == shown[1]
    model, patients = joblib.load(tmp_path / "progression.joblib"), pd.read_csv(tmp_path / "patients.csv")
    expected = dict(zip(patients["id"], model.predict(patients.drop(columns="id")), strict=True))
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert patients["glucose"].isna().sum() > 10
    assert dict(zip(predictions["record_id"], predictions["value"], strict=True)) == pytest.approx(expected, rel=1e-9)
    assert "agrees" in scored
    assert "2" in re.findall(r"predicted +(\d+)", unfit)
    assert lines(unfit)[-1]["record_id"] == "p-3"
    assert "progression" in back


def test_the_page_on_results(stack: Stack, tmp_path: Path) -> None:
    [told] = run_examples(stack, ROOT / "docs/results.md", tmp_path)

    assert '"record_id": "order-4711"' in told
    assert (tmp_path / "orders.csv").read_text().startswith("record_id,label,score,")
    table = read_table(tmp_path / "orders.parquet")
    assert table["stars"].to_pylist() == [4, 1]
    assert table["text"].to_pylist()[0] == "Arrived late, but works well."

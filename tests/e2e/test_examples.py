"""What the pages on starting and on results tell a reader to type does what they say."""

import json
from pathlib import Path

from deployed import Stack
from examples import run_examples
from hundredfold_cli.project import ROOT
from pyarrow.parquet import read_table


def test_the_page_on_starting(stack: Stack, tmp_path: Path) -> None:
    landed, ended = run_examples(stack, ROOT / "docs/starting.md", tmp_path)

    rows = landed[landed.index("record_id,label,score") :].splitlines()
    assert (len(rows), rows[1].split(",")[0]) == (201, "note-0")
    event = json.loads(ended[ended.rindex('{"version"') :])
    assert (event["source"], event["detail-type"]) == ("hundredfold", "IngestCompleted")
    assert (event["detail"]["records"], event["detail"]["predicted"]) == (1, 1)


def test_the_page_on_results(stack: Stack, tmp_path: Path) -> None:
    [told] = run_examples(stack, ROOT / "docs/results.md", tmp_path)

    assert '"record_id": "order-4711"' in told
    assert (tmp_path / "orders.csv").read_text().startswith("record_id,label,score,")
    table = read_table(tmp_path / "orders.parquet")
    assert table["stars"].to_pylist() == [4, 1]
    assert table["text"].to_pylist()[0] == "Arrived late, but works well."

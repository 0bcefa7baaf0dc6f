"""What can be seen of ingests: metrics in CloudWatch, drift, cost, the report, and the dashboards."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hundredfold.runtime.metric_names import ALL, Metric, ShadowMetric, StreamMetric
from hundredfold_cli.estimates.estimate import METRICS
from hundredfold_cli.pages.screenshots import DESKTOP, PHONE, Scheme, browser, find_chromium
from hundredfold_cli.stack.checkout import ENVIRONMENTS
from hundredfold_cli.stack.dashboards import read_dashboards, read_values
from hundredfold_cli.stack.local_metrics import collect
from tests.e2e.test_streams import predictions_of, wait_for
from tests.support.deployed import STREAM, Stack
from tools.workflow.template import Template

DRIFT_THRESHOLD = Template.read().default("AlarmDriftIndex")

OF_NO_INGEST = {Metric.EVENTS_LOST, *StreamMetric, *ShadowMetric}
"""Metrics that an ingest sends only if its event is lost, or never: those of streams and of comparisons."""

AXE = ENVIRONMENTS / "asl/node_modules/axe-core/axe.min.js"

GERMAN = (
    "Der Film war wirklich schlecht und hat mich nicht unterhalten.",
    "Ein wunderbares Werk, das man gesehen haben muss.",
    "Die Schauspieler spielen gut, aber die Handlung bleibt langweilig.",
    "Ich habe selten so gelacht wie in dieser Komödie.",
    "Niemand sollte dafür Geld ausgeben.",
)

MADE_BY_AWS_ONLY = {
    ("AWS/DynamoDB", "WriteThrottleEvents", "predictions"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "ledger"),
    ("AWS/States", "ExecutionThrottled", "ingests"),
    ("AWS/States", "ExecutionsTimedOut", "children"),
    ("AWS/Lambda", "IteratorAge", "infer-batch"),
}
"""Nothing on the local stack throttles, and no child times out in these tests. AWS sends these only where something
does. Of a stream's records the local stack does not say how old they are.

Of Lambda's throttles the local stack sends zeros, for what is invoked by its API: the smoke test of a release.
"""


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 records such as the model was made for, and which it has not seen."""
    file = tmp_path_factory.mktemp("seen") / "held-out.jsonl"
    command = [sys.executable, "-m", "examples.text_model.make_ingest", str(file), "--records", "1000"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return file


@pytest.fixture(scope="module")
def ordinary(stack: Stack, held_out: Path) -> dict[str, Any]:
    """The summary of an ingest of those, salted with a few bad records."""
    lines = held_out.read_bytes().splitlines()
    lines[10:10] = [b"not json"] * 3
    lines[500:500] = [b'{"id": "no-text"}', b"[]", b'{"id": "blank", "text": " "}']
    file = held_out.with_name("ordinary.jsonl")
    file.write_bytes(b"\n".join(lines))
    summary: dict[str, Any] = stack.read("ingest", str(file), "--id", f"seen-{datetime.now(UTC):%H%M%S%f}")
    return summary


def test_an_ordinary_ingest_has_not_drifted_and_one_in_another_language_has(
    stack: Stack, ordinary: dict[str, Any], tmp_path: Path, new_id: Callable[[], str]
) -> None:
    # Given an ordinary ingest
    assert max(ordinary["drift"][name]["index"] for name in ("labels", "scores", "inputs")) < 0.1
    assert ordinary["drift"]["unseen_share"] < 0.02

    # When texts in another language are scored
    file = tmp_path / "german.jsonl"
    lines = (json.dumps({"id": f"de-{n}", "text": f"{GERMAN[n % 5]} {GERMAN[n % 3]}"}) for n in range(500))
    file.write_text("\n".join(lines))
    shifted = stack.read("ingest", str(file), "--id", new_id())

    # Then the metric is over its threshold, and the alarm is raised
    assert shifted["status"] == "COMPLETED"
    assert max(shifted["drift"][name]["index"] for name in ("labels", "scores", "inputs")) > DRIFT_THRESHOLD
    assert shifted["drift"]["unseen_share"] > 10 * ordinary["drift"]["unseen_share"]
    collect(stack.deployment)
    alarms = stack.deployment.cloudwatch.describe_alarms(AlarmNames=["hundredfold-drift"])["MetricAlarms"]
    assert [(alarm["StateValue"], alarm["Threshold"]) for alarm in alarms] == [("ALARM", DRIFT_THRESHOLD)]


def test_every_metric_of_the_dashboards_is_answered_but_for_what_only_aws_makes(
    stack: Stack, ordinary: dict[str, Any], kinesis: Any
) -> None:
    # Given an ingest, and a record of a stream
    assert ordinary["status"] == "COMPLETED"
    kinesis.put_record(StreamName=STREAM, Data=b'{"id": "seen-1", "text": "A fine film."}', PartitionKey="1")
    wait_for(lambda: bool(predictions_of(stack, "seen-1")), "the stream's record was not predicted")
    collect(stack.deployment)

    dashboards = read_dashboards(stack.deployment)
    now = datetime.now(UTC)
    read_values(stack.deployment, dashboards, now - timedelta(hours=1), now, smallest_period=1)

    silent = {
        (query.namespace, query.name, _owner(stack, dict(query.dimensions)))
        for dashboard in dashboards
        for widget in dashboard.widgets
        for query, points in zip(widget.queries, widget.points, strict=True)
        if not points
    }
    assert silent == MADE_BY_AWS_ONLY


def _owner(stack: Stack, dimensions: dict[str, str]) -> str:
    owners = {
        stack.deployment.predictions_table: "predictions",
        stack.deployment.ledger_table: "ledger",
        stack.deployment.state_machine: "ingests",
        f"{stack.deployment.state_machine}/InferBatches": "children",
    }
    [value] = dimensions.values()
    return owners.get(value, value.removeprefix("hundredfold-"))


def test_no_more_metrics_are_emitted_than_are_paid_for(stack: Stack, ordinary: dict[str, Any]) -> None:
    assert ordinary["status"] == "COMPLETED"
    collect(stack.deployment)

    pages = stack.deployment.cloudwatch.get_paginator("list_metrics").paginate(Namespace="Hundredfold")
    found = {
        (metric["MetricName"], tuple(sorted((d["Name"], d["Value"]) for d in metric["Dimensions"])))
        for page in pages
        for metric in page["Metrics"]
        if metric["MetricName"] not in OF_NO_INGEST
    }

    functions = {value for _, dimensions in found for name, value in dimensions if name == "function_name"}
    assert functions == {f"hundredfold-{name}" for name in ("plan-ingest", "infer-batch", "summarize-ingest")}
    assert {name for name, _ in found} == ALL - OF_NO_INGEST
    assert len(found) == METRICS == 40
    assert {name for name, dimensions in found if len(dimensions) != 1} == {"ColdStart"}


def test_collecting_twice_counts_nothing_twice(stack: Stack, ordinary: dict[str, Any]) -> None:
    assert ordinary["status"] == "COMPLETED"
    collect(stack.deployment)

    assert collect(stack.deployment) == 0


def test_every_log_line_names_its_ingest_and_execution_and_no_line_quotes_a_record(
    stack: Stack, ordinary: dict[str, Any], held_out: Path
) -> None:
    texts = [json.loads(line)["text"] for line in held_out.read_text().splitlines()[:200]]
    execution = stack.deployment.execution(ordinary["ingest_id"])
    batches = set()
    for function in ("infer-batch", "plan-ingest", "summarize-ingest"):
        pages = stack.deployment.logs.get_paginator("filter_log_events").paginate(
            logGroupName=stack.deployment.log_group(function)
        )
        messages = [event["message"] for page in pages for event in page["events"]]
        lines = [json.loads(message) for message in messages if message.startswith('{"level"')]
        assert all("ingest_id" in line or "stream" in line for line in lines)
        ours = [line for line in lines if line.get("ingest_id") == ordinary["ingest_id"]]
        assert ours, function
        assert {line["execution"] for line in ours} == {execution}
        batches |= {line["batch"] for line in ours if "batch" in line}
        assert not [text for text in texts if any(text in message for message in messages)]
    assert batches == set(range(ordinary["batches"]))


def test_the_cost_is_what_was_used_times_the_prices(stack: Stack, ordinary: dict[str, Any]) -> None:
    cost = stack.read("cost", ordinary["ingest_id"], "--estimate")

    quantities = {(line["price"], line["what"]): line["quantity"] for line in cost["lines"]}
    assert quantities["dynamodb_writes", "predictions"] == 1_000
    assert quantities["dynamodb_writes", "ledger"] == 13  # 11 batches, and the ingest's own item twice
    assert quantities["standard_transitions", "starts of child executions"] == 1  # one group
    assert quantities["lambda_requests", "invocations"] == 13
    assert quantities["s3_puts", "manifest, card, results, rejections"] == 4 + 2  # two batches had bad records
    assert cost["usd"] == pytest.approx(sum(line["usd"] for line in cost["lines"]))
    assert {line["what"] for line in cost["estimate"]["lines"]} >= {"predictions", "inference"}
    # The summary's own figure is by the ledger alone, and differs by what Lambda and the logs add to it.
    assert stack.read("cost", ordinary["ingest_id"], "--ledger")["usd"] == pytest.approx(ordinary["usd"], abs=1e-6)


def test_a_report_tells_all_of_it(stack: Stack, ordinary: dict[str, Any]) -> None:
    report = stack.read("report", ordinary["ingest_id"])

    assert report["summary"] == ordinary
    assert [batch["batch"] for batch in report["batches"]] == list(range(11))
    assert sum(batch["predicted"] for batch in report["batches"]) == 1_000
    assert all(batch["environment"] and batch["started_at"] > 0 for batch in report["batches"])
    assert sum(batch["write_units"] for batch in report["batches"]) == 1_000
    assert [step["step"] for step in report["steps"]] == ["read", "decode", "predict", "sketch", "write"]
    assert [(r["line"], r["reason"]) for r in report["rejections"]] == [
        (11, "not_json"), (12, "not_json"), (13, "not_json"),
        (501, "missing_field"), (502, "not_an_object"), (503, "empty_text"),
    ]  # fmt: skip
    assert sum(report["drift"]["ingest"]["labels"]) == 1_000
    assert report["model"]["name"] == "movie-review-sentiment"
    assert report["failures"] == []


def test_a_report_of_an_ingest_that_was_never_planned_has_what_there_is(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    stack.deployment.step_functions.start_execution(
        stateMachineArn=stack.deployment.state_machine, name=ingest_id, input='{"source": "nowhere"}'
    )
    assert stack.command("watch", ingest_id).returncode == 1

    told = stack.command("report", ingest_id, "-o", str(tmp_path / "r.html"))

    assert told.returncode == 0, told.stderr
    assert "Why it failed" in (tmp_path / "r.html").read_text()
    assert stack.command("cost", ingest_id).returncode == 2


def test_an_estimate_needs_no_stack() -> None:
    command = [str(Path(sys.executable).with_name("hundredfold")), "estimate", "--records", "50000"]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, timeout=60).stdout
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    estimate = json.loads(told)
    assert [row["batch_size"] for row in estimate["batch_sizes"]] == [1, 10, 100, 1_000]
    assert estimate["optimum"]["limits_broken"] == []
    assert re.search(r"DynamoDB is \d+% of it", shown)


# ---------------------------------------------------------------- the pages, in a browser


@pytest.fixture(scope="module")
def pages(stack: Stack, ordinary: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {name: folder / f"{name}.html" for name in ("report", "dashboards")}
    for arguments in (
        ("report", ordinary["ingest_id"], "-o", str(found["report"])),
        ("dashboard", "-o", str(found["dashboards"])),
    ):
        told = stack.command(*arguments)
        assert told.returncode == 0, told.stderr
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine, so the pages are not opened; on Debian: apt-get install chromium")
    with browser() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(("name", "charts"), [("report", 8), ("dashboards", 18)])
def test_a_page_opens_without_network_errors_or_overflow(
    pages: dict[str, Path], chromium: Any, name: str, charts: int, size: tuple[int, int], scheme: Scheme
) -> None:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, offline=True)
    tab = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))

    tab.goto(pages[name].as_uri())

    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    drawn = tab.evaluate(_INK)
    assert len(drawn) >= charts
    assert [title for title, ink in drawn if ink < 200] == []
    # Accessibility, by the rules of axe-core. Evaluated, it is no script of the page, whose policy would refuse it.
    tab.evaluate(AXE.read_text())
    assert tab.evaluate(_VIOLATIONS) == []
    context.close()


_VIOLATIONS = """
async () => (await axe.run()).violations.map(
  (violation) => [violation.id, violation.nodes.length, violation.nodes[0].html.slice(0, 200)])
"""


_INK = """
() => [...document.querySelectorAll(".chart")].map((place) => {
  const canvas = place.querySelector("canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let coloured = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const [r, g, b, a] = pixels.subarray(i, i + 4);
    if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured += 1;
  }
  return [place.parentElement.innerText.split("\\n")[0], coloured];
})
"""
"""How many pixels of each chart have a colour, which axes and labels do not: bars and lines are there."""

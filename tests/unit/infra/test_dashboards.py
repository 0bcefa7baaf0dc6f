"""The dashboards: their bodies are the data files, and every metric and placeholder in them exists."""

import json
import re
from typing import Any

import pytest

from hundredfold.runtime.metric_names import ALL, COLD_START, NAMESPACE, SERVICE
from hundredfold_cli.pages.dashboards import PLAIN
from hundredfold_cli.stack import dashboards
from hundredfold_cli.stack.dashboards import read_widget
from tests.unit.infra.aws_metrics import AWS_METRICS
from tools.dashboards import embed
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import all_states
from tools.workflow.template import TEMPLATE, Template

WIDEST_LINE = 120


def body(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((embed.FOLDER / f"{name}.json").read_text())
    return read


def test_every_data_file_is_deployed_and_read_back() -> None:
    assert {file.stem for file in embed.FOLDER.glob("*.json")} == set(embed.NAMES)
    assert embed.NAMES == dashboards.NAMES


def test_the_template_has_the_bodies_of_the_data_files() -> None:
    text = TEMPLATE.read_text()

    assert embed.embed(text) == text, "run make dashboards"


@pytest.mark.parametrize("name", embed.NAMES)
def test_what_is_deployed_is_the_data_file_with_its_placeholders_filled_in(name: str, template: Template) -> None:
    deployed = template.properties(f"{name.capitalize()}Dashboard")["DashboardBody"]["Fn::Sub"]

    # A threshold is a number there, which CloudWatch wants; the file is JSON, and has its placeholder as text.
    filled_in = json.loads(re.sub(r"\$\{Alarm\w+\}", "0.25", deployed))
    assert filled_in == json.loads(re.sub(r'"\$\{Alarm\w+\}"', "0.25", json.dumps(body(name))))


def test_a_template_without_a_marker_is_refused() -> None:
    text = TEMPLATE.read_text().replace("# end engineer.json", "# end")

    with pytest.raises(ValueError, match=r"template\.yaml has no markers for engineer\.json"):
        embed.embed(text)


def test_lines_of_the_template_and_of_the_bodies_fit_a_screen() -> None:
    for file in (TEMPLATE, *embed.FOLDER.glob("*.json")):
        wide = [number for number, line in enumerate(file.read_text().splitlines(), 1) if len(line) > WIDEST_LINE]
        assert wide == [], file.name


@pytest.mark.parametrize("name", embed.NAMES)
def test_every_placeholder_names_something_of_the_template(name: str, template: Template) -> None:
    placeholders = set(re.findall(r"\$\{([^}]+)\}", json.dumps(body(name))))

    assert placeholders <= {"AWS::Region", "AWS::StackName", *template.resources, *template.parameters}


@pytest.mark.parametrize("name", embed.NAMES)
def test_every_metric_is_ours_or_one_that_aws_has(name: str) -> None:
    for widget in body(name)["widgets"]:
        for query in read_widget(widget).queries:
            dimensions = dict(query.dimensions)
            if query.namespace == NAMESPACE:
                assert query.name in ALL
                assert dimensions.pop(SERVICE) == "${AWS::StackName}"
                assert set(dimensions) == ({"function_name"} if query.name == COLD_START else set())
            else:
                keys, known = AWS_METRICS[query.namespace]
                assert query.name in known
                assert set(dimensions) == keys


@pytest.mark.parametrize("name", embed.NAMES)
def test_every_function_map_and_table_in_a_widget_is_deployed(name: str, template: Template) -> None:
    functions = {
        function["FunctionName"]["Fn::Sub"] for function in template.of_type("AWS::Serverless::Function").values()
    }
    maps = {f"${{BatchInference}}/{state.name}" for state in all_states(render(EXAMPLE)) if state.type == "Map"}
    tables = {f"${{{table}}}" for table in template.of_type("AWS::DynamoDB::Table")}
    deployed = {
        "FunctionName": functions,
        "function_name": functions,
        "StateMachineArn": {"${BatchInference}", *maps},
        "TableName": tables,
        SERVICE: {"${AWS::StackName}"},
    }

    for widget in body(name)["widgets"]:
        for query in read_widget(widget).queries:
            for dimension, value in query.dimensions:
                assert value in deployed[dimension], widget["properties"]["title"]


@pytest.mark.parametrize("name", embed.NAMES)
def test_widgets_do_not_overlap_and_stay_on_the_grid(name: str) -> None:
    occupied: set[tuple[int, int]] = set()
    for widget in body(name)["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & occupied, widget["properties"]["title"]
        occupied |= cells


MEANINGS = {
    "#2ca02c": {"completed", "succeeded", "predicted", "done"},
    "#ff7f0e": {"rejected"},
    "#d62728": {"failed", "errors", "to come again"},
}


@pytest.mark.parametrize("name", embed.NAMES)
def test_a_colour_has_one_meaning_on_every_dashboard(name: str) -> None:
    for widget in body(name)["widgets"]:
        read = read_widget(widget)
        if read.view == "singleValue":
            continue
        colours = [query.colour for query in read.queries]
        assert len(set(colours)) == len(colours), read.title
        for query in read.queries:
            meaning = MEANINGS.get(query.colour)
            assert query.label in meaning if meaning else query.colour in PLAIN, f"{read.title}: {query.label}"


def test_widgets_of_streams_are_deployed_with_a_stream_only(template: Template) -> None:
    assert template.resources["StreamDashboard"]["Condition"] == "HasStream"
    for name in set(embed.NAMES) - dashboards.OF_STREAMS:
        assert "Stream" not in json.dumps(body(name))

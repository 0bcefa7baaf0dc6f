"""Walking a definition with samples: paths, intrinsic functions, choices, and how large data gets."""

from typing import Any

import pytest

from tools.workflow.dataflow import PathError, Samples, resolve, size, walk

CONTEXT = {"Execution": {"Name": "i-1", "Input": {"batches": [7, 8]}}}
DATA = {"a": {"b": [10, {"c": None}]}, "odd name": 1, "text": "x", "n": 2}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DATA),
        ("$.a.b[0]", 10),
        ("$.a.b[1].c", None),
        ("$['odd name']", 1),
        ("$$.Execution.Name", "i-1"),
        ("$$.Execution.Input.batches[1]", 8),
        ("States.Format('{}#{}', $$.Execution.Name, $.n)", "i-1#2"),
        ("States.Format('a, b: {}', $.a.b)", 'a, b: [10, {"c": null}]'),
        ("States.ArrayContains($.a.b, 10)", True),
        ("States.ArrayContains($.a.b, 'x')", False),
        ("States.ArrayLength($.a.b)", 2),
        ("States.MathAdd($.n, -1)", 1),
        ("States.StringToJson(States.Format('{}', $.n))", 2),
        (None, {}),
    ],
)
def test_a_path_leads_to(path: str | None, found: Any) -> None:
    assert resolve(path, DATA, CONTEXT) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.a.x", "leads nowhere"),
        ("$.a.b[2]", "leads nowhere"),
        ("$.text.length", "leads nowhere"),
        ("$$.Task.Token", "leads nowhere"),
        ("a.b", "not a path"),
        ("$.a..b", "not a path"),
        ("States.Format('{} {}', $.n)", "1 values for"),
        ("States.UUID()", "not known here"),
    ],
)
def test_a_path_that_leads_nowhere_says_so(path: str, said: str) -> None:
    with pytest.raises(PathError, match=said):
        resolve(path, DATA, CONTEXT)


def walked(states: dict[str, Any], given: Any, **results: list[Any]) -> tuple[list[str], dict[str, Any]]:
    """Walk states from A; return the problems, and the last output of each state."""
    samples = Samples([given], results, {"M": [1]}, {"Error": "E", "Cause": "c"}, CONTEXT)
    found = walk({"StartAt": "A", "States": states}, samples)
    return found.problems, {visit.state.name: visit.outputs for visit in found.visits}


def test_data_is_selected_placed_and_cut_as_the_language_says() -> None:
    states = {
        "A": {
            "Type": "Task",
            "InputPath": "$.in",
            "Parameters": {"fixed": 1, "given.$": "$.v"},
            "ResultSelector": {"r.$": "$.answer", "name.$": "$$.State.Name"},
            "ResultPath": "$.kept.here",
            "OutputPath": "$.kept",
            "Next": "B",
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "B"}],
        },
        "B": {"Type": "Succeed"},
    }

    problems, outputs = walked(states, {"in": {"v": 5}}, A=[{"answer": 42, "rest": 0}])

    assert problems == []
    assert outputs["A"] == ({"here": {"r": 42, "name": "A"}}, {"in": {"v": 5}, "failure": {"Error": "E", "Cause": "c"}})


def test_a_choice_goes_where_its_first_rule_that_holds_leads() -> None:
    def goes(rule: dict[str, Any], given: Any) -> set[str]:
        states = {
            "A": {"Type": "Choice", "Choices": [{**rule, "Next": "yes"}], "Default": "no"},
            "yes": {"Type": "Succeed"},
            "no": {"Type": "Succeed"},
        }
        problems, outputs = walked(states, given)
        assert problems == []
        return outputs.keys() - {"A"}

    assert goes({"Variable": "$.n", "NumericGreaterThan": 0}, {"n": 1}) == {"yes"}
    assert goes({"Variable": "$.n", "NumericGreaterThan": 0}, {"n": 0}) == {"no"}
    assert goes({"Variable": "$.n", "IsPresent": True}, {}) == {"no"}
    assert goes({"Variable": "$.n", "IsPresent": False}, {}) == {"yes"}
    assert goes({"Not": {"Variable": "$.s", "StringEquals": "x"}}, {"s": "y"}) == {"yes"}
    both = [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericLessThan": 5}]
    assert goes({"And": both}, {}) == {"no"}
    assert goes({"And": both}, {"n": 4}) == {"yes"}
    assert goes({"Or": both}, {"n": 9}) == {"yes"}
    assert goes({"Variable": "$.s", "StringMatches": "a*"}, {"s": "abc"}) == {"yes", "no"}, "not known here: both ways"


def test_a_child_sees_its_item_and_the_maps_input() -> None:
    states = {
        "A": {"Type": "Pass", "Next": "M"},
        "M": {
            "Type": "Map",
            "ItemsPath": "$.batches",
            "ItemSelector": {"id.$": "$.id", "item.$": "$$.Map.Item.Value"},
            "ItemProcessor": {"StartAt": "C", "States": {"C": {"Type": "Pass", "End": True}}},
            "ResultPath": None,
            "End": True,
        },
    }

    problems, outputs = walked(states, {"id": "i-1", "batches": []}, M=[[]])

    assert problems == []
    assert outputs["C"] == ({"id": "i-1", "item": 1},)
    assert outputs["M"] == ({"id": "i-1", "batches": []},)


def test_an_inline_map_has_the_items_of_its_path_and_returns_what_its_iterations_end_with() -> None:
    states = {
        "A": {"Type": "Pass", "Next": "Inline"},
        "Inline": {
            "Type": "Map",
            "ItemsPath": "$.batches",
            "ItemProcessor": {
                "StartAt": "C",
                "States": {
                    "C": {
                        "Type": "Task",
                        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}],
                        "Next": "Good",
                    },
                    "Good": {"Type": "Pass", "Result": "good", "End": True},
                    "Bad": {"Type": "Pass", "Result": "bad", "End": True},
                },
            },
            "ResultSelector": {"ends.$": "$", "any.$": "States.ArrayContains($, 'good')"},
            "End": True,
        },
    }

    problems, outputs = walked(states, {"batches": [1, 2, 3]}, C=[{}])

    assert problems == []
    assert sorted(outputs["Inline"], key=str) == [
        {"ends": ["bad", "bad", "bad"], "any": False},
        {"ends": ["bad", "good", "bad"], "any": True},
        {"ends": ["good", "good", "good"], "any": True},
    ]


def test_what_is_largest_on_the_way_counts_also_when_it_is_thrown_away() -> None:
    states = {"A": {"Type": "Task", "ResultSelector": {"n.$": "$.n"}, "End": True}}
    samples = Samples([{}], {"A": [{"n": 1, "text": "x" * 1_000}]}, {}, {}, CONTEXT)

    assert walk({"StartAt": "A", "States": states}, samples).largest() == {"A": 7 + 7 + 1_002 + 1}


def test_size_is_that_of_utf_8() -> None:
    assert size({"a": "ü"}) == len(b'{"a":"\xc3\xbc"}')

"""The template with its conditions decided: what is left refers to nothing that is gone."""

from itertools import combinations, product
from typing import Any

import pytest

from tools.template.conditions import condition_names, dangling, decided, pairwise_choices, references
from tools.template.decide import EXAMPLES, decided_templates
from tools.workflow.template import TEMPLATE, parse_long_forms

PARSED = parse_long_forms(TEMPLATE.read_text())
NAMES = condition_names(PARSED)
CHOICES = pairwise_choices(NAMES)

SMALL: dict[str, Any] = {
    "Parameters": {"Name": {"Default": ""}},
    "Conditions": {
        "Named": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]},
        "Both": {"Fn::And": [{"Condition": "Named"}, {"Condition": "Named"}]},
    },
    "Resources": {
        "Queue": {"Type": "Q", "Condition": "Named", "Properties": {"Name": {"Ref": "Name"}}},
        "Alarm": {
            "Type": "A",
            "Properties": {
                "Of": {"Fn::If": ["Both", {"Fn::GetAtt": "Queue.Name"}, {"Ref": "AWS::NoValue"}]},
                "Tags": [{"Fn::If": ["Named", "yes", {"Ref": "AWS::NoValue"}]}, "always"],
            },
        },
    },
    "Outputs": {"Url": {"Condition": "Named", "Value": {"Ref": "Queue"}}},
}


def test_a_decided_template_has_what_is_chosen_and_nothing_of_what_is_not() -> None:
    held, not_held = decided(SMALL, {"Named": True}), decided(SMALL, {"Named": False})

    assert held["Resources"] == {
        "Queue": {"Type": "Q", "Properties": {"Name": {"Ref": "Name"}}},
        "Alarm": {"Type": "A", "Properties": {"Of": {"Fn::GetAtt": "Queue.Name"}, "Tags": ["yes", "always"]}},
    }
    assert not_held["Resources"] == {"Alarm": {"Type": "A", "Properties": {"Tags": ["always"]}}}
    assert (list(held["Outputs"]), list(not_held["Outputs"])) == (["Url"], [])
    assert "Conditions" not in held


def test_a_reference_to_what_is_not_created_is_found() -> None:
    wrong = {**SMALL, "Outputs": {"Url": {"Value": {"Fn::Sub": "https://${Queue.Host}/${!Literal}/${Name}"}}}}

    assert list(dangling(decided(wrong, {"Named": True}))) == []
    assert list(dangling(decided(wrong, {"Named": False}))) == ["Queue"]


def test_all_ways_to_refer_to_something_are_known() -> None:
    value = [
        {"Ref": "A"}, {"Fn::GetAtt": "B.Arn"}, {"Fn::Sub": "${C}-${D.Arn}"}, {"DependsOn": ["E", "F"]},
        {"DependsOn": "G"}, {"Fn::Sub": ["${H}${I}", {"I": {"Ref": "J"}}]},
    ]  # fmt: skip

    assert sorted(references(value)) == ["A", "B", "C", "D", "E", "F", "G", "H", "J"]


def test_each_two_conditions_take_all_four_combinations() -> None:
    assert CHOICES[0] == dict.fromkeys(NAMES, True)
    assert CHOICES[1] == dict.fromkeys(NAMES, False)
    for first, second in combinations(NAMES, 2):
        taken = {(choice[first], choice[second]) for choice in CHOICES}
        assert taken == set(product((True, False), repeat=2)), (first, second)
    assert len(CHOICES) < 15


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "".join("01"[holds] for holds in choice.values()))
def test_nothing_of_the_template_refers_to_what_is_not_created(choice: dict[str, bool]) -> None:
    assert set(dangling(decided(PARSED, choice))) == set()


def test_each_condition_has_parameters_with_which_it_holds() -> None:
    assert set(EXAMPLES) == set(NAMES)
    assert {name for values in EXAMPLES.values() for name in values} <= set(PARSED["Parameters"])
    assert len(decided_templates()) == len(CHOICES)

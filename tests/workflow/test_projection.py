"""The projection changes what an interpreter without Distributed Map cannot run, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.workflow.definition import EXAMPLE, render
from tools.workflow.projection import project

DEFINITION = render(EXAMPLE)


@pytest.mark.parametrize(
    ("name", "items", "also_gone"),
    [("PlanPartitions", "partitions", set()), ("InferBatches", "groups", {"ToleratedFailureCount"})],
)
def test_a_map_becomes_an_inline_one_over_items_of_the_input(name: str, items: str, also_gone: set[str]) -> None:
    before, after = DEFINITION["States"][name], project(DEFINITION)["States"][name]

    assert before.keys() - after.keys() == {"ItemReader", "ResultWriter", "Label"} | also_gone
    assert after.keys() - before.keys() == {"ItemsPath"}
    assert after["ItemsPath"] == f"$$.Execution.Input.{items}"
    assert after["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}


def test_all_else_is_carried_over_unchanged() -> None:
    kept = json.dumps(DEFINITION)
    after = project(DEFINITION)

    before_map, after_map = DEFINITION["States"]["InferBatches"], after["States"]["InferBatches"]
    assert {name: value for name, value in after.items() if name != "States"} == {
        name: value for name, value in DEFINITION.items() if name != "States"
    }
    for name, state in DEFINITION["States"].items():
        if state["Type"] != "Map":
            assert after["States"][name] == state
    for field in ("Type", "Comment", "ItemSelector", "MaxConcurrency", "ResultPath", "Catch", "Next"):
        assert after_map[field] == before_map[field]
    for field in ("StartAt", "States"):
        assert after_map["ItemProcessor"][field] == before_map["ItemProcessor"][field]
    assert list(after["States"]) == list(DEFINITION["States"])
    assert json.dumps(DEFINITION) == kept, "what was given is not changed"


def test_older_names_where_asked() -> None:
    newer, older = (
        project(DEFINITION)["States"]["InferBatches"],
        project(DEFINITION, older_names=True)["States"]["InferBatches"],
    )

    assert older["Parameters"] == newer["ItemSelector"]
    assert older["Iterator"].keys() == newer["ItemProcessor"].keys() - {"ProcessorConfig"}
    assert {name: value for name, value in older.items() if name not in ("Parameters", "Iterator")} == {
        name: value for name, value in newer.items() if name not in ("ItemSelector", "ItemProcessor")
    }


def test_an_inline_map_inside_stays_as_it_is() -> None:
    before = DEFINITION["States"]["InferBatches"]["ItemProcessor"]["States"]["InferGroup"]
    after = project(DEFINITION)["States"]["InferBatches"]["ItemProcessor"]["States"]["InferGroup"]
    older = project(DEFINITION, older_names=True)["States"]["InferBatches"]["Iterator"]["States"]["InferGroup"]

    assert after == before
    assert older["Parameters"] == before["ItemSelector"]
    assert older["Iterator"]["States"] == before["ItemProcessor"]["States"]
    assert (older["ItemsPath"], older["ResultSelector"]) == (before["ItemsPath"], before["ResultSelector"])


def test_an_older_name_that_is_taken_is_refused() -> None:
    definition = {"StartAt": "M", "States": {"M": {**inline_map({}), "Parameters": {"a": 1}, "ItemSelector": {"b": 2}}}}

    with pytest.raises(ValueError, match=r"M has \['Parameters'\] already"):
        project(definition, older_names=True)


def inline_map(states: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": {"StartAt": "A", "States": states}, "End": True}


states = st.recursive(
    st.dictionaries(
        st.sampled_from("ABCD"),
        st.fixed_dictionaries({"Type": st.sampled_from(["Pass", "Task", "Wait"]), "x": st.integers()}),
    ),
    lambda inner: st.dictionaries(st.sampled_from("EFGH"), inner.map(inline_map), min_size=1),
    max_leaves=8,
)


@given(states)
def test_a_definition_without_distributed_map_keeps_its_meaning(states: dict[str, Any]) -> None:
    definition = {"StartAt": "A", "States": states}

    assert without_inline_mode(project(definition)) == definition


def without_inline_mode(value: Any) -> Any:
    """Take out ProcessorConfig INLINE, which says nothing: it is what a Map is without it."""
    if not isinstance(value, dict):
        return value
    return {
        name: without_inline_mode(inner)
        for name, inner in value.items()
        if (name, inner) != ("ProcessorConfig", {"Mode": "INLINE"})
    }

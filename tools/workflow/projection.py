"""The definition for interpreters that know no Distributed Map, or only the names from before there was one.

AWS's own Step Functions Local is one of them: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local.html
(read 2026-11-24).
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from tools.workflow.definition import EXAMPLE, render

ITEMS = {"PlanPartitions": "$$.Execution.Input.partitions", "InferBatches": "$$.Execution.Input.groups"}
"""Where each projected Map finds its items: the entries of the object that it reads, given in the execution's input."""

ONLY_DISTRIBUTED = frozenset(
    {
        "ItemBatcher",
        "ItemReader",
        "Label",
        "ResultWriter",
        "ToleratedFailureCount",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentage",
        "ToleratedFailurePercentagePath",
    }
)
"""Fields that only a Distributed Map may have."""

OLDER_NAMES = {"ItemProcessor": "Iterator", "ItemSelector": "Parameters"}
"""What these fields were called before Distributed Map."""


def project(
    definition: Mapping[str, Any], *, items: Mapping[str, str] = ITEMS, older_names: bool = False
) -> dict[str, Any]:
    """Return the definition with every Distributed Map turned into an inline one; all else stays as it is.

    An inline Map has no tolerance: the first child that fails ends it, and its Catch takes the child's own error.
    The definition that is given is not changed.

    Parameters
    ----------
    definition : as `definition.render` returns it
    items : for each Map, path of the array that it goes through, in place of the object that its ItemReader reads
    older_names : whether to write `Iterator` and `Parameters` for `ItemProcessor` and `ItemSelector`

    Raises
    ------
    ValueError
        If a Map already has a field that is to be written in its older name, with another meaning.
    """
    return {**definition, "States": _states(definition["States"], items, older_names)}


def _states(states: Mapping[str, Any], items: Mapping[str, str], older_names: bool) -> dict[str, Any]:
    return {
        name: _map(name, state, items, older_names) if state["Type"] == "Map" else state
        for name, state in states.items()
    }


def _map(name: str, state: Mapping[str, Any], items: Mapping[str, str], older_names: bool) -> dict[str, Any]:
    processor = state["ItemProcessor"]
    distributed = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
    inner: dict[str, Any] = {field: value for field, value in processor.items() if field != "ProcessorConfig"}
    inner["States"] = _states(processor["States"], items, older_names)
    if not older_names:
        inner = {"ProcessorConfig": {"Mode": "INLINE"}, **inner}
    projected = {field: value for field, value in state.items() if not (distributed and field in ONLY_DISTRIBUTED)}
    projected["ItemProcessor"] = inner
    if distributed:
        projected["ItemsPath"] = items[name]
    if not older_names:
        return projected
    if clash := OLDER_NAMES.values() & projected.keys():
        raise ValueError(f"{name} has {sorted(clash)} already, so its newer fields cannot take these older names")
    return {OLDER_NAMES.get(field, field): value for field, value in projected.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the projected definition with example substitutions.")
    parser.add_argument("--older-names", action="store_true", help="Iterator and Parameters, for old interpreters")
    arguments = parser.parse_args()
    json.dump(project(render(EXAMPLE), older_names=arguments.older_names), sys.stdout, indent=2)


if __name__ == "__main__":
    main()

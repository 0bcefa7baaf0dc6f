"""Reads single settings of the template."""

import re
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "infra/template.yaml"


def setting(logical_id: str, name: str) -> int:
    """Return the number that a resource's property or a parameter's default has in the template."""
    block = re.search(rf"^  {logical_id}:\n((?:    .*\n|\n)*)", TEMPLATE.read_text(), re.MULTILINE)
    assert block, logical_id
    value = re.search(rf"^ +{name}: \"?(\d+)", block[1], re.MULTILINE)
    assert value, f"{logical_id} {name}"
    return int(value[1])

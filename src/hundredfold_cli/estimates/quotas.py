"""AWS's quotas and the template's limits: dated data, never numbers in code."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def quotas() -> Mapping[str, float]:
    """Read the limits that an ingest has to stay under, by name."""
    data = json.loads(files("hundredfold_cli.estimates").joinpath("quotas.json").read_bytes())
    return {name: quota["value"] for name, quota in data["quotas"].items()}

"""The state machine's definition, with its placeholders filled in as CloudFormation does it.

`batch_inference.asl.json` is JSON only once `${...}` are replaced: CloudFormation's substitutions are text, and two of
them stand where Step Functions wants a number.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).with_name("batch_inference.asl.json")

EXAMPLE = {
    "PlanIngestFunction": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-plan-ingest",
    "SummarizeIngestFunction": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-summarize-ingest",
    "LedgerTable": "hundredfold-ledger",
    "MaxConcurrency": "8",
    "ToleratedFailurePercentage": "0.0",
    "ChildExecutionType": "EXPRESS",
}
"""Substitutions for checks that need no deployment; numbers are the template's defaults."""

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def placeholders() -> set[str]:
    """Return the names of all placeholders of the definition."""
    return set(_PLACEHOLDER.findall(DEFINITION.read_text()))


def render(substitutions: Mapping[str, str]) -> dict[str, Any]:
    """Return the definition with every placeholder replaced; raises KeyError for one that has no substitution."""
    text = _PLACEHOLDER.sub(lambda match: substitutions[match[1]], DEFINITION.read_text())
    definition: dict[str, Any] = json.loads(text)
    return definition


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the definition with example substitutions, for validators.")
    parser.parse_args()
    json.dump(render(EXAMPLE), sys.stdout, indent=2)


if __name__ == "__main__":
    main()

"""The state machine's definition, with its placeholders filled in as CloudFormation does it.

`batch_inference.asl.json` is JSON only once `${...}` are replaced: CloudFormation's substitutions are text, and some of
them stand where Step Functions wants a number.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).resolve().parents[2] / "workflows/batch_inference.asl.json"

EXAMPLE = {
    "Partition": "aws",
    "PlanIngestFunction": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-plan-ingest",
    "SummarizeIngestFunction": "arn:aws:lambda:us-east-1:000000000000:function:hundredfold-summarize-ingest",
    "LedgerTable": "hundredfold-ledger",
    "GroupsAtOnce": "1",
    "GroupBatchesAtOnce": "40",
    "PartitionsAtOnce": "8",
    "ToleratedFailureCount": "3",
    "ChildExecutionType": "EXPRESS",
}
"""Substitutions for checks that need no deployment; numbers are the template's defaults."""

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def placeholders(text: str | None = None) -> set[str]:
    """Return the names of all placeholders of the definition, or of another text of it."""
    return set(_PLACEHOLDER.findall(DEFINITION.read_text() if text is None else text))


def render(substitutions: Mapping[str, str], text: str | None = None) -> dict[str, Any]:
    """Return the definition, or another text of it, with every placeholder replaced.

    Raises
    ------
    KeyError
        For a placeholder that has no substitution.
    ValueError
        If the text is not JSON after that.
    """
    text = DEFINITION.read_text() if text is None else text
    definition: dict[str, Any] = json.loads(_PLACEHOLDER.sub(lambda match: substitutions[match[1]], text))
    return definition


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the definition with example substitutions, for validators.")
    parser.parse_args()
    json.dump(render(EXAMPLE), sys.stdout, indent=2)


if __name__ == "__main__":
    main()

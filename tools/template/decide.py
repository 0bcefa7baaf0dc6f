"""`python -m tools.template.decide FOLDER` writes the template as CloudFormation creates it, for choices of conditions.

Each two conditions take all four combinations of their values. cfn-lint then reads each: a property or a reference that
is wrong only when a condition does or does not hold is wrong in one of them.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.template.conditions import condition_names, decided, pairwise_choices
from tools.workflow.template import TEMPLATE, parse_long_forms

_ACCOUNT = "123456789012"
EXAMPLES: Mapping[str, Mapping[str, str | int]] = {
    "Traced": {"Tracing": "Active"},
    "HasSourceObjects": {"SourceObjectArns": "arn:aws:s3:::others,arn:aws:s3:::others/daily/*"},
    "HasSourceTables": {"SourceTableArns": f"arn:aws:dynamodb:us-east-1:{_ACCOUNT}:table/reviews"},
    "HasDecryptKeys": {"DecryptKeyArns": f"arn:aws:kms:us-east-1:{_ACCOUNT}:key/11111111-2222-3333-4444-555555555555"},
    "HasEncryptionKey": {
        "EncryptionKeyArn": f"arn:aws:kms:us-east-1:{_ACCOUNT}:key/66666666-7777-8888-9999-000000000000"
    },
    "StartsOnArrival": {"StartOnArrival": "yes"},
    "StartsOnSchedule": {"ScheduleExpression": "rate(1 day)", "ScheduleSource": "s3://others/daily/"},
    "HasStream": {"StreamArn": f"arn:aws:kinesis:us-east-1:{_ACCOUNT}:stream/reviews"},
    "WarmedUp": {"WarmWritesPerSecond": 24_000},
    "HasAlarmEmail": {"AlarmEmail": "alarms@example.com"},
}
"""The parameters with which each condition holds. With their defaults, none does."""


def decided_templates() -> list[dict[str, Any]]:
    """Return the template for each choice, with the choice's parameters as defaults, and paths from the root."""
    parsed = parse_long_forms(TEMPLATE.read_text())
    return [with_parameters(decided(parsed, choice), choice) for choice in pairwise_choices(condition_names(parsed))]


def with_parameters(template: dict[str, Any], choice: Mapping[str, bool]) -> dict[str, Any]:
    values = {
        name: value for condition, holds in choice.items() if holds for name, value in EXAMPLES[condition].items()
    }
    parameters = {
        name: {**parameter, "Default": values.get(name, parameter["Default"])}
        for name, parameter in template["Parameters"].items()
    }
    # A parameter that only a condition reads is read by nothing once that is decided.
    return {**template, "Parameters": parameters, "Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W2001"]}}}}


def write(folder: Path) -> list[Path]:
    """Write each template into `folder`, which is emptied before, and return the files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = []
    for number, template in enumerate(decided_templates()):
        file = folder / f"{number:02}.json"
        file.write_text(json.dumps(template, indent=1))
        files.append(file)
    return files


if __name__ == "__main__":
    write(Path(sys.argv[1]))
